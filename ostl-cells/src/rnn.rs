//! The vanilla recurrent unit with a hyperbolic tangent.
//!
//! Elman 1990, "Finding structure in time", Cognitive Science 14(2), 179–211, with tanh for his logistic function:
//!
//! ```text
//! s_t = tanh(W x_t + H y_{t-1} + b)
//! y_t = s_t
//! ```
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | input | x, y, 1 | s |
//!
//! The state is overwritten at every step (∂s_t/∂s_{t-1} = 0): the past acts through y_{t-1} and H alone.

use ostl_core::{Cell, Gate, Partials, Real, Unit};

/// A tanh unit; the [module](self) has the equations. Recurrent unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rnn {
    recurrent: bool,
}

impl Rnn {
    /// A recurrent tanh unit.
    pub fn new() -> Self {
        Self { recurrent: true }
    }

    /// Whether the gate sums the layer's previous outputs. Without them the unit has no memory: a tanh layer.
    pub fn recurrent(self, recurrent: bool) -> Self {
        Self { recurrent }
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

    fn gates(&self) -> [Gate; 1] {
        [Gate::new("input", self.recurrent)]
    }

    #[inline(always)]
    fn step<T: Real>(&self, _previous: Unit<T, 1>, [a]: [T; 1]) -> Unit<T, 1> {
        let s = a.tanh();
        Unit { s: [s], y: s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
        let unit = self.step(previous, a);
        let mut partials = Partials::zero();
        partials.ds_da = [[T::one() - unit.y * unit.y]];
        partials.dy_ds = [T::one()];
        (unit, partials)
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
    fn partials_are_derivatives() {
        assert_partials(&Rnn::new(), &points());
        assert_partials(&Rnn::new().recurrent(false), &points());
    }
}
