//! Panels side by side with logarithmic axes, and one legend above them, as an SVG file.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(crate) const BLUE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
pub(crate) const RED: RGBColor = RGBColor(0xb5, 0x44, 0x2c);
pub(crate) const GREEN: RGBColor = RGBColor(0x2e, 0x7d, 0x4f);
const TEXT: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xdd, 0xe2, 0xe8);

const WIDTH: u32 = 860;
const HEIGHT: u32 = 400;
const HEAD: u32 = 64;
/// What a sample takes in the legend with the space around it, and a letter of its label on average: there are no fonts to ask.
const SAMPLE: i32 = 64;
const LETTER: i32 = 7;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Outcome = Result<(), Box<dyn Error>>;

/// Points joined by a line.
pub(crate) struct Line {
    label: String,
    color: RGBColor,
    points: Vec<(f64, f64)>,
}

impl Line {
    pub(crate) fn new(label: &str, color: RGBColor, points: Vec<(f64, f64)>) -> Self {
        Self { label: label.into(), color, points }
    }
}

/// A logarithmic axis.
#[derive(Clone)]
pub(crate) struct Axis {
    label: String,
    ticks: Vec<f64>,
}

impl Axis {
    /// With ticks at these places, the first and last of which are its ends.
    pub(crate) fn new(label: &str, ticks: Vec<f64>) -> Self {
        Self { label: label.into(), ticks }
    }

    /// From the power of ten below the values to the one above, with ticks at these and, if they are few, at twice and five times
    /// as much.
    pub(crate) fn decades(label: &str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor() as i32;
        let high = (values.fold(0.0, f64::max).log10().ceil() as i32).max(low + 1);
        let within: &[f64] = if high - low <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let below_high = (low..high).flat_map(|power| within.iter().map(move |digit| digit * 10_f64.powi(power)));
        Self::new(label, below_high.chain([10_f64.powi(high)]).collect())
    }

    /// The number at a tick; powers of ten are written as such on an axis that goes far.
    fn number(&self, value: f64) -> String {
        let power = value.log10().round() as i32;
        if self.ticks.iter().all(|&tick| tick < 1e5) || (value / 10_f64.powi(power) - 1.0).abs() > 1e-6 {
            // Rid of the last digits that a logarithm leaves.
            return format!("{}", (value * 1e9).round() / 1e9);
        }
        let digits = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
        let digits = power.to_string().chars().filter_map(|c| Some(digits[c.to_digit(10)? as usize])).collect::<String>();
        format!("10{digits}")
    }

    /// A little more than the ticks, so that no point lies on the frame.
    fn range(&self) -> std::ops::Range<f64> {
        let (low, high) = (self.ticks[0], self.ticks[self.ticks.len() - 1]);
        let margin = (high / low).powf(0.03);
        low / margin..high * margin
    }
}

/// Lines over the same axes.
pub(crate) struct Panel {
    title: String,
    x: Axis,
    y: Axis,
    lines: Vec<Line>,
}

impl Panel {
    /// The vertical axis is as long as the lines need.
    pub(crate) fn new(title: &str, x: Axis, y_label: &str, lines: Vec<Line>) -> Self {
        let values = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
        let y = Axis::decades(y_label, values);
        Self { title: title.into(), x, y, lines }
    }

    fn draw(&self, area: &Area<'_>) -> Outcome {
        let x = self.x.range().log_scale().with_key_points(self.x.ticks.clone());
        let y = self.y.range().log_scale().with_key_points(self.y.ticks.clone());
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, font(16))
            .margin(8)
            .margin_right(24)
            .x_label_area_size(48)
            .y_label_area_size(68)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .x_label_formatter(&|&value| self.x.number(value))
            .y_label_formatter(&|&value| self.y.number(value))
            .label_style(font(15))
            .axis_desc_style(font(16))
            .axis_style(TEXT)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for line in &self.lines {
            let style = line.color.stroke_width(2);
            chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
            chart.draw_series(line.points.iter().map(|&point| Circle::new(point, 4, line.color.filled())))?;
        }
        Ok(())
    }
}

/// Draws panels that show the same lines, under a title and one legend.
pub(crate) fn draw(path: &Path, title: &str, panels: &[Panel]) -> Outcome {
    // Letters are measured by the font that the program's own pictures have.
    plotters::style::register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| "the font that is compiled in cannot be read")?;
    let root = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, body) = root.split_vertically(HEAD);
    let middle = font(19).pos(Pos::new(HPos::Center, VPos::Center));
    head.draw(&Text::new(title, (WIDTH as i32 / 2, 20), middle))?;
    legend(&head, &panels[0].lines)?;
    for (area, panel) in body.split_evenly((1, panels.len())).iter().zip(panels) {
        panel.draw(area)?;
    }
    root.present()?;
    println!("{}", path.display());
    Ok(())
}

/// Samples and labels of the lines, side by side.
fn legend(head: &Area<'_>, lines: &[Line]) -> Outcome {
    let width = |line: &Line| SAMPLE + LETTER * line.label.chars().count() as i32;
    let mut left = (WIDTH as i32 - lines.iter().map(width).sum::<i32>()) / 2;
    let y = HEAD as i32 - 16;
    for line in lines {
        head.draw(&PathElement::new(vec![(left, y), (left + 28, y)], line.color.stroke_width(2)))?;
        head.draw(&Circle::new((left + 14, y), 4, line.color.filled()))?;
        let style = font(15).pos(Pos::new(HPos::Left, VPos::Center));
        head.draw(&Text::new(line.label.as_str(), (left + 36, y), style))?;
        left += width(line);
    }
    Ok(())
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&TEXT)
}
