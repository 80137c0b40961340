//! A chart as SVG: a line for the mean, a band for the range, and a legend below.

use std::fmt::Display;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Chart;

/// Told apart by those, too, who do not see all colours (Okabe and Ito 2008).
const COLORS: [RGBColor; super::MOST] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(90, 90, 90),
    RGBColor(160, 60, 20),
];
const TEXT: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xdd, 0xe2, 0xe8);

const WIDTH: u32 = 720;
const HEIGHT: u32 = 400;
/// Height of a line of the legend.
const LINE: u32 = 22;

pub(super) fn svg(chart: &Chart) -> Result<String> {
    let mut text = String::new();
    draw(chart, &mut text).map_err(|error| anyhow!("the picture cannot be drawn: {error}"))?;
    Ok(text)
}

fn draw(chart: &Chart, text: &mut String) -> Result<(), String> {
    let legend = LINE * chart.bands.len() as u32 + 12;
    let root = SVGBackend::with_string(text, (WIDTH, HEIGHT + legend)).into_drawing_area();
    root.fill(&WHITE).map_err(words)?;
    let (area, below) = root.split_vertically(HEIGHT);
    let [x, y] = chart.limits();
    let mut axes = ChartBuilder::on(&area)
        .margin(12)
        .margin_right(28)
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(x[0]..x[1], y[0]..y[1])
        .map_err(words)?;
    axes.configure_mesh()
        .x_desc(chart.over)
        .y_desc(&chart.figure)
        .y_label_formatter(&|&value| chart.number(value))
        .label_style(font(14))
        .axis_desc_style(font(15))
        .axis_style(TEXT)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(words)?;
    for (band, color) in chart.bands.iter().zip(COLORS) {
        let above = band.points.iter().map(|point| (point.x, point.most));
        let outline: Vec<(f64, f64)> = above.chain(band.points.iter().rev().map(|point| (point.x, point.least))).collect();
        if band.points.iter().any(|point| point.most > point.least) {
            axes.draw_series([Polygon::new(outline, color.mix(0.18).filled())]).map_err(words)?;
        }
        let means = band.points.iter().map(|point| (point.x, point.mean));
        axes.draw_series(LineSeries::new(means.clone(), color.stroke_width(2))).map_err(words)?;
        if band.points.len() == 1 {
            axes.draw_series(means.map(|point| Circle::new(point, 4, color.filled()))).map_err(words)?;
        }
    }
    for ((row, band), color) in chart.bands.iter().enumerate().zip(COLORS) {
        let y = (LINE * row as u32 + LINE / 2) as i32;
        below.draw(&PathElement::new(vec![(88, y), (116, y)], color.stroke_width(3))).map_err(words)?;
        let style = font(14).pos(Pos::new(HPos::Left, VPos::Center));
        below.draw(&Text::new(band.label.as_str(), (126, y), style)).map_err(words)?;
    }
    root.present().map_err(words)
}

fn words(error: impl Display) -> String {
    error.to_string()
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&TEXT)
}
