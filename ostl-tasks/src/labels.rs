//! Sequences that belong to one class each: which of their steps have it as target, and what guessing reaches.

use std::ops::Range;

use ostl_core::SequenceBatch;
use serde::{Deserialize, Serialize};

/// The steps of a sequence that have the sequence's class as their target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetSteps {
    /// Every step: the class is the target throughout.
    Every,
    /// The last step only: the class is the target once all has been shown.
    Last,
}

impl TargetSteps {
    /// The steps with a target in a sequence of `steps` steps.
    pub(crate) fn of(self, steps: usize) -> Range<usize> {
        match self {
            TargetSteps::Every => 0..steps,
            TargetSteps::Last => steps.saturating_sub(1)..steps,
        }
    }

    /// Sets the class of a sequence of `steps` steps at each step that has it as target.
    #[track_caller]
    pub(crate) fn write(self, batch: &mut SequenceBatch<f32>, stream: usize, steps: usize, class: usize) {
        for step in self.of(steps) {
            batch.set_class(stream, step, class);
        }
    }
}

/// What a guesser reaches on the test split who knows only how often each class is the target in the train split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LabelChance {
    /// Mean loss at a target, in nats.
    pub(crate) loss: f64,
    /// Fraction of the targets that are of the most frequent class of the train split.
    pub(crate) accuracy: f64,
}

impl LabelChance {
    /// From the class of each sequence and how many targets it has. One target more of each class is taken to be known (Laplace's rule
    /// of succession), lest a class that is new to the test split cost infinitely much.
    pub(crate) fn new(
        classes: usize,
        train: impl Iterator<Item = (usize, usize)>,
        test: impl Iterator<Item = (usize, usize)>,
    ) -> Self {
        let counts = |sequences: &mut dyn Iterator<Item = (usize, usize)>| {
            let mut counts = vec![0_u64; classes];
            sequences.for_each(|(class, targets)| counts[class] += targets as u64);
            counts
        };
        let (known, asked) = (counts(&mut { train }), counts(&mut { test }));
        let known_targets = known.iter().sum::<u64>() as f64 + classes as f64;
        let asked_targets = asked.iter().sum::<u64>() as f64;
        let cost = |(&known, &asked): (&u64, &u64)| -(asked as f64) * ((known as f64 + 1.0) / known_targets).ln();
        // The first of equals.
        let best = (0..classes).rev().max_by_key(|&class| known[class]).unwrap_or(0);
        Self {
            loss: known.iter().zip(&asked).map(cost).sum::<f64>() / asked_targets,
            accuracy: asked[best] as f64 / asked_targets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostl_core::TargetKind;

    #[test]
    fn chance_by_hand() {
        // Targets known: 3 of class 0, 1 of class 1, none of class 2; with one more of each 4/7, 2/7 and 1/7.
        let chance = LabelChance::new(3, [(0, 2), (1, 1), (0, 1)].into_iter(), [(1, 1), (0, 2), (2, 1)].into_iter());
        let loss = -(2.0 * (4.0_f64 / 7.0).ln() + (2.0_f64 / 7.0).ln() + (1.0_f64 / 7.0).ln()) / 4.0;
        assert!((chance.loss - loss).abs() < 1e-12, "{chance:?}");
        assert_eq!(chance.accuracy, 0.5);
    }

    #[test]
    fn targets_by_hand() {
        let mut batch = SequenceBatch::new(1, 3, TargetKind::Classes, &[4, 2]);
        TargetSteps::Every.write(&mut batch, 0, 4, 2);
        TargetSteps::Last.write(&mut batch, 1, 2, 1);
        assert_eq!(batch.target_count(), 5);
        assert!(!batch.has_target(1, 0) && batch.target(1, 1) == Some(ostl_core::Target::Class(1)));
        assert_eq!(TargetSteps::Last.of(0), 0..0);
    }
}
