//! A learner's state as named arrays: save it, write it to a checkpoint, restore it, go on bit for bit.

use super::Learner;
use crate::data::ready_loss::settings_of_heads;
use crate::engine::Streaming;
use crate::engine::named::MOST_STEPS;
use crate::linalg::real::Real;
use crate::method::Feedback;
use crate::method::feedback::FeedbackWeights;
use crate::record::{Book, Record, refused};
use crate::refusal::ConfigError;

impl<T: Real> Learner<T> {
    /// Everything that the learner needs to go on bit for bit, at this moment, also in mid-window: weights, the optimiser's moments and settings,
    /// whether it is frozen and, in mid-stream, states, traces and the unfinished window. An evaluation in stretches is not part of it: it
    /// starts from rest. [`checkpoint::write`](crate::checkpoint::write) puts it into a file; docs/checkpoints.md lists its names.
    #[inline(never)]
    pub fn save(&self) -> Record {
        self.save_with(!self.is_at_rest())
    }

    /// The same, with what is in hand of streams or without.
    pub(super) fn save_with(&self, streams: bool) -> Record {
        let mut record = Record::new();
        let mut book = Book::saving(&mut record);
        let mut own = Own {
            parameters: self.engine.network.parameters.clone(),
            optimizer: self.optimizer.clone(),
            steps_seen: self.engine.streaming.steps_seen,
            targets: if streams { self.targets } else { 0 },
            frozen: self.is_frozen(),
            feedback: self.engine.own_feedback.clone(),
            streaming: streams.then(|| self.engine.streaming.clone()),
        };
        // Nothing is refused on the way in.
        let saved = self.pass_kind(&mut book).and_then(|()| self.pass(&mut own, &mut book));
        debug_assert!(saved.is_ok(), "{saved:?}");
        record
    }

    /// Takes a saved state over.
    ///
    /// # Errors
    /// If it is that of another network, scalar, method or number of streams, holds a number that is not finite, or lacks an array, has one too many
    /// or one of another shape; the learner is then as it was.
    #[inline(never)]
    pub fn restore(&mut self, mut record: Record) -> Result<(), ConfigError> {
        if let Some(found) = record.first_not_finite() {
            return Err(refused(&found.place, &found.value, "a finite number"));
        }
        let mut book = Book::restoring(&mut record);
        let in_mid_stream = book.has("window.steps");
        let mut saved = Own {
            parameters: vec![T::zero(); self.engine.network.parameters.len()],
            optimizer: self.optimizer.clone(),
            steps_seen: 0,
            targets: 0,
            frozen: false,
            feedback: self.fixed_feedback(&book),
            streaming: None,
        };
        self.pass_kind(&mut book)?;
        if in_mid_stream {
            saved.streaming = Some(Streaming::new(&self.engine.network, &self.engine.method, self.streams()));
        }
        self.pass(&mut saved, &mut book)?;
        book.finish()?;
        self.engine.network.parameters = saved.parameters;
        self.engine.network.prune();
        self.optimizer = saved.optimizer;
        self.optimizer.parameters_changed();
        match saved.streaming {
            Some(streaming) => self.engine.streaming = streaming,
            None => self.restart(),
        }
        self.engine.own_feedback = saved.feedback;
        match &self.engine.own_feedback {
            None if self.engine.method.feedback != Feedback::Symmetric => {
                let drawn = FeedbackWeights::new(&self.engine.network, &self.engine.method);
                self.engine.streaming.lanes.set_feedback(&drawn);
            }
            _ => self.engine.follow_feedback(),
        }
        self.engine.streaming.lanes.weights_changed();
        self.engine.streaming.steps_seen = saved.steps_seen;
        self.engine.set_frozen_as_saved(saved.frozen);
        self.targets = saved.targets;
        self.restart_evaluation();
        Ok(())
    }

    /// Room for custom feedback, if that was saved.
    fn fixed_feedback(&self, book: &Book<'_>) -> Option<FeedbackWeights<T>> {
        let is_there = (1..self.engine.network.depth()).any(|layer| book.has(&format!("feedback.layers.{layer}")));
        is_there.then(|| FeedbackWeights::new(&self.engine.network, &self.engine.method))
    }

    /// Whether there is nothing to go on from but the weights: between sequences.
    pub(super) fn is_at_rest(&self) -> bool {
        self.engine.is_fresh() && self.engine.streaming.gradient.iter().all(|g| *g == T::zero())
    }

    /// What the learner is, which must be the same when it is restored.
    pub(super) fn pass_kind(&self, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let network = &self.engine.network;
        self.pass_kind_of_streams(book)?;
        book.remark("network.plan", serde_json::to_string(network.plan()).ok());
        let loss = self.heads.is_whole().then(|| self.loss().settings()).flatten();
        book.remark("loss", loss);
        book.remark("heads", settings_of_heads(&self.heads));
        Ok(())
    }

    /// What there are streams of.
    pub(super) fn pass_kind_of_streams(&self, book: &mut Book<'_>) -> Result<(), ConfigError> {
        book.same_text("scalar", T::NAME)?;
        book.same_text("network", &self.engine.network.description())?;
        book.same_text("units", &self.units())?;
        let method =
            serde_json::to_string(&self.engine.method).map_err(|error| refused("method", &error.to_string(), "words"))?;
        book.same_text("method", &method)?;
        book.same_text("streams", &self.streams().to_string())
    }

    /// All else by name.
    fn pass(&self, own: &mut Own<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let network = &self.engine.network;
        network.pass_by_block("", book, &mut own.parameters)?;
        own.optimizer.pass(network, book)?;
        book.number("steps_seen", &mut own.steps_seen, MOST_STEPS)?;
        book.number("targets", &mut own.targets, MOST_STEPS)?;
        book.array("frozen", &[], std::slice::from_mut(&mut own.frozen))?;
        if let Some(feedback) = &mut own.feedback {
            feedback.pass(book)?;
        }
        match &mut own.streaming {
            Some(streaming) => streaming.pass(network, book),
            None => Ok(()),
        }
    }

    /// Leaks and terms of activity of each recurrent layer, dropout of each, and factors to learning rates, in words.
    fn units(&self) -> String {
        let layers = self.engine.network.layers.iter().filter_map(|layer| layer.recurrent());
        let words = layers.map(|layer| format!("{:?} {:?}", layer.dynamics.leak(), layer.activity));
        let dropout = self.engine.network.layers.iter().map(|layer| format!("{:?}", layer.dropout()));
        let rates = self.engine.network.layers.iter().enumerate().filter(|(_, layer)| !layer.rates().is_default());
        let rates = rates.map(|(index, layer)| format!("learning rates of layer {index}: {:?}", layer.rates()));
        words.chain(dropout).chain(rates).collect::<Vec<_>>().join("; ")
    }
}

/// What is saved of a learner.
struct Own<T: Real> {
    parameters: Vec<T>,
    optimizer: super::Optimizer<T>,
    steps_seen: u64,
    /// Targets since the last update.
    targets: u64,
    frozen: bool,
    /// Custom fixed feedback.
    feedback: Option<FeedbackWeights<T>>,
    /// Nothing between sequences, where there is nothing to go on from.
    streaming: Option<Streaming<T>>,
}
