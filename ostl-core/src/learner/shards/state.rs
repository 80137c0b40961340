//! What is saved of a learner in shards: what all ranks share, and of each shard its streams.

use super::ShardedLearner;
use crate::engine::streams::Streams;
use crate::linalg::real::Real;
use crate::record::{Book, Record};
use crate::refusal::ConfigError;

/// Before the names of a gradient that waits for a target.
const WAITING: &str = "waiting.";

impl<T: Real> ShardedLearner<T> {
    /// What all ranks share: weights, the optimiser's moments and settings, steps seen. Between sequences that is everything; in mid-stream
    /// [`save_shards`](ShardedLearner::save_shards) gives the rest. Rank 0's is the one to keep. With a single shard it is what
    /// [`Learner::save`](crate::Learner::save) gives.
    #[inline(never)]
    pub fn save(&self) -> Record {
        if self.cut.shards() == 1 {
            return self.learner.save();
        }
        let mut record = self.learner.save_with(false);
        let engine = &self.learner.engine;
        let gradient = &engine.streaming.gradient;
        if self.cut.of_rank(self.ranks.rank()).start == 0 && gradient.iter().any(|g| *g != T::zero()) {
            let mut book = Book::saving(&mut record);
            // Nothing is refused on the way in.
            let _ = engine.network.pass_by_block(WAITING, &mut book, &mut gradient.clone());
        }
        record
    }

    /// Whether this rank's streams are between sequences, so that there is nothing to go on from but what all ranks share.
    #[inline(never)]
    pub fn is_at_rest(&self) -> bool {
        self.learner.engine.is_fresh() && self.waiting.iter().all(Streams::is_fresh)
    }

    /// States and traces of each of this rank's shards, in their order, between two calls. With a single shard they are in what
    /// [`save`](ShardedLearner::save) gives, and there are none here.
    #[inline(never)]
    pub fn save_shards(&self) -> Vec<Record> {
        if self.cut.shards() == 1 {
            return Vec::new();
        }
        let others = self.waiting.iter().map(|streams| self.learner.save_streams(streams));
        std::iter::once(self.learner.save_own_streams()).chain(others).collect()
    }

    /// Goes on from what was saved, on whatever number of ranks: what all share, and the records of this rank's shards, or none for streams at rest.
    ///
    /// # Errors
    /// As [`Learner::restore`](crate::Learner::restore); the learner is then as it was, or at rest with what all ranks share restored.
    #[inline(never)]
    pub fn restore(&mut self, mut shared: Record, shards: Vec<Record>) -> Result<(), ConfigError> {
        if self.cut.shards() == 1 && shards.is_empty() {
            return self.learner.restore(shared);
        }
        let expected = self.waiting.len() + 1;
        if !shards.is_empty() && shards.len() != expected {
            return Err(ConfigError::out_of_range("shards", shards.len(), format!("{expected}, those of this rank")));
        }
        let mut waiting = shared.take_all(WAITING);
        let mut gradient = vec![T::zero(); self.learner.network().parameters().len()];
        if waiting.names().next().is_some() {
            let mut book = Book::restoring(&mut waiting);
            self.learner.engine.network.pass_by_block("", &mut book, &mut gradient)?;
            book.finish()?;
        }
        let streams: Result<Vec<_>, _> = shards.into_iter().map(|record| self.learner.restore_streams(record)).collect();
        let streams = streams?;
        self.learner.restore(shared)?;
        self.restart();
        for (shard, mut streams) in streams.into_iter().enumerate() {
            match shard {
                0 => self.learner.engine.swap_streams(&mut streams),
                _ => self.waiting[shard - 1] = streams,
            }
        }
        self.learner.engine.streaming.gradient = gradient;
        Ok(())
    }
}
