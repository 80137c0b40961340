//! Whole batches of sequences: the windows one after another, layer by layer within each.

use super::Learner;
use super::scores::add_losses;
use crate::data::batch::SequenceBatch;
use crate::data::score::{LaneScores, Score};
use crate::engine::{Column, Outset};
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::method::Update;

impl<T: Real> Learner<T> {
    /// Learns from whole sequences, each from a fresh state: window after window, with updates as the method says. Streams in
    /// progress start anew. While [frozen](Learner::set_frozen) it only evaluates.
    ///
    /// # Errors
    /// If the batch does not fit the network, or holds an input or a target that is not finite: the learner is then as before the call.
    /// If a state, the loss, the gradient or an update is not finite: the weights are then as the last update before it left them (with
    /// [`Update::Window`] windows before the one that broke have been learned from), and the streams start anew.
    #[inline(never)]
    pub fn learn_batch(&mut self, batch: &SequenceBatch<T>) -> Result<Score, LearnError> {
        if self.is_frozen() {
            return self.evaluate_batch(batch);
        }
        self.check_sequences(batch)?;
        self.restart();
        let score = self.learn_windows(batch, Outset::Rest)?;
        // Activity after the last target has nothing to be learned with.
        self.restart();
        Ok(score)
    }

    /// Learns from the next stretch of every stream, which goes on where the last one ended: states and traces are carried on, so that
    /// a recording of any length can be handed over piece by piece. A stream whose sequence is shorter than the batch ends with it. After
    /// the last stretch, call [`finish`](Learner::finish). With [`Update::Sequence`] the weights change at the end of the stretch, and a
    /// window does not reach from one stretch into the next: make stretches a multiple of it.
    ///
    /// # Errors
    /// As [`learn_batch`](Learner::learn_batch), and if the batch has other than [`streams`](Learner::streams) streams or the learner is
    /// frozen: the learner is then as before the call.
    #[inline(never)]
    pub fn learn_next(&mut self, batch: &SequenceBatch<T>) -> Result<Score, LearnError> {
        self.check_stretch(batch)?;
        if batch.steps() == 0 {
            self.scores.begin();
            return Ok(Score::default());
        }
        // A prediction made before is in no window any more.
        self.engine.streaming.awaits_target = false;
        if self.engine.has_open_window() {
            self.engine.close_window();
            self.update_after_window()?;
        }
        let score = self.learn_windows(batch, Outset::WhereItIs)?;
        // What comes after the end of a sequence is another one.
        for (restarts, &length) in self.engine.streaming.restarts.iter_mut().zip(batch.lengths()) {
            *restarts |= length < batch.steps();
        }
        Ok(score)
    }

    fn learn_windows(&mut self, batch: &SequenceBatch<T>, outset: Outset) -> Result<Score, LearnError> {
        let score = self.run_batch(batch, outset, self.engine.method.update == Update::Window)?;
        if self.engine.method.update == Update::Sequence {
            self.update()?;
        }
        Ok(score)
    }

    /// The gradient of the summed loss of a batch at the present weights, by the learner's window and carry, each sequence from a fresh state.
    /// Nothing is updated, and nothing is learned from it later; streams in progress start anew. Laid out as
    /// [`Network::parameters`](crate::Network::parameters).
    ///
    /// # Errors
    /// As [`learn_batch`](Learner::learn_batch).
    #[inline(never)]
    pub fn gradient(&mut self, batch: &SequenceBatch<T>) -> Result<(Score, &[T]), LearnError> {
        self.check_sequences(batch)?;
        self.restart();
        let score = self.run_batch(batch, Outset::Rest, false)?;
        if let Err(error) = self.engine.show() {
            return Err(self.dropped(error));
        }
        self.restart();
        Ok((score, self.engine.shown()))
    }

    fn run_batch(
        &mut self,
        batch: &SequenceBatch<T>,
        outset: Outset,
        update_every_window: bool,
    ) -> Result<Score, LearnError> {
        self.engine.open_batch(batch);
        self.scores.begin_batch();
        let (mut score, mut start) = (Score::default(), 0);
        while start < batch.steps() {
            let steps = self.engine.stretch(batch, start);
            score += self.run_window(batch, outset, [start, steps])?;
            start += steps;
            if update_every_window {
                self.update()?;
            }
        }
        self.scores.gather();
        self.scores.end(score.steps);
        Ok(score)
    }

    /// A window of a batch, or a block of windows, `steps` from `start` on; what it comes to is gathered.
    pub(super) fn run_window(
        &mut self,
        batch: &SequenceBatch<T>,
        outset: Outset,
        window: [usize; 2],
    ) -> Result<Score, LearnError> {
        let (heads, lanes) = (&self.heads, &mut self.scores.of_lanes);
        let error = |column: Column<'_, T>, [stream, step]: [usize; 2], scores: &mut LaneScores| {
            let LaneScores { window, of_heads } = scores;
            add_losses(heads, column, |head| batch.target_of(head, stream, step), of_heads, window);
        };
        match self.engine.learn_window(batch, outset, window, lanes, error) {
            Ok(score) => {
                self.targets += score.targets;
                Ok(score)
            }
            Err(error) => Err(self.dropped(error)),
        }
    }

    fn check_stretch(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        if self.is_frozen() {
            return Err(LearnError::Frozen);
        }
        let (found, expected) = (batch.streams(), self.streams());
        if found != expected {
            return Err(LearnError::Shape { what: "streams of the batch", found, expected });
        }
        self.check_batch(batch)?;
        self.check_room(batch.steps())
    }

    pub(super) fn check_sequences(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        let (found, expected) = (batch.streams(), self.streams());
        if found > expected {
            return Err(LearnError::Shape { what: "streams of the batch", found, expected });
        }
        self.check_batch(batch)?;
        self.check_room(batch.steps())
    }

    fn check_room(&self, steps: usize) -> Result<(), LearnError> {
        self.engine.check_room(steps).map_err(|error| self.learn_error(error))
    }
}
