//! A figure of a run, epoch by epoch, and of several runs together.

use std::path::Path;

use anyhow::{Context, Result};

use super::settings::{Settings, flattened};
use crate::arguments::Over;
use crate::config;
use crate::failure::UsageError;
use crate::names::or_known;
use crate::run_directory::RunDirectory;

/// One run's.
#[derive(Debug)]
pub(crate) struct Curve {
    /// Its directory.
    pub(crate) name: String,
    pub(crate) settings: Settings,
    /// Where, and the figure there; epochs without it are left out.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Several runs' at the same epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) mean: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// The mean of runs of one configuration, and how far they lie apart.
#[derive(Debug)]
pub(crate) struct Band {
    pub(crate) label: String,
    pub(crate) points: Vec<Point>,
}

impl Curve {
    pub(crate) fn read(path: &Path, figure: &str, over: Over, is_log: bool) -> Result<Self> {
        let run = RunDirectory::open(path)?;
        let (config, _) = config::load_file(&run.config_path())?;
        let file = run.metrics_path();
        let shown = file.display();
        let mut table = csv::Reader::from_path(&file).with_context(|| format!("{shown}: cannot be read"))?;
        let head: Vec<String> = table.headers().with_context(|| shown.to_string())?.iter().map(str::to_owned).collect();
        let place = |name: &str| head.iter().position(|column| column == name);
        let Some(of_figure) = place(&figure.replace('-', "_")) else {
            let problem = format!("--figure {figure}: {shown} has no such column{}", or_known(figure, &head));
            return Err(UsageError::Other(problem).into());
        };
        let x_column = match over {
            Over::Epochs => "epoch",
            Over::Steps => "steps",
            Over::Seconds => "seconds",
        };
        let of_x = place(x_column).with_context(|| format!("{shown}: the column {x_column} is missing"))?;
        let (mut points, mut seconds) = (Vec::new(), 0.0);
        for record in table.records() {
            let record = record.with_context(|| shown.to_string())?;
            let number =
                |column: usize| record.get(column).and_then(|cell| cell.parse().ok()).filter(|x: &f64| x.is_finite());
            let Some(mut x) = number(of_x) else { continue };
            if over == Over::Seconds {
                // The column has those of each epoch.
                seconds += x;
                x = seconds;
            }
            let Some(value) = number(of_figure) else { continue };
            if is_log && value <= 0.0 {
                let problem = format!("--log: {shown} has {value} in {figure}, which has no logarithm");
                return Err(UsageError::Other(problem).into());
            }
            points.push((x, if is_log { value.log10() } else { value }));
        }
        Ok(Self { name: path.display().to_string(), settings: flattened(&serde_json::to_value(&config)?), points })
    }
}

impl Band {
    /// Epoch by epoch over the runs that have come so far.
    pub(crate) fn new(label: String, curves: &[Curve]) -> Self {
        let epochs = curves.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
        let point = |epoch: usize| {
            let there: Vec<(f64, f64)> = curves.iter().filter_map(|curve| curve.points.get(epoch).copied()).collect();
            let mean = |of: fn(&(f64, f64)) -> f64| there.iter().map(of).sum::<f64>() / there.len() as f64;
            let values = || there.iter().map(|&(_, value)| value);
            Point {
                x: mean(|point| point.0),
                mean: mean(|point| point.1),
                least: values().fold(f64::INFINITY, f64::min),
                most: values().fold(f64::NEG_INFINITY, f64::max),
            }
        };
        Self { label, points: (0..epochs).map(point).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_unlike_length_are_averaged_as_far_as_they_go() {
        let curve =
            |points: &[(f64, f64)]| Curve { name: String::new(), settings: Settings::new(), points: points.to_vec() };
        let band = Band::new("both".into(), &[curve(&[(1.0, 4.0), (2.0, 3.0)]), curve(&[(3.0, 2.0)])]);
        let [first, second] = band.points[..] else { panic!("{band:?}") };
        assert_eq!(first, Point { x: 2.0, mean: 3.0, least: 2.0, most: 4.0 });
        assert_eq!(second, Point { x: 2.0, mean: 3.0, least: 3.0, most: 3.0 });
    }
}
