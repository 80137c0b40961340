//! Several processes that learn together, on one machine or on many: what they need of whatever carries messages between them.

mod message;
mod said;
mod threads;
mod tree;

use std::fmt::Debug;

use thiserror::Error;

pub(crate) use message::{Message, Reader};
pub use said::first_said;
pub use threads::{ThreadRank, threads};
pub use tree::{Cut, Term, sum};

/// Processes (ranks) that can send each other bytes, numbered from 0. One that is alone is [`Alone`]; [`threads`] are several in one process; MPI
/// or anything else that carries messages is a few lines around [`send`](Ranks::send) and [`receive`](Ranks::receive).
///
/// Messages from one rank to another arrive in the order in which they were sent. All else is built on these two in an order that is the same
/// for any number of ranks: sums go up a fixed binary tree over *shards* of streams ([`Cut`]), whoever has these, so that they are the same
/// bits. A reduction of the transport's own (`MPI_Allreduce`) does not promise that.
pub trait Ranks: Debug + Send + Sync {
    /// The number of this one.
    fn rank(&self) -> usize;

    /// How many there are.
    fn count(&self) -> usize;

    /// Sends bytes to another rank.
    ///
    /// # Errors
    /// If they cannot be sent.
    fn send(&self, to: usize, message: &[u8]) -> Result<(), RanksError>;

    /// Waits for the next bytes from another rank, which take the place of what `message` holds.
    ///
    /// # Errors
    /// If none can come any more.
    fn receive(&self, from: usize, message: &mut Vec<u8>) -> Result<(), RanksError>;

    /// What rank 0 holds is held by all: down a binary tree.
    ///
    /// # Errors
    /// If a message does not get through.
    fn broadcast(&self, message: &mut Vec<u8>) -> Result<(), RanksError> {
        let place = Place::of(self.rank(), self.count());
        if let Some(above) = place.above {
            self.receive(above, message)?;
        }
        place.below().try_for_each(|below| self.send(below, message))
    }

    /// Returns once all have come here.
    ///
    /// # Errors
    /// If a message does not get through.
    fn barrier(&self) -> Result<(), RanksError> {
        let place = Place::of(self.rank(), self.count());
        let mut nothing = Vec::new();
        place.below().try_for_each(|below| self.receive(below, &mut nothing))?;
        if let Some(above) = place.above {
            self.send(above, &[])?;
        }
        nothing.clear();
        self.broadcast(&mut nothing)
    }
}

/// A rank's place in the tree that goes out from rank 0.
struct Place {
    above: Option<usize>,
    rank: usize,
    /// The first power of two that is larger than the rank.
    bit: usize,
    count: usize,
}

impl Place {
    /// The highest bit of a rank says whom it is below; it is above those that have one higher bit more.
    fn of(rank: usize, count: usize) -> Self {
        let bit = (rank + 1).next_power_of_two();
        Self { above: (rank > 0).then(|| rank - bit / 2), rank, bit, count }
    }

    fn below(&self) -> impl Iterator<Item = usize> + use<> {
        let (rank, count) = (self.rank, self.count);
        std::iter::successors(Some(self.bit), |bit| bit.checked_mul(2))
            .map(move |bit| rank + bit)
            .take_while(move |&below| below < count)
    }
}

/// A process that learns alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn count(&self) -> usize {
        1
    }

    fn send(&self, to: usize, _: &[u8]) -> Result<(), RanksError> {
        Err(RanksError::new(to, "there is no other rank"))
    }

    fn receive(&self, from: usize, _: &mut Vec<u8>) -> Result<(), RanksError> {
        Err(RanksError::new(from, "there is no other rank"))
    }
}

/// Messages from or to a rank do not get through.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("rank {rank}: {problem}")]
pub struct RanksError {
    /// The other rank.
    pub rank: usize,
    /// What went wrong.
    pub problem: String,
}

impl RanksError {
    /// What went wrong with messages from or to a rank.
    pub fn new(rank: usize, problem: impl Into<String>) -> Self {
        Self { rank, problem: problem.into() }
    }
}
