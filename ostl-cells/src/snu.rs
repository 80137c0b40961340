//! The spiking neural unit (SNU) and its soft variant (sSNU).
//!
//! Woźniak, Pantazi, Bohnstingl, Eleftheriou 2020, "Deep learning incorporating biologically inspired neural dynamics and
//! in-memory computing", Nature Machine Intelligence 2, 325–336; in the notation of Bohnstingl et al. 2022 (OSTL, arXiv
//! 2007.12723, the equations of the SNU):
//!
//! ```text
//! s_t = g(W x_t + H y_{t-1} + d · s_{t-1} · (1 − y_{t-1}))
//! y_t = h(s_t + b)
//! ```
//!
//! s is the membrane potential, d its decay, −b the threshold; a spike y_{t-1} = 1 resets the potential. The SNU has a step
//! for h, the sSNU the logistic function. Without H the unit sees nothing of the others in its layer.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | current | x, y | s |
//! | threshold | 1 | y |
//! | decay (only [`SnuWithLearnableDecay`], d = σ(a)) | 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | recurrent | true | the current sums y_{t-1} through H | |
//! | decay | 0.8 | d, or where it starts | 0 … 1; within if it is learnt |
//! | state function | identity | g | identity, relu |
//! | initial bias | −0.5 (SNU), 0 (sSNU) | where b starts | finite |

use crate::config::{CellConfig, OutputKind, SnuConfig, SoftSnuConfig};
use ostl_core::{Cell, Gate, Leak, Partials, Real, Unit};
use serde::{Deserialize, Serialize};

use crate::decay::{learnable, logit, share};
use crate::error::{CellError, finite};
use crate::output::{OutputFunction, Sigmoid, Step, unit_step};
use crate::surrogate::{PseudoDerivative, TanhDerivative};

/// The spiking unit: step output, by default with the pseudo-derivative of the OSTL paper.
pub type SpikingSnu<P = TanhDerivative> = Snu<Step<P>>;

/// The soft unit (sSNU): logistic output.
pub type SoftSnu = Snu<Sigmoid>;

/// The state function g, what the summed current and the decayed potential pass through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateFunction {
    /// g(v) = v.
    #[default]
    Identity,
    /// g(v) = max(0, v), with g'(0) = 0.
    Relu,
}

impl StateFunction {
    /// s = g(v).
    #[inline(always)]
    fn at<T: Real>(self, v: T) -> T {
        v.if_or(self == Self::Identity, v.at_least(T::zero()))
    }

    /// g'(v), computed from s = g(v): with either function s > 0 just where v > 0.
    #[inline(always)]
    fn derivative<T: Real>(self, s: T) -> T {
        T::one().if_or(self == Self::Identity, unit_step(s))
    }
}

/// A spiking neural unit with the output function `O` and a fixed decay; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snu<O> {
    output: O,
    recurrent: bool,
    decay: f64,
    state_function: StateFunction,
    initial_bias: f64,
}

impl<O: OutputFunction> Snu<O> {
    /// A unit with the output function `output` and every option at its default.
    pub fn new(output: O) -> Self {
        Self { output, recurrent: true, decay: 0.8, state_function: StateFunction::Identity, initial_bias: O::INITIAL_BIAS }
    }

    /// Whether the current sums the layer's previous outputs, y_{t-1}, through H.
    pub fn recurrent(self, recurrent: bool) -> Self {
        Self { recurrent, ..self }
    }

    /// The state function g.
    pub fn state_function(self, state_function: StateFunction) -> Self {
        Self { state_function, ..self }
    }

    /// The decay d: the share of the potential that is left after a step without input and spike.
    ///
    /// # Errors
    /// If `decay` is not in 0 … 1.
    pub fn decay(self, decay: f64) -> Result<Self, CellError> {
        Ok(Self { decay: share("decay", decay)?, ..self })
    }

    /// Where the bias b starts; the unit's threshold starts at −b.
    ///
    /// # Errors
    /// If `initial_bias` is not finite.
    pub fn initial_bias(self, initial_bias: f64) -> Result<Self, CellError> {
        Ok(Self { initial_bias: finite("initial_bias", initial_bias)?, ..self })
    }

    /// The same unit, with a decay that is learnt from where it stands now.
    ///
    /// # Errors
    /// If the decay is 0 or 1, which the logistic function never reaches.
    pub fn learnable_decay(self) -> Result<SnuWithLearnableDecay<O>, CellError> {
        learnable("decay", self.decay)?;
        Ok(SnuWithLearnableDecay { snu: self })
    }

    fn current_and_threshold(&self) -> [Gate; 2] {
        [Gate::new("current", self.recurrent).without_constant(), Gate::constant("threshold").on_output()]
    }

    /// The leak of a unit whose decay is fixed, if its state function lets the sum through as it is.
    fn fixed_leak(&self) -> Option<Leak> {
        let leak = Leak { factor: self.decay, gain: 1.0, is_all: false };
        (self.state_function == StateFunction::Identity).then_some(leak)
    }

    /// One step with the decay d given.
    #[inline(always)]
    fn advance<T: Real>(&self, previous: Unit<T, 1>, current: T, bias: T, d: T) -> Unit<T, 1> {
        let [potential] = previous.s;
        let s = self.state_function.at(current + d * potential * (T::one() - previous.y));
        Unit { s: [s], y: self.output.at(s + bias) }
    }

    /// The partials that do not depend on where d comes from, at a step that led to `unit`. Also returns ∂s_t/∂d.
    #[inline(always)]
    fn partials<T: Real, const G: usize>(
        &self,
        previous: Unit<T, 1>,
        unit: Unit<T, 1>,
        bias: T,
        d: T,
    ) -> (Partials<T, 1, G>, T) {
        let ([potential], [s]) = (previous.s, unit.s);
        let kept = T::one() - previous.y;
        let dg = self.state_function.derivative(s);
        let dh = self.output.derivative(s + bias, unit.y);
        let mut partials = Partials::zero();
        partials.ds_ds = [[dg * d * kept]];
        partials.ds_dy = [-(dg * d * potential)];
        partials.ds_da[0][CURRENT] = dg;
        partials.dy_ds = [dh];
        partials.dy_da[THRESHOLD] = dh;
        (partials, dg * potential * kept)
    }
}

const CURRENT: usize = 0;
const THRESHOLD: usize = 1;
const DECAY: usize = 2;

impl<P: PseudoDerivative> Snu<Step<P>> {
    /// An SNU whose step output has this pseudo-derivative.
    pub fn spiking(pseudo_derivative: P) -> Self {
        Self::new(Step(pseudo_derivative))
    }
}

impl SoftSnu {
    /// An sSNU.
    pub fn soft() -> Self {
        Self::new(Sigmoid)
    }
}

impl<O: OutputFunction> Snu<O> {
    /// The same in a configuration, if its output is one of the ready ones.
    fn config(&self, learn_decay: bool) -> Option<CellConfig> {
        let Self { recurrent, decay, state_function, initial_bias, .. } = *self;
        Some(match self.output.kind()? {
            (OutputKind::Step, pseudo_derivative) => {
                let of_bias = SnuConfig { initial_bias, ..SnuConfig::default() };
                CellConfig::Snu(SnuConfig { recurrent, decay, learn_decay, state_function, pseudo_derivative, ..of_bias })
            }
            (OutputKind::Sigmoid, _) => {
                CellConfig::Ssnu(SoftSnuConfig { recurrent, decay, learn_decay, state_function, initial_bias })
            }
        })
    }
}

impl<O: OutputFunction> Cell<1, 2> for Snu<O> {
    fn name(&self) -> &'static str {
        O::CELL
    }

    fn settings(&self) -> Option<String> {
        self.config(false)?.settings()
    }

    fn gates(&self) -> [Gate; 2] {
        self.current_and_threshold()
    }

    fn resets(&self) -> bool {
        true
    }

    fn is_smooth(&self) -> bool {
        O::IS_SMOOTH
    }

    fn leak(&self) -> Option<Leak> {
        self.fixed_leak()
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        if gate == THRESHOLD { self.initial_bias } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, [current, bias]: [T; 2]) -> Unit<T, 1> {
        self.advance(previous, current, bias, T::from_f64(self.decay))
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, [current, bias]: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let d = T::from_f64(self.decay);
        let unit = self.advance(previous, current, bias, d);
        let (partials, _) = self.partials(previous, unit, bias, d);
        (unit, partials)
    }
}

/// A spiking neural unit whose decay d = σ(a) is learnt, unit by unit, through a third gate that sums only its constant.
/// Made by [`Snu::learnable_decay`].
///
/// The logistic function keeps d within 0 … 1 whatever the optimiser does (Fang et al. 2021, arXiv 2007.05785).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SnuWithLearnableDecay<O> {
    snu: Snu<O>,
}

impl<O: OutputFunction> Cell<1, 3> for SnuWithLearnableDecay<O> {
    fn name(&self) -> &'static str {
        O::CELL
    }

    fn settings(&self) -> Option<String> {
        self.snu.config(true)?.settings()
    }

    fn gates(&self) -> [Gate; 3] {
        let [current, threshold] = self.snu.current_and_threshold();
        [current, threshold, Gate::constant("decay")]
    }

    fn resets(&self) -> bool {
        true
    }

    fn is_smooth(&self) -> bool {
        O::IS_SMOOTH
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        if gate == DECAY { logit(self.snu.decay) } else { self.snu.initial_constant(gate) }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, [current, bias, decay]: [T; 3]) -> Unit<T, 1> {
        self.snu.advance(previous, current, bias, decay.sigmoid())
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, [current, bias, decay]: [T; 3]) -> (Unit<T, 1>, Partials<T, 1, 3>) {
        let d = decay.sigmoid();
        let unit = self.snu.advance(previous, current, bias, d);
        let (mut partials, ds_dd) = self.snu.partials(previous, unit, bias, d);
        partials.ds_da[0][DECAY] = ds_dd * d * (T::one() - d);
        (unit, partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};
    use crate::surrogate::{Arctan, FastSigmoid, SigmoidDerivative, Triangle};

    fn unit(s: f64, y: f64) -> Unit<f64, 1> {
        Unit { s: [s], y }
    }

    #[test]
    fn spiking_by_hand() {
        let snu = Snu::spiking(FastSigmoid).decay(0.5).unwrap();
        // s = 0.6 + 0.5·0.4 = 0.8; 0.8 − 0.5 = 0.3 > 0: a spike.
        let (next, partials) = snu.linearise(unit(0.4, 0.0), [0.6, -0.5]);
        assert_close(&[next.s[0], next.y], &[0.8, 1.0]);
        // ds_ds = d, ds_dy = −d·0.4, and the pseudo-derivative (1 + 0.3)⁻² = 1/1.69 reaches s and b alike.
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0]], &[0.5, -0.2]);
        assert_close(&partials.ds_da[0], &[1.0, 0.0]);
        assert_close(&partials.dy_ds, &[1.0 / 1.69]);
        assert_close(&partials.dy_da, &[0.0, 1.0 / 1.69]);
        // The spike resets: of the 0.8 nothing is left, s = 0.3; 0.3 − 0.5 < 0: silence. ds_dy = −d·0.8.
        let (next, partials) = snu.linearise(next, [0.3, -0.5]);
        assert_close(&[next.s[0], next.y], &[0.3, 0.0]);
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0]], &[0.0, -0.4]);
        // At the threshold itself there is no spike.
        assert_eq!(snu.step(unit(0.0, 0.0), [0.5, -0.5]).y, 0.0);
    }

    #[test]
    fn soft_by_hand() {
        let snu = Snu::soft().decay(0.5).unwrap();
        // s = ln 3 − 0.1 + 0.5·0.4·(1 − 0.5) = ln 3; y = σ(ln 3) = 3/4; h' = 3/16.
        let (next, partials) = snu.linearise(unit(0.4, 0.5), [3_f64.ln() - 0.1, 0.0]);
        assert_close(&[next.s[0], next.y], &[3_f64.ln(), 0.75]);
        // ds_ds = 0.5·(1 − 0.5), ds_dy = −0.5·0.4.
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0]], &[0.25, -0.2]);
        assert_close(&[partials.dy_ds[0], partials.dy_da[0], partials.dy_da[1]], &[0.1875, 0.0, 0.1875]);
    }

    #[test]
    fn relu_by_hand() {
        let snu = Snu::soft().state_function(StateFunction::Relu).decay(0.5).unwrap();
        // −1 + 0.5·0.4 < 0: the potential is cut off and no derivative passes it; y = σ(0 + b) with b = −ln 3 is 1/4.
        let (next, partials) = snu.linearise(unit(0.4, 0.0), [-1.0, -3_f64.ln()]);
        assert_close(&[next.s[0], next.y], &[0.0, 0.25]);
        assert_close(&[partials.ds_ds[0][0], partials.ds_dy[0], partials.ds_da[0][0]], &[0.0, 0.0, 0.0]);
        assert_close(&[partials.dy_ds[0], partials.dy_da[1]], &[0.1875, 0.1875]);
    }

    #[test]
    fn learnable_decay_by_hand() {
        let snu = Snu::spiking(FastSigmoid).decay(0.75).unwrap().learnable_decay().unwrap();
        // logit ¾ = ln(0.75/0.25) = ln 3, so d = ¾ again.
        assert_close(&[snu.initial_constant(DECAY), snu.initial_constant(THRESHOLD)], &[3_f64.ln(), -0.5]);
        // s = 0.2 + 0.75·0.4·1 = 0.5; ds/da_decay = σ'(ln 3)·0.4·1 = 3/16·0.4 = 0.075.
        let (next, partials) = snu.linearise(unit(0.4, 0.0), [0.2, -0.5, 3_f64.ln()]);
        assert_close(&next.s, &[0.5]);
        assert_close(&partials.ds_da[0], &[1.0, 0.0, 0.075]);
    }

    #[test]
    fn partials_are_derivatives() {
        let decay = 0.7;
        assert_partials(&Snu::soft().decay(decay).unwrap(), &points());
        assert_partials(&Snu::soft().recurrent(false), &points());
        assert_partials(&Snu::soft().learnable_decay().unwrap(), &points());
        // Of a spiking unit the state still has derivatives, whatever the output's stand-in.
        assert_partials(&Snu::spiking(TanhDerivative), &points());
        assert_partials(&Snu::spiking(FastSigmoid), &points());
        assert_partials(&Snu::spiking(Triangle::default()), &points());
        assert_partials(&Snu::spiking(Arctan), &points());
        assert_partials(&Snu::spiking(SigmoidDerivative), &points());
        assert_partials(&Snu::spiking(TanhDerivative).learnable_decay().unwrap(), &points());
    }

    #[test]
    fn partials_are_derivatives_away_from_the_kink() {
        let soft = Snu::soft().state_function(StateFunction::Relu);
        let kink = |s: f64, y: f64, current: f64, d: f64| (current + d * s * (1.0 - y)).abs() < 1e-3;
        let mut fixed = points();
        fixed.retain(|(previous, a): &(Unit<f64, 1>, [f64; 2])| !kink(previous.s[0], previous.y, a[0], 0.8));
        assert_partials(&soft, &fixed);
        assert_partials(&Snu::spiking(TanhDerivative).state_function(StateFunction::Relu), &fixed);
        let mut learnt = points();
        learnt.retain(|(previous, a): &(Unit<f64, 1>, [f64; 3])| !kink(previous.s[0], previous.y, a[0], a[2].sigmoid()));
        assert_partials(&soft.learnable_decay().unwrap(), &learnt);
    }

    #[test]
    fn the_leak_is_told_if_it_is_fixed_and_linear() {
        let snu = Snu::soft().decay(0.7).unwrap();
        assert_eq!(snu.leak(), Some(Leak { factor: 0.7, gain: 1.0, is_all: false }));
        assert_eq!(snu.state_function(StateFunction::Relu).leak(), None);
        assert_eq!(snu.learnable_decay().unwrap().leak(), None);
    }

    #[test]
    fn nan_reaches_state_and_output() {
        for function in [StateFunction::Identity, StateFunction::Relu] {
            let next = Snu::spiking(TanhDerivative).state_function(function).step(unit(0.0, 0.0), [f64::NAN, -0.5]);
            assert!(next.s[0].is_nan() && next.y.is_nan());
        }
    }

    #[test]
    fn options_are_checked() {
        assert!(Snu::soft().decay(0.0).is_ok() && Snu::soft().decay(1.0).is_ok());
        assert!(Snu::soft().decay(1.0).unwrap().learnable_decay().is_err());
        assert!(Snu::soft().initial_bias(f64::NAN).is_err());
        let error = Snu::soft().decay(1.5).unwrap_err().to_string();
        assert_eq!(error, "decay = 1.5 is out of range: it must be between 0 and 1");
    }
}
