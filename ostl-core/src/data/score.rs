//! Sums over the steps that had a target.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Loss and hits, summed over the steps that had a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Σ of the loss, each weighted as the [`Objective`](crate::Objective) says while learning.
    pub loss: f64,
    /// Σ of what layers' own activity added to the error ([`Activity`](crate::Activity)), while learning.
    #[serde(default)]
    pub activity: f64,
    /// Σ of what the targets weighed: their number, where classes have no weights.
    #[serde(default)]
    pub weight: f64,
    /// Number of targets.
    pub targets: u64,
    /// Targets where the largest logit was the right class; stays 0 for losses without classes.
    pub correct: u64,
    /// Steps taken, summed over streams, with or without a target.
    pub steps: u64,
}

/// What one lane of streams adds while a batch is under way: threads do not write to the same place.
#[derive(Clone, Debug)]
pub(crate) struct LaneScores {
    /// Of the window at hand.
    pub(crate) window: Score,
    /// Of each head, since the batch began.
    pub(crate) of_heads: Vec<Score>,
}

impl Score {
    /// Loss per target, or where classes have weights per unit of weight; NaN where there were none.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.weight
    }

    /// Fraction of targets that were hit; NaN where there were none.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.targets as f64
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.activity += other.activity;
        self.weight += other.weight;
        self.targets += other.targets;
        self.correct += other.correct;
        self.steps += other.steps;
    }
}
