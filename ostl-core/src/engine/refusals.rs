//! What the engine does not go on from: numbers that broke, and inputs and signals that do not fit.

use super::{Engine, Signal, Streaming};
use crate::data::batch::{Place, SequenceBatch};
use crate::engine::error::EngineError;
use crate::linalg::real::{Real, all_finite};
use crate::method::Feedback;
use crate::network::Network;
use crate::refusal::Counted;
use crate::tape::{Moment, Tape};
use crate::trace::OnTape;

/// Refuses inputs of one step of every stream that have the wrong shape or are not finite.
pub(super) fn check_inputs<T: Real>(network: &Network<T>, streams: usize, inputs: &[T]) -> Result<(), EngineError> {
    let expected = network.inputs() * streams;
    if inputs.len() != expected {
        return Err(EngineError::Shape { what: "inputs × streams", found: inputs.len(), expected });
    }
    if all_finite(inputs) {
        return Ok(());
    }
    let at = inputs.iter().position(|x| !x.is_finite()).unwrap_or(0);
    let (stream, feature) = (at / network.inputs(), at % network.inputs());
    Err(EngineError::Input { stream, step: None, feature, value: inputs[at].to_f64() })
}

/// The error for a number that broke on the way forward, and where it shows first.
pub(super) fn broken_forward<'a, T: Real>(
    what: &'static str,
    network: &Network<T>,
    tapes: impl Iterator<Item = &'a Tape<T>>,
    step: u64,
) -> EngineError {
    let layer = tapes.filter_map(Tape::first_broken_layer).min().unwrap_or(network.depth() - 1);
    EngineError::NonFinite { what, layer, name: network.layer_name(layer).to_owned(), step }
}

impl<T: Real> Engine<T> {
    /// The error for a number that broke on the way forward. The streams start anew, so that nothing of it travels on.
    pub(crate) fn broken(&mut self, what: &'static str) -> EngineError {
        let tapes = self.streaming.lanes.lanes.iter().map(|lane| &lane.tape);
        let error = broken_forward(what, &self.network, tapes, self.streaming.steps_seen);
        self.start_over();
        error
    }

    /// The error for a gradient or update that broke at a parameter. The streams start anew.
    pub(crate) fn broken_at(&mut self, what: &'static str, parameter: usize) -> EngineError {
        let block = self.network.blocks().iter().find(|block| block.range().contains(&parameter));
        let (layer, name) = block.map_or((0, "all"), |block| (block.layer, block.name));
        let name = format!("{}, {name}", self.network.layer_name(layer));
        let error = EngineError::NonFinite { what, layer, name, step: self.streaming.steps_seen };
        self.start_over();
        error
    }

    /// After a number broke it may lie in any buffer, and zero times it is not zero: all are made anew.
    fn start_over(&mut self) {
        let Moment { step, stream } = self.streaming.moment();
        let streams = self.streams();
        self.streaming.release();
        self.streaming = Streaming::new(&self.network, &self.method, streams);
        self.follow_feedback();
        (self.streaming.steps_seen, self.streaming.first_stream) = (step, stream);
    }

    /// Whether states and outputs after the last step are finite, also of layers whose outputs do not show it.
    pub(crate) fn states_are_finite(&self) -> bool {
        self.streaming.lanes.lanes.iter().all(|lane| lane.tape.states_are_finite())
    }

    /// Refuses a batch of other inputs or outputs than the network's, or with inputs that are not finite.
    pub(crate) fn check_batch(&self, batch: &SequenceBatch<T>) -> Result<(), EngineError> {
        for (what, found, expected) in [
            ("inputs of the batch", batch.inputs(), self.network.inputs()),
            ("outputs of the batch", batch.outputs(), self.network.outputs()),
        ] {
            if found != expected {
                return Err(EngineError::Shape { what, found, expected });
            }
        }
        match batch.first_broken_input() {
            Some(Place { stream, step, row, value }) => {
                Err(EngineError::Input { stream, step: Some(step), feature: row, value: value.to_f64() })
            }
            None => Ok(()),
        }
    }

    /// Whether there is the memory for a sequence of `steps` steps, where the tape grows with it.
    pub(crate) fn check_room(&self, steps: usize) -> Result<(), EngineError> {
        let OnTape { steps: most, cuts } = self.streaming.on_tape;
        let grows = most.is_none() || cuts.every.is_some();
        let steps = most.map_or(steps, |most| steps.min(most));
        if !grows || steps <= self.streaming.lanes.capacity() {
            return Ok(());
        }
        Ok(self.network.check_room(&self.method, [self.streams(), steps], Counted::Windows)?)
    }

    pub(super) fn check_signal(&self, stream: usize, signal: Signal<'_, T>) -> Result<(), EngineError> {
        let expected = self.network.outputs();
        for (part, values) in [("error", Some(signal.error)), ("target", signal.target)] {
            let Some(values) = values else { continue };
            if values.len() != expected {
                let what = if part == "error" { "values of a signal" } else { "values of a signal's target" };
                return Err(EngineError::Shape { what, found: values.len(), expected });
            }
            if let Some(output) = values.iter().position(|value| !value.is_finite()) {
                return Err(EngineError::Signal { stream, output, part, value: values[output].to_f64() });
            }
        }
        if self.method.feedback == Feedback::TargetProjection && signal.target.is_none() {
            return Err(EngineError::NoTarget { stream });
        }
        Ok(())
    }
}
