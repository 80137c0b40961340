//! Several processes that learn together, on one machine or on many: what they need of whatever carries messages between them.

mod message;
mod threads;
mod tree;

use std::fmt::Debug;

use thiserror::Error;

pub(crate) use message::{Message, Reader};
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
        let (rank, count) = (self.rank(), self.count());
        // The highest bit says whom it comes from; lower ranks pass it on to those with a higher bit set.
        let mut bit = 1;
        while bit <= rank {
            bit <<= 1;
        }
        if rank > 0 {
            self.receive(rank - bit / 2, message)?;
        }
        while rank + bit < count {
            self.send(rank + bit, message)?;
            bit <<= 1;
        }
        Ok(())
    }

    /// Returns once all have come here.
    ///
    /// # Errors
    /// If a message does not get through.
    fn barrier(&self) -> Result<(), RanksError> {
        let mut nothing = Vec::new();
        if self.rank() == 0 {
            (1..self.count()).try_for_each(|rank| self.receive(rank, &mut nothing))?;
        } else {
            self.send(0, &[])?;
        }
        nothing.clear();
        self.broadcast(&mut nothing)
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
