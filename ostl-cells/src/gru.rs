//! The gated recurrent unit (GRU), reset after the product.
//!
//! Cho et al. 2014, "Learning phrase representations using RNN encoder–decoder for statistical machine translation", arXiv
//! 1406.1078, in the variant of cuDNN, PyTorch and Keras (`reset_after=True`): the reset gate multiplies H y_{t-1} *after*
//! the product, so that it stays inside the unit. With Cho's own order, H (r · y_{t-1}), a unit would see the resets of the
//! others.
//!
//! ```text
//! r, z = σ(a_r), σ(a_z)
//! n    = tanh(a_n + r · a_m)
//! s_t  = (1 − z) · n + z · s_{t-1}
//! y_t  = s_t
//! ```
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | candidate (a_n) | x, 1 | s |
//! | reset (a_r) | x, y, 1 | s |
//! | update (a_z) | x, y, 1 | s |
//! | memory (a_m) | y, 1 | s |
//!
//! PyTorch's order is reset, update, candidate; here the gates that sum x stand together, and so do those that sum y. Its
//! bias `bias_hh` of the candidate is the memory's constant; its two biases of reset and update add up to one here.

use crate::config::{CellConfig, GruConfig};
use ostl_core::{Cell, Gate, Partials, Real, Unit};

const CANDIDATE: usize = 0;
const RESET: usize = 1;
const UPDATE: usize = 2;
const MEMORY: usize = 3;

/// A GRU unit; the [module](self) has the equations. Recurrent unless set otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gru {
    recurrent: bool,
}

impl Gru {
    /// A recurrent unit.
    pub fn new() -> Self {
        Self { recurrent: true }
    }

    /// Whether the gates sum the layer's previous outputs. Without them the memory is a learnable constant, and the unit
    /// still remembers its own state through the update gate.
    pub fn recurrent(self, recurrent: bool) -> Self {
        Self { recurrent }
    }
}

impl Default for Gru {
    fn default() -> Self {
        Self::new()
    }
}

impl Cell<1, 4> for Gru {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn settings(&self) -> Option<String> {
        CellConfig::Gru(GruConfig { recurrent: self.recurrent }).settings()
    }

    fn gates(&self) -> [Gate; 4] {
        let gate = |name| Gate::new(name, self.recurrent);
        let memory = Gate::constant("memory").summing_outputs(self.recurrent);
        [Gate::new("candidate", false), gate("reset"), gate("update"), memory]
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 4]) -> Unit<T, 1> {
        let (r, z) = (a[RESET].sigmoid(), a[UPDATE].sigmoid());
        let n = (a[CANDIDATE] + r * a[MEMORY]).tanh();
        let s = (T::one() - z) * n + z * previous.s[0];
        Unit { s: [s], y: s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 4]) -> (Unit<T, 1>, Partials<T, 1, 4>) {
        let one = T::one();
        let (r, z) = (a[RESET].sigmoid(), a[UPDATE].sigmoid());
        let n = (a[CANDIDATE] + r * a[MEMORY]).tanh();
        let s = (one - z) * n + z * previous.s[0];

        let ds_dn = (one - z) * (one - n * n);
        let mut partials = Partials::zero();
        partials.ds_ds = [[z]];
        partials.ds_da[0][CANDIDATE] = ds_dn;
        partials.ds_da[0][RESET] = ds_dn * a[MEMORY] * r * (one - r);
        partials.ds_da[0][UPDATE] = (previous.s[0] - n) * z * (one - z);
        partials.ds_da[0][MEMORY] = ds_dn * r;
        partials.dy_ds = [one];
        (Unit { s: [s], y: s }, partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // r = σ(−ln 3) = ¼, z = σ(ln 3) = ¾; a_m = 2, a_n = ln 2 − ½, so n = tanh(ln 2 − ½ + ¼·2) = 0.6.
        // s = ¼·0.6 + ¾·0.2 = 0.3.
        let a = [2_f64.ln() - 0.5, -3_f64.ln(), 3_f64.ln(), 2.0];
        let (next, partials) = Gru::new().linearise(Unit { s: [0.2], y: 0.2 }, a);
        assert_close(&[next.s[0], next.y], &[0.3, 0.3]);
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0], partials.dy_ds[0]], &[0.75, 0.0, 1.0]);
        // (1 − z)(1 − n²) = ¼·0.64 = 0.16 for the candidate; 0.16·2·3/16; (0.2 − 0.6)·3/16; 0.16·¼.
        assert_close(&partials.ds_da[0], &[0.16, 0.06, -0.075, 0.04]);
        assert_close(&partials.dy_da, &[0.0; 4]);
    }

    #[test]
    fn partials_are_derivatives() {
        assert_partials(&Gru::new(), &points());
        assert_partials(&Gru::new().recurrent(false), &points());
    }

    #[test]
    fn without_recurrence_nothing_sums_outputs() {
        let gates = Gru::new().recurrent(false).gates();
        assert!(gates.iter().all(|gate| !gate.sums_output && gate.sums_one));
        assert_eq!(gates.map(|gate| gate.sums_input), [true, true, true, false]);
        assert_eq!(Gru::new().gates().map(|gate| gate.sums_output), [false, true, true, true]);
    }
}
