//! A learner's streams put aside for others that use the same weights.

use super::Learner;
use crate::engine::streams::Streams;
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::record::{Book, Record, refused};
use crate::refusal::ConfigError;

impl<T: Real> Learner<T> {
    /// Streams at rest, as many as the learner has, to [exchange](Learner::exchange_streams) them for its own.
    ///
    /// # Errors
    /// If this machine has not the memory for them.
    #[inline(never)]
    pub fn fresh_streams(&self) -> Result<Streams<T>, ConfigError> {
        self.engine.fresh_streams()
    }

    /// Goes on with these streams, and puts its own in their place; nothing is copied. An unfinished window is learned from first, and a
    /// prediction that was not learned from cannot be any more. More of it: [`Engine::exchange_streams`](crate::Engine::exchange_streams).
    ///
    /// # Errors
    /// If they are of another network, method or number of streams. If the unfinished window's gradient or update is not finite: the learner's
    /// own streams then start anew. Nothing was exchanged then; in the second case it can be asked for again.
    #[inline(never)]
    pub fn exchange_streams(&mut self, streams: &mut Streams<T>) -> Result<(), LearnError> {
        self.engine.check_streams(streams)?;
        if self.engine.has_open_window() {
            self.engine.close_window();
            self.update_after_window()?;
        }
        self.engine.swap_streams(streams);
        Ok(())
    }

    /// Forgets what traces hold of the past, as where they have grown beyond all bounds; states stay. An unfinished window is learned from first.
    ///
    /// # Errors
    /// If its gradient or update is not finite: the streams then start anew.
    #[inline(never)]
    pub fn forget_traces(&mut self) -> Result<(), LearnError> {
        if self.engine.has_open_window() {
            self.engine.close_window();
            self.update_after_window()?;
        }
        self.engine.forget_traces();
        Ok(())
    }

    /// Streams that were put aside as named arrays; the names are those of [`save`](Learner::save). With the learner's own record they are all there is to go
    /// on from, bit for bit.
    #[inline(never)]
    pub fn save_streams(&self, streams: &Streams<T>) -> Record {
        self.record_of_streams(|book| streams.clone().pass(&self.engine.network, book))
    }

    /// The same of the streams that the learner has.
    pub(super) fn save_own_streams(&self) -> Record {
        self.record_of_streams(|book| self.engine.streaming.clone().in_hand().pass(&self.engine.network, book))
    }

    /// What streams these are, and what `pass` puts in of them.
    fn record_of_streams(&self, pass: impl FnOnce(&mut Book<'_>) -> Result<(), ConfigError>) -> Record {
        let mut record = Record::new();
        let mut book = Book::saving(&mut record);
        // Nothing is refused on the way in.
        let saved = self.pass_kind_of_streams(&mut book).and_then(|()| pass(&mut book));
        debug_assert!(saved.is_ok(), "{saved:?}");
        record
    }

    /// The streams that [`save_streams`](Learner::save_streams) saved.
    ///
    /// # Errors
    /// If they are those of another network, scalar, method or number of streams, or the record holds a number that is not finite, or lacks an
    /// array, has one too many or one of another shape.
    #[inline(never)]
    pub fn restore_streams(&self, mut record: Record) -> Result<Streams<T>, ConfigError> {
        if let Some(found) = record.first_not_finite() {
            return Err(refused(&found.place, &found.value, "a finite number"));
        }
        let mut streams = self.fresh_streams()?;
        let mut book = Book::restoring(&mut record);
        self.pass_kind_of_streams(&mut book)?;
        streams.pass(&self.engine.network, &mut book)?;
        book.finish()?;
        Ok(streams)
    }
}
