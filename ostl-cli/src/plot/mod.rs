//! `ostl plot`: learning curves of runs, those of one configuration as their mean and range.

mod curve;
mod picture;
mod sketch;

use std::io::Write;

use anyhow::{Context, Result};
use ostl_core::whole_file;

use crate::arguments::{Over, PlotArguments};
use crate::compare::{called, differing};
use crate::failure::UsageError;
use crate::output::{Out, tell};
use curve::{Band, Curve};

/// More configurations than these nobody tells apart.
const MOST: usize = 8;

/// What is drawn.
struct Chart {
    figure: String,
    over: &'static str,
    /// Values are their logarithms to base 10.
    is_log: bool,
    bands: Vec<Band>,
}

pub(crate) fn run(arguments: &PlotArguments) -> Result<()> {
    let chart = chart(arguments)?;
    let mut out = Out::new();
    if arguments.terminal {
        out.write_all(sketch::sketch(&chart).as_bytes())?;
        return Ok(out.flush()?);
    }
    let to = &arguments.out;
    if to.exists() && !arguments.force {
        let problem = "is there already: give --out another name, or replace it with --force";
        return Err(UsageError::Other(format!("{}: {problem}", to.display())).into());
    }
    let text = picture::svg(&chart)?;
    whole_file::write(to, |file| file.write_all(text.as_bytes()))
        .with_context(|| format!("{}: cannot be written", to.display()))?;
    writeln!(out, "{}", to.display())?;
    Ok(out.flush()?)
}

fn chart(arguments: &PlotArguments) -> Result<Chart> {
    let mut curves = Vec::new();
    for path in &arguments.runs {
        let curve = Curve::read(path, &arguments.figure, arguments.over, arguments.log)?;
        if curve.points.is_empty() {
            tell(&format!("{}: left out: it has no {} yet", path.display(), arguments.figure));
        } else {
            curves.push(curve);
        }
    }
    if curves.is_empty() {
        let problem = format!("there is nothing to draw: none of these runs has a {}", arguments.figure);
        return Err(UsageError::Other(problem).into());
    }
    let all: Vec<_> = curves.iter().map(|curve| &curve.settings).collect();
    let differing = differing(&all);
    let mut groups: Vec<Vec<Curve>> = Vec::new();
    for curve in curves {
        match groups.iter_mut().find(|group| group[0].settings == curve.settings) {
            Some(group) => group.push(curve),
            None => groups.push(vec![curve]),
        }
    }
    if groups.len() > MOST {
        let problem = format!("{} configurations in one picture cannot be told apart; {MOST} can", groups.len());
        return Err(UsageError::Other(problem).into());
    }
    let band = |group: &Vec<Curve>| {
        let name = called(&group[0].settings, &differing).unwrap_or_else(|| group[0].name.clone());
        let runs = if group.len() > 1 { format!(" ({} runs)", group.len()) } else { String::new() };
        Band::new(format!("{name}{runs}"), group)
    };
    let over = match arguments.over {
        Over::Epochs => "epoch",
        Over::Steps => "steps",
        Over::Seconds => "seconds",
    };
    Ok(Chart { figure: arguments.figure.clone(), over, is_log: arguments.log, bands: groups.iter().map(band).collect() })
}

impl Chart {
    /// The least and the most of what is drawn, along both axes, with a little room around it.
    fn limits(&self) -> [[f64; 2]; 2] {
        let points = || self.bands.iter().flat_map(|band| &band.points);
        let range = |values: &mut dyn Iterator<Item = f64>| {
            let [low, high] =
                values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)]);
            let room = if high > low { 0.04 * (high - low) } else { 0.5 * high.abs().max(1e-3) };
            [low - room, high + room]
        };
        let x = range(&mut points().map(|point| point.x));
        let y = range(&mut points().flat_map(|point| [point.least, point.most]));
        [x, y]
    }

    /// A value of the figure as it stands at the axis.
    fn number(&self, value: f64) -> String {
        let value = if self.is_log { 10_f64.powf(value) } else { value };
        match value.abs() {
            0.0 => "0".into(),
            size if !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
            // Rid of the last digits that sums leave.
            _ => format!("{}", (value * 1e4).round() / 1e4),
        }
    }
}
