//! Targets that are values: how much of their variation the outputs explain.

use ostl_core::Real;

/// Sums for each output.
#[derive(Clone, Debug)]
pub(super) struct Values {
    targets: u64,
    outputs: Vec<Sums>,
}

#[derive(Clone, Copy, Debug, Default)]
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
