//! The leaky integrator (LI): a readout that remembers, without spikes.
//!
//! The output units of Bellec et al. 2020 (e-prop), Nature Communications 11, 3625:
//!
//! ```text
//! s_t = κ · s_{t-1} + γ · a_t
//! y_t = s_t
//! ```
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | input (a) | x, 1 | s |
//! | decay (only where it is learnt: κ = σ(a)) | 1 | s |
//!
//! | option | default | meaning | range |
//! | --- | --- | --- | --- |
//! | decay, or time constant and step | 0.9 | κ, or κ = e^{−step/τ} | 0 … 1; within if it is learnt |
//! | learnable decay | no | κ is learnt from where it stands | |
//! | scaled input | false | γ = 1 − κ instead of γ = 1 | |

use crate::config::{CellConfig, LiConfig};
use ostl_core::{Cell, Gate, Leak, Partials, Real, Unit};

use crate::decay::{learnable, logit, of_time_constant, share};
use crate::error::CellError;

const INPUT: usize = 0;
const DECAY: usize = 1;

/// A leaky integrator; the [module](self) has the equations. `G` is 2 if its decay is learnt and else 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Li<const G: usize = 1> {
    decay: f64,
    scaled_input: bool,
}

impl Li {
    /// An integrator with every option at its default.
    pub fn new() -> Self {
        Self { decay: 0.9, scaled_input: false }
    }

    /// The same unit, with a decay that is learnt from where it stands now.
    ///
    /// # Errors
    /// If the decay is 0 or 1, which the logistic function never reaches.
    pub fn learnable_decay(self) -> Result<Li<2>, CellError> {
        Ok(Li { decay: learnable("decay", self.decay)?, scaled_input: self.scaled_input })
    }
}

impl Default for Li {
    fn default() -> Self {
        Self::new()
    }
}

impl<const G: usize> Li<G> {
    /// The decay κ: the share of the state that is left after a step.
    ///
    /// # Errors
    /// If `decay` is not in 0 … 1.
    pub fn decay(self, decay: f64) -> Result<Self, CellError> {
        Ok(Self { decay: share("decay", decay)?, ..self })
    }

    /// The decay of a time constant, with steps of so long, both in one unit of time: κ = e^{−step/τ}.
    ///
    /// # Errors
    /// If one of them is not positive and finite.
    pub fn time_constant(self, time_constant: f64, step: f64) -> Result<Self, CellError> {
        Ok(Self { decay: of_time_constant("time_constant", time_constant, step)?, ..self })
    }

    /// Whether the input enters times 1 − κ.
    pub fn scaled_input(self, scaled_input: bool) -> Self {
        Self { scaled_input, ..self }
    }

    /// κ and γ.
    #[inline(always)]
    fn leak_and_gain<T: Real>(&self, a: &[T; G]) -> (T, T) {
        let kappa = if G > DECAY { a[G - 1].sigmoid() } else { T::from_f64(self.decay) };
        (kappa, (T::one() - kappa).if_or(self.scaled_input, T::one()))
    }
}

impl<const G: usize> Cell<1, G> for Li<G> {
    fn name(&self) -> &'static str {
        "li"
    }

    fn settings(&self) -> Option<String> {
        let (decay, learn_decay, scaled_input) = (Some(self.decay), G == 2, self.scaled_input);
        CellConfig::Li(LiConfig { decay, learn_decay, scaled_input, ..LiConfig::default() }).settings()
    }

    fn gates(&self) -> [Gate; G] {
        std::array::from_fn(|gate| if gate == INPUT { Gate::new("input", false) } else { Gate::constant("decay") })
    }

    fn leak(&self) -> Option<Leak> {
        let gain = if self.scaled_input { 1.0 - self.decay } else { 1.0 };
        (G <= DECAY).then_some(Leak { factor: self.decay, gain, is_all: true })
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        if gate == DECAY { logit(self.decay) } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; G]) -> Unit<T, 1> {
        let (kappa, gain) = self.leak_and_gain(&a);
        let s = kappa * previous.s[0] + gain * a[INPUT];
        Unit { s: [s], y: s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; G]) -> (Unit<T, 1>, Partials<T, 1, G>) {
        let (kappa, gain) = self.leak_and_gain(&a);
        let mut partials = Partials::zero();
        partials.ds_ds = [[kappa]];
        partials.ds_da[0][INPUT] = gain;
        if G > DECAY {
            let by_decay = previous.s[0] - a[INPUT].if_or(self.scaled_input, T::zero());
            partials.ds_da[0][G - 1] = by_decay * kappa * (T::one() - kappa);
        }
        partials.dy_ds = [T::one()];
        (self.step(previous, a), partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // ¾·0.4 + 0.2, and with the input scaled ¾·0.4 + ¼·0.2.
        let li = Li::new().decay(0.75).unwrap();
        let (next, partials) = li.linearise(Unit { s: [0.4], y: 0.4 }, [0.2]);
        assert_close(&[next.s[0], next.y, partials.ds_ds[0][0], partials.ds_da[0][0]], &[0.5, 0.5, 0.75, 1.0]);
        let learnt = li.scaled_input(true).learnable_decay().unwrap();
        assert_close(&[learnt.initial_constant(DECAY)], &[3_f64.ln()]);
        // By the decay's gate (0.4 − 0.2)·3/16.
        let (next, partials) = learnt.linearise(Unit { s: [0.4], y: 0.4 }, [0.2, 3_f64.ln()]);
        assert_close(&[next.y, partials.ds_da[0][0], partials.ds_da[0][1]], &[0.35, 0.25, 0.0375]);
    }

    #[test]
    fn partials_are_derivatives() {
        for scaled in [false, true] {
            let li = Li::new().scaled_input(scaled);
            assert_partials(&li, &points());
            assert_partials(&li.learnable_decay().unwrap(), &points());
        }
    }

    #[test]
    fn the_leak_is_all_there_is() {
        let li = Li::new().time_constant(10.0, 1.0).unwrap();
        let factor = (-0.1_f64).exp();
        assert_eq!(li.leak(), Some(Leak { factor, gain: 1.0, is_all: true }));
        assert_eq!(li.scaled_input(true).leak(), Some(Leak { factor, gain: 1.0 - factor, is_all: true }));
        assert_eq!(li.learnable_decay().unwrap().leak(), None);
        assert!(li.decay(-0.1).is_err() && li.decay(1.0).unwrap().learnable_decay().is_err());
    }
}
