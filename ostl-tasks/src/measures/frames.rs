//! Outputs that are on or off: the frame accuracy of polyphonic music.

use ostl_core::Real;
use serde::{Deserialize, Serialize};

use super::fraction;

/// A target counts as on above this.
const ON: f64 = 0.5;

/// Hits, misses and false alarms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Frames {
    /// An output counts as on above this.
    threshold: f64,
    hits: u64,
    errors: u64,
}

impl Frames {
    pub(super) fn new(threshold: f64) -> Self {
        Self { threshold, hits: 0, errors: 0 }
    }

    pub(super) fn add<T: Real>(&mut self, outputs: &[T], targets: &[T]) {
        for (output, target) in outputs.iter().zip(targets) {
            match (output.to_f64() > self.threshold, target.to_f64() > ON) {
                (true, true) => self.hits += 1,
                (false, false) => {}
                _ => self.errors += 1,
            }
        }
    }

    /// `None` where there was nothing to hit and no false alarm.
    pub(super) fn merge(&mut self, other: &Self) {
        self.hits += other.hits;
        self.errors += other.errors;
    }

    pub(super) fn accuracy(&self) -> Option<f64> {
        fraction(self.hits, self.hits + self.errors)
    }
}
