//! How a task's sequences are handed over: in batches of whole ones, or all side by side and a stretch at a time.

use anyhow::{Context, Result};
use ostl_core::ranks::{RanksError, Term, sum};
use ostl_core::{LearnError, Learner, Observation, Score, SequenceBatch, ShardedLearner, Window};
use ostl_tasks::{Batches, Measures, Metric, Split, Stretches, Task};

use serde::{Deserialize, Serialize};

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

    /// What the learner's network says to a split, without learning: each rank looks at its shards, and all have the sum. Nothing if any was asked
    /// to stop on the way.
    pub(crate) fn evaluate(
        self,
        learner: &mut ShardedLearner<f32>,
        task: &dyn Task,
        split: Split,
        stop: &Stop,
    ) -> Result<Option<Measures>> {
        let parts = match self {
            Feed::Batches(batch) => Epoch::Batches(Batches::in_order(task, split, batch)),
            Feed::Stretches(steps) => Epoch::Stretches(Stretches::new(task, split, steps)),
        };
        let (ranks, cut) = (learner.shared_ranks(), learner.cut());
        let (mut terms, mut outcome) = (Vec::new(), Ok(()));
        for shard in cut.of_rank(ranks.rank()) {
            let mut measured = Measured { stopped: false, measures: Measures::new(task) };
            if outcome.is_ok() {
                outcome = parts.evaluate(learner.learner_mut(), [shard, cut.shards()], stop, &mut measured);
            }
            terms.push(measured);
        }
        learner.all_well(outcome).with_context(|| format!("evaluating the {split} split"))?;
        let Measured { stopped, measures } = sum(ranks.as_ref(), cut, terms)?;
        Ok((!stopped).then_some(measures))
    }
}

/// What a shard's evaluation came to.
#[derive(Serialize, Deserialize)]
struct Measured {
    stopped: bool,
    measures: Measures,
}

impl Term for Measured {
    fn plus(mut self, other: Self) -> Self {
        self.stopped |= other.stopped;
        self.measures.merge(&other.measures);
        self
    }

    fn write(&self, _: Vec<u8>) -> Vec<u8> {
        // What cannot be written is refused by whoever reads it.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn read(message: &[u8], from: usize) -> Result<Self, RanksError> {
        serde_json::from_slice(message)
            .map_err(|error| RanksError::new(from, format!("what it measured cannot be read: {error}")))
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

    /// What falls to a shard of one of them.
    pub(crate) fn share(&self, index: usize, [shard, shards]: [usize; 2]) -> SequenceBatch<f32> {
        match self {
            Epoch::Batches(batches) => batches.share(index, shard, shards),
            Epoch::Stretches(stretches) => stretches.share(index, shard, shards),
        }
    }

    /// Learns from one of them.
    pub(crate) fn learn(&self, learner: &mut ShardedLearner<f32>, index: usize) -> Result<Score> {
        let cut = learner.cut();
        let own = cut.of_rank(learner.ranks().rank());
        let shares: Vec<_> = own.map(|shard| self.share(index, [shard, cut.shards()])).collect();
        let (learned, what) = match self {
            Epoch::Batches(_) => (learner.learn_batch(&shares), "batch"),
            Epoch::Stretches(_) => (learner.learn_next(&shares), "stretch"),
        };
        learned.with_context(|| format!("{what} {}", index + 1))
    }

    /// Shows a shard of all of them to the network.
    fn evaluate(
        &self,
        learner: &mut Learner<f32>,
        shard: [usize; 2],
        stop: &Stop,
        measured: &mut Measured,
    ) -> Result<(), LearnError> {
        let Measured { stopped, measures } = measured;
        learner.restart_evaluation();
        for index in 0..self.len() {
            if stop.requested() {
                *stopped = true;
                break;
            }
            let (batch, observe) = (self.share(index, shard), |answer: Observation<'_, f32>| measures.observe(&answer));
            match self {
                Epoch::Batches(_) => learner.evaluate_batch_with(&batch, observe),
                Epoch::Stretches(_) => learner.evaluate_next_with(&batch, observe),
            }?;
            if let Epoch::Batches(_) = self {
                measures.end_sequences();
            }
        }
        measures.end_sequences();
        learner.restart_evaluation();
        Ok(())
    }

    /// All of them are learned from.
    pub(crate) fn finish(&self, learner: &mut ShardedLearner<f32>) -> Result<()> {
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
        Window::Rolling { every, .. } => steps.next_multiple_of(every),
        Window::Sequence => steps,
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
            [whole(100, Window::Sequence), whole(100, Window::rolling(7)), whole(0, Window::Sequence)],
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
