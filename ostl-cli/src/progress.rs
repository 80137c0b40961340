//! What is seen while training runs: a bar on a terminal, a line an epoch elsewhere, nothing if quiet. All of it on stderr.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::run_directory::MetricsRow;
use crate::table::loss;

/// Shows how training gets on.
#[derive(Debug)]
pub(crate) struct Progress {
    show: Show,
    epochs: u64,
}

#[derive(Debug)]
enum Show {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    /// For so many epochs of so many steps each, of which `done` steps are behind us.
    pub(crate) fn new(quiet: bool, epochs: u64, steps: u64, done: u64) -> Self {
        let show = if quiet {
            Show::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(epochs.saturating_mul(steps)).with_position(done);
            let style = ProgressStyle::with_template("{bar:24} {prefix}  {msg}  {rate}  {eta_precise} left");
            let rate = |state: &ProgressState, out: &mut dyn Write| {
                // There is nobody to tell of a failure to format a number.
                let _ = write!(out, "{:.0} steps/s", state.per_sec());
            };
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate));
            // Resumed work was not done at this speed.
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(250));
            Show::Bar(bar)
        } else {
            Show::Lines
        };
        Self { show, epochs }
    }

    /// Something worth a line of its own.
    pub(crate) fn say(&self, line: &str) {
        match &self.show {
            Show::Bar(bar) => bar.println(line),
            Show::Lines => eprintln!("{line}"),
            Show::Nothing => {}
        }
    }

    /// After a batch of so many steps in epoch `epoch` (from 1), with the epoch's mean training loss so far.
    pub(crate) fn batch(&self, epoch: u64, steps: u64, mean: f64) {
        if let Show::Bar(bar) = &self.show {
            bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
            bar.set_message(format!("loss {}", loss(mean)));
            bar.inc(steps);
        }
    }

    /// After an epoch.
    pub(crate) fn epoch(&self, row: &MetricsRow, best: bool) {
        let accuracy = row.valid_accuracy.map_or_else(String::new, |accuracy| format!(", {:.1} %", 100.0 * accuracy));
        self.say(&format!(
            "epoch {:>3}/{}  train {}  valid {}{accuracy}{}  {:.0} steps/s  {:.1} s",
            row.epoch,
            self.epochs,
            loss(row.train_loss),
            loss(row.valid_loss),
            if best { " *" } else { "" },
            row.steps_per_second,
            row.seconds
        ));
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}
