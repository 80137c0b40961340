//! A chart in letters, for a look in the shell.

use super::Chart;

const WIDTH: usize = 72;
const HEIGHT: usize = 18;

/// Means alone: a letter a configuration.
pub(super) fn sketch(chart: &Chart) -> String {
    let [x, y] = chart.limits();
    let place = |value: f64, [low, high]: [f64; 2], room: usize| {
        (((value - low) / (high - low) * (room - 1) as f64).round() as usize).min(room - 1)
    };
    let mut cells = vec![' '; WIDTH * HEIGHT];
    for (band, letter) in chart.bands.iter().zip('a'..) {
        let mut before: Option<(f64, f64)> = None;
        for point in &band.points {
            let (from_x, from_y) = before.unwrap_or((point.x, point.mean));
            // From point to point, a letter a column.
            let (first, last) = (place(from_x, x, WIDTH), place(point.x, x, WIDTH));
            for column in first..=last {
                let share = if last > first { (column - first) as f64 / (last - first) as f64 } else { 1.0 };
                let row = HEIGHT - 1 - place(from_y + share * (point.mean - from_y), y, HEIGHT);
                cells[row * WIDTH + column] = letter;
            }
            before = Some((point.x, point.mean));
        }
    }
    let labels = [chart.number(y[1]), chart.number(y[0])];
    let margin = labels.iter().map(String::len).max().unwrap_or(0);
    let mut text = format!("{}\n", chart.figure);
    for (index, row) in cells.chunks_exact(WIDTH).enumerate() {
        let label = if index == 0 {
            &labels[0]
        } else if index == HEIGHT - 1 {
            &labels[1]
        } else {
            ""
        };
        let row: String = row.iter().collect();
        text += &format!("{label:>margin$} |{}\n", row.trim_end());
    }
    let end = |value: f64| format!("{:.0}", value.max(0.0));
    let (first, last) = (end(x[0]), end(x[1]));
    text += &format!("{:margin$} +{}\n", "", "-".repeat(WIDTH));
    text += &format!("{:margin$}  {first}{:>space$}\n", "", format!("{last} {}", chart.over), space = WIDTH - first.len());
    for (band, letter) in chart.bands.iter().zip('a'..) {
        text += &format!("{letter}  {}\n", band.label);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::{Band, Point};

    #[test]
    fn a_line_that_falls() {
        let point = |x: f64, mean: f64| Point { x, mean, least: mean, most: mean };
        let band = Band { label: "carry=local".into(), points: vec![point(0.0, 1.0), point(10.0, 0.0)] };
        let chart = Chart { figure: "valid_loss".into(), over: "epoch", is_log: false, bands: vec![band], tasks: vec![] };
        let text = sketch(&chart);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!((rows.len(), rows[0], rows[HEIGHT + 3]), (HEIGHT + 4, "valid_loss", "a  carry=local"));
        let columns: Vec<usize> = rows[1..=HEIGHT].iter().filter_map(|row| row.find('a')).collect();
        assert!(columns.len() >= HEIGHT - 2 && columns.is_sorted(), "{text}");
        assert!(rows[1].starts_with(" 1.04 |") && rows[HEIGHT].starts_with("-0.04 |"), "{text}");
    }
}
