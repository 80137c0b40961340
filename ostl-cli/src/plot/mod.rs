//! `ostl plot`: learning curves of runs, those of one configuration as their mean and range.

mod picture;
mod sketch;

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::arguments::{Over, PlotArguments};
use crate::failure::UsageError;
use crate::made_file;
use crate::output::{Out, tell};
use crate::runs::{Band, Curve, by_settings, called, differing, given, tasks};
pub(crate) use picture::{COLORS, register_font, svg};

/// More configurations than these nobody tells apart.
pub(crate) const MOST: usize = 8;

/// What is drawn.
pub(crate) struct Chart {
    figure: String,
    over: &'static str,
    /// Values are their logarithms to base 10.
    is_log: bool,
    bands: Vec<Band>,
    /// Of the runs.
    tasks: Vec<String>,
}

pub(crate) fn run(arguments: &PlotArguments) -> Result<()> {
    let PlotArguments { runs, figure, over, log, .. } = arguments;
    let chart = chart(&given(runs)?, figure, *over, *log)?;
    if chart.tasks.len() > 1 {
        let tasks = chart.tasks.join(", ");
        tell(&format!("these runs are of {} tasks ({tasks}): their figures are not comparable", chart.tasks.len()));
    }
    let mut out = Out::new();
    if arguments.terminal {
        out.write_all(sketch::sketch(&chart).as_bytes())?;
        return Ok(out.flush()?);
    }
    let to = &arguments.out;
    let content = match to.extension().and_then(OsStr::to_str) {
        Some("png") => picture::png(&chart)?,
        Some("svg") => svg(&chart)?.into_bytes(),
        _ => {
            let problem = "a picture's name must end in .svg or .png";
            return Err(UsageError::Other(format!("--out {}: {problem}", to.display())).into());
        }
    };
    made_file::write(to, &content, arguments.force)?;
    writeln!(out, "{}", to.display())?;
    Ok(out.flush()?)
}

/// A figure of some runs, a column of their `metrics.csv`, over time; with its logarithm.
pub(crate) fn chart(runs: &[PathBuf], figure: &str, over: Over, is_log: bool) -> Result<Chart> {
    let mut curves = Vec::new();
    for path in runs {
        let curve = Curve::read(path, figure, over, is_log)?;
        if curve.points.is_empty() {
            tell(&format!("{}: left out: it has no {figure} yet", path.display()));
        } else {
            curves.push(curve);
        }
    }
    if curves.is_empty() {
        let problem = format!("there is nothing to draw: none of these runs has a {figure}");
        return Err(UsageError::Other(problem).into());
    }
    let all: Vec<_> = curves.iter().map(|curve| &curve.settings).collect();
    let differing = differing(&all);
    let task = |curve: &Curve| curve.settings.get("task.name").cloned().unwrap_or_default();
    let of_each: Vec<String> = curves.iter().map(task).collect();
    let tasks: Vec<String> = tasks(of_each.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
    let groups = by_settings(curves, |curve| &curve.settings);
    if groups.len() > MOST {
        let problem = format!("{} configurations in one picture cannot be told apart; {MOST} can", groups.len());
        return Err(UsageError::Other(problem).into());
    }
    let band = |group: &Vec<Curve>| {
        let name = called(&group[0].settings, &differing).unwrap_or_else(|| match tasks.len() {
            ..=1 => group[0].name.clone(),
            _ => format!("{}: {}", task(&group[0]), group[0].name),
        });
        let runs = if group.len() > 1 { format!(" ({} runs)", group.len()) } else { String::new() };
        Band::new(format!("{name}{runs}"), group)
    };
    let over = match over {
        Over::Epochs => "epoch",
        Over::Steps => "steps",
        Over::Seconds => "seconds",
    };
    let bands = groups.iter().map(band).collect();
    Ok(Chart { figure: figure.to_owned(), over, is_log, bands, tasks })
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
        written(if self.is_log { 10_f64.powf(value) } else { value })
    }
}

/// A number at an axis.
fn written(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e7).contains(&size) => format!("{value:.1e}"),
        // Rid of the last digits that sums leave.
        _ => format!("{}", (value * 1e4).round() / 1e4),
    }
}
