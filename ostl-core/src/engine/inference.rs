//! The network forward alone, over batches: nothing is kept for a gradient.

use crate::data::batch::SequenceBatch;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::tape::{BatchStreams, Keep, Lists, Moment, Tape};

/// Steps that are taken at a time.
pub(crate) const STEPS_AT_ONCE: usize = 32;

/// The tape of batches that are only looked at, and whether it is in the middle of its streams.
#[derive(Clone, Debug)]
pub(crate) struct Inference<T: Real> {
    pub(crate) tape: Tape<T>,
    /// Streams that start from rest.
    restarts: Vec<bool>,
}

impl<T: Real> Inference<T> {
    /// For `streams` streams.
    pub(crate) fn new(network: &Network<T>, streams: usize) -> Self {
        let lists = Lists::forward_alone(network);
        Self { tape: Tape::new(network, streams, STEPS_AT_ONCE, lists), restarts: vec![true; streams] }
    }

    /// Streams that there is room for.
    pub(crate) fn streams(&self) -> usize {
        self.tape.streams()
    }

    /// Whether every stream starts from rest.
    pub(crate) fn is_at_rest(&self) -> bool {
        !self.restarts.contains(&false)
    }

    /// Every stream starts from rest.
    pub(crate) fn restart(&mut self) {
        self.restarts.fill(true);
    }

    /// Takes the steps of a batch from `start` on, as many as are taken at a time, and says how many those were.
    pub(crate) fn take(&mut self, network: &Network<T>, batch: &SequenceBatch<T>, start: usize) -> usize {
        let steps = STEPS_AT_ONCE.min(batch.steps() - start);
        self.tape.load(batch, BatchStreams { first: 0, restarts: &self.restarts }, start, steps);
        if !batch.has_targets(0..batch.streams(), start..start + steps) {
            self.tape.ignore_error();
        }
        self.tape.forward(network, steps, Keep::Nothing, Moment::default());
        steps
    }

    /// A batch has ended: what comes after the end of a sequence is another one.
    pub(crate) fn end(&mut self, batch: &SequenceBatch<T>) {
        for (stream, restarts) in self.restarts.iter_mut().enumerate() {
            let length = batch.lengths().get(stream).copied().unwrap_or(0);
            *restarts = length < batch.steps() || (*restarts && length == 0);
        }
    }
}
