//! The recurrent trace unit (RTU): two real numbers that turn and shrink, for learning with traces.
//!
//! Elelimy, White, Bowling & White 2024, "Real-time recurrent learning using trace units in reinforcement learning", NeurIPS, arXiv
//! 2409.01449:
//!
//! ```text
//! r   = exp(−exp ν) < 1,   R the rotation by exp θ,   γ = √(1 − r²)
//! s_t = r R s_{t-1} + γ · (a₁, a₂)         y_t = f(s₁)         linear recurrence (f outside)
//! s_t = f(r R s_{t-1} + γ · (a₁, a₂))      y_t = s₁            non-linear recurrence (f inside)
//! ```
//!
//! The paper's layer shows f of both numbers. A unit here has one output, the first; a twin with the same r and θ and with its inputs
//! swapped and one of them turned in sign, (a₂, −a₁), shows the second, exactly so where f is outside.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | first (a₁), second (a₂) | x | s |
//! | nu (ν), theta (θ) | 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | nonlinearity | relu | f | relu, tanh |
//! | nonlinear recurrence | false | f inside the recurrence | |
//! | ring | 0, 1, 2π | the units start spread over r in r_min … r_max and angles up to max_phase | within the unit disc |

use crate::config::{CellConfig, RtuConfig};
use ostl_core::{Cell, Gate, PREPARED, Partials, Real, Unit};

use crate::error::CellError;
use crate::nonlinearity::Nonlinearity;
use crate::ring::Ring;

const FIRST: usize = 0;
const SECOND: usize = 1;
const NU: usize = 2;
const THETA: usize = 3;

/// A recurrent trace unit; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rtu {
    nonlinearity: Nonlinearity,
    nonlinear_recurrence: bool,
    ring: Ring,
}

impl Rtu {
    /// Units with a linear recurrence that start all over the unit disc.
    pub fn new() -> Self {
        Self { nonlinearity: Nonlinearity::Relu, nonlinear_recurrence: false, ring: Ring::DISC }
    }

    /// The function f.
    pub fn nonlinearity(self, nonlinearity: Nonlinearity) -> Self {
        Self { nonlinearity, ..self }
    }

    /// Whether f is inside the recurrence.
    pub fn nonlinear_recurrence(self, nonlinear_recurrence: bool) -> Self {
        Self { nonlinear_recurrence, ..self }
    }

    /// Where the units start: r in `r_min … r_max`, the angle in 0 … `max_phase`.
    ///
    /// # Errors
    /// If this is not a ring within the unit disc.
    pub fn ring(self, r_min: f64, r_max: f64, max_phase: f64) -> Result<Self, CellError> {
        Ok(Self { ring: Ring::new(r_min, r_max, max_phase)?, ..self })
    }
}

impl Default for Rtu {
    fn default() -> Self {
        Self::new()
    }
}

/// √(1 − e^{−2q}) for q > 0: near 0 by the series of 1 − e^{−w}, which does not cancel there.
#[inline(always)]
fn scale_of<T: Real>(q: T, radius: T) -> T {
    let w = q + q;
    let series = w * (T::one() - w * (T::from_f64(0.5) - w * T::from_f64(1.0 / 6.0)));
    series.if_or(w < T::from_f64(1e-4), T::one() - radius * radius).sqrt()
}

impl Cell<2, 4> for Rtu {
    fn name(&self) -> &'static str {
        "rtu"
    }

    fn settings(&self) -> Option<String> {
        let Self { nonlinearity, nonlinear_recurrence, ring: Ring { r_min, r_max, max_phase } } = *self;
        CellConfig::Rtu(RtuConfig { nonlinearity, nonlinear_recurrence, r_min, r_max, max_phase }).settings()
    }

    fn gates(&self) -> [Gate; 4] {
        let [first, second] = ["first", "second"].map(|name| Gate::new(name, false).without_constant());
        [first, second, Gate::constant("nu"), Gate::constant("theta")]
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        self.initial_constant_of(gate, 0, 1)
    }

    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        match gate {
            NU => self.ring.nu(unit, units),
            THETA => self.ring.theta(unit),
            _ => 0.0,
        }
    }

    fn prepares(&self) -> bool {
        true
    }

    #[inline(always)]
    fn prepare<T: Real>(&self, a: [T; 4]) -> [T; PREPARED] {
        // Never 0, so that the scale is not either: what is lost of ν is far below where r rounds to 1.
        let shrink = a[NU].exp().at_least(T::from_f64(1e-30));
        let (radius, phase) = ((-shrink).exp(), a[THETA].exp());
        let scale = scale_of(shrink, radius);
        // dγ/dν = r² · exp ν / γ.
        let by_nu = radius * radius * shrink / scale;
        [shrink, phase, scale, by_nu, radius * phase.cos(), radius * phase.sin(), T::zero(), T::zero()]
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 2>, a: [T; 4]) -> Unit<T, 2> {
        self.linearise(previous, a).0
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 2>, a: [T; 4]) -> (Unit<T, 2>, Partials<T, 2, 4>) {
        self.linearise_prepared(previous, a, self.prepare(a))
    }

    #[inline(always)]
    fn step_prepared<T: Real>(&self, previous: Unit<T, 2>, a: [T; 4], prepared: [T; PREPARED]) -> Unit<T, 2> {
        self.linearise_prepared(previous, a, prepared).0
    }

    #[inline(always)]
    fn linearise_prepared<T: Real>(
        &self,
        previous: Unit<T, 2>,
        a: [T; 4],
        [shrink, phase, scale, by_nu, along, across, ..]: [T; PREPARED],
    ) -> (Unit<T, 2>, Partials<T, 2, 4>) {
        let (zero, one) = (T::zero(), T::one());
        let turned = [along * previous.s[0] - across * previous.s[1], across * previous.s[0] + along * previous.s[1]];
        let inside = [turned[0] + scale * a[FIRST], turned[1] + scale * a[SECOND]];

        let squashed = [self.nonlinearity.at(inside[0]), self.nonlinearity.at(inside[1])];
        let slope = [self.nonlinearity.derivative(squashed[0]), self.nonlinearity.derivative(squashed[1])];
        let within = |value: T, without: T| value.if_or(self.nonlinear_recurrence, without);
        let k = [within(slope[0], one), within(slope[1], one)];
        let s = [within(squashed[0], inside[0]), within(squashed[1], inside[1])];
        let partials = Partials {
            ds_ds: [[k[0] * along, -(k[0] * across)], [k[1] * across, k[1] * along]],
            ds_dy: [zero; 2],
            ds_da: [
                [k[0] * scale, zero, k[0] * (by_nu * a[FIRST] - shrink * turned[0]), -(k[0] * phase * turned[1])],
                [zero, k[1] * scale, k[1] * (by_nu * a[SECOND] - shrink * turned[1]), k[1] * phase * turned[0]],
            ],
            dy_ds: [within(one, slope[0]), zero],
            dy_da: [zero; 4],
        };
        (Unit { s, y: squashed[0] }, partials)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, LN_2};

    use super::*;
    use crate::partials_check::{Point, assert_close, assert_partials, points};

    /// exp ν = ½ ln 4/3·… chosen so that r² = ¾, γ = ½; a quarter turn.
    fn constants() -> (f64, f64, f64) {
        let shrink = 0.5 * (4.0_f64 / 3.0).ln();
        (shrink, shrink.ln(), FRAC_PI_2.ln())
    }

    #[test]
    fn by_hand() {
        let (shrink, nu, theta) = constants();
        let r = 0.75_f64.sqrt();
        let linear = Rtu::new();
        let (next, partials) = linear.linearise(Unit { s: [0.4, -0.8], y: 0.4 }, [0.2, 0.6, nu, theta]);
        // (0.4, −0.8) turned by a quarter is (0.8, 0.4); γ = ½.
        let turned = [0.8 * r, 0.4 * r];
        assert_close(&[next.s[0], next.s[1], next.y], &[turned[0] + 0.1, turned[1] + 0.3, turned[0] + 0.1]);
        assert_close(partials.ds_ds.as_flattened(), &[0.0, -r, r, 0.0]);
        // dγ/dν = ¾·exp ν/½ = 1.5 exp ν.
        let by_nu = |a: f64, turned: f64| shrink * (1.5 * a - turned);
        assert_close(&partials.ds_da[0], &[0.5, 0.0, by_nu(0.2, turned[0]), -FRAC_PI_2 * turned[1]]);
        assert_close(&partials.ds_da[1], &[0.0, 0.5, by_nu(0.6, turned[1]), FRAC_PI_2 * turned[0]]);
        assert_close(&partials.dy_ds, &[1.0, 0.0]);
    }

    #[test]
    fn with_the_function_inside_by_hand() {
        let (_, nu, theta) = constants();
        let inside = Rtu::new().nonlinear_recurrence(true).nonlinearity(Nonlinearity::Tanh);
        // From rest: ½·a₁ = ln 2, whose tanh is 0.6 with the slope 0.64; ReLU cuts off what is negative.
        let (next, partials) = inside.linearise(Unit { s: [0.0; 2], y: 0.0 }, [2.0 * LN_2, 0.0, nu, theta]);
        assert_close(&[next.s[0], next.y, partials.ds_da[0][FIRST], partials.dy_ds[0]], &[0.6, 0.6, 0.32, 1.0]);
        let relu = inside.nonlinearity(Nonlinearity::Relu);
        let (next, partials) = relu.linearise(Unit { s: [0.0; 2], y: 0.0 }, [-1.0, 1.0, nu, theta]);
        assert_close(&[next.s[0], next.s[1], partials.ds_da[0][FIRST], partials.ds_da[1][SECOND]], &[0.0, 0.5, 0.0, 0.5]);
    }

    #[test]
    fn partials_are_derivatives() {
        // Within moderate speeds, and for ReLU away from its kink.
        let tame = |(previous, a): Point<2, 4>| (previous, [a[0], a[1], 0.4 * a[NU], 0.2 * a[THETA]]);
        let points: Vec<_> = points().into_iter().map(tame).collect();
        let linear = |(previous, a): &Point<2, 4>| Rtu::new().step(*previous, *a).s.iter().all(|s| s.abs() > 1e-3);
        let away: Vec<_> = points.iter().copied().filter(linear).collect();
        for inside in [false, true] {
            let cell = Rtu::new().nonlinear_recurrence(inside);
            assert_partials(&cell.nonlinearity(Nonlinearity::Tanh), &points);
            assert_partials(&cell, &away);
        }
    }

    #[test]
    fn nothing_breaks_where_r_rounds_to_one_or_to_zero() {
        fn finite<T: Real>(nu: f64) -> bool {
            let a = [0.5, 0.5, nu, 0.0].map(T::from_f64);
            let (unit, partials) = Rtu::new().linearise(Unit { s: [T::one(); 2], y: T::one() }, a);
            let derivatives = partials.ds_da.as_flattened().iter().chain(partials.ds_ds.as_flattened());
            unit.s.iter().chain(derivatives).all(|value| value.is_finite())
        }
        for nu in [-1e4, -800.0, -100.0, -40.0, -10.0, -9.5, 0.0, 5.0, 80.0] {
            assert!(finite::<f32>(nu) && finite::<f64>(nu), "ν = {nu}");
        }
        // The series and the plain formula meet.
        let (below, above) = (0.499_999e-4, 0.500_001e-4_f64);
        let relative = scale_of(above, (-above).exp()) / scale_of(below, (-below).exp()) - 1.0;
        assert!((relative - 1e-6).abs() < 1e-7 + 1e-6, "{relative}");
    }
}
