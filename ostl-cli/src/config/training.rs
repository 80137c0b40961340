//! The `[training]` section.

use ostl_tasks::Metric;
use serde::{Deserialize, Serialize};

use super::OutOfRange;

/// How long, how many sequences at once, and which epoch counts as the best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrainingConfig {
    /// Passes over the train split, at most.
    pub(crate) epochs: u64,
    /// Sequences side by side. Tasks whose sequences are the streams of one recording need none: all of them are side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<usize>,
    /// Shards that the sequences of a batch, or the streams of a recording, are dealt to: so many processes at most can share the work. What is
    /// learned depends on it in the last bits, and on the number of processes not at all.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) shards: usize,
    /// Stop after this many epochs without a better figure on the validation split; never if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<u64>,
    /// The figure on the validation split that says which epoch is the best.
    #[serde(default = "loss")]
    pub(crate) best: Metric,
    /// Within an epoch, minutes of wall clock from one checkpoint to the next.
    #[serde(default = "ten")]
    pub(crate) checkpoint_minutes: f64,
    /// What to do about an update that would not be finite.
    #[serde(default)]
    pub(crate) on_non_finite: OnNonFinite,
}

/// What becomes of a run when a loss or a gradient is not finite. The weights are never changed by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnNonFinite {
    /// The run ends; its last checkpoint is sound.
    #[default]
    Stop,
    /// The rest of the batch (of a text: of the stretch) is passed over, and counted.
    Skip,
    /// The epoch is done over from its start, at half the learning rate from there on.
    BackOff,
}

impl OnNonFinite {
    pub(crate) fn name(self) -> &'static str {
        match self {
            OnNonFinite::Stop => "stop",
            OnNonFinite::Skip => "skip",
            OnNonFinite::BackOff => "back-off",
        }
    }
}

fn loss() -> Metric {
    Metric::Loss
}

fn one() -> usize {
    1
}

fn is_one(number: &usize) -> bool {
    *number == 1
}

fn ten() -> f64 {
    10.0
}

impl TrainingConfig {
    pub(super) fn validate(&self) -> Result<(), OutOfRange> {
        let counts = [
            ("epochs", Some(self.epochs)),
            ("batch", self.batch.map(|batch| batch as u64)),
            ("shards", Some(self.shards as u64)),
            ("patience", self.patience),
        ];
        for (key, count) in counts {
            if count == Some(0) {
                return Err(OutOfRange::new(key, 0, "at least 1"));
            }
        }
        if !(self.checkpoint_minutes > 0.0 && self.checkpoint_minutes.is_finite()) {
            return Err(OutOfRange::new("checkpoint_minutes", self.checkpoint_minutes, "a positive number"));
        }
        Ok(())
    }
}
