//! What is said while rows come and at their end, and the file of figures.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::{Context, Result};

use super::figures;
use super::predictions::csv_line;
use super::scores::Verdict;
use super::session::Memory;
use crate::arguments::StreamArguments;
use crate::output::tell;
use crate::table;

/// Widths of the columns of progress.
const WIDTHS: [usize; 4] = [10, 12, 12, 12];

/// What is counted in the file of figures.
const COUNTED: [&str; 6] = ["rows", "learned", "broken", "streams", "streams_given_up", "exploded"];

/// So many drifts are told, and one more.
const DRIFTS: u64 = 4;

/// How the stream is going, at every power of two or so many rows.
pub(super) struct Report {
    quiet: bool,
    every: Option<u64>,
    next: u64,
    loss: f64,
    rows: u64,
    headed: bool,
    /// How many drifts were told.
    drifts: u64,
    metrics: Option<(String, File, bool)>,
    metrics_every: u64,
}

impl Report {
    pub(super) fn new(arguments: &StreamArguments) -> Result<Self> {
        let metrics = arguments.metrics.as_deref().map(opened).transpose()?;
        let every = arguments.progress;
        Ok(Self {
            quiet: arguments.quiet,
            every,
            next: every.unwrap_or(1),
            loss: 0.0,
            rows: 0,
            headed: false,
            drifts: 0,
            metrics,
            metrics_every: arguments.metrics_every,
        })
    }

    /// Takes what was said of a row, and says how it is going if it is time.
    pub(super) fn take(&mut self, verdict: &Verdict, memory: &Memory) -> Result<()> {
        if let Some(loss) = verdict.loss {
            self.loss += loss;
            self.rows += 1;
        }
        let read = memory.counts.read;
        if verdict.drift && !self.quiet && self.drifts <= DRIFTS {
            self.drifts += 1;
            let last = if self.drifts > DRIFTS { "; more of these are only counted" } else { "" };
            tell(&format!("row {read}: the errors have become larger (drift){last}"));
        }
        if read >= self.next {
            self.next = match self.every {
                Some(every) => (read / every).saturating_add(1).saturating_mul(every),
                None => read.saturating_add(1).next_power_of_two(),
            };
            self.say(memory);
        }
        if read.is_multiple_of(self.metrics_every) {
            self.note(memory)?;
        }
        Ok(())
    }

    fn say(&mut self, memory: &Memory) {
        if self.quiet {
            return;
        }
        let figures = figures::all(memory);
        let Some(main) = figures.first() else { return };
        let since = if self.rows == 0 { "–".to_owned() } else { table::loss(self.loss / self.rows as f64) };
        (self.loss, self.rows) = (0.0, 0);
        if !self.headed {
            let window = window_title(memory);
            tell(&line(["rows", "loss since", &main.title, &window]));
            self.headed = true;
        }
        tell(&line([&memory.counts.read.to_string(), &since, &main.text(0), &main.text(1)]));
    }

    /// A row of the file of figures.
    fn note(&mut self, memory: &Memory) -> Result<()> {
        let Some((name, file, headed)) = &mut self.metrics else { return Ok(()) };
        let figures = figures::all(memory);
        let views = ["", "window_", "fading_"];
        let columns = || figures.iter().flat_map(|figure| (0..views.len()).map(move |view| (figure, view)));
        let mut text = Vec::new();
        if !*headed {
            let names = columns().map(|(figure, view)| format!("{}{}", views[view], figure.name));
            let first = COUNTED.map(str::to_owned);
            csv_line(&mut text, first.into_iter().chain(names))?;
            *headed = true;
        }
        let counts = &memory.counts;
        let streams = memory.turns.slots.as_ref().map_or(0, |slots| slots.len() as u64);
        let counted = [counts.read, counts.learned, counts.broken, streams, memory.turns.given_up(), counts.exploded];
        let first = counted.map(|count| count.to_string());
        let values = columns().map(|(figure, view)| figure.views[view].map_or_else(String::new, |value| value.to_string()));
        csv_line(&mut text, first.into_iter().chain(values))?;
        std::io::Write::write_all(file, &text).with_context(|| format!("{name}: cannot be written"))
    }

    /// The figures of all rows, beside those of guessers that never look at the inputs.
    pub(super) fn conclude(&self, memory: &Memory, parts: &[String]) {
        if self.quiet {
            return;
        }
        let window = window_title(memory);
        let mut rows = vec![["", "all rows", &window, "fading"].map(str::to_owned).to_vec()];
        for figure in figures::all(memory) {
            rows.push(vec![figure.title.clone(), figure.text(0), figure.text(1), figure.text(2)]);
        }
        tell(&format!("\n{}", table::aligned(&rows, &[0])));
        let counts = &memory.counts;
        let mut said = vec![format!("{} rows read, {} learned from", counts.read, counts.learned)];
        let waiting = memory.turns.all().map(|(_, past)| past.waiting.len() as u64).sum();
        let of_labels = |count| if memory.settings.id.is_some() { count } else { 0 };
        let streams = memory.turns.slots.as_ref().map_or(0, |slots| slots.len() as u64);
        let without = counts.unlabelled.saturating_sub(memory.labels.beyond() + counts.given_up);
        let more = [
            (without, "without a target"),
            (counts.labels, "labels by themselves"),
            (counts.unknown, "labels of rows that are not there"),
            (of_labels(waiting), "still waiting for a label"),
            (counts.given_up, "given up waiting for one"),
            (streams, "streams"),
            (memory.turns.given_up(), "streams given up for others"),
            (counts.exploded, "times that traces had exploded"),
            (counts.restarts, "new beginnings"),
            (counts.broken, "broken"),
            (memory.labels.beyond(), "of a class beyond the most there may be"),
            (counts.refused, "not learned from since a number broke"),
            (counts.sequences, "sequences"),
            (memory.scores.drifts(), "drifts"),
        ];
        said.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        said.extend(memory.scores.alarms().map(|alarms| format!("{alarms} alarms")));
        said.extend(parts.iter().cloned());
        tell(&said.join(", "));
    }
}

/// What the view over the last rows is called.
fn window_title(memory: &Memory) -> String {
    format!("last {}", memory.scores.figures().first().map_or(0, |figures| figures.config().window))
}

fn line(cells: [&str; 4]) -> String {
    let padded = cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:>width$}"));
    padded.collect::<Vec<_>>().join("  ")
}

/// The file, and whether it has a header already.
fn opened(path: &Path) -> Result<(String, File, bool)> {
    let name = path.display().to_string();
    let file =
        OpenOptions::new().append(true).create(true).open(path).with_context(|| format!("{name}: cannot be written"))?;
    let headed = file.metadata().is_ok_and(|metadata| metadata.len() > 0);
    Ok((name, file, headed))
}
