//! `metrics.csv`: a row an epoch. Everything in it is kept elsewhere too (`last.ckpt`, and times in `history.json`), so that it can be lost.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ostl_tasks::Metric;
use serde::{Deserialize, Serialize};

use super::METRICS;
use super::whole_files::replace;
use crate::figures::Figures;

const HEADER: &str = "epoch,learning_rate,train_loss,valid_loss,valid_accuracy,seconds,steps_per_second,steps,train_accuracy,skipped,silent,saturated,gradient_norm,peak_mib";

/// What an epoch came to: all that is the same whenever the same is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Counted from 1.
    pub(crate) epoch: u64,
    pub(crate) learning_rate: f64,
    /// Mean over the targets as they were learned from; nothing where there were none.
    pub(crate) train_loss: Option<f64>,
    /// The same of hits, where targets are classes.
    pub(crate) train_accuracy: Option<f64>,
    pub(crate) valid: Figures,
    /// Steps learned from since training began, summed over streams.
    pub(crate) steps: u64,
    /// Batches or stretches whose update was refused for a number that is not finite, and that were passed over or done again.
    pub(crate) skipped: u64,
    /// Share of the hidden units whose output was 0 at every step of the validation split; nothing where there are none to look at.
    pub(crate) silent: Option<f64>,
    /// Share of those that fired at every step, or never left the end of their range.
    pub(crate) saturated: Option<f64>,
    /// Mean over the epoch's batches or stretches of the gradient's norm at the last update of each, before it was clipped.
    #[serde(default)]
    pub(crate) gradient_norm: Option<f64>,
}

/// How long an epoch took, and what of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pace {
    pub(crate) seconds: f64,
    pub(crate) steps_per_second: f64,
    /// The most that the process has had in memory by then, MiB, where the system says so.
    #[serde(default)]
    pub(crate) peak_mib: Option<f64>,
}

/// The table of epochs, open for more rows.
#[derive(Debug)]
pub(crate) struct Metrics {
    path: PathBuf,
    /// Nothing where another process writes it.
    file: Option<File>,
    /// Those with columns at the end.
    figures: Vec<Metric>,
}

impl Metrics {
    /// Opens the table of a run directory for more rows, with a column for each of these figures and the rows so far. Says whether rows of
    /// the table that was there had been lost or changed.
    pub(super) fn open(folder: &Path, figures: &[Metric], rows: &[(Row, Option<Pace>)]) -> Result<(Self, bool)> {
        let path = folder.join(METRICS);
        // The loss and the accuracy have columns of their own.
        let figures: Vec<Metric> =
            figures.iter().copied().filter(|figure| !matches!(figure, Metric::Loss | Metric::Accuracy)).collect();
        let mut text = HEADER.to_owned();
        text.extend(figures.iter().map(|figure| format!(",valid_{}", figure.name().replace('-', "_"))));
        text.push('\n');
        text.extend(rows.iter().map(|(row, pace)| line(row, *pace, &figures)));
        // Rows past the checkpoint belong to what is done over.
        let there = fs::read(&path).ok();
        let is_lost = !rows.is_empty() && !there.is_some_and(|there| there.starts_with(text.as_bytes()));
        replace(folder, METRICS, text.as_bytes())?;
        let file =
            OpenOptions::new().append(true).open(&path).with_context(|| format!("{}: cannot be opened", path.display()))?;
        Ok((Self { path, file: Some(file), figures }, is_lost))
    }

    /// The table that another process writes.
    pub(super) fn elsewhere() -> Self {
        Self { path: PathBuf::new(), file: None, figures: Vec::new() }
    }

    /// Adds a row, and sees it written before training goes on.
    pub(crate) fn add(&mut self, row: &Row, pace: Pace) -> Result<()> {
        let line = line(row, Some(pace), &self.figures);
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(line.as_bytes()).and_then(|()| file.flush());
        written.with_context(|| format!("{}: cannot be written", self.path.display()))
    }
}

fn line(row: &Row, pace: Option<Pace>, figures: &[Metric]) -> String {
    let written = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let (seconds, speed) =
        pace.map_or_else(Default::default, |pace| (format!("{:.3}", pace.seconds), format!("{:.0}", pace.steps_per_second)));
    let peak = pace.and_then(|pace| pace.peak_mib).map_or_else(String::new, |peak| format!("{peak:.1}"));
    let cells = [
        row.epoch.to_string(),
        row.learning_rate.to_string(),
        row.train_loss.unwrap_or(f64::NAN).to_string(),
        row.valid.loss().to_string(),
        written(row.valid.get(Metric::Accuracy)),
        seconds,
        speed,
        row.steps.to_string(),
        written(row.train_accuracy),
        row.skipped.to_string(),
        written(row.silent),
        written(row.saturated),
        written(row.gradient_norm),
        peak,
    ];
    let cells = cells.into_iter().chain(figures.iter().map(|&metric| written(row.valid.get(metric))));
    cells.collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first epoch has an accuracy of 3/4.
    fn figures(epoch: u64) -> Figures {
        let loss = if epoch == 1 { ostl_core::Loss::SoftmaxCrossEntropy } else { ostl_core::Loss::MeanSquaredError };
        let mut measures = ostl_tasks::Measures::of(loss, 2, &[]);
        for answer in [0, 1, 1, 1] {
            let target = match epoch {
                1 => ostl_core::Target::Class(answer),
                _ => ostl_core::Target::Values(&[0.0, 0.0]),
            };
            measures.observe(&ostl_core::Observation {
                stream: 0,
                step: 0,
                head: "",
                outputs: &[0.0, 1.0],
                target,
                loss: 1.5,
            });
        }
        Figures::new(&measures, &[Metric::Loss, Metric::Accuracy, Metric::Perplexity])
    }

    fn row(epoch: u64) -> Row {
        Row {
            epoch,
            learning_rate: 0.1,
            train_loss: Some(2.0),
            train_accuracy: (epoch == 1).then_some(0.5),
            valid: figures(epoch),
            steps: 60 * epoch,
            skipped: 0,
            silent: Some(0.25),
            saturated: None,
            gradient_norm: Some(1.5),
        }
    }

    const COLUMNS: [Metric; 3] = [Metric::Loss, Metric::Accuracy, Metric::BitsPerCharacter];
    const PACE: Pace = Pace { seconds: 0.25, steps_per_second: 1234.5, peak_mib: Some(20.0) };

    #[test]
    fn the_table_is_what_the_rows_say() {
        let folder = tempfile::tempdir().unwrap();
        let text = || fs::read_to_string(folder.path().join(METRICS)).unwrap();
        let open = |rows: &[(Row, Option<Pace>)]| Metrics::open(folder.path(), &COLUMNS, rows).unwrap();
        let (mut metrics, lost) = open(&[]);
        (1..=3).for_each(|epoch| metrics.add(&row(epoch), PACE).unwrap());
        assert!(!lost);
        let whole = text();
        let rows: Vec<&str> = whole.lines().collect();
        assert_eq!(rows.len(), 4, "{whole}");
        assert!(
            rows[0]
                .ends_with(",steps,train_accuracy,skipped,silent,saturated,gradient_norm,peak_mib,valid_bits_per_character"),
            "{whole}"
        );
        assert_eq!(rows[1], "1,0.1,2,1.5,0.75,0.250,1234,60,0.5,0,0.25,,1.5,20.0,");
        assert_eq!(rows[3], "3,0.1,2,1.5,,0.250,1234,180,,0,0.25,,1.5,20.0,");

        // A row torn in the middle, as a kill may leave it, and one past the checkpoint.
        metrics.file.as_mut().unwrap().write_all(b"4,0.").unwrap();
        let two = [1, 2].map(|epoch| (row(epoch), Some(PACE)));
        let (mut metrics, lost) = open(&two);
        metrics.add(&row(3), PACE).unwrap();
        assert!(!lost && text() == whole);
        // Rows that are gone come back, and those whose times are not known come without.
        fs::write(folder.path().join(METRICS), &whole.as_bytes()[..100]).unwrap();
        assert!(open(&two).1 && whole.starts_with(&text()));
        fs::remove_file(folder.path().join(METRICS)).unwrap();
        assert!(open(&[(row(1), None)]).1);
        assert_eq!(text().lines().nth(1), Some("1,0.1,2,1.5,0.75,,,60,0.5,0,0.25,,1.5,,"));
    }
}
