//! What any of several ranks has to say, heard by all.

use super::{Cut, Message, Ranks, RanksError, Reader, Term, sum};

/// What one rank says, if any does: of several the first. All ranks make this call together; it takes as many messages one after another as a sum.
///
/// # Errors
/// If a message does not get through.
pub fn first_said(ranks: &dyn Ranks, own: Option<String>) -> Result<Option<(usize, String)>, RanksError> {
    let own = Said(own.map(|said| (ranks.rank(), said)));
    match Cut::new(ranks.count(), ranks.count()) {
        Some(cut) => sum(ranks, cut, vec![own]).map(|said| said.0),
        None => Ok(own.0),
    }
}

struct Said(Option<(usize, String)>);

impl Term for Said {
    fn plus(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    fn write(&self, message: Vec<u8>) -> Vec<u8> {
        let mut message = Message::begin(message);
        if let Some((rank, said)) = &self.0 {
            message.number(*rank as u64).text(said);
        }
        message.0
    }

    fn read(message: &[u8], from: usize) -> Result<Self, RanksError> {
        if message.is_empty() {
            return Ok(Self(None));
        }
        let mut reader = Reader::new(message, from);
        let rank = usize::try_from(reader.number()?).map_err(|_| reader.refuse())?;
        let said = reader.text()?;
        reader.end().map(|()| Self(Some((rank, said))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Alone, ThreadRank, threads};
    use super::*;

    #[test]
    fn the_first_that_speaks_is_heard_by_all() {
        for count in 1..7 {
            for first in 0..=count {
                let says = |rank: usize| (rank >= first).then(|| format!("it is {rank}"));
                let heard: Vec<_> = std::thread::scope(|scope| {
                    let ask = |rank: ThreadRank| scope.spawn(move || first_said(&rank, says(rank.rank())).unwrap());
                    let tasks: Vec<_> = threads(count).into_iter().map(ask).collect();
                    tasks.into_iter().map(|task| task.join().unwrap()).collect()
                });
                let expected = (first < count).then(|| (first, format!("it is {first}")));
                assert!(heard.iter().all(|heard| *heard == expected), "{count} {first}: {heard:?}");
            }
        }
        assert_eq!(first_said(&Alone, Some("a".into())).unwrap(), Some((0, "a".into())));
        assert_eq!(first_said(&Alone, None).unwrap(), None);
    }
}
