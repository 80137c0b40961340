//! Ranks that are threads of one process: for tests, and for whoever wants to see several learners learn as one.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::{Ranks, RanksError};

/// One of several [`threads`].
#[derive(Debug)]
pub struct ThreadRank {
    rank: usize,
    /// To each.
    to: Vec<Sender<Vec<u8>>>,
    /// From each.
    from: Vec<Mutex<Receiver<Vec<u8>>>>,
}

/// `count` ranks that send each other messages through memory: each goes to a thread of its own.
///
/// ```
/// use ostl_core::ranks::{Ranks, threads};
///
/// let said: Vec<Vec<u8>> = std::thread::scope(|scope| {
///     let tasks: Vec<_> = threads(3)
///         .into_iter()
///         .map(|rank| {
///             scope.spawn(move || {
///                 let mut message = vec![rank.rank() as u8; 2];
///                 rank.broadcast(&mut message).map(|()| message)
///             })
///         })
///         .collect();
///     tasks.into_iter().map(|task| task.join().unwrap().unwrap()).collect()
/// });
/// assert_eq!(said, [[0, 0], [0, 0], [0, 0]]);
/// ```
#[must_use]
pub fn threads(count: usize) -> Vec<ThreadRank> {
    let mut ranks: Vec<ThreadRank> = (0..count).map(|rank| ThreadRank { rank, to: Vec::new(), from: Vec::new() }).collect();
    for from in 0..count {
        for to in 0..count {
            let (sender, receiver) = channel();
            ranks[from].to.push(sender);
            ranks[to].from.push(Mutex::new(receiver));
        }
    }
    ranks
}

impl Ranks for ThreadRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.to.len()
    }

    fn send(&self, to: usize, message: &[u8]) -> Result<(), RanksError> {
        self.to[to].send(message.to_vec()).map_err(|_| RanksError::new(to, "its thread has ended"))
    }

    fn receive(&self, from: usize, message: &mut Vec<u8>) -> Result<(), RanksError> {
        let receiver = self.from[from].lock().unwrap_or_else(PoisonError::into_inner);
        *message = receiver.recv().map_err(|_| RanksError::new(from, "its thread has ended"))?;
        Ok(())
    }
}
