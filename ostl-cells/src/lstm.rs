//! Long short-term memory (LSTM).
//!
//! Hochreiter & Schmidhuber 1997, "Long short-term memory", Neural Computation 9(8), 1735–1780, with the forget gate of
//! Gers, Schmidhuber & Cummins 2000, "Learning to forget", Neural Computation 12(10), 2451–2471. No peepholes:
//!
//! ```text
//! i, f, o = σ(a_i), σ(a_f), σ(a_o)      u = tanh(a_u)
//! s_t = f · s_{t-1} + i · u             (s: the cell state, often written c)
//! y_t = o · tanh(s_t)                   (y: the output, often written h)
//! ```
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | input | x, y, 1 | s |
//! | forget | x, y, 1 | s |
//! | cell | x, y, 1 | s |
//! | output | x, y, 1 | y |
//!
//! The order of the gates is PyTorch's. The output gate acts on y_t alone, so no eligibility trace has to remember it.

use crate::config::{CellConfig, LstmConfig};
use ostl_core::{Cell, Gate, Partials, Real, Unit};

use crate::error::{CellError, finite};

const INPUT: usize = 0;
const FORGET: usize = 1;
const CELL: usize = 2;
const OUTPUT: usize = 3;

/// An LSTM unit; the [module](self) has the equations.
///
/// | option | default | meaning | range |
/// | --- | --- | --- | --- |
/// | recurrent | true | every gate sums y_{t-1} through H | |
/// | forget bias | 1 | where the forget gate's constant starts | finite |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lstm {
    recurrent: bool,
    forget_bias: f64,
}

impl Lstm {
    /// A recurrent unit that starts out remembering: forget bias 1 (Jozefowicz, Zaremba & Sutskever 2015, "An empirical
    /// exploration of recurrent network architectures", after Gers et al. 2000).
    pub fn new() -> Self {
        Self { recurrent: true, forget_bias: 1.0 }
    }

    /// Whether the gates sum the layer's previous outputs.
    pub fn recurrent(self, recurrent: bool) -> Self {
        Self { recurrent, ..self }
    }

    /// Where the constant of the forget gate starts.
    ///
    /// # Errors
    /// If `forget_bias` is not finite.
    pub fn forget_bias(self, forget_bias: f64) -> Result<Self, CellError> {
        Ok(Self { forget_bias: finite("forget_bias", forget_bias)?, ..self })
    }
}

impl Default for Lstm {
    fn default() -> Self {
        Self::new()
    }
}

impl Cell<1, 4> for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn settings(&self) -> Option<String> {
        let Self { recurrent, forget_bias } = *self;
        CellConfig::Lstm(LstmConfig { recurrent, forget_bias }).settings()
    }

    fn gates(&self) -> [Gate; 4] {
        let gate = |name| Gate::new(name, self.recurrent);
        [gate("input"), gate("forget"), gate("cell"), gate("output").on_output()]
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        if gate == FORGET { self.forget_bias } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 4]) -> Unit<T, 1> {
        let (i, f, u, o) = (a[INPUT].sigmoid(), a[FORGET].sigmoid(), a[CELL].tanh(), a[OUTPUT].sigmoid());
        let s = f * previous.s[0] + i * u;
        Unit { s: [s], y: o * s.tanh() }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 4]) -> (Unit<T, 1>, Partials<T, 1, 4>) {
        let one = T::one();
        let (i, f, u, o) = (a[INPUT].sigmoid(), a[FORGET].sigmoid(), a[CELL].tanh(), a[OUTPUT].sigmoid());
        let s = f * previous.s[0] + i * u;
        let squashed = s.tanh();

        let mut partials = Partials::zero();
        partials.ds_ds = [[f]];
        partials.ds_da[0][INPUT] = u * i * (one - i);
        partials.ds_da[0][FORGET] = previous.s[0] * f * (one - f);
        partials.ds_da[0][CELL] = i * (one - u * u);
        partials.dy_ds = [o * (one - squashed * squashed)];
        partials.dy_da[OUTPUT] = squashed * o * (one - o);
        (Unit { s: [s], y: o * squashed }, partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // i = σ(0) = ½, f = σ(ln 3) = ¾, u = tanh(ln 2) = 0.6, o = σ(−ln 3) = ¼.
        // s = ¾·s⁻ + ½·0.6 with s⁻ = (ln 3 − 0.3)/¾ is ln 3, and tanh(ln 3) = (9 − 1)/(9 + 1) = 0.8; y = ¼·0.8.
        let before = (3_f64.ln() - 0.3) / 0.75;
        let a = [0.0, 3_f64.ln(), 2_f64.ln(), -3_f64.ln()];
        let (next, partials) = Lstm::new().linearise(Unit { s: [before], y: 0.1 }, a);
        assert_close(&[next.s[0], next.y], &[3_f64.ln(), 0.2]);
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0]], &[0.75, 0.0]);
        // u·¼, s⁻·3/16, ½·0.64, and nothing for the output gate, which has 0.8·3/16 of its own.
        assert_close(&partials.ds_da[0], &[0.15, before * 0.1875, 0.32, 0.0]);
        assert_close(&partials.dy_ds, &[0.25 * 0.36]);
        assert_close(&partials.dy_da, &[0.0, 0.0, 0.0, 0.15]);
    }

    #[test]
    fn partials_are_derivatives() {
        assert_partials(&Lstm::new(), &points());
        assert_partials(&Lstm::new().recurrent(false), &points());
    }

    #[test]
    fn it_starts_out_remembering() {
        let constants = |lstm: Lstm| [INPUT, FORGET, CELL, OUTPUT].map(|gate| lstm.initial_constant(gate));
        assert_eq!(constants(Lstm::new()), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(constants(Lstm::new().forget_bias(-0.5).unwrap()), [0.0, -0.5, 0.0, 0.0]);
        assert!(Lstm::new().forget_bias(f64::NAN).is_err());
    }
}
