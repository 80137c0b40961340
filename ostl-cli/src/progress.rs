//! What is seen while training runs: a bar on a terminal, a line an epoch elsewhere, nothing if quiet. All of it on stderr.

use std::cell::Cell;
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use ostl_core::Score;
use ostl_tasks::Metric;

use crate::figures::written;
use crate::forecast;
use crate::output::tell;
use crate::run_directory::{Pace, Row};
use crate::table::loss;

/// Without a bar, something is said this often within an epoch.
const PAUSE: Duration = Duration::from_secs(60);

/// Shows how training gets on.
#[derive(Debug)]
pub(crate) struct Progress {
    show: Show,
    epochs: u64,
    /// Steps of an epoch.
    steps: u64,
    /// When this began, and how many steps were done then.
    began: (Instant, u64),
}

#[derive(Debug)]
enum Show {
    Bar(ProgressBar),
    /// When something was last said.
    Lines(Cell<Instant>),
    Nothing,
}

impl Progress {
    /// For `epochs` epochs of `steps` steps each, of which `done` steps are behind us.
    pub(crate) fn new(quiet: bool, epochs: u64, steps: u64, done: u64) -> Self {
        let show = if quiet {
            Show::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(epochs.saturating_mul(steps)).with_position(done);
            let style = ProgressStyle::with_template("{bar:24} {prefix}  {msg}  {rate}  {eta_precise} left");
            let rate = |state: &ProgressState, out: &mut dyn Write| {
                // A failure to format a number cannot be reported here.
                let _ = write!(out, "{:.0} steps/s", state.per_sec());
            };
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate));
            // Resumed work was not done at this speed.
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(250));
            Show::Bar(bar)
        } else {
            Show::Lines(Cell::new(Instant::now()))
        };
        Self { show, epochs, steps, began: (Instant::now(), done) }
    }

    /// Whether anything is shown at all.
    pub(crate) fn is_seen(&self) -> bool {
        !matches!(self.show, Show::Nothing)
    }

    /// Something worth a line of its own.
    pub(crate) fn say(&self, line: &str) {
        match &self.show {
            Show::Bar(bar) => bar.println(line),
            Show::Lines(said) => {
                tell(line);
                said.set(Instant::now());
            }
            Show::Nothing => {}
        }
    }

    /// After a batch or stretch of `steps` steps in epoch `epoch` (from 1); `train` is what the epoch has come to so far.
    pub(crate) fn part(&self, epoch: u64, steps: u64, train: &Score) {
        match &self.show {
            Show::Bar(bar) => {
                bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
                bar.set_message(format!("loss {}", loss(train.mean_loss())));
                bar.inc(steps);
            }
            Show::Lines(said) if said.get().elapsed() >= PAUSE => {
                let left = self.left((epoch - 1).saturating_mul(self.steps) + train.steps);
                self.say(&format!("{}{left}", within(epoch, self.epochs, self.steps, train)));
            }
            Show::Lines(_) | Show::Nothing => {}
        }
    }

    /// `, 3 min left` after so many steps of all epochs; nothing before there is anything to judge by, and at the end.
    fn left(&self, steps: u64) -> String {
        let (began, before) = self.began;
        let (done, all) = (steps.saturating_sub(before), self.epochs.saturating_mul(self.steps));
        let still = began.elapsed().as_secs_f64() * all.saturating_sub(steps) as f64 / done as f64;
        if done == 0 || still < 1.0 { String::new() } else { format!(", {} left", forecast::span(still)) }
    }

    /// After an epoch.
    pub(crate) fn epoch(&self, row: &Row, pace: Pace, best: bool) {
        let accuracy =
            row.train_accuracy.map_or_else(String::new, |value| format!(", {}", written(Metric::Accuracy, value)));
        let skipped = if row.skipped > 0 { format!("  {} skipped", row.skipped) } else { String::new() };
        self.say(&format!(
            "epoch {:>3}/{}  train {}{accuracy}  valid {}{}{}{skipped}  {:.0} steps/s  {:.1} s{}",
            row.epoch,
            self.epochs,
            loss(row.train_loss.unwrap_or(f64::NAN)),
            loss(row.valid.loss()),
            row.valid.beside_the_loss(),
            if best { " *" } else { "" },
            pace.steps_per_second,
            pace.seconds,
            self.left(row.epoch.saturating_mul(self.steps))
        ));
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}

/// How far an epoch of `steps` steps is.
fn within(epoch: u64, epochs: u64, steps: u64, train: &Score) -> String {
    let percent = 100.0 * train.steps as f64 / steps.max(1) as f64;
    format!(
        "  in epoch {epoch}/{epochs}: {percent:.0} %, {} of {steps} steps, train {}",
        train.steps,
        loss(train.mean_loss())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_in_progress() {
        let train = Score { loss: 10.0, weight: 4.0, targets: 4, steps: 50, ..Score::default() };
        assert_eq!(within(2, 7, 200, &train), "  in epoch 2/7: 25 %, 50 of 200 steps, train 2.5000");
    }
}
