//! What an error from outside asks of the weights, in the place of the loss, and what has been gathered for the next update.

use super::Learner;
use crate::engine::error::EngineError;
use crate::engine::{Gradient, Signal};
use crate::learner::error::LearnError;
use crate::linalg::real::Real;

impl<T: Real> Learner<T> {
    /// [`learn`](Learner::learn) where the error comes from outside in the place of the loss: ∂E/∂y of the step just predicted, one entry a
    /// stream; `None` where there is none. An update divides by their number as it does by that of targets.
    ///
    /// # Errors
    /// If a signal does not fit or is not finite, or nothing was predicted: the learner is then as before the call. If the gradient or the update is not
    /// finite: the weights are then as before, and the streams start anew.
    #[inline(never)]
    pub fn learn_signals(&mut self, signals: &[Option<Signal<'_, T>>]) -> Result<(), LearnError> {
        let closed = match self.engine.learn(signals) {
            Ok(closed) => closed,
            Err(error @ EngineError::NonFinite { .. }) => return Err(self.dropped(error)),
            Err(error) => return Err(self.learn_error(error)),
        };
        if self.is_frozen() {
            return Ok(());
        }
        self.targets += signals.iter().flatten().count() as u64;
        if closed { self.update_after_window() } else { Ok(()) }
    }

    /// What the next update is made of so far: Σ ∂E/∂Θ of everything that windows closed over since the last one, divided by nothing. An open
    /// window is not in it.
    ///
    /// # Errors
    /// If it is not finite: the streams then start anew.
    #[inline(never)]
    pub fn gathered(&mut self) -> Result<Gradient<'_, T>, LearnError> {
        if let Err(error) = self.engine.look_at_gradient() {
            return Err(self.dropped(error));
        }
        Ok(self.engine.looked_at())
    }
}
