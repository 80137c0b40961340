//! Weighted mean and variance of numbers that come one by one.

use serde::{Deserialize, Serialize};

/// Mean and spread of values of which the n-th before the last weighs λⁿ, kept up to date without sums that cancel: with λ = 1 Welford's
/// recursion (Technometrics 4(3), 1962), else West's (Communications of the ACM 22(9), 1979) with the weights of the past scaled by λ.
///
/// W ← λ W + 1, δ = x − μ, μ ← μ + δ / W, S ← λ S + δ (x − μ). S is then Σ wᵢ (xᵢ − μ)².
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moments {
    /// W = Σ wᵢ.
    weight: f64,
    /// Σ wᵢ².
    squared_weights: f64,
    /// μ.
    mean: f64,
    /// S.
    spread: f64,
}

impl Moments {
    /// Takes a value; the weight of those before is multiplied by `decay` first.
    pub(crate) fn observe(&mut self, value: f64, decay: f64) {
        self.weight = decay * self.weight + 1.0;
        self.squared_weights = decay * decay * self.squared_weights + 1.0;
        let off = value - self.mean;
        self.mean += off / self.weight;
        self.spread = decay * self.spread + off * (value - self.mean);
    }

    /// Mean, where there is any value.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then_some(self.mean)
    }

    /// S = Σ wᵢ (xᵢ − μ)², not below 0.
    pub(crate) fn spread(&self) -> f64 {
        self.spread.max(0.0)
    }

    /// Unbiased variance, where there are two values: S / (W − Σ wᵢ² / W), which with equal weights is S / (n − 1). The formula for weights
    /// that say how reliable a value is ("Weighted Samples" in the manual of the GNU Scientific Library, Galassi et al.).
    pub(crate) fn variance(&self) -> Option<f64> {
        let degrees = self.weight - self.squared_weights / self.weight;
        (degrees > 1e-12).then(|| self.spread() / degrees)
    }
}

/// A sum with what was rounded off kept beside it (Neumaier, Zeitschrift für Angewandte Mathematik und Mechanik 54, 1974): its error does
/// not grow with the number of terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sum {
    sum: f64,
    rest: f64,
}

impl Sum {
    /// Adds a term.
    pub(crate) fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.rest += if self.sum.abs() >= term.abs() { (self.sum - sum) + term } else { (term - sum) + self.sum };
        self.sum = sum;
    }

    /// Multiplies what there is.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.sum *= factor;
        self.rest *= factor;
    }

    /// The sum.
    pub(crate) fn value(self) -> f64 {
        self.sum + self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut moments = Moments::default();
        assert_eq!((moments.mean(), moments.variance()), (None, None));
        moments.observe(2.0, 1.0);
        assert_eq!((moments.mean(), moments.variance()), (Some(2.0), None));
        moments.observe(4.0, 1.0);
        assert_eq!((moments.mean(), moments.variance(), moments.spread()), (Some(3.0), Some(2.0), 2.0));
        // Weights 1/2 and 1: W = 1.5, mean (1 + 4) / 1.5, S = (4/3)²/2 + (2/3)², W − Σw²/W = 1.5 − 1.25/1.5 = 2/3.
        let mut faded = Moments::default();
        faded.observe(2.0, 0.5);
        faded.observe(4.0, 0.5);
        assert!((faded.mean().unwrap() - 10.0 / 3.0).abs() < 1e-15);
        assert!((faded.variance().unwrap() - (16.0 / 18.0 + 4.0 / 9.0) * 1.5).abs() < 1e-15);
    }

    #[test]
    fn a_sum_keeps_small_terms() {
        let mut sum = Sum::default();
        [1.0, 1e100, 1.0, -1e100].into_iter().for_each(|term| sum.add(term));
        assert_eq!(sum.value(), 2.0);
        sum.scale(0.5);
        assert_eq!(sum.value(), 1.0);
    }
}
