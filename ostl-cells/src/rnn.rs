//! The vanilla recurrent unit with a hyperbolic tangent.
//!
//! Elman 1990, "Finding structure in time", Cognitive Science 14(2), 179–211, with tanh for his logistic function:
//!
//! ```text
//! s_t = tanh(W x_t + H y_{t-1} + b)
//! y_t = s_t
//! ```
//!
//! The state is overwritten at every step (∂s_t/∂s_{t-1} = 0): the past acts through y_{t-1} and H alone. With a leak α < 1 it is the
//! leaky rate unit of Murray 2019, "Local online learning in recurrent networks with random feedback", eLife 8:e43299:
//!
//! ```text
//! s_t = (1 − α) s_{t-1} + α tanh(W x_t + H y_{t-1} + b)
//! ```
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | input | x, y, 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | recurrent | true | the gate sums y_{t-1} through H | |
//! | leak, or time constant and step | 1 | α, or α = 1 − e^{−step/τ} | more than 0, at most 1 |

use crate::config::{CellConfig, RnnConfig};
use ostl_core::{Cell, Gate, Partials, Real, Unit};

use crate::decay::of_time_constant;
use crate::error::CellError;

/// A tanh unit; the [module](self) has the equations. Recurrent unless set otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rnn {
    recurrent: bool,
    leak: f64,
}

impl Rnn {
    /// A recurrent tanh unit.
    pub fn new() -> Self {
        Self { recurrent: true, leak: 1.0 }
    }

    /// Whether the gate sums the layer's previous outputs. Without them, and without a leak below 1, the unit has no memory: a tanh
    /// layer.
    pub fn recurrent(self, recurrent: bool) -> Self {
        Self { recurrent, ..self }
    }

    /// The leak α: the share of the state that is new at every step.
    ///
    /// # Errors
    /// If `leak` is not more than 0 and at most 1.
    pub fn leak(self, leak: f64) -> Result<Self, CellError> {
        if leak > 0.0 && leak <= 1.0 {
            Ok(Self { leak, ..self })
        } else {
            Err(CellError::OutOfRange { key: "leak", value: leak, allowed: "more than 0 and at most 1" })
        }
    }

    /// The leak of a time constant, with steps of so long, both in one unit of time: α = 1 − e^{−step/τ}.
    ///
    /// # Errors
    /// If one of them is not positive and finite, or the step so short that nothing leaks.
    pub fn time_constant(self, time_constant: f64, step: f64) -> Result<Self, CellError> {
        self.leak(1.0 - of_time_constant("time_constant", time_constant, step)?)
    }

    /// What stands at the end of a step: `new` itself without a leak, bit for bit.
    #[inline(always)]
    fn mixed<T: Real>(&self, old: T, new: T) -> T {
        let alpha = T::from_f64(self.leak);
        new.if_or(self.leak == 1.0, (T::one() - alpha) * old + alpha * new)
    }
}

impl Default for Rnn {
    fn default() -> Self {
        Self::new()
    }
}

impl Cell<1, 1> for Rnn {
    fn name(&self) -> &'static str {
        "rnn"
    }

    fn settings(&self) -> Option<String> {
        CellConfig::Rnn(RnnConfig { recurrent: self.recurrent, leak: Some(self.leak), ..RnnConfig::default() }).settings()
    }

    fn gates(&self) -> [Gate; 1] {
        [Gate::new("input", self.recurrent)]
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, [a]: [T; 1]) -> Unit<T, 1> {
        let s = self.mixed(previous.s[0], a.tanh());
        Unit { s: [s], y: s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, [a]: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
        let new = a.tanh();
        let s = self.mixed(previous.s[0], new);
        let mut partials = Partials::zero();
        partials.ds_ds = [[T::from_f64(1.0 - self.leak)]];
        partials.ds_da = [[T::from_f64(self.leak) * (T::one() - new * new)]];
        partials.dy_ds = [T::one()];
        (Unit { s: [s], y: s }, partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // tanh(ln 2) = (2 − ½)/(2 + ½) = 0.6, with the slope 1 − 0.36. The previous state does not matter.
        let (next, partials) = Rnn::new().linearise(Unit { s: [0.9], y: 0.9 }, [2_f64.ln()]);
        assert_close(&[next.s[0], next.y], &[0.6, 0.6]);
        assert_close(&[partials.ds_da[0][0], partials.dy_ds[0], partials.ds_ds[0][0]], &[0.64, 1.0, 0.0]);
    }

    #[test]
    fn leaky_by_hand() {
        // ¾·0.4 + ¼·0.6 = 0.45, with the slope ¼·0.64.
        let rnn = Rnn::new().leak(0.25).unwrap();
        let (next, partials) = rnn.linearise(Unit { s: [0.4], y: 0.4 }, [2_f64.ln()]);
        assert_close(&[next.s[0], next.y, partials.ds_ds[0][0], partials.ds_da[0][0]], &[0.45, 0.45, 0.75, 0.16]);
        assert_eq!(Rnn::new().time_constant(10.0, 1.0), Rnn::new().leak(1.0 - (-0.1_f64).exp()));
        assert!(rnn.leak(0.0).is_err() && rnn.leak(1.1).is_err() && rnn.time_constant(f64::INFINITY, 1.0).is_err());
    }

    #[test]
    fn partials_are_derivatives() {
        assert_partials(&Rnn::new(), &points());
        assert_partials(&Rnn::new().recurrent(false), &points());
        assert_partials(&Rnn::new().leak(0.3).unwrap(), &points());
    }
}
