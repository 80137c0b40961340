//! The same as a picture: a panel for each kind of cell and number of layers, a line for each way over the steps that it goes back.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::{DEPTHS, Entry, WAYS, WINDOWS};
use crate::plot::{COLORS, register_font};

const PANEL: (u32, u32) = (230, 180);
/// Height of the legend.
const LEGEND: u32 = 90;
/// Least and greatest error that is drawn; what is exact lies at the least.
const ERRORS: [f64; 2] = [1e-3, 10.0];

pub(in crate::check) fn svg(entries: &[Entry]) -> Result<String> {
    register_font()?;
    let cells: Vec<&str> = entries.chunk_by(|a, b| a.cell == b.cell).map(|of_cell| of_cell[0].cell).collect();
    let (columns, rows) = (DEPTHS.len() as u32, cells.len() as u32);
    let mut text = String::new();
    let size = (columns * PANEL.0, rows * PANEL.1 + LEGEND);
    draw(entries, &cells, SVGBackend::with_string(&mut text, size).into_drawing_area())
        .map_err(|error| anyhow!("the picture cannot be drawn: {error}"))?;
    Ok(text)
}

type Drawn<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn draw(entries: &[Entry], cells: &[&str], root: DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Drawn<()> {
    root.fill(&WHITE)?;
    let (panels, legend) = root.split_vertically(cells.len() as u32 * PANEL.1);
    let panels = panels.split_evenly((cells.len(), DEPTHS.len()));
    for (panel, (cell, depth)) in panels.iter().zip(cells.iter().flat_map(|cell| DEPTHS.map(|depth| (*cell, depth)))) {
        let range = (WINDOWS[0] as f64..WINDOWS[WINDOWS.len() - 1] as f64).log_scale().base(2.0);
        let mut chart = ChartBuilder::on(panel)
            .margin(6)
            .caption(format!("{depth} × {cell}"), ("sans-serif", 13))
            .x_label_area_size(22)
            .y_label_area_size(42)
            .build_cartesian_2d(range, (ERRORS[0]..ERRORS[1]).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_labels(6)
            .y_labels(5)
            .label_style(("sans-serif", 11))
            .x_label_formatter(&|steps| format!("{steps:.0}"))
            .y_label_formatter(&|error| format!("{error:.0e}"))
            .draw()?;
        for (place, way) in WAYS.iter().enumerate() {
            let here = entries.iter().filter(|entry| entry.cell == cell && entry.depth == depth && entry.way == way.name);
            let points = here.map(|entry| (entry.window as f64, entry.error.clamp(ERRORS[0], ERRORS[1])));
            chart.draw_series(LineSeries::new(points, style(place)))?;
        }
    }
    for (place, way) in WAYS.iter().enumerate() {
        let (column, row) = ((place % 3) as i32, (place / 3) as i32);
        let (x, y) = (40 + 300 * column, 16 + 24 * row);
        legend.draw(&PathElement::new(vec![(x, y), (x + 30, y)], style(place)))?;
        legend.draw(&Text::new(way.name, (x + 38, y - 6), ("sans-serif", 13)))?;
    }
    root.present()?;
    Ok(())
}

/// Rolling ways are drawn thick.
fn style(place: usize) -> ShapeStyle {
    let color = if place < COLORS.len() { COLORS[place] } else { BLACK };
    color.stroke_width(if WAYS[place].is_rolling { 3 } else { 1 })
}
