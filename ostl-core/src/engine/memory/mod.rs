//! What a network and a method take of the machine's memory, put together before anything is allocated.
//!
//! What a room takes is worked out there, beside what it allocates (`size.rs` of each). Every size is counted from the layers as they are, gates and filters included, in numbers that stop at the largest ([`Count`]). Tests hold
//! the sums to what a learner of every carry really allocates. What is more than can be had is refused with the part that takes most, how much
//! it is, and what would fit.

mod fits;

use super::inference::STEPS_AT_ONCE;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::size::{connections, parameters_of};
use crate::refusal::{Count, MemoryNeed};
use crate::sweep::Transposed;
use crate::tape::width::width;
use crate::tape::{Lists, Tape};
use crate::trace::Sizing;

impl<T: Real> Sizing<'_, T> {
    /// What learning takes, with an optimiser that keeps `moments` values per parameter.
    pub(crate) fn need(&self, moments: usize) -> MemoryNeed {
        let scalar = size_of::<T>();
        let parameters: Count = self.network.layers.iter().map(parameters_of).sum();
        let updates =
            parameters * (1 + moments) * scalar + Transposed::bytes(self.network, self.method, width(self.streams));
        let traces = self.traces();
        MemoryNeed {
            weights: (Network::weight_bytes(&self.network.layers) + connections(&self.network.layers)).0,
            updates: updates.0,
            traces: traces.kept.0,
            windows: (self.lanes() + traces.beside).0,
            evaluation: self.evaluation().0,
        }
    }

    /// Bytes of an evaluation's tape.
    fn evaluation(&self) -> Count {
        let lists = Lists::forward_alone(self.network);
        Tape::bytes(self.network, self.streams, STEPS_AT_ONCE, lists)
    }
}
