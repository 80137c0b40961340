//! Inputs and resets, put into a window.

use crate::data::batch::SequenceBatch;
use crate::linalg::real::Real;
use crate::tape::Tape;

/// The streams of a batch that a tape holds.
#[derive(Clone, Copy)]
pub(crate) struct BatchStreams<'a> {
    /// Those from this one on.
    pub(crate) first: usize,
    /// For each whether it begins the batch from rest; the others go on from where they are.
    pub(crate) restarts: &'a [bool],
}

impl<T: Real> Tape<T> {
    /// Opens a window and puts steps `start..start + count` of a batch's streams into it. Streams that end inside the window are padded
    /// with single steps from a fresh state, whose outputs are not read.
    pub(crate) fn load(&mut self, batch: &SequenceBatch<T>, streams: BatchStreams<'_>, start: usize, count: usize) {
        self.open(self.streams_after(batch, streams.first, start));
        self.put(batch, streams, start, count);
    }

    /// Streams of the batch from `first` on up to the last that goes on beyond `start`.
    pub(super) fn streams_after(&self, batch: &SequenceBatch<T>, first: usize, start: usize) -> usize {
        let lengths = &batch.lengths()[first.min(batch.streams())..(first + self.streams).min(batch.streams())];
        lengths.iter().rposition(|&length| length > start).map_or(0, |last| last + 1)
    }

    /// The inputs and resets of further steps, behind those that are there. Streams that have ended are padded as by [`load`](Tape::load).
    pub(crate) fn put(&mut self, batch: &SequenceBatch<T>, streams: BatchStreams<'_>, start: usize, count: usize) {
        let BatchStreams { first, restarts } = streams;
        let active = self.active;
        if active == 0 {
            // A lane beyond the batch's streams.
            return;
        }
        let rows = batch.inputs() * active;
        for step in 0..count {
            let (place, step) = (self.steps + step, start + step);
            if !self.events[0].holds_all() {
                batch.copy_inputs(step, first, &mut self.inputs[place * rows..(place + 1) * rows]);
            }
            for (stream, &restarts) in restarts.iter().enumerate().take(active) {
                let (column, stream) = (place * active + stream, first + stream);
                let there = step < batch.lengths()[stream];
                self.mask[column] = there;
                self.not_reset[column] = there && !(step == 0 && restarts) && !batch.is_reset(stream, step);
                if self.events[0].holds_all() {
                    match batch.listed(step, stream) {
                        Some((rows, values)) => self.events[0].push(column, rows, values),
                        None if there => self.events[0].push_dense(column, batch.input(stream, step)),
                        None => self.events[0].push(column, &[], &[]),
                    }
                }
            }
        }
    }

    /// The inputs of all streams at the next step, and which of them start from rest there.
    pub(crate) fn put_step(&mut self, inputs: &[T], restarts: &[bool]) {
        let (at, m) = (self.steps * self.active, inputs.len() / self.active);
        if self.events[0].holds_all() {
            for (column, values) in (at..).zip(inputs.chunks_exact(m)) {
                self.events[0].push_dense(column, values);
            }
        } else {
            self.inputs[at * m..(at + self.active) * m].copy_from_slice(inputs);
        }
        for (not_reset, &restarts) in self.not_reset[at..at + self.active].iter_mut().zip(restarts) {
            *not_reset = !restarts;
        }
        self.mask[at..at + self.active].fill(true);
    }
}
