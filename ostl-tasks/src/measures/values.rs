//! Targets that are values: how much of their variation the outputs explain.

use ostl_core::Real;
use serde::{Deserialize, Serialize};

/// Sums for each output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Values {
    targets: u64,
    outputs: Vec<Sums>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Sums {
    /// Σ(target − output)².
    error: f64,
    /// The mean target so far.
    mean: f64,
    /// Σ(target − mean)², kept up with the mean (Welford, "Note on a method for calculating corrected sums of squares and products",
    /// Technometrics 1962), since the difference of two large sums would lose its digits.
    spread: f64,
}

impl Values {
    pub(super) fn new(outputs: usize) -> Self {
        Self { targets: 0, outputs: vec![Sums::default(); outputs] }
    }

    pub(super) fn add<T: Real>(&mut self, outputs: &[T], targets: &[T]) {
        self.targets += 1;
        let count = self.targets as f64;
        for (sums, (output, target)) in self.outputs.iter_mut().zip(outputs.iter().zip(targets)) {
            let (output, target) = (output.to_f64(), target.to_f64());
            sums.error += (target - output).powi(2);
            let from_old = target - sums.mean;
            sums.mean += from_old / count;
            sums.spread += from_old * (target - sums.mean);
        }
    }

    /// Adds the sums of others (Chan, Golub and LeVeque 1979).
    pub(super) fn merge(&mut self, other: &Self) {
        let [own, others] = [self.targets, other.targets].map(|count| count as f64);
        if others == 0.0 {
            return;
        }
        self.targets += other.targets;
        for (sums, more) in self.outputs.iter_mut().zip(&other.outputs) {
            let apart = more.mean - sums.mean;
            sums.error += more.error;
            sums.mean += apart * (others / (own + others));
            sums.spread += more.spread + apart * apart * (own * others / (own + others));
        }
    }

    /// Mean over the outputs whose targets vary; `None` where none does.
    pub(super) fn r2(&self) -> Option<f64> {
        let varying: Vec<f64> =
            self.outputs.iter().filter(|sums| sums.spread > 0.0).map(|sums| 1.0 - sums.error / sums.spread).collect();
        (!varying.is_empty()).then(|| varying.iter().sum::<f64>() / varying.len() as f64)
    }

    /// `None` where no target varies.
    pub(super) fn nrmse(&self) -> Option<f64> {
        let error: f64 = self.outputs.iter().map(|sums| sums.error).sum();
        let spread: f64 = self.outputs.iter().map(|sums| sums.spread).sum();
        (spread > 0.0).then(|| (error / spread).sqrt())
    }
}
