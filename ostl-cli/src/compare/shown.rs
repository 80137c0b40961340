//! A comparison as a table, as CSV and as JSON.

use std::io::Write;

use anyhow::Result;
use ostl_tasks::Metric;
use serde_json::{Map, Value, json};

use crate::arguments::ComparedSplit;
use crate::figures::written;
use crate::names::first_few;
use crate::runs::{Group, MOST_SETTINGS, Spread, tasks};
use crate::table::aligned;

/// Most settings that are listed beside the table.
const MOST_LISTED: usize = 16;

/// The setting whose figures are another thing in each row.
const TASK: &str = "task.name";

/// A setting that a configuration does not have.
const NONE: &str = "–";

/// What is shown of some groups of runs.
pub(crate) struct Comparison<'a> {
    pub(crate) groups: &'a [Group<'a>],
    /// The settings they do not have in common.
    pub(crate) differing: &'a [String],
    pub(crate) metrics: &'a [Metric],
    pub(crate) split: ComparedSplit,
}

/// A comparison as rows of cells.
pub(crate) struct Rows {
    pub(crate) head: Vec<String>,
    /// Columns that name a configuration.
    named: usize,
    pub(crate) rows: Vec<Vec<Cell>>,
}

pub(crate) struct Cell {
    pub(crate) text: String,
    /// The best of its column.
    pub(crate) is_best: bool,
}

impl Comparison<'_> {
    fn split_name(&self) -> &'static str {
        match self.split {
            ComparedSplit::Test => "test",
            ComparedSplit::Valid => "valid",
        }
    }

    fn spread(&self, group: &Group<'_>, metric: Metric) -> Option<Spread> {
        group.spread(|run| run.figure(self.split, metric))
    }

    /// How many tasks the runs are of. Figures of one say nothing of those of another.
    fn tasks(&self) -> usize {
        tasks(self.groups.iter().map(|group| group.first().task.as_str())).len()
    }

    /// The best mean of a figure, where there are several of one task to choose from.
    fn best(&self, metric: Metric) -> Option<f64> {
        let means = self.groups.iter().filter_map(|group| Some(self.spread(group, metric)?.mean));
        let better = |best: f64, mean: f64| if metric.is_better(mean, best) { mean } else { best };
        means.reduce(better).filter(|_| self.groups.len() > 1 && self.tasks() == 1)
    }

    /// A row a configuration.
    pub(crate) fn rows(&self) -> Rows {
        // Else a row is called by its first run.
        let by_settings = (1..=MOST_SETTINGS).contains(&self.differing.len());
        let has_tasks = !by_settings && self.tasks() > 1;
        let of_runs = ["run", TASK].into_iter().take(if has_tasks { 2 } else { 1 });
        let names: Vec<String> = if by_settings { self.differing.to_vec() } else { of_runs.map(str::to_owned).collect() };
        let named = names.len();
        let figures = self.metrics.iter().map(Metric::to_string);
        let head = names.into_iter().chain(["runs".to_owned()]).chain(figures).chain(["seconds".to_owned()]);
        let best: Vec<Option<f64>> = self.metrics.iter().map(|&metric| self.best(metric)).collect();
        let plain = |text: String| Cell { text, is_best: false };
        let row = |group: &Group<'_>| {
            let settings = &group.first().settings;
            let mut row: Vec<Cell> = if by_settings {
                self.differing.iter().map(|key| plain(settings.get(key).map_or(NONE, String::as_str).to_owned())).collect()
            } else {
                let task = has_tasks.then(|| group.first().task.clone());
                [group.first().name()].into_iter().chain(task).map(plain).collect()
            };
            row.push(plain(group.runs.len().to_string()));
            row.extend(self.metrics.iter().zip(&best).map(|(&metric, &best)| {
                self.spread(group, metric).map_or_else(
                    || plain(NONE.to_owned()),
                    |spread| Cell { text: with_deviation(metric, spread), is_best: Some(spread.mean) == best },
                )
            }));
            let seconds = group.spread(|run| Some(run.seconds));
            row.push(plain(seconds.map_or_else(String::new, |spread| format!("{:.1}", spread.mean))));
            row
        };
        Rows { head: head.collect(), named, rows: self.groups.iter().map(row).collect() }
    }

    /// How to read the rows; `mark` is what the best of a column has.
    pub(crate) fn legend(&self, mark: &str) -> String {
        let mut text = format!("{} split", self.split_name());
        if self.groups.iter().any(|group| group.runs.len() > 1) {
            text += ", mean ± standard deviation over the runs of a configuration";
        }
        match self.tasks() {
            ..=1 if self.groups.len() > 1 => text += &format!("; {mark} the best mean"),
            ..=1 => {}
            tasks => {
                text += &format!("; the runs are of {tasks} tasks: their figures are not comparable, and none is the best")
            }
        }
        text
    }

    /// What names no row, for there is too much of it.
    fn left_out(&self) -> String {
        let count = self.differing.len();
        if count > MOST_SETTINGS {
            let keys = first_few(self.differing, MOST_LISTED);
            format!("{count} settings differ: {keys} (--csv and --json have their values)\n")
        } else {
            String::new()
        }
    }

    /// As text.
    pub(super) fn table(&self) -> String {
        let Rows { mut head, named, rows } = self.rows();
        let figures = named + 1..head.len() - 1;
        // Numbers stand under each other, with the mark beside them.
        head[figures.clone()].iter_mut().for_each(|title| title.push_str("  "));
        let marked = |(column, cell): (usize, Cell)| match figures.contains(&column) && cell.text != NONE {
            true => format!("{}{}", cell.text, if cell.is_best { " *" } else { "  " }),
            false => cell.text,
        };
        let rows = rows.into_iter().map(|row| row.into_iter().enumerate().map(marked).collect());
        let all: Vec<Vec<String>> = std::iter::once(head.clone()).chain(rows).collect();
        aligned(&all, &(0..named).collect::<Vec<_>>()) + &self.legend("*") + "\n" + &self.left_out()
    }

    pub(super) fn write_csv(&self, out: &mut impl Write) -> Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        let mut head = self.differing.to_vec();
        head.extend(["runs", "seeds", "split", "parameters", "trace_bytes"].map(str::to_owned));
        let figures = self.metrics.iter().map(|metric| metric.name().replace('-', "_")).chain(["seconds".to_owned()]);
        for name in figures {
            head.extend(["", "_deviation", "_least", "_most"].map(|part| format!("{name}{part}")));
        }
        csv.write_record(&head)?;
        for group in self.groups {
            let first = group.first();
            let mut row: Vec<String> =
                self.differing.iter().map(|key| first.settings.get(key).cloned().unwrap_or_default()).collect();
            let seeds = group.runs.iter().map(|run| run.seed.to_string()).collect::<Vec<_>>().join(" ");
            row.extend([group.runs.len().to_string(), seeds, self.split_name().to_owned()]);
            row.extend([first.parameters, first.trace_bytes].map(|count| count.to_string()));
            let figures = self.metrics.iter().map(|&metric| self.spread(group, metric));
            for spread in figures.chain([group.spread(|run| Some(run.seconds))]) {
                let all = spread.map_or([None; 4], |spread| {
                    [Some(spread.mean), spread.deviation, Some(spread.least), Some(spread.most)]
                });
                row.extend(all.map(|value| value.map_or_else(String::new, |value| value.to_string())));
            }
            csv.write_record(&row)?;
        }
        Ok(csv.flush()?)
    }

    pub(super) fn write_json(&self, out: &mut impl Write) -> Result<()> {
        for group in self.groups {
            let first = group.first();
            let settings: Map<String, Value> =
                self.differing.iter().map(|key| (key.clone(), first.settings.get(key).cloned().into())).collect();
            let figure = |values: Vec<f64>| {
                let spread = Spread::of(&values);
                json!({ "mean": spread.map(|spread| spread.mean), "deviation": spread.and_then(|spread| spread.deviation), "values": values })
            };
            let figures: Map<String, Value> = self
                .metrics
                .iter()
                .map(|&metric| (metric.to_string(), figure(group.values(|run| run.figure(self.split, metric)))))
                .collect();
            let line = json!({
                "settings": settings,
                "runs": group.names(),
                "seeds": group.runs.iter().map(|run| run.seed).collect::<Vec<_>>(),
                "split": self.split_name(),
                "figures": figures,
                "seconds": figure(group.values(|run| Some(run.seconds))),
                "parameters": first.parameters,
                "trace_bytes": first.trace_bytes,
            });
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// `55.5 ± 0.3 %`.
fn with_deviation(metric: Metric, spread: Spread) -> String {
    let mean = written(metric, spread.mean);
    let Some(deviation) = spread.deviation else { return mean };
    let deviation = written(metric, deviation);
    format!("{} ± {deviation}", mean.trim_end_matches(" %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_stands_once() {
        let spread = |mean, deviation| Spread { mean, deviation, least: mean, most: mean };
        assert_eq!(with_deviation(Metric::Accuracy, spread(0.555, Some(0.0031))), "55.5 ± 0.3 %");
        assert_eq!(with_deviation(Metric::Accuracy, spread(0.555, None)), "55.5 %");
        assert_eq!(with_deviation(Metric::Loss, spread(0.5, Some(0.25))), "0.5000 ± 0.2500");
    }
}
