//! The linear recurrent unit (LRU): a complex number that turns and shrinks.
//!
//! Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu & De 2023, "Resurrecting recurrent neural networks for long sequences", ICML, arXiv
//! 2303.06349; its use with exact traces in Zucchet, Meier, Schug, Mujika & Sacramento 2023, "Online learning of long-range
//! dependencies", arXiv 2305.15947:
//!
//! ```text
//! λ   = exp(−exp ν + i · exp θ)                         |λ| < 1 whatever ν is
//! s_t = λ · s_{t-1} + exp γ · (a_re + i · a_im)         s complex
//! y_t = Re s_t
//! ```
//!
//! The paper's layer shows Re(C s + D x), with a full complex C, which sees Im s too. A unit here has one output. A twin with the same λ
//! whose input weights are turned by −i (a_re from the other's a_im, a_im from its −a_re) shows the Im of the other; so n of the paper's
//! units are 2n of these, with C in the weights of the next layer. D x, a way past the layer, is not part of the unit.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | real (a_re), imaginary (a_im) | x | s |
//! | nu (ν), theta (θ), gamma (γ) | 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | ring | 0, 1, 2π | the units start spread over \|λ\| in r_min … r_max and phases up to max_phase | within the unit disc |
//!
//! γ starts at ½ ln(1 − |λ|²), which keeps the size of s at that of its input, and is learnt as in the paper. Where the paper draws λ,
//! here the units are spread evenly over the ring.

use crate::config::{CellConfig, LruConfig};
use ostl_core::{Cell, Gate, PREPARED, Partials, Real, Unit};

use crate::error::CellError;
use crate::ring::Ring;

const RE: usize = 0;
const IM: usize = 1;

const REAL: usize = 0;
const IMAGINARY: usize = 1;
const NU: usize = 2;
const THETA: usize = 3;
const GAMMA: usize = 4;

/// A linear recurrent unit; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lru {
    ring: Ring,
}

impl Lru {
    /// Units that start all over the unit disc.
    pub fn new() -> Self {
        Self { ring: Ring::DISC }
    }

    /// Where the units start: |λ| in `r_min … r_max`, the phase in 0 … `max_phase`.
    ///
    /// # Errors
    /// If this is not a ring within the unit disc.
    pub fn ring(self, r_min: f64, r_max: f64, max_phase: f64) -> Result<Self, CellError> {
        Ok(Self { ring: Ring::new(r_min, r_max, max_phase)? })
    }
}

impl Default for Lru {
    fn default() -> Self {
        Self::new()
    }
}

impl Cell<2, 5> for Lru {
    fn name(&self) -> &'static str {
        "lru"
    }

    fn settings(&self) -> Option<String> {
        let Ring { r_min, r_max, max_phase } = self.ring;
        CellConfig::Lru(LruConfig { r_min, r_max, max_phase }).settings()
    }

    fn gates(&self) -> [Gate; 5] {
        let [real, imaginary] = ["real", "imaginary"].map(|name| Gate::new(name, false).without_constant());
        let [nu, theta, gamma] = ["nu", "theta", "gamma"].map(Gate::constant);
        [real, imaginary, nu, theta, gamma]
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        self.initial_constant_of(gate, 0, 1)
    }

    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        match gate {
            NU => self.ring.nu(unit, units),
            THETA => self.ring.theta(unit),
            GAMMA => 0.5 * (1.0 - self.ring.radius(unit, units).powi(2)).ln(),
            _ => 0.0,
        }
    }

    fn prepares(&self) -> bool {
        true
    }

    #[inline(always)]
    fn prepare<T: Real>(&self, a: [T; 5]) -> [T; PREPARED] {
        let (shrink, phase, scale) = (a[NU].exp(), a[THETA].exp(), a[GAMMA].exp());
        let (radius, none) = ((-shrink).exp(), T::zero());
        [shrink, phase, scale, radius * phase.cos(), radius * phase.sin(), none, none, none]
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 2>, a: [T; 5]) -> Unit<T, 2> {
        self.linearise(previous, a).0
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 2>, a: [T; 5]) -> (Unit<T, 2>, Partials<T, 2, 5>) {
        self.linearise_prepared(previous, a, self.prepare(a))
    }

    #[inline(always)]
    fn step_prepared<T: Real>(&self, previous: Unit<T, 2>, a: [T; 5], prepared: [T; PREPARED]) -> Unit<T, 2> {
        self.linearise_prepared(previous, a, prepared).0
    }

    #[inline(always)]
    fn linearise_prepared<T: Real>(
        &self,
        previous: Unit<T, 2>,
        a: [T; 5],
        [shrink, phase, scale, along, across, ..]: [T; PREPARED],
    ) -> (Unit<T, 2>, Partials<T, 2, 5>) {
        let turned_re = along * previous.s[RE] - across * previous.s[IM];
        let turned_im = across * previous.s[RE] + along * previous.s[IM];
        let (in_re, in_im) = (scale * a[REAL], scale * a[IMAGINARY]);
        let (re, im) = (turned_re + in_re, turned_im + in_im);

        let (zero, one) = (T::zero(), T::one());
        let partials = Partials {
            ds_ds: [[along, -across], [across, along]],
            ds_dy: [zero; 2],
            ds_da: [
                [scale, zero, -(shrink * turned_re), -(phase * turned_im), in_re],
                [zero, scale, -(shrink * turned_im), phase * turned_re, in_im],
            ],
            dy_ds: [one, zero],
            dy_da: [zero; 5],
        };
        (Unit { s: [re, im], y: re }, partials)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, LN_2};

    use super::*;
    use crate::partials_check::{Point, assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // exp ν = ln 2, so |λ| = ½; exp θ = π/2: λ = i/2. exp γ = 2.
        let a = [0.3, -0.1, LN_2.ln(), FRAC_PI_2.ln(), LN_2];
        let (next, partials) = Lru::new().linearise(Unit { s: [0.4, 0.2], y: 0.4 }, a);
        // i/2·(0.4 + 0.2i) = −0.1 + 0.2i, and 2·(0.3 − 0.1i) on top.
        assert_close(&[next.s[RE], next.s[IM], next.y], &[0.5, 0.0, 0.5]);
        assert_close(partials.ds_ds.as_flattened(), &[0.0, -0.5, 0.5, 0.0]);
        // By ν −ln 2·(−0.1 + 0.2i); by θ i·π/2·(−0.1 + 0.2i); by γ the input itself.
        assert_close(&partials.ds_da[RE], &[2.0, 0.0, 0.1 * LN_2, -0.2 * FRAC_PI_2, 0.6]);
        assert_close(&partials.ds_da[IM], &[0.0, 2.0, -0.2 * LN_2, -0.1 * FRAC_PI_2, -0.2]);
        assert_close(&partials.dy_ds, &[1.0, 0.0]);
    }

    #[test]
    fn partials_are_derivatives() {
        // Within moderate speeds: at many radians a step central differences go wrong.
        let tame = |(previous, a): Point<2, 5>| (previous, [a[0], a[1], 0.4 * a[NU], 0.2 * a[THETA], 0.4 * a[GAMMA]]);
        assert_partials(&Lru::new(), &points().into_iter().map(tame).collect::<Vec<_>>());
    }

    /// What a complex unit and its twin turned by −i show is the real and the imaginary part.
    #[test]
    fn a_twin_shows_the_imaginary_part() {
        let (lru, constants) = (Lru::new(), [-1.0, 0.3, -0.4]);
        let (mut unit, mut twin) = (Unit { s: [0.0; 2], y: 0.0 }, Unit { s: [0.0; 2], y: 0.0 });
        for step in 0..20 {
            let (re, im) = (f64::from(step).sin(), f64::from(step * step).cos());
            unit = lru.step(unit, [re, im, constants[0], constants[1], constants[2]]);
            twin = lru.step(twin, [im, -re, constants[0], constants[1], constants[2]]);
            assert_close(&[twin.y], &[unit.s[IM]]);
        }
    }

    #[test]
    fn starts_lie_on_the_ring_and_keep_the_size_of_what_comes_in() {
        let lru = Lru::new().ring(0.9, 0.999, 0.5).unwrap();
        for unit in 0..10 {
            let radius = (-lru.initial_constant_of(NU, unit, 10).exp()).exp();
            assert!((0.9..0.999).contains(&radius) && lru.initial_constant_of(THETA, unit, 10) < 0.5_f64.ln());
            let scale = lru.initial_constant_of(GAMMA, unit, 10).exp();
            assert!((scale * scale + radius * radius - 1.0).abs() < 1e-12);
        }
        assert!(lru.ring(0.5, 0.4, 1.0).is_err());
    }
}
