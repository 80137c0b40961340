//! The adaptive leaky integrate-and-fire unit (ALIF): every spike raises the threshold for a while.
//!
//! Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons", Nature Communications 11, 3625
//! (the adaptive neurons of e-prop); a soft reset:
//!
//! ```text
//! v_t = d · v_{t-1} − ϑ · y_{t-1} + a_t
//! c_t = ρ · c_{t-1} + y_{t-1}
//! y_t = h(v_t − β · c_t + b)
//! ```
//!
//! The state is s = (v, c). The threshold is −b + β · c; −b starts at ϑ and is learnt, a reset goes on subtracting ϑ. c depends on spikes
//! long gone, so it is what a trace remembers longest. Where the reset is detached, v leaves it out of its derivatives and c does not.
//!
//! Their pseudo-derivative is that of (v − A)/ϑ, divided by ϑ, here that of v − A: the same at the default ϑ = 1.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | current (a) | x, y | v |
//! | threshold (b) | 1 | y |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | recurrent | true | the current sums y_{t-1} through H | |
//! | decay, or time constant and step | 0.9 | d | 0 … 1 |
//! | adaptation decay, or time constant and step | 0.98 | ρ | 0 … 1 |
//! | adaptation | 0.2 | β | 0 and more |
//! | detach reset | false | no derivative passes the reset of v | |
//! | threshold | 1 | ϑ, where −b starts | positive |

use crate::config::{AlifConfig, CellConfig};
use ostl_core::{Cell, Gate, Leak, Partials, Real, Unit};

use crate::decay::{of_time_constant, positive, share};
use crate::error::CellError;
use crate::output::{OutputFunction, Sigmoid, Step};
use crate::surrogate::PseudoDerivative;

const V: usize = 0;
const C: usize = 1;

const CURRENT: usize = 0;
const THRESHOLD: usize = 1;

/// An adaptive leaky integrate-and-fire unit with the output function `O`; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alif<O> {
    output: O,
    recurrent: bool,
    decay: f64,
    adaptation_decay: f64,
    adaptation: f64,
    detach_reset: bool,
    threshold: f64,
}

impl<P: PseudoDerivative> Alif<Step<P>> {
    /// A spiking unit whose step has this pseudo-derivative.
    pub fn spiking(pseudo_derivative: P) -> Self {
        Self::new(Step(pseudo_derivative))
    }
}

impl Alif<Sigmoid> {
    /// The smooth twin: the same equations with the logistic function for the step.
    pub fn soft() -> Self {
        Self::new(Sigmoid)
    }
}

impl<O: OutputFunction> Alif<O> {
    /// A unit with the output function `output` and every option at its default.
    pub fn new(output: O) -> Self {
        let (decay, adaptation_decay, adaptation) = (0.9, 0.98, 0.2);
        Self { output, recurrent: true, decay, adaptation_decay, adaptation, detach_reset: false, threshold: 1.0 }
    }

    /// Whether the current sums the layer's previous outputs, y_{t-1}, through H.
    pub fn recurrent(self, recurrent: bool) -> Self {
        Self { recurrent, ..self }
    }

    /// The decay d: the share of the potential that is left after a step.
    ///
    /// # Errors
    /// If `decay` is not in 0 … 1.
    pub fn decay(self, decay: f64) -> Result<Self, CellError> {
        Ok(Self { decay: share("decay", decay)?, ..self })
    }

    /// The adaptation's decay ρ: the share of c that is left after a step.
    ///
    /// # Errors
    /// If `decay` is not in 0 … 1.
    pub fn adaptation_decay(self, decay: f64) -> Result<Self, CellError> {
        Ok(Self { adaptation_decay: share("adaptation_decay", decay)?, ..self })
    }

    /// The decay of a time constant, with steps of so long, both in one unit of time: d = e^{−step/τ}.
    ///
    /// # Errors
    /// If one of them is not positive and finite.
    pub fn time_constant(self, time_constant: f64, step: f64) -> Result<Self, CellError> {
        Ok(Self { decay: of_time_constant("time_constant", time_constant, step)?, ..self })
    }

    /// The adaptation's decay of a time constant, with steps of so long: ρ = e^{−step/τ}.
    ///
    /// # Errors
    /// If one of them is not positive and finite.
    pub fn adaptation_time_constant(self, time_constant: f64, step: f64) -> Result<Self, CellError> {
        Ok(Self { adaptation_decay: of_time_constant("adaptation_time_constant", time_constant, step)?, ..self })
    }

    /// β: how much a spike raises the threshold.
    ///
    /// # Errors
    /// If `adaptation` is negative or not finite.
    pub fn adaptation(self, adaptation: f64) -> Result<Self, CellError> {
        if adaptation >= 0.0 && adaptation.is_finite() {
            Ok(Self { adaptation, ..self })
        } else {
            Err(CellError::OutOfRange { key: "adaptation", value: adaptation, allowed: "finite and not negative" })
        }
    }

    /// Whether derivatives leave out the reset of v.
    pub fn detach_reset(self, detach_reset: bool) -> Self {
        Self { detach_reset, ..self }
    }

    /// The threshold ϑ without adaptation: where −b starts, and what a reset subtracts.
    ///
    /// # Errors
    /// If `threshold` is not positive and finite.
    pub fn threshold(self, threshold: f64) -> Result<Self, CellError> {
        Ok(Self { threshold: positive("threshold", threshold)?, ..self })
    }

    /// How far v is above the threshold.
    #[inline(always)]
    fn above<T: Real>(&self, s: [T; 2], bias: T) -> T {
        s[V] - T::from_f64(self.adaptation) * s[C] + bias
    }
}

impl<O: OutputFunction> Cell<2, 2> for Alif<O> {
    fn name(&self) -> &'static str {
        "alif"
    }

    fn settings(&self) -> Option<String> {
        let (output, pseudo_derivative) = self.output.kind()?;
        let config = AlifConfig {
            recurrent: self.recurrent,
            decay: Some(self.decay),
            adaptation_decay: Some(self.adaptation_decay),
            adaptation: self.adaptation,
            detach_reset: self.detach_reset,
            threshold: self.threshold,
            output,
            pseudo_derivative,
            ..AlifConfig::default()
        };
        CellConfig::Alif(config).settings()
    }

    fn gates(&self) -> [Gate; 2] {
        [Gate::new("current", self.recurrent).without_constant(), Gate::constant("threshold").on_output()]
    }

    fn resets(&self) -> bool {
        true
    }

    fn is_smooth(&self) -> bool {
        O::IS_SMOOTH
    }

    fn detaches_reset(&self) -> bool {
        self.detach_reset
    }

    /// Of the potential, which is the first variable; the adaptation has a leak of its own.
    fn leak(&self) -> Option<Leak> {
        Some(Leak { factor: self.decay, gain: 1.0, is_all: false })
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        if gate == THRESHOLD { -self.threshold } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 2>, a: [T; 2]) -> Unit<T, 2> {
        let v = T::from_f64(self.decay) * previous.s[V] - T::from_f64(self.threshold) * previous.y + a[CURRENT];
        let c = T::from_f64(self.adaptation_decay) * previous.s[C] + previous.y;
        Unit { s: [v, c], y: self.output.at(self.above([v, c], a[THRESHOLD])) }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 2>, a: [T; 2]) -> (Unit<T, 2>, Partials<T, 2, 2>) {
        let unit = self.step(previous, a);
        let dh = self.output.derivative(self.above(unit.s, a[THRESHOLD]), unit.y);
        let mut partials = Partials::zero();
        partials.ds_ds[V][V] = T::from_f64(self.decay);
        partials.ds_ds[C][C] = T::from_f64(self.adaptation_decay);
        partials.ds_dy = [T::zero().if_or(self.detach_reset, T::from_f64(-self.threshold)), T::one()];
        partials.ds_da[V][CURRENT] = T::one();
        partials.dy_ds = [dh, -(dh * T::from_f64(self.adaptation))];
        partials.dy_da[THRESHOLD] = dh;
        (unit, partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};
    use crate::surrogate::{FastSigmoid, TanhDerivative};

    #[test]
    fn by_hand() {
        let cell = Alif::spiking(FastSigmoid).decay(0.5).unwrap().adaptation_decay(0.75).unwrap().adaptation(0.5).unwrap();
        // v = ½·1.6 − 1 + 2.2 = 2; c = ¾·0.8 + 1 = 1.6; 2 − ½·1.6 − 1 = 0.2 > 0: a spike, with the pseudo-derivative 1.2⁻².
        let (next, partials) = cell.linearise(Unit { s: [1.6, 0.8], y: 1.0 }, [2.2, -1.0]);
        assert_close(&[next.s[V], next.s[C], next.y], &[2.0, 1.6, 1.0]);
        assert_close(partials.ds_ds.as_flattened(), &[0.5, 0.0, 0.0, 0.75]);
        assert_close(&partials.ds_dy, &[-1.0, 1.0]);
        assert_close(partials.ds_da.as_flattened(), &[1.0, 0.0, 0.0, 0.0]);
        assert_close(&partials.dy_ds, &[1.0 / 1.44, -0.5 / 1.44]);
        assert_close(&partials.dy_da, &[0.0, 1.0 / 1.44]);
        // The threshold stays up: the same potential a step later, c = ¾·1.6 + 1 = 2.2, is no spike.
        let next = cell.step(next, [2.0, -1.0]);
        assert_close(&[next.s[V], next.s[C], next.y], &[2.0, 2.2, 0.0]);
    }

    #[test]
    fn a_detached_reset_leaves_the_adaptation_s_path() {
        let cell = Alif::soft().detach_reset(true);
        let (_, partials) = cell.linearise(Unit { s: [0.3, 0.1], y: 0.4 }, [0.2, -1.0]);
        assert_close(&partials.ds_dy, &[0.0, 1.0]);
        assert!(cell.resets() && cell.detaches_reset());
    }

    #[test]
    fn partials_are_derivatives() {
        assert_partials(&Alif::soft(), &points());
        assert_partials(&Alif::soft().recurrent(false).detach_reset(true), &points());
        assert_partials(&Alif::spiking(TanhDerivative), &points());
    }

    #[test]
    fn options_are_checked() {
        let cell = Alif::spiking(TanhDerivative);
        assert!(cell.adaptation(-0.1).is_err() && cell.adaptation(f64::INFINITY).is_err() && cell.threshold(-1.0).is_err());
        assert!(cell.adaptation_decay(1.5).is_err());
        let cell = cell.time_constant(20.0, 1.0).unwrap().adaptation_time_constant(200.0, 1.0).unwrap();
        assert_eq!(cell.leak(), Some(Leak { factor: (-0.05_f64).exp(), gain: 1.0, is_all: false }));
    }
}
