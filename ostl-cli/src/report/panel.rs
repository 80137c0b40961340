//! A panel of what happens over time: a picture of many values, or lines of a few, above an axis of steps.

use anyhow::Result;
use maud::{Markup, html};

use super::raster::drawn;
use crate::plot::COLORS;

const WIDTH: f64 = 960.0;
/// Room for what stands to the left, to the right and below.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const BELOW: f64 = 20.0;
const LINES_HEIGHT: f64 = 120.0;
/// Rows of a picture whose names have room beside them, the height of each, and letters of a name.
const MOST_NAMES: usize = 12;
const NAME_HEIGHT: f64 = 13.0;
const MOST_LETTERS: usize = 9;

/// A course of several values over time.
pub(super) struct Panel {
    pub(super) title: String,
    /// How to read it.
    pub(super) words: String,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// One step after another, `rows` values each; what a row is, and what each is called where that is written beside it.
    Picture { values: Vec<f32>, rows: usize, of: &'static str, names: Vec<String> },
    /// With the ends of the axis, where they are known.
    Lines { lines: Vec<Line>, range: Option<[f32; 2]> },
}

/// A value a step; not a number where there is none.
pub(super) struct Line {
    pub(super) name: String,
    /// The number of its colour.
    pub(super) color: usize,
    pub(super) values: Vec<f32>,
}

impl Line {
    fn color(&self) -> String {
        let color = COLORS[self.color % COLORS.len()];
        format!("rgb({},{},{})", color.0, color.1, color.2)
    }
}

impl Content {
    /// Lines between their own ends, each in a colour of its own.
    pub(super) fn lines(lines: impl IntoIterator<Item = (String, Vec<f32>)>) -> Self {
        let lines = lines.into_iter().enumerate().map(|(color, (name, values))| Line { name, color, values });
        Self::Lines { lines: lines.collect(), range: None }
    }
}

impl Panel {
    pub(super) fn markup(&self) -> Result<Markup> {
        let svg = match &self.content {
            Content::Picture { values, rows, of, names } => picture(values, *rows, of, names)?,
            Content::Lines { lines, range } => chart(lines, *range),
        };
        Ok(html! {
            figure.panel {
                figcaption { (self.title) }
                p.note { (self.words) }
                div.wide { (svg) }
            }
        })
    }
}

/// Where a step's left edge is, of `steps` steps.
fn x(step: f64, steps: usize) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * step / steps.max(1) as f64
}

/// `names` of the rows stand beside them where there is one for each, and room.
fn picture(values: &[f32], rows: usize, of: &str, names: &[String]) -> Result<Markup> {
    let (raster, steps) = (drawn(values, rows)?, values.len() / rows.max(1));
    let is_named = names.len() == rows && (1..=MOST_NAMES).contains(&rows);
    let a_row = if is_named { NAME_HEIGHT } else { 4.0 };
    let height = (a_row * rows as f64).clamp(24.0, 160.0);
    let strongest = format!("strongest colour: {}", number(raster.largest));
    Ok(html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", height + BELOW)) role="img" {
            image href=(raster.address) x=(LEFT) y="0" width=(WIDTH - LEFT - RIGHT) height=(height) preserveAspectRatio="none" {}
            (frame(height))
            @if is_named {
                @for (row, name) in names.iter().enumerate() {
                    @let y = height * (rows - row) as f64 / rows as f64 - 0.5 * height / rows as f64 + 4.0;
                    text.tick x=(LEFT - 6.0) y=(format!("{y:.1}")) text-anchor="end" { (shortened(name)) title { (name) } }
                }
            } @else {
                text.tick x=(LEFT - 6.0) y="12" text-anchor="end" { (raster.rows) }
                text.tick x=(LEFT - 6.0) y=(height) text-anchor="end" { (of) }
            }
            (axis(steps, height, &strongest))
        }
    })
}

/// So much of a name as there is room for.
fn shortened(name: &str) -> String {
    if name.chars().count() <= MOST_LETTERS {
        return name.to_owned();
    }
    name.chars().take(MOST_LETTERS - 1).chain(['…']).collect()
}

fn chart(lines: &[Line], range: Option<[f32; 2]>) -> Markup {
    let finite = || lines.iter().flat_map(|line| &line.values).copied().filter(|value| value.is_finite());
    let [low, high] =
        finite().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)]);
    let [low, high] = range.unwrap_or([low, high]);
    let [low, high] = if low < high {
        [low, high]
    } else if low == high {
        [low - 0.5, high + 0.5]
    } else {
        [0.0, 1.0]
    };
    let steps = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let y = |value: f32| 4.0 + (LINES_HEIGHT - 8.0) * f64::from((high - value) / (high - low));
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", LINES_HEIGHT + BELOW)) role="img" {
            (frame(LINES_HEIGHT))
            @for line in lines {
                @for part in parts(&line.values) {
                    @let points = part.iter().map(|&(step, value)| format!("{:.1},{:.1}", x(step as f64 + 0.5, steps), y(value)));
                    @let color = line.color();
                    @if let [(step, value)] = part[..] {
                        circle cx=(format!("{:.1}", x(step as f64 + 0.5, steps))) cy=(format!("{:.1}", y(value))) r="3" fill=(color) {}
                    } @else {
                        polyline points=(points.collect::<Vec<_>>().join(" ")) fill="none" stroke=(color) stroke-width="1.5" {}
                    }
                }
            }
            text.tick x=(LEFT - 6.0) y="12" text-anchor="end" { (number(high)) }
            text.tick x=(LEFT - 6.0) y=(LINES_HEIGHT) text-anchor="end" { (number(low)) }
            (axis(steps, LINES_HEIGHT, ""))
        }
        @if lines.len() > 1 {
            p.note {
                @for line in lines {
                    span style=(format!("color:{};font-weight:700", line.color())) { "— " }
                    (line.name) "  "
                }
            }
        }
    }
}

/// Values that follow each other without a gap, with their steps.
fn parts(values: &[f32]) -> Vec<Vec<(usize, f32)>> {
    let mut parts: Vec<Vec<(usize, f32)>> = Vec::new();
    let mut goes_on = false;
    for (step, &value) in values.iter().enumerate() {
        if value.is_finite() {
            match parts.last_mut().filter(|_| goes_on) {
                Some(part) => part.push((step, value)),
                None => parts.push(vec![(step, value)]),
            }
        }
        goes_on = value.is_finite();
    }
    parts
}

fn frame(height: f64) -> Markup {
    html! { rect.frame x=(LEFT) y="0.5" width=(WIDTH - LEFT - RIGHT) height=(height - 1.0) {} }
}

/// Numbers of steps below, and a word at the right end.
fn axis(steps: usize, height: f64, words: &str) -> Markup {
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|every| steps / every <= 12).unwrap_or(1000);
    let y = height + 14.0;
    // The words have the right end to themselves.
    let room = if words.is_empty() { WIDTH } else { WIDTH - 220.0 };
    html! {
        @for step in (0..steps).step_by(every).filter(|&step| x(step as f64, steps) < room) {
            text.tick x=(format!("{:.1}", x(step as f64, steps))) y=(y) text-anchor="middle" { (step) }
        }
        text.tick x=(WIDTH - RIGHT) y=(y) text-anchor="end" { (words) }
    }
}

/// Three digits.
fn number(value: f32) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(0.01..1000.0).contains(&size) => format!("{value:.1e}"),
        size if size < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(color: usize, values: Vec<f32>) -> Line {
        Line { name: format!("line {color}"), color, values }
    }

    /// A line is known by its colour in every panel, whatever stands beside it.
    #[test]
    fn a_line_has_its_own_colour() {
        let drawn = chart(&[line(2, vec![1.0, 2.0]), line(0, vec![0.0, 1.0])], None).into_string();
        let colors = [2, 0].map(|color| line(color, vec![]).color());
        assert!(colors[0] != colors[1]);
        let at = colors.clone().map(|color| drawn.find(&format!("stroke=\"{color}\"")).unwrap());
        assert!(at[0] < at[1], "{drawn}");
        assert!(drawn.contains(&format!("color:{};font-weight:700\">— </span>line 2", colors[0])), "{drawn}");
    }

    #[test]
    fn rows_with_names_have_them_beside_them_from_the_bottom_up() {
        let names = ["same", "quite different"].map(str::to_owned);
        let drawn = picture(&[0.0, 1.0, 1.0, 0.0], 2, "classes", &names).unwrap().into_string();
        assert!(drawn.contains("y=\"23.5\" text-anchor=\"end\">same<title>same"), "{drawn}");
        assert!(drawn.contains("y=\"10.5\" text-anchor=\"end\">quite di…<title>quite different"), "{drawn}");
        assert!(!drawn.contains(">classes<"), "{drawn}");
        let many: Vec<String> = (0..20).map(|class| class.to_string()).collect();
        let drawn = picture(&[0.5; 20], 20, "classes", &many).unwrap().into_string();
        assert!(drawn.contains(">classes<") && drawn.contains(">20<") && !drawn.contains("<title>"), "{drawn}");
    }

    #[test]
    fn a_line_stops_where_there_is_nothing() {
        let gap = f32::NAN;
        assert_eq!(parts(&[1.0, 2.0, gap, 3.0, gap]), [vec![(0, 1.0), (1, 2.0)], vec![(3, 3.0)]]);
        assert!(parts(&[gap, gap]).is_empty());
        let drawn = chart(&[line(0, vec![1.0, 2.0, gap, 3.0])], None).into_string();
        assert_eq!((drawn.matches("<polyline").count(), drawn.matches("<circle").count()), (1, 1));
        assert!(drawn.contains(">3.00<") && drawn.contains(">1.00<") && !drawn.contains("NaN"), "{drawn}");
    }

    #[test]
    fn nothing_at_all_is_an_empty_frame() {
        let drawn = chart(&[line(0, vec![])], None).into_string();
        assert!(drawn.contains("<rect") && !drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        assert_eq!([0.0, 0.001, 2.345, 123.4].map(number), ["0", "1.0e-3", "2.35", "123"].map(str::to_owned));
    }
}
