//! A chart as SVG: a line for the mean, a band for the range, and a legend below.

use std::fmt::Display;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Chart, written};

/// Told apart by those, too, who do not see all colours (Okabe and Ito 2008).
pub(crate) const COLORS: [RGBColor; super::MOST] = [
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

/// Dots of a PNG for each unit of the SVG, and for each meter: as wide as a page's text at 300 dots an inch.
const DOTS: u32 = 3;
const DOTS_A_METER: u32 = 11_811;

pub(crate) fn svg(chart: &Chart) -> Result<String> {
    register_font()?;
    let mut text = String::new();
    draw(chart, SVGBackend::with_string(&mut text, size(chart, 1)).into_drawing_area(), 1).map_err(not_drawn)?;
    Ok(text)
}

pub(super) fn png(chart: &Chart) -> Result<Vec<u8>> {
    register_font()?;
    let (width, height) = size(chart, DOTS);
    let mut pixels = vec![0; 3 * width as usize * height as usize];
    draw(chart, BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area(), DOTS).map_err(not_drawn)?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: DOTS_A_METER, yppu: DOTS_A_METER, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}

fn not_drawn(error: String) -> anyhow::Error {
    anyhow!("the picture cannot be drawn: {error}")
}

/// The letters' shapes: of a PNG drawn, of an SVG measured.
pub(crate) fn register_font() -> Result<()> {
    let registered = plotters::style::register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    registered.map_err(|_| anyhow!("the font that is compiled in cannot be read"))
}

/// Of the picture, with a legend below.
fn size(chart: &Chart, scale: u32) -> (u32, u32) {
    (WIDTH * scale, (HEIGHT + LINE * chart.bands.len() as u32 + 12) * scale)
}

fn draw<B: DrawingBackend>(chart: &Chart, root: DrawingArea<B, Shift>, scale: u32) -> Result<(), String> {
    root.fill(&WHITE).map_err(words)?;
    let (area, below) = root.split_vertically(HEIGHT * scale);
    let [x, y] = chart.limits();
    let mut axes = ChartBuilder::on(&area)
        .margin(12 * scale)
        .margin_right(28 * scale)
        .x_label_area_size(48 * scale)
        .y_label_area_size(76 * scale)
        .build_cartesian_2d(x[0]..x[1], y[0]..y[1])
        .map_err(words)?;
    axes.configure_mesh()
        .x_desc(chart.over)
        .y_desc(&chart.figure)
        .x_label_formatter(&|&value| written(value))
        .y_label_formatter(&|&value| chart.number(value))
        .label_style(font(14 * scale))
        .axis_desc_style(font(15 * scale))
        .set_all_tick_mark_size(6 * scale)
        .axis_style(TEXT.stroke_width(scale))
        .bold_line_style(GRID.stroke_width(scale))
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
        axes.draw_series(LineSeries::new(means.clone(), color.stroke_width(2 * scale))).map_err(words)?;
        if band.points.len() == 1 {
            axes.draw_series(means.map(|point| Circle::new(point, 4 * scale, color.filled()))).map_err(words)?;
        }
    }
    for ((row, band), color) in chart.bands.iter().enumerate().zip(COLORS) {
        let y = (scale * (LINE * row as u32 + LINE / 2)) as i32;
        let at = |x: u32| ((scale * x) as i32, y);
        below.draw(&PathElement::new(vec![at(88), at(116)], color.stroke_width(3 * scale))).map_err(words)?;
        let style = font(14 * scale).pos(Pos::new(HPos::Left, VPos::Center));
        below.draw(&Text::new(band.label.as_str(), at(126), style)).map_err(words)?;
    }
    root.present().map_err(words)
}

fn words(error: impl Display) -> String {
    error.to_string()
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&TEXT)
}
