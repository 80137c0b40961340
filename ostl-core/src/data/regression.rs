//! Losses of values beside the squared error: Huber's, and that of counts.

use crate::data::loss::Target;
use crate::data::loss_function::LossFunction;
use crate::data::ready_loss::ReadyLoss;
use crate::data::target::TargetKind;
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// Mean over outputs of d²/2 where |d| = |output − target| ≤ δ, and of δ (|d| − δ/2) beyond (Huber 1964, eq. 2.2): outliers pull with a
/// force that does not grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Huber {
    delta: f64,
}

impl Huber {
    /// With this δ, in the unit of the targets.
    ///
    /// # Errors
    /// If it is not a positive finite number.
    pub fn new(delta: f64) -> Result<Self, ConfigError> {
        if delta > 0.0 && delta.is_finite() {
            return Ok(Self { delta });
        }
        Err(ConfigError::out_of_range("delta", delta, "a positive number"))
    }
}

impl<T: Real> LossFunction<T> for Huber {
    fn target_kind(&self) -> TargetKind {
        TargetKind::Values
    }

    fn evaluate(&self, outputs: &[T], target: Target<'_, T>, signal: &mut [T]) -> T {
        let (delta, half) = (T::from_f64(self.delta), T::from_f64(0.5));
        mean_over_outputs(outputs, target, signal, |y, t| {
            let d = y - t;
            if d.abs() <= delta {
                return (half * d * d, d);
            }
            (delta * (d.abs() - half * delta), if d > T::zero() { delta } else { -delta })
        })
    }

    fn settings(&self) -> Option<String> {
        ReadyLoss::Huber { delta: self.delta }.settings()
    }
}

/// Mean over outputs of e^y − t y, for counts t ≥ 0 whose expected value is e^y: the negative logarithm of Poisson's probability, but for
/// the part that does not depend on y (ln t!).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poisson;

impl<T: Real> LossFunction<T> for Poisson {
    fn target_kind(&self) -> TargetKind {
        TargetKind::Values
    }

    fn evaluate(&self, outputs: &[T], target: Target<'_, T>, signal: &mut [T]) -> T {
        mean_over_outputs(outputs, target, signal, |y, t| (y.exp() - t * y, y.exp() - t))
    }

    fn settings(&self) -> Option<String> {
        ReadyLoss::Poisson.settings()
    }
}

/// The mean of what `of` says of each output and its target; its derivatives go to `signal`.
fn mean_over_outputs<T: Real>(outputs: &[T], target: Target<'_, T>, signal: &mut [T], of: impl Fn(T, T) -> (T, T)) -> T {
    let Target::Values(targets) = target else { panic!("a loss of values was given a class") };
    assert!(outputs.len() == targets.len() && outputs.len() == signal.len(), "one target and one signal per output");
    let share = T::one() / T::from_f64(outputs.len() as f64);
    let mut loss = T::zero();
    for ((&y, &t), s) in outputs.iter().zip(targets).zip(signal) {
        let (value, slope) = of(y, t);
        loss += share * value;
        *s = share * slope;
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_derivatives() {
        let losses: [&dyn LossFunction<f64>; 3] = [&Huber::new(1.0).unwrap(), &Huber::new(0.3).unwrap(), &Poisson];
        let (outputs, targets) = ([0.35, -1.0, 2.0, 0.75], [0.0, 2.0, 1.5, 1.0]);
        for (number, loss) in losses.into_iter().enumerate() {
            let (mut signal, mut scratch) = ([0.0; 4], [0.0; 4]);
            loss.evaluate(&outputs, Target::Values(&targets), &mut signal);
            for i in 0..4 {
                let mut at = |shift: f64| {
                    let mut moved = outputs;
                    moved[i] += shift;
                    loss.evaluate(&moved, Target::Values(&targets), &mut scratch)
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - signal[i]).abs() < 1e-9, "{number} {i}: {slope} {}", signal[i]);
            }
        }
    }

    #[test]
    fn values_by_hand() {
        let mut signal = [0.0; 2];
        let huber = Huber::new(1.0).unwrap();
        // d = 0.5 and −3: 0.125 and 1 · (3 − 0.5).
        let loss = huber.evaluate(&[0.5, 0.0], Target::Values(&[0.0, 3.0]), &mut signal);
        assert_eq!((loss, signal), ((0.125 + 2.5) / 2.0, [0.25, -0.5]));
        let loss = Poisson.evaluate(&[0.0, 0.0], Target::Values(&[3.0, 0.0]), &mut signal);
        assert_eq!((loss, signal), (1.0, [-1.0, 0.5]));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Huber::new(wrong).unwrap_err().to_string().contains("delta = "));
        }
    }
}
