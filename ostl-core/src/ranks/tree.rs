//! Who has which shards of the streams, and sums over shards in one order.

use super::{Ranks, RanksError};

/// Streams cut into shards, and shards dealt to ranks: neighbours go to the same rank, and no rank has two more than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    shards: usize,
    ranks: usize,
}

impl Cut {
    /// `shards` shards on `ranks` ranks. Nothing if a rank would be without.
    #[must_use]
    pub fn new(shards: usize, ranks: usize) -> Option<Self> {
        (ranks > 0 && shards >= ranks).then_some(Self { shards, ranks })
    }

    /// Number of shards.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// The shards of a rank.
    #[must_use]
    pub fn of_rank(&self, rank: usize) -> std::ops::Range<usize> {
        self.shards * rank / self.ranks..self.shards * (rank + 1) / self.ranks
    }

    /// The rank of a shard.
    #[must_use]
    pub fn owner(&self, shard: usize) -> usize {
        // The last rank whose shards begin here or before.
        ((shard + 1) * self.ranks - 1) / self.shards
    }

    /// Of `all` things that lie side by side (streams, sequences of a batch) those of a shard: no shard has two more than another.
    #[must_use]
    pub fn of_shard(&self, shard: usize, all: usize) -> std::ops::Range<usize> {
        all * shard / self.shards..all * (shard + 1) / self.shards
    }

    /// Most that a shard has of `all` things.
    #[must_use]
    pub fn most(&self, all: usize) -> usize {
        all.div_ceil(self.shards)
    }
}

/// What can be summed over shards and sent to another rank.
pub trait Term: Sized {
    /// This and then the other, in this order.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// Its bytes, in the memory of a message that is over.
    #[must_use]
    fn write(&self, message: Vec<u8>) -> Vec<u8>;

    /// The term that has these bytes.
    ///
    /// # Errors
    /// If there is none: names the rank that the message is from.
    fn read(message: &[u8], from: usize) -> Result<Self, RanksError>;
}

/// Σ over all shards, on every rank: the halves of the shards are summed by themselves and then added, and so on within them, wherever they lie.
/// `own` are this rank's terms, in the order of its shards. All ranks make this call together.
///
/// # Errors
/// If there is not a term for each shard of this rank, or a message does not get through.
pub fn sum<S: Term>(ranks: &dyn Ranks, cut: Cut, own: Vec<S>) -> Result<S, RanksError> {
    let mine = cut.of_rank(ranks.rank());
    if own.len() != mine.len() {
        let problem = format!("{} terms for the {} shards of this rank", own.len(), mine.len());
        return Err(RanksError::new(ranks.rank(), problem));
    }
    let mut tree = Tree { ranks, cut, mine, own: own.into_iter(), buffer: Vec::new() };
    let sum = tree.node(0..cut.shards)?;
    let mut buffer = tree.buffer;
    if cut.ranks == 1 {
        return sum.ok_or_else(|| RanksError::new(0, "it has no shards"));
    }
    if let Some(sum) = &sum {
        buffer = sum.write(buffer);
    }
    ranks.broadcast(&mut buffer)?;
    match sum {
        Some(sum) => Ok(sum),
        None => S::read(&buffer, 0),
    }
}

struct Tree<'a, S> {
    ranks: &'a dyn Ranks,
    cut: Cut,
    mine: std::ops::Range<usize>,
    own: std::vec::IntoIter<S>,
    buffer: Vec<u8>,
}

impl<S: Term> Tree<'_, S> {
    /// The sum of some shards, at the rank that has the first of them; nothing elsewhere.
    fn node(&mut self, shards: std::ops::Range<usize>) -> Result<Option<S>, RanksError> {
        if shards.end <= self.mine.start || shards.start >= self.mine.end {
            return Ok(None);
        }
        if shards.len() == 1 {
            return Ok(self.own.next());
        }
        let middle = shards.start + shards.len().div_ceil(2);
        let me = self.ranks.rank();
        let (left, right) = (self.cut.owner(shards.start), self.cut.owner(middle));
        let first = self.node(shards.start..middle)?;
        let second = self.node(middle..shards.end)?;
        match (first, second) {
            (Some(first), second) if left == me => {
                let second = match second {
                    Some(second) if right == me => second,
                    _ => {
                        self.ranks.receive(right, &mut self.buffer)?;
                        S::read(&self.buffer, right)?
                    }
                };
                Ok(Some(first.plus(second)))
            }
            (_, Some(second)) if right == me => {
                self.buffer = second.write(std::mem::take(&mut self.buffer));
                self.ranks.send(left, &self.buffer)?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Alone, Message, Reader, threads};
    use super::*;

    #[test]
    fn shards_are_dealt_evenly_and_in_order() {
        for shards in 1..20 {
            for ranks in 1..=shards {
                let cut = Cut::new(shards, ranks).unwrap();
                let dealt: Vec<usize> = (0..ranks).flat_map(|rank| cut.of_rank(rank)).collect();
                assert_eq!(dealt, (0..shards).collect::<Vec<_>>());
                let sizes: Vec<usize> = (0..ranks).map(|rank| cut.of_rank(rank).len()).collect();
                assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
                for rank in 0..ranks {
                    assert!(cut.of_rank(rank).all(|shard| cut.owner(shard) == rank), "{shards} {ranks}");
                }
                let streams: Vec<usize> = (0..shards).flat_map(|shard| cut.of_shard(shard, 17)).collect();
                assert_eq!(streams, (0..17).collect::<Vec<_>>());
                assert_eq!(cut.most(17), (0..shards).map(|shard| cut.of_shard(shard, 17).len()).max().unwrap());
            }
        }
        assert_eq!((Cut::new(2, 3), Cut::new(2, 0)), (None, None));
    }

    /// A term that shows in which order sums were made.
    #[derive(Clone, Debug, PartialEq)]
    struct Words(String);

    impl Term for Words {
        fn plus(self, other: Self) -> Self {
            Self(format!("({}+{})", self.0, other.0))
        }

        fn write(&self, message: Vec<u8>) -> Vec<u8> {
            let mut message = Message::begin(message);
            message.text(&self.0);
            message.0
        }

        fn read(message: &[u8], from: usize) -> Result<Self, RanksError> {
            let mut reader = Reader::new(message, from);
            let words = Self(reader.text()?);
            reader.end().map(|()| words)
        }
    }

    /// The sum as each of so many ranks has it.
    fn sums(shards: usize, count: usize) -> Vec<Words> {
        let cut = Cut::new(shards, count).unwrap();
        let own = |rank: usize| cut.of_rank(rank).map(|shard| Words(shard.to_string())).collect::<Vec<_>>();
        if count == 1 {
            return vec![sum(&Alone, cut, own(0)).unwrap()];
        }
        std::thread::scope(|scope| {
            let of = |rank: super::super::ThreadRank| scope.spawn(move || sum(&rank, cut, own(rank.rank())).unwrap());
            let tasks: Vec<_> = threads(count).into_iter().map(of).collect();
            tasks.into_iter().map(|task| task.join().unwrap()).collect()
        })
    }

    #[test]
    fn sums_are_made_in_one_order_on_any_number_of_ranks() {
        assert_eq!(sums(1, 1), [Words("0".into())]);
        assert_eq!(sums(4, 1), [Words("((0+1)+(2+3))".into())]);
        assert_eq!(sums(5, 1), [Words("(((0+1)+2)+(3+4))".into())]);
        for shards in 1..12 {
            let expected = sums(shards, 1).remove(0);
            for ranks in 1..=shards {
                let found = sums(shards, ranks);
                assert!(found.iter().all(|sum| *sum == expected), "{shards} shards, {ranks} ranks: {found:?}");
            }
        }
    }

    #[test]
    fn a_barrier_waits_for_all_and_a_broken_rank_is_named() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let arrived = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for rank in threads(5) {
                let arrived = &arrived;
                scope.spawn(move || {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    rank.barrier().unwrap();
                    assert_eq!(arrived.load(Ordering::SeqCst), 5);
                });
            }
        });
        let mut ranks = threads(2);
        let first = ranks.remove(0);
        drop(ranks);
        let error = first.receive(1, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "rank 1: its thread has ended");
        assert!(Alone.barrier().is_ok() && Alone.send(1, &[]).is_err());
    }
}
