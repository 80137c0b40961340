//! The minimal LSTM (minLSTM): gates that receive the input alone and share out the state between them.
//!
//! Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, "Were RNNs all we needed?", arXiv 2410.01201:
//!
//! ```text
//! f, i = σ(a_f), σ(a_i)
//! s_t  = f/(f + i) · s_{t-1} + i/(f + i) · a_h
//! y_t  = s_t
//! ```
//!
//! The candidate a_h is not squashed, and there is no output gate.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | forget (a_f) | x, 1 | s |
//! | input (a_i) | x, 1 | s |
//! | candidate (a_h) | x, 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | forget bias | 0 | where the forget gate's constant starts | finite |

use crate::config::{CellConfig, MinLstmConfig};
use ostl_core::{Cell, Gate, Partials, Real, Unit};

use crate::error::{CellError, finite};

const FORGET: usize = 0;
const INPUT: usize = 1;
const CANDIDATE: usize = 2;

/// A minimal LSTM unit; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MinLstm {
    forget_bias: f64,
}

impl MinLstm {
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

    /// f, i, and the shares f/(f + i) and i/(f + i).
    #[inline(always)]
    fn shares<T: Real>(a: &[T; 3]) -> (T, T, T, T) {
        // Never both 0, so that there is something to share.
        let least = T::from_f64(1e-30);
        let (f, i) = (a[FORGET].sigmoid().at_least(least), a[INPUT].sigmoid().at_least(least));
        let sum = f + i;
        (f, i, f / sum, i / sum)
    }
}

impl Cell<1, 3> for MinLstm {
    fn name(&self) -> &'static str {
        "min-lstm"
    }

    fn settings(&self) -> Option<String> {
        CellConfig::MinLstm(MinLstmConfig { forget_bias: self.forget_bias }).settings()
    }

    fn gates(&self) -> [Gate; 3] {
        ["forget", "input", "candidate"].map(|name| Gate::new(name, false))
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        if gate == FORGET { self.forget_bias } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 3]) -> Unit<T, 1> {
        let (.., kept, taken) = Self::shares(&a);
        let s = kept * previous.s[0] + taken * a[CANDIDATE];
        Unit { s: [s], y: s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 3]) -> (Unit<T, 1>, Partials<T, 1, 3>) {
        let one = T::one();
        let (f, i, kept, taken) = Self::shares(&a);
        // d(f/(f+i)) = f·i/(f+i)² · (d ln f − d ln i), and d ln σ(a) = (1 − σ(a)) da.
        let exchange = (previous.s[0] - a[CANDIDATE]) * kept * taken;
        let mut partials = Partials::zero();
        partials.ds_ds = [[kept]];
        partials.ds_da[0] = [exchange * (one - f), -(exchange * (one - i)), taken];
        partials.dy_ds = [one];
        (self.step(previous, a), partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // f = σ(ln 3) = ¾, i = σ(−ln 3) = ¼: ¾·0.4 + ¼·2 = 0.8; (0.4 − 2)·3/16 = −0.3, times ¼ and −¾.
        let a = [3_f64.ln(), -3_f64.ln(), 2.0];
        let (next, partials) = MinLstm::new().linearise(Unit { s: [0.4], y: 0.4 }, a);
        assert_close(&[next.s[0], next.y, partials.ds_ds[0][0]], &[0.8, 0.8, 0.75]);
        assert_close(&partials.ds_da[0], &[-0.075, 0.225, 0.25]);
    }

    #[test]
    fn partials_are_derivatives() {
        assert_partials(&MinLstm::new(), &points());
    }

    #[test]
    fn two_closed_gates_share_evenly() {
        let wide = MinLstm::new().step(Unit { s: [1.0], y: 1.0 }, [-1e4_f64, -1e4, 3.0]);
        let narrow = MinLstm::new().step(Unit { s: [1.0], y: 1.0 }, [-1e4_f32, -1e4, 3.0]);
        assert_eq!((wide.y, narrow.y), (2.0, 2.0));
        assert_eq!(MinLstm::new().forget_bias(1.5).unwrap().initial_constant(FORGET), 1.5);
        assert!(MinLstm::new().forget_bias(f64::INFINITY).is_err());
    }
}
