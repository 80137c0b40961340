//! How a task's sequences are handed over: in batches of whole ones, or all side by side and a stretch at a time.

use anyhow::{Context, Result};
use ostl_core::{Learner, Score, SequenceBatch, Window};
use ostl_tasks::{Batches, Measures, Metric, Split, Stretches, Task};

use crate::config::{Config, OutOfRange, Source};
use crate::failure::UsageError;
use crate::figures;
use crate::signals::Stop;

/// What is handed over at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    /// This many whole sequences.
    Batches(usize),
    /// This many steps of every sequence, each going on where it was.
    Stretches(usize),
}

/// What is handed over in one epoch.
pub(crate) enum Epoch<'t> {
    Batches(Batches<'t>),
    Stretches(Stretches<'t>),
}

impl Feed {
    /// What suits the task, if it can be trained on at all and the configuration's figures exist for it.
    pub(crate) fn new(config: &Config, source: &Source, task: &dyn Task) -> Result<Self> {
        for (split, what) in [(Split::Train, "nothing to learn from"), (Split::Valid, "nothing to choose the best epoch by")]
        {
            if task.sequences(split) == 0 {
                let problem = format!("the task `{}` has {what}: its {split} split is empty", task.name());
                return Err(UsageError::Other(problem).into());
            }
        }
        let figures = figures::reported(task);
        if !figures.contains(&config.training.best) {
            let allowed = format!("one of the figures of `{}`: {}", task.name(), figures::names(&figures));
            return Err(source.out_of_range(OutOfRange::new("training.best", config.training.best, allowed)));
        }
        match (task.stretch(), config.training.batch) {
            (Some(steps), _) => Ok(Feed::Stretches(whole_windows(steps, config.method().window, longest(task)))),
            (None, Some(batch)) => Ok(Feed::Batches(batch)),
            (None, None) => {
                Err(source
                    .missing("training.batch", "missing; it has no default: so many sequences are learned side by side"))
            }
        }
    }

    /// Streams that a learner of the task needs.
    pub(crate) fn streams(self, task: &dyn Task) -> usize {
        let of = |split| task.sequences(split);
        match self {
            // No batch is larger than the largest split, whatever the configuration says.
            Feed::Batches(batch) => batch.min(Split::ALL.into_iter().map(of).max().unwrap_or(1)).max(1),
            Feed::Stretches(_) => of(Split::Train).max(1),
        }
    }

    /// What of this the user did not ask for, a line each.
    pub(crate) fn notes(self, config: &Config, task: &dyn Task) -> Vec<String> {
        let Feed::Stretches(steps) = self else { return Vec::new() };
        let mut notes = Vec::new();
        if let Some(asked) = task.stretch().filter(|&asked| asked != steps) {
            notes.push(format!("stretches of {steps} steps instead of {asked}: a multiple of the window"));
        }
        if let Some(batch) = config.training.batch {
            let (name, streams) = (task.name(), task.sequences(Split::Train));
            notes.push(format!("training.batch = {batch} is not used: all {streams} streams of `{name}` run side by side"));
        }
        notes
    }

    /// An epoch of training.
    pub(crate) fn epoch<'t>(self, task: &'t dyn Task, seed: u64, epoch: u64) -> Epoch<'t> {
        match self {
            Feed::Batches(batch) => Epoch::Batches(Batches::shuffled(task, Split::Train, batch, seed, epoch)),
            Feed::Stretches(steps) => Epoch::Stretches(Stretches::new(task, Split::Train, steps)),
        }
    }

    /// What the learner's network says to a split, without learning. Nothing if it was asked to stop on the way.
    pub(crate) fn evaluate(
        self,
        learner: &mut Learner<f32>,
        task: &dyn Task,
        split: Split,
        stop: &Stop,
    ) -> Result<Option<Measures>> {
        let mut measures = Measures::new(task);
        let parts = match self {
            Feed::Batches(batch) => Epoch::Batches(Batches::in_order(task, split, batch)),
            Feed::Stretches(steps) => Epoch::Stretches(Stretches::new(task, split, steps)),
        };
        learner.restart_evaluation();
        for index in 0..parts.len() {
            if stop.requested() {
                learner.restart_evaluation();
                return Ok(None);
            }
            let (batch, observe) = (parts.build(index), |answer: ostl_core::Observation<'_, f32>| measures.observe(&answer));
            let evaluated = match parts {
                Epoch::Batches(_) => learner.evaluate_batch_with(&batch, observe),
                Epoch::Stretches(_) => learner.evaluate_next_with(&batch, observe),
            };
            evaluated.with_context(|| format!("evaluating the {split} split"))?;
            if let Epoch::Batches(_) = parts {
                measures.end_sequences();
            }
        }
        measures.end_sequences();
        learner.restart_evaluation();
        Ok(Some(measures))
    }
}

impl Epoch<'_> {
    /// Number of batches or stretches.
    pub(crate) fn len(&self) -> usize {
        match self {
            Epoch::Batches(batches) => batches.len(),
            Epoch::Stretches(stretches) => stretches.len(),
        }
    }

    /// One of them.
    pub(crate) fn build(&self, index: usize) -> SequenceBatch<f32> {
        match self {
            Epoch::Batches(batches) => batches.build(index),
            Epoch::Stretches(stretches) => stretches.build(index),
        }
    }

    /// Learns from one of them.
    pub(crate) fn learn(&self, learner: &mut Learner<f32>, index: usize) -> Result<Score> {
        let batch = self.build(index);
        let (learned, what) = match self {
            Epoch::Batches(_) => (learner.learn_batch(&batch), "batch"),
            Epoch::Stretches(_) => (learner.learn_next(&batch), "stretch"),
        };
        learned.with_context(|| format!("{what} {}", index + 1))
    }

    /// All of them are learned from.
    pub(crate) fn finish(&self, learner: &mut Learner<f32>) -> Result<()> {
        match self {
            Epoch::Batches(_) => Ok(()),
            Epoch::Stretches(_) => learner.finish().context("the end of the last stretch"),
        }
    }
}

/// Steps of the longest training sequence.
pub(crate) fn longest(task: &dyn Task) -> usize {
    (0..task.sequences(Split::Train)).map(|index| task.steps(Split::Train, index)).max().unwrap_or(1)
}

/// A window does not reach from one stretch into the next, so a stretch is a whole number of windows.
fn whole_windows(steps: usize, window: Window, longest: usize) -> usize {
    let steps = steps.max(1);
    match window {
        Window::Steps(window) => steps.next_multiple_of(window.min(longest).max(1)),
        Window::Sequence | Window::Rolling(_) => steps,
    }
}

/// Whether a figure on the validation split is better than the best so far. What cannot be worked out is never better.
pub(crate) fn is_better(metric: Metric, value: Option<f64>, best: Option<f64>) -> bool {
    match (value.filter(|value| !value.is_nan()), best.filter(|best| !best.is_nan())) {
        (Some(value), Some(best)) => metric.is_better(value, best),
        (value, best) => value.is_some() && best.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_whole_windows() {
        let whole = |steps, window| whole_windows(steps, window, 1000);
        assert_eq!(whole(100, Window::Steps(7)), 105);
        assert_eq!(whole(100, Window::Steps(20)), 100);
        assert_eq!(whole(100, Window::Steps(300)), 300);
        assert_eq!(whole(100, Window::Steps(5000)), 1000, "a window is no longer than the recording");
        assert_eq!(
            [whole(100, Window::Sequence), whole(100, Window::Rolling(7)), whole(0, Window::Sequence)],
            [100, 100, 1]
        );
    }

    #[test]
    fn better_is_what_the_figure_says() {
        assert!(is_better(Metric::Loss, Some(1.0), Some(2.0)) && !is_better(Metric::Loss, Some(2.0), Some(2.0)));
        assert!(is_better(Metric::R2, Some(0.5), Some(-1.0)) && is_better(Metric::R2, Some(0.5), None));
        for undefined in [None, Some(f64::NAN)] {
            assert!(!is_better(Metric::R2, undefined, Some(0.5)) && !is_better(Metric::R2, undefined, None));
            assert!(is_better(Metric::Loss, Some(9.0), undefined));
        }
    }
}
