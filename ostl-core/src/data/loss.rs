//! Losses: how wrong the readout is at one step, and the learning signal ∂E/∂logits that this sends down.

use serde::{Deserialize, Serialize};

pub use crate::data::target::Target;
use crate::data::target::TargetKind;
use crate::linalg::dispatch::{Instructions, Job, dispatch};
use crate::linalg::real::Real;

pub use crate::data::ready_loss::of_settings;
pub use crate::data::regression::{Huber, Poisson};

/// The loss of one step of one stream; a sequence's loss is the sum over the steps that have a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Loss {
    /// −ln softmax(logits)\[class\].
    SoftmaxCrossEntropy,
    /// Σ over outputs of −t ln σ(logit) − (1 − t) ln(1 − σ(logit)), targets t in 0 … 1.
    BinaryCrossEntropy,
    /// Mean over outputs of (output − target)².
    MeanSquaredError,
}

impl Loss {
    /// The kind of target this loss compares with.
    pub fn target_kind(self) -> TargetKind {
        match self {
            Loss::SoftmaxCrossEntropy => TargetKind::Classes,
            Loss::BinaryCrossEntropy | Loss::MeanSquaredError => TargetKind::Values,
        }
    }

    /// The loss of one column of `logits`; writes ∂E/∂logits to `signal`.
    ///
    /// # Panics
    /// If the target is of the wrong kind or length, or the class out of range.
    #[track_caller]
    #[inline(never)]
    pub fn evaluate<T: Real>(self, logits: &[T], target: Target<'_, T>, signal: &mut [T]) -> T {
        assert_eq!(logits.len(), signal.len(), "one signal per logit");
        match (self, target) {
            (Loss::SoftmaxCrossEntropy, Target::Class(class)) => {
                assert!(class < logits.len(), "class {class} of {}", logits.len());
                let log_sum = softmax(logits, signal);
                signal[class] -= T::one();
                log_sum - logits[class]
            }
            (Loss::BinaryCrossEntropy, Target::Values(targets)) => {
                assert_eq!(logits.len(), targets.len(), "one target per logit");
                dispatch(BinaryCrossEntropy { logits, targets, signal })
            }
            (Loss::MeanSquaredError, Target::Values(targets)) => {
                assert_eq!(logits.len(), targets.len(), "one target per output");
                mean_squared_error(logits, targets, signal)
            }
            _ => panic!("{self:?} wants a target of the kind {:?}", self.target_kind()),
        }
    }
}

/// Writes the softmax of logits, and gives ln Σ exp.
pub(crate) fn softmax<T: Real>(logits: &[T], to: &mut [T]) -> T {
    dispatch(Softmax { logits, to })
}

/// Running maxima and sums.
const LANES: usize = 16;

struct Softmax<'a, T> {
    logits: &'a [T],
    to: &'a mut [T],
}

impl<T: Real> Job for Softmax<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> T {
        let Self { logits, to } = self;
        // Sixteen running maxima and sums: one after the other would wait for every single addition.
        let mut maxima = [logits[0]; LANES];
        let (chunks, rest) = logits.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                maxima[i] = chunk[i].if_or(chunk[i] > maxima[i], maxima[i]);
            }
        }
        let highest = maxima.iter().chain(rest).copied().fold(logits[0], |a, b| if b > a { b } else { a });
        let mut sums = [T::zero(); LANES];
        let (chunks_of_p, rest_of_p) = to.as_chunks_mut::<LANES>();
        for (ps, chunk) in chunks_of_p.iter_mut().zip(chunks) {
            for i in 0..LANES {
                let p = (chunk[i] - highest).exp();
                ps[i] = p;
                sums[i] += p;
            }
        }
        let mut sum: T = sums.into_iter().sum();
        for (p, &logit) in rest_of_p.iter_mut().zip(rest) {
            *p = (logit - highest).exp();
            sum += *p;
        }
        let scale = T::one() / sum;
        for p in to.iter_mut() {
            *p *= scale;
        }
        sum.ln() + highest
    }
}

/// max(x, 0) − t x + ln(1 + e^{−|x|}) for each output. The logarithms of up to 32 outputs are taken as one: their arguments
/// lie in (1, 2], so the product stays below 2³².
struct BinaryCrossEntropy<'a, T> {
    logits: &'a [T],
    targets: &'a [T],
    signal: &'a mut [T],
}

impl<T: Real> Job for BinaryCrossEntropy<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> T {
        let mut loss = T::zero();
        let columns = self.logits.chunks(32).zip(self.targets.chunks(32)).zip(self.signal.chunks_mut(32));
        for ((logits, targets), signal) in columns {
            // Three plain passes, each of which vectorises; the sums run in order.
            let (mut factors, mut linear) = ([T::one(); 32], [T::zero(); 32]);
            let outputs = logits.iter().zip(targets).zip(signal).zip(factors.iter_mut().zip(&mut linear));
            for (((&x, &t), s), (factor, linear)) in outputs {
                let e = (-x.abs()).exp();
                let inverse = T::one() / (T::one() + e);
                *s = inverse.if_or(x >= T::zero(), e * inverse) - t;
                *linear = x.if_or(x > T::zero(), T::zero()) - t * x;
                *factor = T::one() + e;
            }
            let product = factors.into_iter().fold(T::one(), |product, factor| product * factor);
            loss += linear.into_iter().sum::<T>() + product.ln();
        }
        loss
    }
}

fn mean_squared_error<T: Real>(outputs: &[T], targets: &[T], signal: &mut [T]) -> T {
    let mean = T::one() / T::from_f64(outputs.len() as f64);
    let mut loss = T::zero();
    for ((&y, &t), s) in outputs.iter().zip(targets).zip(signal) {
        let difference = y - t;
        *s = T::from_f64(2.0) * mean * difference;
        loss += mean * difference * difference;
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences of the loss against the signal it sends down.
    fn signal_is_the_derivative(loss: Loss, logits: &[f64], target: Target<'_, f64>) {
        let mut signal = vec![0.0; logits.len()];
        let mut scratch = signal.clone();
        loss.evaluate(logits, target, &mut signal);
        for i in 0..logits.len() {
            let mut at = |shift: f64| {
                let mut moved = logits.to_vec();
                moved[i] += shift;
                loss.evaluate(&moved, target, &mut scratch)
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - signal[i]).abs() < 1e-9 * (1.0 + slope.abs()), "{loss:?} {i}: {slope} {}", signal[i]);
        }
    }

    #[test]
    fn signals_are_derivatives() {
        let logits: Vec<f64> = (0..70).map(|i| f64::from(i % 13) * 0.7 - 4.0 + 0.01 * f64::from(i)).collect();
        let targets: Vec<f64> = (0..70).map(|i| f64::from(i % 2)).collect();
        signal_is_the_derivative(Loss::SoftmaxCrossEntropy, &logits, Target::Class(3));
        signal_is_the_derivative(Loss::BinaryCrossEntropy, &logits, Target::Values(&targets));
        signal_is_the_derivative(Loss::MeanSquaredError, &logits, Target::Values(&targets));
    }

    #[test]
    fn by_hand() {
        let mut signal = [0.0; 2];
        let loss = Loss::SoftmaxCrossEntropy.evaluate(&[0.0, 0.0], Target::Class(1), &mut signal);
        assert!((loss - 2_f64.ln()).abs() < 1e-15);
        assert_eq!(signal, [0.5, -0.5]);
        let loss = Loss::BinaryCrossEntropy.evaluate(&[0.0, 0.0], Target::Values(&[1.0, 0.0]), &mut signal);
        assert!((loss - 2.0 * 2_f64.ln()).abs() < 1e-15);
        assert_eq!(signal, [-0.5, 0.5]);
        let loss = Loss::MeanSquaredError.evaluate(&[3.0, 1.0], Target::Values(&[1.0, 1.0]), &mut signal);
        assert_eq!((loss, signal), (2.0, [2.0, 0.0]));
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let mut signal = [0.0_f32; 2];
        for x in [1e4_f32, 1e30] {
            let loss = Loss::SoftmaxCrossEntropy.evaluate(&[x, -x], Target::Class(0), &mut signal);
            assert!(loss.abs() < 1e-6 && signal.iter().all(|s| s.is_finite()));
            let loss = Loss::BinaryCrossEntropy.evaluate(&[x, -x], Target::Values(&[1.0, 0.0]), &mut signal);
            assert!(loss.abs() < 1e-6 && signal.iter().all(|s| s.is_finite()));
        }
    }
}
