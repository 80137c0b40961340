//! The independently recurrent unit (IndRNN): each unit depends on its own past, and on no other's.
//!
//! Li, Li, Cook, Zhu & Gao 2018, "Independently recurrent neural network (IndRNN): building a longer and deeper RNN", CVPR, arXiv
//! 1803.04831:
//!
//! ```text
//! s_t = f(a_t + u · s_{t-1})         f: relu or tanh
//! y_t = s_t
//! ```
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | input (a) | x, 1 | s |
//! | recurrent_weight (u) | 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | nonlinearity | relu | f | relu, tanh |
//! | largest weight | 1 | u starts spread evenly over the units, from 0 to this | positive |
//!
//! The paper draws u from such a range and clips it as it is learnt; here it is free, which a large step of an optimiser can abuse.

use crate::config::{CellConfig, IndRnnConfig};
use ostl_core::{Cell, Gate, Partials, Real, Unit};

use crate::decay::positive;
use crate::error::CellError;
use crate::nonlinearity::Nonlinearity;

const INPUT: usize = 0;
const WEIGHT: usize = 1;

/// An independently recurrent unit; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndRnn {
    nonlinearity: Nonlinearity,
    largest_weight: f64,
}

impl IndRnn {
    /// A unit with every option at its default.
    pub fn new() -> Self {
        Self { nonlinearity: Nonlinearity::Relu, largest_weight: 1.0 }
    }

    /// The function f.
    pub fn nonlinearity(self, nonlinearity: Nonlinearity) -> Self {
        Self { nonlinearity, ..self }
    }

    /// The end of the range from 0 over which u starts.
    ///
    /// # Errors
    /// If `largest_weight` is not positive and finite.
    pub fn largest_weight(self, largest_weight: f64) -> Result<Self, CellError> {
        Ok(Self { largest_weight: positive("largest_weight", largest_weight)?, ..self })
    }
}

impl Default for IndRnn {
    fn default() -> Self {
        Self::new()
    }
}

impl Cell<1, 2> for IndRnn {
    fn name(&self) -> &'static str {
        "ind-rnn"
    }

    fn settings(&self) -> Option<String> {
        let Self { nonlinearity, largest_weight } = *self;
        CellConfig::IndRnn(IndRnnConfig { nonlinearity, largest_weight }).settings()
    }

    fn gates(&self) -> [Gate; 2] {
        [Gate::new("input", false), Gate::constant("recurrent_weight")]
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        self.initial_constant_of(gate, 0, 1)
    }

    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        if gate == WEIGHT { self.largest_weight * (unit as f64 + 0.5) / units as f64 } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> Unit<T, 1> {
        let s = self.nonlinearity.at(a[INPUT] + a[WEIGHT] * previous.s[0]);
        Unit { s: [s], y: s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let unit = self.step(previous, a);
        let slope = self.nonlinearity.derivative(unit.y);
        let mut partials = Partials::zero();
        partials.ds_ds = [[slope * a[WEIGHT]]];
        partials.ds_da = [[slope, slope * previous.s[0]]];
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
        // ReLU: 0.3 + ½·0.4 = ½.
        let (next, partials) = IndRnn::new().linearise(Unit { s: [0.4], y: 0.4 }, [0.3, 0.5]);
        assert_close(&[next.s[0], next.y, partials.ds_ds[0][0]], &[0.5, 0.5, 0.5]);
        assert_close(&partials.ds_da[0], &[1.0, 0.4]);
        // tanh: ln 2 − 0.2 + ½·0.4 = ln 2, tanh of it 0.6, with the slope 0.64.
        let tanh = IndRnn::new().nonlinearity(Nonlinearity::Tanh);
        let (next, partials) = tanh.linearise(Unit { s: [0.4], y: 0.4 }, [2_f64.ln() - 0.2, 0.5]);
        assert_close(&[next.s[0], partials.ds_ds[0][0]], &[0.6, 0.32]);
        assert_close(&partials.ds_da[0], &[0.64, 0.256]);
    }

    #[test]
    fn partials_are_derivatives_away_from_the_kink() {
        assert_partials(&IndRnn::new().nonlinearity(Nonlinearity::Tanh), &points());
        let mut points = points();
        points.retain(|(previous, a): &(Unit<f64, 1>, [f64; 2])| (a[INPUT] + a[WEIGHT] * previous.s[0]).abs() > 1e-3);
        assert_partials(&IndRnn::new(), &points);
    }

    #[test]
    fn units_start_with_different_memories() {
        let cell = IndRnn::new().largest_weight(2.0).unwrap();
        let weights: Vec<f64> = (0..4).map(|unit| cell.initial_constant_of(WEIGHT, unit, 4)).collect();
        assert_close(&weights, &[0.25, 0.75, 1.25, 1.75]);
        assert_eq!((cell.initial_constant(WEIGHT), cell.initial_constant(INPUT)), (1.0, 0.0));
        assert!(cell.largest_weight(0.0).is_err());
    }
}
