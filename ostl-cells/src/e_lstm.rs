//! The LSTM with element-wise recurrence (eLSTM).
//!
//! Irie, Gopalakrishnan & Schmidhuber 2023, "Exploring the promise and limits of real-time recurrent learning", arXiv 2305.19044:
//!
//! ```text
//! f, z = σ(a_f + w_f · s_{t-1}), tanh(a_z + w_z · s_{t-1})
//! s_t  = f · s_{t-1} + (1 − f) · z
//! o    = σ(a_o + w_o · s_t)
//! y_t  = o · s_t
//! ```
//!
//! Their output gate reads *all* new states through a full matrix. Here it reads the unit's own through w_o, so that the whole cell
//! stays inside the unit. The recurrence is theirs.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | forget (a_f) | x, 1 | s |
//! | cell (a_z) | x, 1 | s |
//! | output (a_o) | x, 1 | y |
//! | forget_weight (w_f), cell_weight (w_z) | 1 | s |
//! | output_weight (w_o) | 1 | y |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | forget bias | 0 | where the forget gate's constant starts | finite |
//!
//! The three weights start at 0.

use crate::config::{CellConfig, ELstmConfig};
use ostl_core::{Cell, Gate, Partials, Real, Unit};

use crate::error::{CellError, finite};

const FORGET: usize = 0;
const CELL: usize = 1;
const OUTPUT: usize = 2;
const FORGET_WEIGHT: usize = 3;
const CELL_WEIGHT: usize = 4;
const OUTPUT_WEIGHT: usize = 5;

/// An LSTM unit with element-wise recurrence; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ELstm {
    forget_bias: f64,
}

impl ELstm {
    /// A unit with every option at its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the constant of the forget gate starts.
    ///
    /// # Errors
    /// If `forget_bias` is not finite.
    pub fn forget_bias(self, forget_bias: f64) -> Result<Self, CellError> {
        Ok(Self { forget_bias: finite("forget_bias", forget_bias)? })
    }
}

impl Cell<1, 6> for ELstm {
    fn name(&self) -> &'static str {
        "e-lstm"
    }

    fn settings(&self) -> Option<String> {
        CellConfig::ELstm(ELstmConfig { forget_bias: self.forget_bias }).settings()
    }

    fn gates(&self) -> [Gate; 6] {
        let gate = |name| Gate::new(name, false);
        let weights = ["forget_weight", "cell_weight", "output_weight"].map(Gate::constant);
        [gate("forget"), gate("cell"), gate("output").on_output(), weights[0], weights[1], weights[2].on_output()]
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        if gate == FORGET { self.forget_bias } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 6]) -> Unit<T, 1> {
        let [before] = previous.s;
        let f = (a[FORGET] + a[FORGET_WEIGHT] * before).sigmoid();
        let z = (a[CELL] + a[CELL_WEIGHT] * before).tanh();
        let s = f * before + (T::one() - f) * z;
        Unit { s: [s], y: (a[OUTPUT] + a[OUTPUT_WEIGHT] * s).sigmoid() * s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 6]) -> (Unit<T, 1>, Partials<T, 1, 6>) {
        let one = T::one();
        let [before] = previous.s;
        let f = (a[FORGET] + a[FORGET_WEIGHT] * before).sigmoid();
        let z = (a[CELL] + a[CELL_WEIGHT] * before).tanh();
        let s = f * before + (one - f) * z;
        let o = (a[OUTPUT] + a[OUTPUT_WEIGHT] * s).sigmoid();

        let by_forget = (before - z) * f * (one - f);
        let by_cell = (one - f) * (one - z * z);
        let by_output = s * o * (one - o);
        let mut partials = Partials::zero();
        partials.ds_ds = [[f + by_forget * a[FORGET_WEIGHT] + by_cell * a[CELL_WEIGHT]]];
        partials.ds_da[0] = [by_forget, by_cell, T::zero(), by_forget * before, by_cell * before, T::zero()];
        partials.dy_ds = [o + by_output * a[OUTPUT_WEIGHT]];
        partials.dy_da[OUTPUT] = by_output;
        partials.dy_da[OUTPUT_WEIGHT] = by_output * s;
        (Unit { s: [s], y: o * s }, partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // From s⁻ = 0.2: f = σ(ln 3 − 0.1 + ½·0.2) = ¾, z = tanh(ln 2 + 0.2 − 1·0.2) = 0.6, s = ¾·0.2 + ¼·0.6 = 0.3;
        // o = σ(0.6 − 2·0.3) = ½, y = 0.15.
        let a = [3_f64.ln() - 0.1, 2_f64.ln() + 0.2, 0.6, 0.5, -1.0, -2.0];
        let (next, partials) = ELstm::new().linearise(Unit { s: [0.2], y: 0.1 }, a);
        assert_close(&[next.s[0], next.y], &[0.3, 0.15]);
        // By the forget gate (0.2 − 0.6)·3/16 = −0.075, by the cell gate ¼·0.64 = 0.16, by the output gate 0.3·¼ = 0.075.
        assert_close(&partials.ds_ds[0], &[0.75 - 0.5 * 0.075 - 0.16]);
        assert_close(&partials.ds_da[0], &[-0.075, 0.16, 0.0, -0.015, 0.032, 0.0]);
        assert_close(&partials.dy_ds, &[0.5 - 2.0 * 0.075]);
        assert_close(&partials.dy_da, &[0.0, 0.0, 0.075, 0.0, 0.0, 0.0225]);
    }

    #[test]
    fn partials_are_derivatives() {
        assert_partials(&ELstm::new(), &points());
    }

    #[test]
    fn only_the_forget_gate_has_a_start_of_its_own() {
        let cell = ELstm::new().forget_bias(2.0).unwrap();
        assert_eq!([0, 1, 2, 3, 4, 5].map(|gate| cell.initial_constant(gate)), [2.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(cell.forget_bias(f64::NAN).is_err());
    }
}
