//! Any loss: how wrong a step's outputs are, and how that changes with them.

use crate::data::loss::{Loss, Target};
use crate::data::objective::Objective;
use crate::data::ready_loss::ReadyLoss;
use crate::data::target::TargetKind;
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// A loss of one step of one stream; what a sequence costs is the sum over its targets. [`Loss`] and [`Objective`] are such, so are
/// [`Huber`](crate::loss::Huber) and [`Poisson`](crate::loss::Poisson), and anybody's own:
///
/// ```
/// use ostl_core::{LossFunction, Target, TargetKind};
///
/// /// |y − t|, summed over outputs.
/// struct Absolute;
///
/// impl LossFunction<f64> for Absolute {
///     fn target_kind(&self) -> TargetKind {
///         TargetKind::Values
///     }
///     fn evaluate(&self, outputs: &[f64], target: Target<'_, f64>, signal: &mut [f64]) -> f64 {
///         let Target::Values(target) = target else { unreachable!("only values are given") };
///         let mut loss = 0.0;
///         for ((y, t), s) in outputs.iter().zip(target).zip(signal) {
///             loss += (y - t).abs();
///             *s = (y - t).signum();
///         }
///         loss
///     }
/// }
/// ```
pub trait LossFunction<T: Real>: Send + Sync {
    /// The kind of target that it compares with. No other is ever given.
    fn target_kind(&self) -> TargetKind;

    /// The loss of `outputs` beside a target that fits them; writes ∂E/∂outputs to `signal`, one value for each.
    fn evaluate(&self, outputs: &[T], target: Target<'_, T>, signal: &mut [T]) -> T;

    /// What a target weighs in the mean that is reported; 1 unless classes are weighted.
    fn weight(&self, target: Target<'_, T>) -> f64 {
        let _ = target;
        1.0
    }

    /// Refuses a number of outputs that it is not made for.
    ///
    /// # Errors
    /// Which number, and which would fit.
    fn check_outputs(&self, outputs: usize) -> Result<(), ConfigError> {
        let _ = outputs;
        Ok(())
    }

    /// What it takes to make this loss again, as [`loss::of_settings`](crate::loss::of_settings) does for the ready ones. `None` for one that only
    /// its author can make again.
    fn settings(&self) -> Option<String> {
        None
    }

    /// What is set in place of a target where layers are given nothing else ([target projection](crate::Feedback::TargetProjection)): a class
    /// as its one-hot vector, values as they are.
    fn write_target(&self, target: Target<'_, T>, to: &mut [T]) {
        match target {
            Target::Values(values) => to.copy_from_slice(values),
            Target::Class(class) => {
                to.fill(T::zero());
                to[class] = T::one();
            }
        }
    }
}

impl<T: Real> LossFunction<T> for Loss {
    fn target_kind(&self) -> TargetKind {
        Loss::target_kind(*self)
    }

    fn evaluate(&self, outputs: &[T], target: Target<'_, T>, signal: &mut [T]) -> T {
        Loss::evaluate(*self, outputs, target, signal)
    }

    fn settings(&self) -> Option<String> {
        LossFunction::<T>::settings(&Objective::from(*self))
    }
}

impl<T: Real> LossFunction<T> for Objective {
    fn target_kind(&self) -> TargetKind {
        self.loss().target_kind()
    }

    fn evaluate(&self, outputs: &[T], target: Target<'_, T>, signal: &mut [T]) -> T {
        Objective::evaluate(self, outputs, target, signal)
    }

    fn weight(&self, target: Target<'_, T>) -> f64 {
        Objective::weight(self, target)
    }

    fn check_outputs(&self, outputs: usize) -> Result<(), ConfigError> {
        Objective::check_outputs(self, outputs)
    }

    fn settings(&self) -> Option<String> {
        let class_weights = self.class_weights().map(<[f64]>::to_vec);
        ReadyLoss::Objective { loss: self.loss(), class_weights, label_smoothing: self.label_smoothing() }.settings()
    }

    fn write_target(&self, target: Target<'_, T>, to: &mut [T]) {
        Objective::write_target(self, target, to);
    }
}
