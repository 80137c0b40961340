//! Learning round after round: each shard of this rank goes through a window (or, where the weights stay until the end, through all of a batch),
//! what all shards gathered is summed, and the weights change.

use std::ops::Range;
use std::time::Instant;

use super::super::Learner;
use super::ShardedLearner;
use super::gathered::{Broken, Gathered};
use crate::data::batch::SequenceBatch;
use crate::data::score::Score;
use crate::engine::Outset;
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::method::{Update, Window};
use crate::ranks::{Message, RanksError, Reader, Term, sum};

impl<T: Real> ShardedLearner<T> {
    /// Learns from whole sequences, each from a fresh state: a batch for each of this rank's shards, in their order. Updates cover all shards of all
    /// ranks, which make this call together; the score is that of all. See [`Learner::learn_batch`].
    ///
    /// # Errors
    /// As there, on every rank if on one: where a batch does not fit, all learners are as before the call; where a number breaks, the weights are as
    /// the last update left them, and all streams start anew. Also if messages do not get through.
    #[inline(never)]
    pub fn learn_batch(&mut self, batches: &[SequenceBatch<T>]) -> Result<Score, LearnError> {
        if let (1, false, [batch]) = (self.cut.shards(), self.delayed, batches) {
            return self.learner.learn_batch(batch);
        }
        let steps = self.agree(batches)?;
        self.restart();
        let score = self.learn_rounds(batches, Outset::Rest, steps)?;
        // Activity after the last target has nothing to be learned with.
        self.restart();
        Ok(score)
    }

    /// Learns from the next stretch of every stream, which goes on where the last one ended: see [`Learner::learn_next`]. After the last one, call
    /// [`finish`](ShardedLearner::finish).
    ///
    /// # Errors
    /// As [`learn_batch`](ShardedLearner::learn_batch).
    #[inline(never)]
    pub fn learn_next(&mut self, batches: &[SequenceBatch<T>]) -> Result<Score, LearnError> {
        if let (1, false, [batch]) = (self.cut.shards(), self.delayed, batches) {
            return self.learner.learn_next(batch);
        }
        let steps = self.agree(batches)?;
        if steps == 0 {
            return Ok(Score::default());
        }
        let score = self.learn_rounds(batches, Outset::WhereItIs, steps)?;
        self.each_shard(|learner, shard| {
            let batch = &batches[shard];
            // What comes after the end of a sequence is another one.
            for (restarts, &length) in learner.engine.streaming.restarts.iter_mut().zip(batch.lengths()) {
                *restarts |= length < steps;
            }
        });
        Ok(score)
    }

    /// All streams end here: weights that wait for the sequence's end change, and every stream starts anew.
    ///
    /// # Errors
    /// If the gradient or the update is not finite, or messages do not get through.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<(), LearnError> {
        if self.cut.shards() == 1 {
            return self.learner.finish();
        }
        if self.learner.is_frozen() {
            self.restart();
            return Ok(());
        }
        let mut terms = Vec::new();
        self.each_shard(|learner, _| {
            learner.engine.end();
            terms.push(learner.take_gathered(Score::default(), None));
        });
        let updates = self.learner.engine.method.update == Update::Sequence;
        let updated = self.sum_up(terms, updates).map(|_| ());
        self.restart();
        updated
    }

    /// Every stream starts anew, and nothing gathered so far is learned from.
    pub(super) fn restart(&mut self) {
        self.learner.restart();
        self.waiting.iter_mut().for_each(|streams| streams.restart());
    }

    /// Does the same to each of this rank's shards: the learner has its streams then, and has seen as many steps as before the first.
    pub(super) fn each_shard(&mut self, mut act: impl FnMut(&mut Learner<T>, usize)) {
        let cut = self.cut;
        let first = cut.of_rank(self.ranks.rank()).start;
        let seen = self.learner.engine.streaming.steps_seen;
        let width = self.learner.streams();
        for shard in 0..=self.waiting.len() {
            if shard > 0 {
                self.learner.engine.swap_streams(&mut self.waiting[shard - 1]);
            }
            let state = &mut self.learner.engine.streaming;
            (state.steps_seen, state.first_stream) = (seen, (first + shard) * width);
            act(&mut self.learner, shard);
            if shard > 0 {
                self.learner.engine.swap_streams(&mut self.waiting[shard - 1]);
            }
        }
        let state = &mut self.learner.engine.streaming;
        (state.steps_seen, state.first_stream) = (seen, first * width);
    }

    fn learn_rounds(&mut self, batches: &[SequenceBatch<T>], outset: Outset, steps: usize) -> Result<Score, LearnError> {
        let engine = &self.learner.engine;
        // Steps from one update to the next.
        let stride = match (engine.method.update, engine.method.window) {
            (Update::Sequence, _) => steps,
            (Update::Window, Window::Rolling { every, .. }) => every,
            (Update::Window, _) => engine.streaming.on_tape.steps.unwrap_or(steps).clamp(1, steps.max(1)),
        };
        self.each_shard(|learner, shard| {
            learner.engine.open_batch(&batches[shard]);
            learner.scores.begin_batch();
        });
        let (mut score, mut start) = (Score::default(), 0);
        // What the window before came to, where updates come a window late.
        let mut late: Option<Vec<Gathered<T>>> = None;
        while start < steps {
            let end = steps.min(start + stride);
            let terms = match late.take() {
                None => self.gather(batches, outset, start..end),
                Some(before) => {
                    let (terms, summed) = self.gather_beside(before, batches, outset, start..end);
                    score += self.apply(summed?, true)?;
                    terms
                }
            };
            if self.delayed && end < steps {
                late = Some(terms);
            } else {
                score += self.sum_up(terms, true)?;
            }
            start = end;
        }
        Ok(score)
    }

    /// Takes each of this rank's shards through some steps, and gives what that comes to.
    fn gather(&mut self, batches: &[SequenceBatch<T>], outset: Outset, steps: Range<usize>) -> Vec<Gathered<T>> {
        let mut terms = Vec::with_capacity(batches.len());
        let is_first = self.ranks.rank() == 0;
        self.each_shard(|learner, shard| {
            if shard > 0 || !is_first {
                // What waits for a target, of activity alone, is in the first shard's sum.
                learner.clear_gradient();
            }
            terms.push(learner.gather(&batches[shard], outset, steps.clone()));
        });
        self.learner.engine.streaming.steps_seen += steps.len() as u64;
        terms
    }

    /// The same while another thread sums what the window before came to.
    fn gather_beside(
        &mut self,
        before: Vec<Gathered<T>>,
        batches: &[SequenceBatch<T>],
        outset: Outset,
        steps: Range<usize>,
    ) -> (Vec<Gathered<T>>, Result<Gathered<T>, RanksError>) {
        let (ranks, cut) = (self.ranks.clone(), self.cut);
        if ranks.count() == 1 {
            return (self.gather(batches, outset, steps), sum(ranks.as_ref(), cut, before));
        }
        std::thread::scope(|scope| {
            let summing = scope.spawn(|| sum(ranks.as_ref(), cut, before));
            let terms = self.gather(batches, outset, steps);
            let began = Instant::now();
            let summed = summing.join().unwrap_or_else(|_| Err(RanksError::new(ranks.rank(), "its sum has failed")));
            self.traffic.add_sum(began);
            (terms, summed)
        })
    }

    /// Sums what the shards of all ranks gathered, and changes the weights by it.
    fn sum_up(&mut self, terms: Vec<Gathered<T>>, updates: bool) -> Result<Score, LearnError> {
        let began = Instant::now();
        let summed = sum(self.ranks.as_ref(), self.cut, terms);
        self.traffic.add_sum(began);
        self.apply(summed?, updates)
    }

    /// Changes the weights by a sum, the same way on all ranks.
    fn apply(&mut self, mut sum: Gathered<T>, updates: bool) -> Result<Score, LearnError> {
        if let Some(broken) = sum.broken.take() {
            self.restart();
            return Err(broken.in_learner(&self.learner));
        }
        let score = sum.score;
        self.learner.put_gathered(sum, 0)?;
        if updates && let Err(error) = self.learner.update() {
            self.restart();
            return Err(error);
        }
        Ok(score)
    }

    /// The steps of the longest batch of all ranks, once all have looked at theirs.
    fn agree(&mut self, batches: &[SequenceBatch<T>]) -> Result<usize, LearnError> {
        let own = self.check(batches);
        let steps = batches.iter().map(SequenceBatch::steps).max().unwrap_or(0);
        let began = Instant::now();
        let agreed = self.agreed(steps, own);
        self.traffic.add_sum(began);
        agreed
    }

    /// Whether all ranks came to a good end with something that each did by itself: `own` is what this one came to. To be called by all ranks.
    ///
    /// # Errors
    /// On all ranks if on one: the error of the first that has one, where a number broke; else its own on that rank, and on others what it said.
    #[inline(never)]
    pub fn all_well(&self, own: Result<(), LearnError>) -> Result<(), LearnError> {
        if self.ranks.count() == 1 { own } else { self.agreed(0, own).map(|_| ()) }
    }

    /// The largest of all ranks' `steps`, if none has an error.
    fn agreed(&self, steps: usize, own: Result<(), LearnError>) -> Result<usize, LearnError> {
        let rank = self.ranks.rank();
        let broken = own.as_ref().err().filter(|error| error.is_non_finite()).map(|error| Broken::of(error.clone()));
        let said = Agreed { steps, broken, refused: own.as_ref().err().map(|error| (rank, error.to_string())) };
        let mut terms = vec![said];
        terms.resize(self.cut.of_rank(rank).len(), Agreed { steps, broken: None, refused: None });
        let Agreed { steps, broken, refused } = sum(self.ranks.as_ref(), self.cut, terms)?;
        match (broken, own, refused) {
            (Some(broken), ..) => Err(broken.in_learner(&self.learner)),
            (None, Err(own), _) => Err(own),
            (None, Ok(()), Some((rank, problem))) => Err(LearnError::OtherRank { rank, problem }),
            (None, Ok(()), None) => Ok(steps),
        }
    }

    fn check(&self, batches: &[SequenceBatch<T>]) -> Result<(), LearnError> {
        if self.learner.is_frozen() {
            return Err(LearnError::Frozen);
        }
        let (found, expected) = (batches.len(), self.waiting.len() + 1);
        if found != expected {
            return Err(LearnError::Shape { what: "batches, one for each shard of this rank", found, expected });
        }
        batches.iter().try_for_each(|batch| self.learner.check_sequences(batch))
    }
}

impl<T: Real> Learner<T> {
    /// Takes the streams at hand through some steps of a batch, without an update, and gives what that comes to.
    fn gather(&mut self, batch: &SequenceBatch<T>, outset: Outset, steps: Range<usize>) -> Gathered<T> {
        let (mut score, mut broken, mut start) = (Score::default(), None, steps.start);
        let end = steps.end.min(batch.steps());
        while start < end {
            let window = self.engine.stretch(batch, start);
            match self.run_window(batch, outset, [start, window]) {
                Ok(of_window) => score += of_window,
                Err(error) => {
                    broken = Some(Broken::of(error));
                    break;
                }
            }
            start += window;
        }
        self.take_gathered(score, broken)
    }
}

/// What ranks agree on before they begin.
#[derive(Clone, Debug)]
struct Agreed {
    /// Of the longest batch.
    steps: usize,
    /// In the first rank in which a number broke.
    broken: Option<Broken>,
    /// The first rank that has an error, and what it says.
    refused: Option<(usize, String)>,
}

impl Term for Agreed {
    fn plus(self, other: Self) -> Self {
        Self {
            steps: self.steps.max(other.steps),
            broken: self.broken.or(other.broken),
            refused: self.refused.or(other.refused),
        }
    }

    fn write(&self, message: Vec<u8>) -> Vec<u8> {
        let mut message = Message::begin(message);
        message.number(self.steps as u64);
        Broken::write(self.broken.as_ref(), &mut message);
        match &self.refused {
            None => message.number(0),
            Some((rank, problem)) => message.number(1 + *rank as u64).text(problem),
        };
        message.0
    }

    fn read(message: &[u8], from: usize) -> Result<Self, RanksError> {
        let mut reader = Reader::new(message, from);
        let steps = usize::try_from(reader.number()?).map_err(|_| reader.refuse())?;
        let broken = Broken::read(&mut reader)?;
        let refused = match reader.number()? {
            0 => None,
            rank => Some((usize::try_from(rank - 1).map_err(|_| reader.refuse())?, reader.text()?)),
        };
        reader.end()?;
        Ok(Self { steps, broken, refused })
    }
}
