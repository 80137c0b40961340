//! Which methods can be run, and on which networks: what makes no sense is refused with the reason, never changed in silence.

use super::{Carry, Edge, Feedback, Method, TraceFormat, Window};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::refusal::ConfigError;

impl Method {
    /// Checks that the method makes sense in itself.
    ///
    /// # Errors
    /// The first part that is out of range or does not go with the others, and why.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |field: &str, value: String, allowed: &str| Err(ConfigError::out_of_range(field, value, allowed));
        if matches!(self.window, Window::Steps(0) | Window::Rolling { steps: 0, .. }) {
            return refuse("window", "0".into(), "at least 1 step, or the whole sequence");
        }
        if let Window::Rolling { steps, every } = self.window
            && !(1..=steps).contains(&every)
        {
            let allowed = format!(
                "1 to {steps} steps from one sweep to the next: all that have an error must be among those it goes back"
            );
            return refuse("window", self.window.to_string(), &allowed);
        }
        if self.block == Some(0) {
            return refuse("block", "0".into(), "at least 1 step, or auto");
        }
        if self.carry.vectors() == Some(0) {
            return refuse("carry", self.carry.name(), "at least one random vector");
        }
        if self.carry == Carry::Snap(0) {
            return refuse("carry", self.carry.name(), "snap-1 or more: within no steps a parameter influences nothing");
        }
        if self.trace == TraceFormat::Bf16 && !matches!(self.carry, Carry::Local | Carry::Layer | Carry::Network) {
            let allowed = "full: only the carries local, layer and network keep traces in sixteen bits";
            return refuse("trace", "bf16".into(), allowed);
        }
        let keeps_own =
            matches!(self.carry, Carry::None | Carry::Local | Carry::Snap(1) | Carry::Presynaptic | Carry::Postsynaptic);
        if self.edge == Edge::Cut && !keeps_own {
            let allowed = format!("heard: the carry {} keeps influence through H, and cutting H would waste it", self.carry);
            return refuse("edge", "cut".into(), &allowed);
        }
        let whole = self.carry == Carry::Network || self.carry.vectors().is_some();
        if whole && self.feedback != Feedback::Symmetric && self.window != Window::Sequence {
            let allowed = match self.carry {
                Carry::Uoro(_) | Carry::LocalUoro(_) => {
                    "symmetric: uoro is right on average only for the true learning signal of every layer's state, and any other is not that"
                }
                _ => {
                    "symmetric: the carry network takes influence from layer to layer through the weights, and its signals must come back the same way"
                }
            };
            return refuse("feedback", self.feedback.name().into(), allowed);
        }
        if self.carry == Carry::KfRtrl && self.feedback == Feedback::TargetProjection && self.window != Window::Sequence {
            let allowed = "symmetric, random or direct: what kf-rtrl spends on being right on average is lost on a signal that is not an error";
            return refuse("feedback", self.feedback.name().into(), allowed);
        }
        if self.carry == Carry::Postsynaptic && self.feedback != Feedback::Symmetric {
            let allowed = "symmetric: what a layer's past spikes did to the next layer's potential comes back through that layer's weights";
            return refuse("feedback", self.feedback.name().into(), allowed);
        }
        Ok(())
    }

    /// Checks that the method makes sense for a network, too.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), or the layer that a method for leaky units cannot be used on.
    #[inline(never)]
    pub fn validate_for<T: Real>(&self, network: &Network<T>) -> Result<(), ConfigError> {
        self.validate()?;
        if self.window == Window::Sequence {
            return Ok(());
        }
        for (index, layer) in network.layers.iter().enumerate() {
            if self.carry.vectors().is_some() && layer.dropout().is_some() {
                let allowed = format!("another: layer {index} has dropout, which uoro does not follow");
                return Err(ConfigError::out_of_range("carry", self.carry, allowed));
            }
            let Some(layer) = layer.recurrent() else { continue };
            if self.carry.vectors().is_some() && layer.activity.rate.is_some() {
                let allowed = format!(
                    "another: layer {index} ({}) has a firing-rate term, and uoro would have to carry the rates to stay right on average",
                    network.layer_name(index)
                );
                return Err(ConfigError::out_of_range("carry", self.carry, allowed));
            }
            let is_above_another = index > 0 && network.layers[index - 1].recurrent().is_some();
            let problem = match (self.carry, layer.leak_of_inputs()) {
                (Carry::Presynaptic, None) => "is no leaky sum with one fixed decay, by which its inputs could be filtered",
                (Carry::Presynaptic, _) if layer.states() > 1 => {
                    "has more than one state variable, and a presynaptic trace has one value for them all"
                }
                (Carry::Postsynaptic, None) if is_above_another => {
                    "is no leaky sum with one fixed decay, by which the outputs of the layer below could be filtered"
                }
                _ => continue,
            };
            let allowed = format!("another: layer {index} ({}) {problem}", network.layer_name(index));
            return Err(ConfigError::out_of_range("carry", self.carry, allowed));
        }
        Ok(())
    }
}
