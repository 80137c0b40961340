//! `ostl compare`: runs of the same configuration but for the seed as one row, with the mean and the spread of their figures.

mod shown;

use std::io::Write;

use anyhow::Result;
use ostl_tasks::Metric;

use crate::arguments::{CompareArguments, ComparedSplit};
use crate::failure::UsageError;
use crate::names::or_known;
use crate::output::{Out, tell};
use crate::runs::{Group, Run, differing, finished};
pub(crate) use shown::Comparison;

pub(crate) fn run(arguments: &CompareArguments) -> Result<()> {
    let runs = finished(&arguments.runs)?;
    let split = split(arguments.split, runs.iter())?;
    let mut groups = Group::all(&runs);
    for group in groups.iter().filter(|group| !group.read_the_same_data()) {
        let runs = group.names().join(", ");
        tell(&format!("{runs}: the same settings, but not the same data: their figures may not be comparable"));
    }
    let differing = differing(&groups.iter().map(|group| &group.first().settings).collect::<Vec<_>>());
    let metrics = metrics(runs.iter(), split);
    if let Some(key) = &arguments.sort {
        Order::named(key, &metrics)?.sort(&mut groups, split);
    }
    let comparison = Comparison { groups: &groups, differing: &differing, metrics: &metrics, split };
    let mut out = Out::new();
    if arguments.csv {
        comparison.write_csv(&mut out)?;
    } else if arguments.json {
        comparison.write_json(&mut out)?;
    } else {
        out.write_all(comparison.table().as_bytes())?;
    }
    Ok(out.flush()?)
}

/// The split whose figures are compared.
pub(crate) fn split<'a>(
    asked: Option<ComparedSplit>,
    runs: impl Iterator<Item = &'a Run> + Clone,
) -> Result<ComparedSplit, UsageError> {
    let lacking = |split| runs.clone().find(|run| run.figures(split).is_none());
    match asked {
        None if lacking(ComparedSplit::Test).is_none() => Ok(ComparedSplit::Test),
        None => Ok(ComparedSplit::Valid),
        Some(split) => match lacking(split) {
            Some(run) => Err(UsageError::Other(format!("{}: has no figures of that split", run.name()))),
            None => Ok(split),
        },
    }
}

/// Every figure that some run has, in the order in which tables have them.
pub(crate) fn metrics<'a>(runs: impl Iterator<Item = &'a Run> + Clone, split: ComparedSplit) -> Vec<Metric> {
    let there = |metric: &Metric| runs.clone().any(|run| run.figure(split, *metric).is_some());
    Metric::ALL.into_iter().filter(there).collect()
}

/// What rows are sorted by.
enum Order {
    Metric(Metric),
    Seconds,
    Parameters,
    TraceBytes,
}

impl Order {
    fn named(key: &str, metrics: &[Metric]) -> Result<Self, UsageError> {
        let wanted = key.replace('_', "-");
        if let Some(&metric) = metrics.iter().find(|metric| metric.name() == wanted) {
            return Ok(Self::Metric(metric));
        }
        match wanted.as_str() {
            "seconds" => Ok(Self::Seconds),
            "parameters" => Ok(Self::Parameters),
            "trace-bytes" => Ok(Self::TraceBytes),
            _ => {
                let mut known: Vec<String> = metrics.iter().map(Metric::to_string).collect();
                known.extend(["seconds", "parameters", "trace-bytes"].map(str::to_owned));
                Err(UsageError::Other(format!("--sort {key}: there is no such figure{}", or_known(&wanted, &known))))
            }
        }
    }

    /// The best first; those without the figure last.
    fn sort(&self, groups: &mut [Group<'_>], split: ComparedSplit) {
        let badness = |group: &Group<'_>| match *self {
            Self::Metric(metric) => {
                let sign = if metric.larger_is_better() { -1.0 } else { 1.0 };
                group.spread(|run| run.figure(split, metric)).map_or(f64::INFINITY, |spread| sign * spread.mean)
            }
            Self::Seconds => group.spread(|run| Some(run.seconds)).map_or(f64::INFINITY, |spread| spread.mean),
            Self::Parameters => group.first().parameters as f64,
            Self::TraceBytes => group.first().trace_bytes as f64,
        };
        groups.sort_by(|a, b| badness(a).total_cmp(&badness(b)));
    }
}
