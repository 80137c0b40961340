//! What a learner does not learn from: numbers that broke, and targets that do not fit.

use super::Learner;
use crate::batch::TargetKind;
use crate::error::LearnError;
use crate::loss::Target;
use crate::real::Real;

impl<T: Real> Learner<T> {
    /// The error for a number that broke on the way forward. The streams start anew, so that nothing of it travels on.
    pub(super) fn broken(&mut self, what: &'static str) -> LearnError {
        let lanes = &self.streaming.lanes.lanes;
        let layer = lanes.iter().filter_map(|lane| lane.tape.first_broken_layer()).min();
        let layer = layer.unwrap_or(self.network.depth() - 1);
        let error = self.not_finite(what, layer);
        self.restart();
        error
    }

    pub(super) fn not_finite(&self, what: &'static str, layer: usize) -> LearnError {
        let name = if what == "an input" { "input".to_owned() } else { self.network.layer_name(layer).to_owned() };
        LearnError::NonFinite { what, layer, name, step: self.streaming.steps_seen }
    }

    pub(super) fn check_target(&self, stream: usize, target: &Target<'_, T>) -> Result<(), LearnError> {
        let outputs = self.network.outputs();
        let problem = match (target, self.loss.target_kind()) {
            (Target::Class(class), TargetKind::Classes) if *class < outputs => return Ok(()),
            (Target::Class(class), TargetKind::Classes) => format!("class {class} where the readout has {outputs}"),
            (Target::Values(values), TargetKind::Values) if values.len() == outputs => {
                if values.iter().all(|v| v.is_finite()) {
                    return Ok(());
                }
                "a value that is not finite".to_owned()
            }
            (Target::Values(values), TargetKind::Values) => {
                format!("{} values where the readout has {outputs}", values.len())
            }
            (_, kind) => format!("the loss wants {}", if kind == TargetKind::Classes { "a class" } else { "values" }),
        };
        Err(LearnError::Target { stream, problem })
    }
}
