//! What is said while rows come and at their end, and the file of figures.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::{Context, Result};

use super::figures;
use super::predictions::csv_line;
use super::scores::Verdict;
use super::session::{Counts, Memory};
use crate::arguments::StreamArguments;
use crate::names::counted;
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
    /// What had been counted before, where only new rows are told of.
    before: Option<Totals>,
}

/// What is counted, here and there.
#[derive(Default)]
struct Totals {
    counts: Counts,
    beyond: u64,
    drifts: u64,
    alarms: u64,
}

impl Totals {
    fn of(memory: &Memory) -> Self {
        let Memory { counts, labels, scores, .. } = memory;
        let alarms = scores.alarms().unwrap_or(0);
        Self { counts: counts.clone(), beyond: labels.beyond(), drifts: scores.drifts(), alarms }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            counts: self.counts.since(&before.counts),
            beyond: self.beyond - before.beyond,
            drifts: self.drifts - before.drifts,
            alarms: self.alarms - before.alarms,
        }
    }
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
            before: None,
        })
    }

    /// From here on the rows to come are told of, and not those before.
    pub(super) fn tell_of_new_rows(&mut self, memory: &Memory) {
        self.before = Some(Totals::of(memory));
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
        let all = if self.before.is_some() { "new rows" } else { "all rows" };
        let mut rows = vec![["", all, &window, "fading"].map(str::to_owned).to_vec()];
        let figures = figures::all(memory);
        for figure in &figures {
            rows.push(vec![figure.title.clone(), figure.text(0), figure.text(1), figure.text(2)]);
        }
        if self.before.is_some() && figures.iter().all(|figure| figure.views == [None; 3]) {
            tell("\nno new row had a target, by which its prediction could be judged\n");
        } else {
            tell(&format!("\n{}", table::aligned(&rows, &[0])));
        }
        let totals = Totals::of(memory).since(self.before.as_ref().unwrap_or(&Totals::default()));
        let Totals { counts, beyond, drifts, alarms } = &totals;
        let mut said = vec![format!("{} read, {} learned from", counted(counts.read, "row"), counts.learned)];
        let waiting = memory.turns.all().map(|(_, past)| past.waiting.len() as u64).sum();
        let of_labels = |count| if memory.settings.id.is_some() { count } else { 0 };
        let streams = memory.turns.slots.as_ref().map_or(0, |slots| slots.len() as u64);
        let without = counts.unlabelled.saturating_sub(beyond + counts.given_up);
        let more = [
            (without, "without a target"),
            (counts.labels, if counts.labels == 1 { "label by itself" } else { "labels by themselves" }),
            (counts.unknown, "label(s) of rows that are not there"),
            (of_labels(waiting), "still waiting for a label"),
            (counts.given_up, "given up waiting for one"),
            (streams, "stream(s)"),
            (memory.turns.given_up(), "stream(s) given up for others"),
            (counts.exploded, "time(s) that traces had exploded"),
            (counts.restarts, "new beginning(s)"),
            (counts.broken, "broken"),
            (*beyond, "of a class beyond the most there may be"),
            (counts.refused, "not learned from since a number broke"),
            (counts.sequences, "sequence(s)"),
            (*drifts, "drift(s)"),
        ];
        let in_words =
            |(count, what): (u64, &str)| format!("{count} {}", what.replace("(s)", if count == 1 { "" } else { "s" }));
        said.extend(more.into_iter().filter(|(count, _)| *count > 0).map(in_words));
        said.extend(memory.scores.alarms().map(|_| counted(*alarms, "alarm")));
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
