//! The leaky integrate-and-fire unit (LIF).
//!
//! Gerstner & Kistler 2002, "Spiking neuron models", ch. 4, in discrete time as in Bellec et al. 2020, "A solution to the learning
//! dilemma for recurrent networks of spiking neurons", Nature Communications 11, 3625 (soft reset); Eshraghian et al. 2023,
//! "Training spiking neural networks using lessons from deep learning", Proc. IEEE 111(9) (the kinds of reset, and detaching it):
//!
//! ```text
//! s_t = d · s_{t-1} − ϑ · y_{t-1} + γ · a_t         reset by subtraction (soft)
//! s_t = d · s_{t-1} · (1 − y_{t-1}) + γ · a_t       reset to zero (hard)
//! s_t = d · s_{t-1} + γ · a_t                       no reset
//! y_t = h(s_t + b)                                  h: a step, or the logistic function (the smooth twin)
//! ```
//!
//! s is the membrane potential and −b the threshold, which starts at ϑ and is learnt. A soft reset goes on subtracting the ϑ that
//! the unit started with: so the threshold acts on y alone, and no trace has to remember it.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | current (a) | x, y | s |
//! | threshold (b) | 1 | y |
//! | decay (only where it is learnt: d = σ(a)) | 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | recurrent | true | the current sums y_{t-1} through H | |
//! | decay, or time constant and step | 0.9 | d, or d = e^{−step/τ} | 0 … 1; within if it is learnt |
//! | learnable decay | no | d is learnt from where it stands | |
//! | reset | subtract | what a spike does | subtract, zero, none |
//! | detach reset | false | the reset stays in the step; no derivative passes it | |
//! | scaled input | false | γ = 1 − d instead of γ = 1 | |
//! | threshold | 1 | ϑ, where −b starts | positive |
//! | refractory | 0 | steps after a spike in which the unit cannot spike | any; a second state variable counts them |
//!
//! While a unit is refractory its potential goes on as ever, y = 0, and the pseudo-derivative is 0.

use crate::config::{CellConfig, LifConfig};
use ostl_core::{Cell, Gate, Leak, Partials, Real, Unit};

use crate::decay::{learnable, logit, of_time_constant, positive, share};
use crate::error::CellError;
use crate::output::{OutputFunction, Sigmoid, Step};
use crate::reset::{Reset, Resetting};
use crate::surrogate::PseudoDerivative;

const CURRENT: usize = 0;
const THRESHOLD: usize = 1;
const DECAY: usize = 2;

/// A leaky integrate-and-fire unit with the output function `O`; the [module](self) has the equations. `S` is 2 if it is refractory and
/// else 1, `G` is 3 if its decay is learnt and else 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lif<O, const S: usize = 1, const G: usize = 2> {
    output: O,
    recurrent: bool,
    decay: f64,
    reset: Resetting,
    scaled_input: bool,
    refractory: f64,
}

impl<P: PseudoDerivative> Lif<Step<P>> {
    /// A spiking unit whose step has this pseudo-derivative.
    pub fn spiking(pseudo_derivative: P) -> Self {
        Self::new(Step(pseudo_derivative))
    }
}

impl Lif<Sigmoid> {
    /// The smooth twin: the same equations with the logistic function for the step.
    pub fn soft() -> Self {
        Self::new(Sigmoid)
    }
}

impl<O: OutputFunction> Lif<O> {
    /// A unit with the output function `output` and every option at its default.
    pub fn new(output: O) -> Self {
        let reset = Resetting { kind: Reset::default(), detached: false, threshold: 1.0 };
        Self { output, recurrent: true, decay: 0.9, reset, scaled_input: false, refractory: 0.0 }
    }
}

impl<O: OutputFunction, const S: usize, const G: usize> Lif<O, S, G> {
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

    /// The decay of a time constant, with steps of so long, both in one unit of time: d = e^{−step/τ}.
    ///
    /// # Errors
    /// If one of them is not positive and finite.
    pub fn time_constant(self, time_constant: f64, step: f64) -> Result<Self, CellError> {
        Ok(Self { decay: of_time_constant("time_constant", time_constant, step)?, ..self })
    }

    /// What a spike does to the potential.
    pub fn reset(self, kind: Reset) -> Self {
        Self { reset: Resetting { kind, ..self.reset }, ..self }
    }

    /// Whether derivatives leave out the reset.
    pub fn detach_reset(self, detached: bool) -> Self {
        Self { reset: Resetting { detached, ..self.reset }, ..self }
    }

    /// Whether the current enters times 1 − d.
    pub fn scaled_input(self, scaled_input: bool) -> Self {
        Self { scaled_input, ..self }
    }

    /// The threshold ϑ: where −b starts, and what a soft reset subtracts.
    ///
    /// # Errors
    /// If `threshold` is not positive and finite.
    pub fn threshold(self, threshold: f64) -> Result<Self, CellError> {
        let reset = Resetting { threshold: positive("threshold", threshold)?, ..self.reset };
        Ok(Self { reset, ..self })
    }

    fn with_shape<const S2: usize, const G2: usize>(self) -> Lif<O, S2, G2> {
        let Self { output, recurrent, decay, reset, scaled_input, refractory } = self;
        Lif { output, recurrent, decay, reset, scaled_input, refractory }
    }

    /// The decay d and the input's factor γ.
    #[inline(always)]
    fn leak_and_gain<T: Real>(&self, a: &[T; G]) -> (T, T) {
        let d = if G > DECAY { a[G - 1].sigmoid() } else { T::from_f64(self.decay) };
        (d, (T::one() - d).if_or(self.scaled_input, T::one()))
    }

    /// 1 if the unit may spike at a step with this state, 0 if it is refractory.
    #[inline(always)]
    fn may_spike<T: Real>(&self, s: &[T; S]) -> T {
        if S > 1 { T::zero().if_or(s[S - 1] > T::zero(), T::one()) } else { T::one() }
    }
}

impl<O: OutputFunction, const S: usize> Lif<O, S, 2> {
    /// The same unit, with a decay that is learnt from where it stands now.
    ///
    /// # Errors
    /// If the decay is 0 or 1, which the logistic function never reaches.
    pub fn learnable_decay(self) -> Result<Lif<O, S, 3>, CellError> {
        learnable("decay", self.decay)?;
        Ok(self.with_shape())
    }
}

impl<P: PseudoDerivative, const G: usize> Lif<Step<P>, 1, G> {
    /// The same unit, which cannot spike in the `steps` steps after a spike.
    pub fn refractory(self, steps: u32) -> Lif<Step<P>, 2, G> {
        Lif { refractory: f64::from(steps), ..self.with_shape() }
    }
}

impl<O: OutputFunction, const S: usize, const G: usize> Cell<S, G> for Lif<O, S, G> {
    fn name(&self) -> &'static str {
        "lif"
    }

    fn settings(&self) -> Option<String> {
        let (output, pseudo_derivative) = self.output.kind()?;
        let config = LifConfig {
            recurrent: self.recurrent,
            decay: Some(self.decay),
            learn_decay: G == 3,
            reset: self.reset.kind,
            detach_reset: self.reset.detached,
            scaled_input: self.scaled_input,
            threshold: self.reset.threshold,
            refractory: self.refractory as u32,
            output,
            pseudo_derivative,
            ..LifConfig::default()
        };
        CellConfig::Lif(config).settings()
    }

    fn gates(&self) -> [Gate; G] {
        std::array::from_fn(|gate| match gate {
            CURRENT => Gate::new("current", self.recurrent).without_constant(),
            THRESHOLD => Gate::constant("threshold").on_output(),
            _ => Gate::constant("decay"),
        })
    }

    fn resets(&self) -> bool {
        self.reset.resets()
    }

    fn is_smooth(&self) -> bool {
        O::IS_SMOOTH
    }

    fn detaches_reset(&self) -> bool {
        self.reset.detaches()
    }

    /// A refractory unit is more than a leak: its counter, too, depends on the past.
    fn leak(&self) -> Option<Leak> {
        let gain = if self.scaled_input { 1.0 - self.decay } else { 1.0 };
        let leak = Leak { factor: self.decay, gain, is_all: S == 1 && self.reset.leaves_the_leak_alone() };
        (G <= DECAY).then_some(leak)
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        match gate {
            THRESHOLD => -self.reset.threshold,
            DECAY => logit(self.decay),
            _ => 0.0,
        }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, S>, a: [T; G]) -> Unit<T, S> {
        let (d, gain) = self.leak_and_gain(&a);
        let mut s = previous.s;
        s[0] = self.reset.at(d * previous.s[0], previous.y) + gain * a[CURRENT];
        if S > 1 {
            // Counts down in whole steps, and has no derivative.
            let down = (previous.s[S - 1].floor() - T::one()).at_least(T::zero());
            s[S - 1] = T::from_f64(self.refractory).if_or(previous.y > T::from_f64(0.5), down);
        }
        Unit { s, y: self.output.at(s[0] + a[THRESHOLD]) * self.may_spike(&s) }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, S>, a: [T; G]) -> (Unit<T, S>, Partials<T, S, G>) {
        let (d, gain) = self.leak_and_gain(&a);
        let unit = self.step(previous, a);
        let kept = self.reset.by_decayed(previous.y);
        let dh = self.output.derivative(unit.s[0] + a[THRESHOLD], unit.y) * self.may_spike(&unit.s);
        let mut partials = Partials::zero();
        partials.ds_ds[0][0] = d * kept;
        partials.ds_dy[0] = self.reset.by_output(d * previous.s[0]);
        partials.ds_da[0][CURRENT] = gain;
        if G > DECAY {
            let by_decay = kept * previous.s[0] - a[CURRENT].if_or(self.scaled_input, T::zero());
            partials.ds_da[0][G - 1] = by_decay * d * (T::one() - d);
        }
        partials.dy_ds[0] = dh;
        partials.dy_da[THRESHOLD] = dh;
        (unit, partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};
    use crate::surrogate::{FastSigmoid, TanhDerivative};

    fn unit(s: f64, y: f64) -> Unit<f64, 1> {
        Unit { s: [s], y }
    }

    #[test]
    fn soft_reset_by_hand() {
        let lif = Lif::spiking(FastSigmoid).decay(0.5).unwrap();
        // ½·1.2 + 0.9 = 1.5; 1.5 − 1 = ½ > 0: a spike, with the pseudo-derivative (1 + ½)⁻² = 4/9.
        let (next, partials) = lif.linearise(unit(1.2, 0.0), [0.9, -1.0]);
        assert_close(&[next.s[0], next.y], &[1.5, 1.0]);
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0], partials.dy_ds[0]], &[0.5, -1.0, 4.0 / 9.0]);
        assert_close(&partials.ds_da[0], &[1.0, 0.0]);
        assert_close(&partials.dy_da, &[0.0, 4.0 / 9.0]);
        // The spike takes the threshold away: ½·1.5 − 1 + 0.5 = ¼.
        assert_close(&lif.step(next, [0.5, -1.0]).s, &[0.25]);
    }

    #[test]
    fn hard_reset_and_none_by_hand() {
        let lif = Lif::spiking(FastSigmoid).decay(0.5).unwrap().scaled_input(true);
        let hard = lif.reset(Reset::Zero);
        // ½·1.6·(1 − 1) + ½·0.5.
        let (next, partials) = hard.linearise(unit(1.6, 1.0), [0.5, -1.0]);
        assert_close(&next.s, &[0.25]);
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0], partials.ds_da[0][CURRENT]], &[0.0, -0.8, 0.5]);
        let (next, partials) = lif.reset(Reset::None).linearise(unit(1.6, 1.0), [0.5, -1.0]);
        assert_close(&next.s, &[1.05]);
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0]], &[0.5, 0.0]);
    }

    #[test]
    fn a_detached_reset_acts_and_has_no_derivative() {
        let lif = Lif::spiking(FastSigmoid).decay(0.5).unwrap().detach_reset(true);
        let (next, partials) = lif.linearise(unit(1.5, 1.0), [0.5, -1.0]);
        assert_close(&[next.s[0], partials.ds_ds[0][0], partials.ds_dy[0]], &[0.25, 0.5, 0.0]);
        assert!(!lif.resets() && lif.detaches_reset());
    }

    #[test]
    fn refractory_by_hand() {
        let lif = Lif::spiking(FastSigmoid).decay(1.0).unwrap().reset(Reset::None).refractory(2);
        let mut unit = Unit { s: [0.0, 0.0], y: 0.0 };
        let mut seen = Vec::new();
        for _ in 0..5 {
            let (next, partials) = lif.linearise(unit, [2.0, -1.0]);
            seen.push((next.y, next.s[1], partials.dy_ds[0] > 0.0, partials.dy_da[THRESHOLD] > 0.0));
            unit = next;
        }
        // A spike, two silent steps that count down, a spike again.
        let (spike, silent) = ((1.0, 0.0, true, true), |count| (0.0, count, false, false));
        assert_eq!(seen, [spike, silent(2.0), silent(1.0), spike, silent(2.0)]);
        assert_close(&unit.s, &[10.0, 2.0]);
    }

    #[test]
    fn learnable_decay_by_hand() {
        let lif = Lif::soft().decay(0.75).unwrap().scaled_input(true).learnable_decay().unwrap();
        assert_close(&[lif.initial_constant(DECAY), lif.initial_constant(THRESHOLD)], &[3_f64.ln(), -1.0]);
        // d = ¾: ¾·0.4 + ¼·0.8 = 0.5, and ds/da = (0.4 − 0.8)·3/16.
        let (next, partials) = lif.linearise(unit(0.4, 0.0), [0.8, -0.5, 3_f64.ln()]);
        assert_close(&[next.s[0], next.y], &[0.5, 0.5]);
        assert_close(&partials.ds_da[0], &[0.25, 0.0, -0.075]);
    }

    #[test]
    fn partials_are_derivatives() {
        for kind in [Reset::Subtract, Reset::Zero, Reset::None] {
            let soft = Lif::soft().reset(kind);
            assert_partials(&soft, &points());
            assert_partials(&soft.scaled_input(true).detach_reset(true), &points());
            assert_partials(&soft.learnable_decay().unwrap(), &points());
            assert_partials(&soft.scaled_input(true).learnable_decay().unwrap(), &points());
            let spiking = Lif::spiking(TanhDerivative).reset(kind).recurrent(false);
            assert_partials(&spiking.refractory(3), &points());
            assert_partials(&spiking.detach_reset(true).refractory(3).learnable_decay().unwrap(), &points());
        }
    }

    #[test]
    fn the_leak_is_told_if_it_is_fixed() {
        let lif = Lif::spiking(FastSigmoid).time_constant(20.0, 2.0).unwrap();
        let factor = (-0.1_f64).exp();
        assert_eq!(lif.leak(), Some(Leak { factor, gain: 1.0, is_all: false }));
        assert_eq!(lif.detach_reset(true).leak().map(|leak| leak.is_all), Some(true));
        assert_eq!(lif.detach_reset(true).reset(Reset::Zero).leak().map(|leak| leak.is_all), Some(false));
        let scaled = lif.reset(Reset::None).scaled_input(true).leak();
        assert_eq!(scaled, Some(Leak { factor, gain: 1.0 - factor, is_all: true }));
        assert_eq!(lif.detach_reset(true).refractory(1).leak().map(|leak| leak.is_all), Some(false));
        assert_eq!(lif.learnable_decay().unwrap().leak(), None);
    }

    #[test]
    fn options_are_checked_and_nan_stays() {
        let lif = Lif::spiking(TanhDerivative);
        assert!(lif.decay(1.1).is_err() && lif.threshold(0.0).is_err() && lif.time_constant(-1.0, 1.0).is_err());
        assert!(lif.decay(1.0).unwrap().learnable_decay().is_err());
        let next = lif.refractory(3).step(Unit { s: [0.0, 3.0], y: 0.0 }, [f64::NAN, -1.0]);
        assert!(next.s[0].is_nan() && next.y.is_nan());
    }
}
