//! What a learner does not learn from: numbers that broke, and targets that do not fit.

use super::{Learner, Streaming};
use crate::data::batch::{Place, SequenceBatch, TargetKind};
use crate::data::loss::Target;
use crate::learner::error::{Aftermath, LearnError};
use crate::linalg::real::{Real, all_finite};

impl<T: Real> Learner<T> {
    /// The error for a number that broke on the way forward. The streams start anew, so that nothing of it travels on.
    pub(super) fn broken(&mut self, what: &'static str) -> LearnError {
        let lanes = &self.streaming.lanes.lanes;
        let layer = lanes.iter().filter_map(|lane| lane.tape.first_broken_layer()).min();
        let layer = layer.unwrap_or(self.network.depth() - 1);
        let error = self.not_finite(what, (layer, self.network.layer_name(layer).to_owned()), Aftermath::StreamsStartAnew);
        self.start_over();
        error
    }

    /// The error for a gradient or update that broke at a parameter. The streams start anew.
    pub(super) fn broken_at(&mut self, what: &'static str, parameter: usize) -> LearnError {
        let block = self.network.blocks().iter().find(|block| block.range().contains(&parameter));
        let (layer, name) = block.map_or((0, "all"), |block| (block.layer, block.name));
        let name = format!("{}, {name}", self.network.layer_name(layer));
        let error = self.not_finite(what, (layer, name), Aftermath::StreamsStartAnew);
        self.start_over();
        error
    }

    /// After a number broke it may lie in any buffer, and zero times it is not zero: all are made anew.
    fn start_over(&mut self) {
        let steps_seen = self.streaming.steps_seen;
        let streams = self.streams();
        self.streaming.release();
        self.streaming = Streaming::new(&self.network, &self.method, streams);
        self.streaming.steps_seen = steps_seen;
    }

    /// Whether states and outputs after the last step are finite, also of layers whose outputs cannot tell.
    pub(super) fn states_are_finite(&self) -> bool {
        self.streaming.lanes.lanes.iter().all(|lane| lane.tape.states_are_finite())
    }

    pub(super) fn not_finite(&self, what: &'static str, (layer, name): (usize, String), aftermath: Aftermath) -> LearnError {
        let settings = self.optimizer.settings();
        LearnError::NonFinite {
            what,
            layer,
            name,
            step: self.streaming.steps_seen,
            updates: self.optimizer.updates(),
            learning_rate: settings.learning_rate,
            clip_norm: settings.clip_norm,
            aftermath,
        }
    }

    /// Refuses a batch that holds an input or a target that is not finite.
    pub(super) fn check_batch_values(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        if let Some(Place { stream, step, row, value }) = batch.first_broken_input() {
            return Err(LearnError::Input { stream, step: Some(step), feature: row, value: value.to_f64() });
        }
        if let Some(Place { stream, step, row, value }) = batch.first_broken_target() {
            return Err(LearnError::TargetValue { stream, step: Some(step), output: row, value: value.to_f64() });
        }
        Ok(())
    }

    /// Refuses inputs of one step of every stream that are not finite.
    pub(super) fn check_inputs(&self, inputs: &[T]) -> Result<(), LearnError> {
        if all_finite(inputs) {
            return Ok(());
        }
        let at = inputs.iter().position(|x| !x.is_finite()).unwrap_or(0);
        let (stream, feature) = (at / self.network.inputs(), at % self.network.inputs());
        Err(LearnError::Input { stream, step: None, feature, value: inputs[at].to_f64() })
    }

    pub(super) fn check_target(&self, stream: usize, target: &Target<'_, T>) -> Result<(), LearnError> {
        let outputs = self.network.outputs();
        let problem = match (target, self.objective.loss().target_kind()) {
            (Target::Class(class), TargetKind::Classes) if *class < outputs => return Ok(()),
            (Target::Class(class), TargetKind::Classes) => format!("class {class} where the readout has {outputs}"),
            (Target::Values(values), TargetKind::Values) if values.len() == outputs => {
                return match values.iter().position(|v| !v.is_finite()) {
                    None => Ok(()),
                    Some(output) => {
                        Err(LearnError::TargetValue { stream, step: None, output, value: values[output].to_f64() })
                    }
                };
            }
            (Target::Values(values), TargetKind::Values) => {
                format!("{} values where the readout has {outputs}", values.len())
            }
            (_, kind) => format!("the loss wants {}", if kind == TargetKind::Classes { "a class" } else { "values" }),
        };
        Err(LearnError::Target { stream, problem })
    }
}
