//! Whole batches of sequences: the windows one after another, layer by layer within each.

use super::{Learner, add_loss, add_score};
use crate::batch::{SequenceBatch, TargetKind, Targets};
use crate::error::LearnError;
use crate::lane::Lane;
use crate::method::{Update, Window};
use crate::real::Real;
use crate::score::Score;
use crate::window::{Keep, Tape};

/// Steps that an evaluation takes at a time.
const EVALUATION_STEPS: usize = 32;

impl<T: Real> Learner<T> {
    /// Learns from whole sequences, each from a fresh state: window after window, with updates as the method says. Streams in
    /// progress start anew. While [frozen](Learner::set_frozen) it only evaluates.
    ///
    /// # Errors
    /// If the batch does not fit the network, or the loss or gradient is not finite; the weights are then as before the step.
    pub fn learn_batch(&mut self, batch: &SequenceBatch<T>) -> Result<Score, LearnError> {
        if self.is_frozen() {
            return self.evaluate_batch(batch);
        }
        self.clear_gradient();
        let score = self.run_batch(batch, self.method.update == Update::Window)?;
        if self.method.update == Update::Sequence {
            self.update()?;
        }
        Ok(score)
    }

    /// The gradient of the summed loss of a batch at the present weights, by the learner's window and carry; nothing is updated.
    /// Laid out as [`Network::parameters`](crate::Network::parameters).
    ///
    /// # Errors
    /// As [`learn_batch`](Learner::learn_batch).
    pub fn gradient(&mut self, batch: &SequenceBatch<T>) -> Result<(Score, &[T]), LearnError> {
        self.clear_gradient();
        self.shown = true;
        let score = self.run_batch(batch, false)?;
        self.streaming.targets = 0;
        self.network.clear_absent(&mut self.streaming.gradient);
        Ok((score, &self.streaming.gradient))
    }

    fn run_batch(&mut self, batch: &SequenceBatch<T>, update_every_window: bool) -> Result<Score, LearnError> {
        self.check_batch(batch)?;
        self.prune();
        self.streaming.restart();
        let (window, kept) = match self.method.window {
            Window::Steps(steps) => (steps, steps),
            Window::Rolling(steps) => (1, steps.saturating_mul(2)),
            Window::Sequence => (batch.steps().max(1), batch.steps()),
        };
        self.streaming.lanes.reserve(&self.network, kept.min(batch.steps()));
        self.streaming.lanes.weights_changed();
        let mut score = Score::default();
        for start in (0..batch.steps()).step_by(window) {
            let steps = window.min(batch.steps() - start);
            let in_window = self.run_window(batch, start, steps)?;
            self.streaming.targets += in_window.targets;
            score += in_window;
            self.accumulate();
            if self.looks_back().is_none() {
                self.streaming.lanes.open();
            }
            if update_every_window {
                self.update()?;
            }
        }
        self.streaming.restart();
        Ok(score)
    }

    /// Forward, losses and reverse sweep of one window, lane by lane.
    fn run_window(&mut self, batch: &SequenceBatch<T>, start: usize, steps: usize) -> Result<Score, LearnError> {
        for (continues, &length) in self.continues.iter_mut().zip(batch.lengths()) {
            *continues = length > start + steps;
        }
        self.continues[batch.streams()..].fill(false);
        let (network, loss, looks_back) = (&self.network, self.loss, self.looks_back());
        let work = network.parameters.len() * batch.streams() * steps;
        let forward = |lane: &mut Lane<T>| {
            match looks_back {
                Some(back) => lane.tape.roll(network, batch, lane.first, start, back - 1),
                None => lane.tape.load(batch, lane.first, start, steps),
            }
            lane.score = Score::default();
            let (o, from, live) = (network.outputs(), lane.tape.steps, lane.tape.live);
            lane.sweep.clear(o, from * live..(from + steps) * live);
            lane.tape.forward(network, steps, Keep::Partials);
            let mut score = Score::default();
            for step in 0..steps {
                score.activity += lane.tape.activity(network, from + step);
                for stream in 0..lane.tape.live {
                    if let Some(target) = batch.target(lane.first + stream, start + step) {
                        add_loss(loss, o, lane, from + step, stream, target, &mut score);
                    }
                }
            }
            for stream in lane.first..lane.first + lane.tape.live {
                let length = batch.lengths()[stream];
                score.steps += (length.min(start + steps) - length.min(start)) as u64;
            }
            lane.score = score;
            if let Some(back) = looks_back {
                lane.look_back(o, back);
            }
        };
        self.streaming.lanes.window(network, work, forward, &self.continues);
        self.streaming.steps_seen += steps as u64;
        let mut score = Score::default();
        for lane in &self.streaming.lanes.lanes {
            score += lane.score;
        }
        if (score.loss + score.activity).is_finite() { Ok(score) } else { Err(self.broken("the loss")) }
    }

    /// The score of whole sequences, each from a fresh state, without learning and without touching the streams.
    ///
    /// # Errors
    /// If the batch does not fit the network or the loss is not finite.
    pub fn evaluate_batch(&mut self, batch: &SequenceBatch<T>) -> Result<Score, LearnError> {
        self.check_batch_shape(batch)?;
        self.prune();
        let fits = self.evaluation.as_ref().is_some_and(|tape| tape.streams() >= batch.streams());
        let mut tape = match self.evaluation.take() {
            Some(tape) if fits => tape,
            _ => Tape::new(&self.network, batch.streams(), EVALUATION_STEPS, true),
        };
        let mut signal = vec![T::zero(); self.network.outputs()];
        let mut score = Score::default();
        for start in (0..batch.steps()).step_by(EVALUATION_STEPS) {
            let steps = EVALUATION_STEPS.min(batch.steps() - start);
            tape.load(batch, 0, start, steps);
            tape.forward(&self.network, steps, Keep::Nothing);
            for step in 0..steps {
                let logits = tape.logits(signal.len(), step);
                for (stream, logits) in logits.chunks_exact(signal.len()).enumerate() {
                    score.steps += u64::from(start + step < batch.lengths()[stream]);
                    if let Some(target) = batch.target(stream, start + step) {
                        add_score(self.loss, logits, target, &mut signal, &mut score);
                    }
                }
            }
            if !score.loss.is_finite() {
                let layer = tape.first_broken_layer().unwrap_or(self.network.depth() - 1);
                return Err(self.not_finite("the loss", layer));
            }
        }
        self.evaluation = Some(tape);
        Ok(score)
    }

    fn check_batch_shape(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        for (what, found, expected) in [
            ("inputs of the batch", batch.inputs(), self.network.inputs()),
            ("outputs of the batch", batch.outputs(), self.network.outputs()),
        ] {
            if found != expected {
                return Err(LearnError::Shape { what, found, expected });
            }
        }
        let kind = match batch.targets() {
            Targets::Classes(_) => TargetKind::Classes,
            Targets::Values(_) => TargetKind::Values,
        };
        if kind != self.loss.target_kind() {
            return Err(LearnError::Target {
                stream: 0,
                problem: format!("the batch holds {kind:?}, the loss wants {:?}", self.loss.target_kind()),
            });
        }
        Ok(())
    }

    fn check_batch(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        if batch.streams() > self.streams() {
            return Err(LearnError::Shape {
                what: "streams of the batch",
                found: batch.streams(),
                expected: self.streams(),
            });
        }
        self.check_batch_shape(batch)
    }
}
