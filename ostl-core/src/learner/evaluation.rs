//! What the network does on given sequences, without learning and without touching the streams that are learned from.

use super::Learner;
use super::scores::add_plain;
use crate::data::batch::SequenceBatch;
use crate::data::loss::Target;
use crate::data::score::Score;
use crate::engine::inference::{Inference, STEPS_AT_ONCE};
use crate::learner::error::{Aftermath, LearnError};
use crate::linalg::real::Real;
use crate::refusal::{ConfigError, Counted};

/// What the network said to one target.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a, T> {
    /// Stream of the batch.
    pub stream: usize,
    /// Step of the batch.
    pub step: usize,
    /// Name of the head; empty for a readout that is one as a whole.
    pub head: &'a str,
    /// The head's outputs, or the whole readout: logits for the cross-entropies.
    pub outputs: &'a [T],
    /// What it should have been.
    pub target: Target<'a, T>,
    /// The loss, without the head's weight.
    pub loss: f64,
}

impl<T: Real> Learner<T> {
    /// The score of whole sequences, each from a fresh state, without learning and without touching the streams. It is measured by the plain
    /// [`loss`](Learner::loss), without weights of classes and smoothed labels, so that it can be compared whatever was learned with.
    ///
    /// # Errors
    /// If the batch does not fit the network, or an input, a target or the loss is not finite. What is learned from is untouched in any case.
    pub fn evaluate_batch(&mut self, batch: &SequenceBatch<T>) -> Result<Score, LearnError> {
        self.evaluate_batch_with(batch, |_| ())
    }

    /// The same, showing every answer to a target to `observe`: step after step, stream after stream.
    ///
    /// # Errors
    /// As [`evaluate_batch`](Learner::evaluate_batch).
    pub fn evaluate_batch_with(
        &mut self,
        batch: &SequenceBatch<T>,
        observe: impl FnMut(Observation<'_, T>),
    ) -> Result<Score, LearnError> {
        self.restart_evaluation();
        let score = self.evaluate_next_with(batch, observe);
        self.restart_evaluation();
        score
    }

    /// The score of the next stretch of every stream, which goes on where the last one that was evaluated ended; showing every answer to
    /// `observe`. [`restart_evaluation`](Learner::restart_evaluation) goes before the first stretch.
    ///
    /// # Errors
    /// As [`evaluate_batch`](Learner::evaluate_batch), and if there are more streams than in the stretch before. After a loss that is not finite
    /// the next evaluation starts from rest; after any other error it goes on as if the call had not been made.
    pub fn evaluate_next_with(
        &mut self,
        batch: &SequenceBatch<T>,
        mut observe: impl FnMut(Observation<'_, T>),
    ) -> Result<Score, LearnError> {
        self.evaluate_next(batch, &mut observe)
    }

    #[inline(never)]
    fn evaluate_next(
        &mut self,
        batch: &SequenceBatch<T>,
        observe: &mut dyn FnMut(Observation<'_, T>),
    ) -> Result<Score, LearnError> {
        self.check_batch(batch)?;
        let streams = batch.streams();
        if let Some(evaluation) = &self.evaluation
            && evaluation.streams() < streams
            && !evaluation.is_at_rest()
        {
            return Err(LearnError::Shape { what: "streams of the batch", found: streams, expected: evaluation.streams() });
        }
        self.engine.prune();
        let mut evaluation = match self.evaluation.take() {
            Some(evaluation) if evaluation.streams() >= streams => evaluation,
            _ => self.room_to_evaluate(streams)?,
        };
        let network = &self.engine.network;
        let mut signal = vec![T::zero(); network.outputs()];
        let (of_heads, mut score) = (self.scores.begin(), Score::default());
        for start in (0..batch.steps()).step_by(STEPS_AT_ONCE) {
            let steps = evaluation.take(network, batch, start);
            let tape = &evaluation.tape;
            if let Some(watch) = &mut self.watch {
                watch.look(network, tape);
            }
            for step in 0..steps {
                let logits = tape.logits(signal.len(), step);
                for (stream, outputs) in logits.chunks_exact(signal.len()).enumerate() {
                    score.steps += u64::from(start + step < batch.lengths()[stream]);
                    let target_of = |head| batch.target_of(head, stream, start + step);
                    add_plain(&self.heads, outputs, target_of, &mut signal, (&mut *of_heads, &mut score), |answer| {
                        observe(Observation { stream, step: start + step, ..answer });
                    });
                }
            }
            if !score.loss.is_finite() {
                let layer = tape.first_broken_layer().unwrap_or(network.depth() - 1);
                let name = network.layer_name(layer).to_owned();
                return Err(self.not_finite("the loss", (layer, name), Aftermath::EvaluationStartsAnew));
            }
        }
        evaluation.end(batch);
        self.scores.end(score.steps);
        self.evaluation = Some(evaluation);
        Ok(score)
    }

    /// What is evaluated next starts from rest.
    pub fn restart_evaluation(&mut self) {
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.restart();
        }
    }

    fn room_to_evaluate(&self, streams: usize) -> Result<Inference<T>, ConfigError> {
        let (network, size) = (&self.engine.network, [streams, STEPS_AT_ONCE]);
        network.check_room(&self.engine.method, size, Counted::Evaluation)?;
        Ok(Inference::new(network, streams))
    }
}
