//! The leaky integrate-and-fire unit with a synaptic current of its own (also: CuBa-LIF).
//!
//! Gerstner & Kistler 2002, "Spiking neuron models", ch. 4 (exponential synaptic currents); in this form in Zenke & Ganguli 2018,
//! "SuperSpike", arXiv 1705.11146, and Neftci, Mostafa & Zenke 2019, "Surrogate gradient learning in spiking neural networks", arXiv
//! 1901.09948. The current that the membrane sees is the new one, and the reset is one of the [LIF's](crate::lif):
//!
//! ```text
//! i_t = α · i_{t-1} + a_t
//! v_t = reset(d · v_{t-1}, y_{t-1}) + i_t
//! y_t = h(v_t + b)
//! ```
//!
//! The state is s = (i, v). −b is the threshold, which starts at ϑ and is learnt; a soft reset goes on subtracting ϑ.
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | current (a) | x, y | i, v |
//! | threshold (b) | 1 | y |
//! | synaptic decay (only where decays are learnt: α = σ(a)) | 1 | i, v |
//! | decay (only where decays are learnt: d = σ(a)) | 1 | v |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | recurrent | true | the current sums y_{t-1} through H | |
//! | synaptic decay, or time constant and step | 0.8 | α | 0 … 1; within if it is learnt |
//! | decay, or time constant and step | 0.9 | d | 0 … 1; within if it is learnt |
//! | learnable decays | no | α and d are learnt from where they stand | |
//! | reset, detach reset, threshold | subtract, false, 1 | as in the LIF | |

use crate::config::{CellConfig, SynapticLifConfig};
use ostl_core::{Cell, Gate, Leak, Partials, Real, Unit};

use crate::decay::{learnable, logit, of_time_constant, positive, share};
use crate::error::CellError;
use crate::output::{OutputFunction, Sigmoid, Step};
use crate::reset::{Reset, Resetting};
use crate::surrogate::PseudoDerivative;

const I: usize = 0;
const V: usize = 1;

const CURRENT: usize = 0;
const THRESHOLD: usize = 1;
const SYNAPTIC_DECAY: usize = 2;
const DECAY: usize = 3;

/// A leaky integrate-and-fire unit with a synaptic current; the [module](self) has the equations. `G` is 4 if its decays are learnt
/// and else 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynapticLif<O, const G: usize = 2> {
    output: O,
    recurrent: bool,
    synaptic_decay: f64,
    decay: f64,
    reset: Resetting,
}

impl<P: PseudoDerivative> SynapticLif<Step<P>> {
    /// A spiking unit whose step has this pseudo-derivative.
    pub fn spiking(pseudo_derivative: P) -> Self {
        Self::new(Step(pseudo_derivative))
    }
}

impl SynapticLif<Sigmoid> {
    /// The smooth twin: the same equations with the logistic function for the step.
    pub fn soft() -> Self {
        Self::new(Sigmoid)
    }
}

impl<O: OutputFunction> SynapticLif<O> {
    /// A unit with the output function `output` and every option at its default.
    pub fn new(output: O) -> Self {
        let reset = Resetting { kind: Reset::default(), detached: false, threshold: 1.0 };
        Self { output, recurrent: true, synaptic_decay: 0.8, decay: 0.9, reset }
    }

    /// The same unit, with decays that are learnt from where they stand now.
    ///
    /// # Errors
    /// If one of them is 0 or 1, which the logistic function never reaches.
    pub fn learnable_decays(self) -> Result<SynapticLif<O, 4>, CellError> {
        learnable("synaptic_decay", self.synaptic_decay)?;
        learnable("decay", self.decay)?;
        let Self { output, recurrent, synaptic_decay, decay, reset } = self;
        Ok(SynapticLif { output, recurrent, synaptic_decay, decay, reset })
    }
}

impl<O: OutputFunction, const G: usize> SynapticLif<O, G> {
    /// Whether the current sums the layer's previous outputs, y_{t-1}, through H.
    pub fn recurrent(self, recurrent: bool) -> Self {
        Self { recurrent, ..self }
    }

    /// The synaptic decay α: the share of the current that is left after a step.
    ///
    /// # Errors
    /// If `decay` is not in 0 … 1.
    pub fn synaptic_decay(self, decay: f64) -> Result<Self, CellError> {
        Ok(Self { synaptic_decay: share("synaptic_decay", decay)?, ..self })
    }

    /// The decay d: the share of the potential that is left after a step.
    ///
    /// # Errors
    /// If `decay` is not in 0 … 1.
    pub fn decay(self, decay: f64) -> Result<Self, CellError> {
        Ok(Self { decay: share("decay", decay)?, ..self })
    }

    /// The synaptic decay of a time constant, with steps of so long, both in one unit of time: α = e^{−step/τ}.
    ///
    /// # Errors
    /// If one of them is not positive and finite.
    pub fn synaptic_time_constant(self, time_constant: f64, step: f64) -> Result<Self, CellError> {
        Ok(Self { synaptic_decay: of_time_constant("synaptic_time_constant", time_constant, step)?, ..self })
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

    /// The threshold ϑ: where −b starts, and what a soft reset subtracts.
    ///
    /// # Errors
    /// If `threshold` is not positive and finite.
    pub fn threshold(self, threshold: f64) -> Result<Self, CellError> {
        let reset = Resetting { threshold: positive("threshold", threshold)?, ..self.reset };
        Ok(Self { reset, ..self })
    }

    /// α and d.
    #[inline(always)]
    fn decays<T: Real>(&self, a: &[T; G]) -> (T, T) {
        if G > DECAY {
            (a[G - 2].sigmoid(), a[G - 1].sigmoid())
        } else {
            (T::from_f64(self.synaptic_decay), T::from_f64(self.decay))
        }
    }
}

impl<O: OutputFunction, const G: usize> Cell<2, G> for SynapticLif<O, G> {
    fn name(&self) -> &'static str {
        "synaptic-lif"
    }

    fn settings(&self) -> Option<String> {
        let (output, pseudo_derivative) = self.output.kind()?;
        let config = SynapticLifConfig {
            recurrent: self.recurrent,
            synaptic_decay: Some(self.synaptic_decay),
            decay: Some(self.decay),
            learn_decay: G == 4,
            reset: self.reset.kind,
            detach_reset: self.reset.detached,
            threshold: self.reset.threshold,
            output,
            pseudo_derivative,
            ..SynapticLifConfig::default()
        };
        CellConfig::SynapticLif(config).settings()
    }

    fn gates(&self) -> [Gate; G] {
        std::array::from_fn(|gate| match gate {
            CURRENT => Gate::new("current", self.recurrent).without_constant(),
            THRESHOLD => Gate::constant("threshold").on_output(),
            SYNAPTIC_DECAY => Gate::constant("synaptic_decay"),
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

    fn potential(&self) -> usize {
        V
    }

    /// Of the current, which is the first variable; the potential filters it once more.
    fn leak(&self) -> Option<Leak> {
        (G <= DECAY).then_some(Leak { factor: self.synaptic_decay, gain: 1.0, is_all: false })
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        match gate {
            THRESHOLD => -self.reset.threshold,
            SYNAPTIC_DECAY => logit(self.synaptic_decay),
            DECAY => logit(self.decay),
            _ => 0.0,
        }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 2>, a: [T; G]) -> Unit<T, 2> {
        let (alpha, d) = self.decays(&a);
        let i = alpha * previous.s[I] + a[CURRENT];
        let v = self.reset.at(d * previous.s[V], previous.y) + i;
        Unit { s: [i, v], y: self.output.at(v + a[THRESHOLD]) }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 2>, a: [T; G]) -> (Unit<T, 2>, Partials<T, 2, G>) {
        let one = T::one();
        let (alpha, d) = self.decays(&a);
        let unit = self.step(previous, a);
        let kept = self.reset.by_decayed(previous.y);
        let dh = self.output.derivative(unit.s[V] + a[THRESHOLD], unit.y);
        let mut partials = Partials::zero();
        partials.ds_ds = [[alpha, T::zero()], [alpha, d * kept]];
        partials.ds_dy[V] = self.reset.by_output(d * previous.s[V]);
        partials.ds_da[I][CURRENT] = one;
        partials.ds_da[V][CURRENT] = one;
        if G > DECAY {
            let by_alpha = previous.s[I] * alpha * (one - alpha);
            partials.ds_da[I][G - 2] = by_alpha;
            partials.ds_da[V][G - 2] = by_alpha;
            partials.ds_da[V][G - 1] = kept * previous.s[V] * d * (one - d);
        }
        partials.dy_ds[V] = dh;
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
        let cell = SynapticLif::spiking(FastSigmoid).synaptic_decay(0.5).unwrap().decay(0.75).unwrap();
        // i = ½·0.4 + 0.6 = 0.8; v = ¾·1.6 − 1 + 0.8 = 1; 1 − ½ > 0: a spike, with the pseudo-derivative (1 + ½)⁻².
        let (next, partials) = cell.linearise(Unit { s: [0.4, 1.6], y: 1.0 }, [0.6, -0.5]);
        assert_close(&[next.s[I], next.s[V], next.y], &[0.8, 1.0, 1.0]);
        assert_close(partials.ds_ds.as_flattened(), &[0.5, 0.0, 0.5, 0.75]);
        assert_close(&partials.ds_dy, &[0.0, -1.0]);
        assert_close(partials.ds_da.as_flattened(), &[1.0, 0.0, 1.0, 0.0]);
        assert_close(&partials.dy_ds, &[0.0, 4.0 / 9.0]);
        assert_close(&partials.dy_da, &[0.0, 4.0 / 9.0]);
    }

    #[test]
    fn learnable_decays_by_hand() {
        let cell = SynapticLif::soft().synaptic_decay(0.75).unwrap().decay(0.5).unwrap();
        let cell = cell.reset(Reset::Zero).learnable_decays().unwrap();
        assert_close(&[SYNAPTIC_DECAY, DECAY].map(|gate| cell.initial_constant(gate)), &[3_f64.ln(), 0.0]);
        // i = ¾·0.4 = 0.3; v = ½·0.8·(1 − ½) + 0.3 = ½; by α: 0.4·3/16; by d: ½·0.8·¼.
        let (next, partials) = cell.linearise(Unit { s: [0.4, 0.8], y: 0.5 }, [0.0, -0.5, 3_f64.ln(), 0.0]);
        assert_close(&[next.s[I], next.s[V], next.y], &[0.3, 0.5, 0.5]);
        assert_close(&partials.ds_da[I], &[1.0, 0.0, 0.075, 0.0]);
        assert_close(&partials.ds_da[V], &[1.0, 0.0, 0.075, 0.1]);
    }

    #[test]
    fn partials_are_derivatives() {
        for kind in [Reset::Subtract, Reset::Zero, Reset::None] {
            let soft = SynapticLif::soft().reset(kind);
            assert_partials(&soft, &points());
            assert_partials(&soft.detach_reset(true).recurrent(false), &points());
            assert_partials(&soft.learnable_decays().unwrap(), &points());
            assert_partials(&SynapticLif::spiking(TanhDerivative).reset(kind), &points());
        }
    }

    #[test]
    fn options_are_checked() {
        let cell = SynapticLif::spiking(TanhDerivative);
        let error = cell.synaptic_time_constant(0.0, 1.0).unwrap_err().to_string();
        assert_eq!(error, "synaptic_time_constant = 0 is out of range: it must be positive and finite");
        let cell = cell.synaptic_time_constant(5.0, 1.0).unwrap().time_constant(20.0, 1.0).unwrap();
        assert_eq!(cell.leak(), Some(Leak { factor: (-0.2_f64).exp(), gain: 1.0, is_all: false }));
        assert!(cell.learnable_decays().unwrap().leak().is_none());
        assert!(cell.decay(0.0).unwrap().learnable_decays().is_err());
    }
}
