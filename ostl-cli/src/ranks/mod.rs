//! Several processes that work as one: how they find each other, and what they tell each other beside gradients.

mod launched;
#[cfg(feature = "mpi")]
mod mpi;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Error, Result, anyhow};
use ostl_core::ranks::{Alone, Ranks, RanksError, first_said};

use crate::failure;
use crate::signals::Stop;

/// The processes (ranks) that this one works with; by itself it is the first and only one.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    ranks: Arc<dyn Ranks>,
    #[cfg(feature = "mpi")]
    mpi: Option<Arc<mpi::Mpi>>,
}

impl Group {
    /// This process by itself.
    pub(crate) fn alone() -> Self {
        Self {
            ranks: Arc::new(Alone),
            #[cfg(feature = "mpi")]
            mpi: None,
        }
    }

    /// A group whose messages go this way.
    #[cfg(test)]
    pub(crate) fn of(ranks: Arc<dyn Ranks>) -> Self {
        let mut group = Self::alone();
        group.ranks = ranks;
        group
    }

    /// Those that `mpirun` or `srun` started with this one. To be called once in the program's life, and what it gives is to live until its end.
    pub(crate) fn join() -> Result<(Self, Membership)> {
        let Some(launched) = launched::count() else { return Ok((Self::alone(), Membership::none())) };
        #[cfg(feature = "mpi")]
        {
            let (mpi, membership) = mpi::join(launched)?;
            Ok((Self { ranks: mpi.clone(), mpi: Some(mpi) }, membership))
        }
        #[cfg(not(feature = "mpi"))]
        {
            let problem = format!(
                "started as one of {launched} processes, but this program was built without MPI, so each would do the whole work: build \
                 it with --features mpi (Debian: libopenmpi-dev, openmpi-bin and libclang-dev), or start it without mpirun or srun"
            );
            Err(failure::UsageError::Other(problem).into())
        }
    }

    pub(crate) fn ranks(&self) -> Arc<dyn Ranks> {
        self.ranks.clone()
    }

    pub(crate) fn rank(&self) -> usize {
        self.ranks.rank()
    }

    pub(crate) fn count(&self) -> usize {
        self.ranks.count()
    }

    /// Bytes that this one has sent.
    pub(crate) fn sent(&self) -> u64 {
        #[cfg(feature = "mpi")]
        if let Some(mpi) = &self.mpi {
            return mpi.sent();
        }
        0
    }

    /// Whether this is the one that writes and speaks.
    pub(crate) fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// From here on, whoever waits in vain for another rank when asked to stop says these words.
    pub(crate) fn heed(&self, stop: &Stop, words: String) {
        #[cfg(feature = "mpi")]
        if let Some(mpi) = &self.mpi {
            mpi.heed(stop.clone(), words);
        }
        #[cfg(not(feature = "mpi"))]
        let _ = (stop, words);
    }

    /// What the first rank makes, on all ranks.
    pub(crate) fn of_first(&self, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        if self.count() == 1 {
            return make();
        }
        let made = if self.is_first() { make() } else { Ok(Vec::new()) };
        let mut message = match &made {
            Ok(bytes) => [&[1], bytes.as_slice()].concat(),
            Err(error) => [&[0], failure::in_a_line(error).as_bytes()].concat(),
        };
        self.ranks.broadcast(&mut message)?;
        made?;
        match message.split_first() {
            Some((1, bytes)) => Ok(bytes.to_vec()),
            Some((_, problem)) => Err(anyhow!("rank 0: {}", String::from_utf8_lossy(problem))),
            None => Err(RanksError::new(0, "an empty message").into()),
        }
    }

    /// What each rank did by itself, if all did it well; else an error on all of them: its own on a rank that has one.
    pub(crate) fn all_well<R>(&self, own: Result<R>) -> Result<R> {
        let said = own.as_ref().err().map(failure::in_a_line);
        match (own, first_said(self.ranks.as_ref(), said)?) {
            (Err(own), _) => Err(own),
            (Ok(_), Some((rank, problem))) => Err(anyhow!("rank {rank}: {problem}")),
            (Ok(done), None) => Ok(done),
        }
    }

    /// Whether any rank says so.
    pub(crate) fn any(&self, own: bool) -> Result<bool> {
        Ok(first_said(self.ranks.as_ref(), own.then(String::new))?.is_some())
    }

    /// Refuses to go on where ranks do not have the same of something.
    pub(crate) fn same(&self, what: &str, own: &str) -> Result<()> {
        let first = self.of_first(|| Ok(own.as_bytes().to_vec()))?;
        let same = if first == own.as_bytes() { Ok(()) } else { Err(anyhow!("{what} is not that of rank 0")) };
        self.all_well(same.with_context(|| format!("rank {}", self.rank())))
    }

    /// The end of a program that has failed. Where all ranks have, the first says so and they end together; where this one alone has, it says so and
    /// the others are ended, who would wait for it for ever.
    pub(crate) fn fail(&self, error: &Error) -> ExitCode {
        #[cfg(feature = "mpi")]
        if let Some(mpi) = &self.mpi {
            return mpi.fail(error);
        }
        failure::report(error)
    }
}

/// What a process is part of, to be held until it ends.
pub(crate) struct Membership {
    #[cfg(feature = "mpi")]
    _universe: Option<::mpi::environment::Universe>,
}

impl Membership {
    fn none() -> Self {
        Self {
            #[cfg(feature = "mpi")]
            _universe: None,
        }
    }
}

/// Does the same on so many ranks, each a thread.
#[cfg(test)]
pub(crate) fn on_ranks<R: Send>(count: usize, act: impl Fn(Group) -> R + Sync) -> Vec<R> {
    let act = &act;
    std::thread::scope(|scope| {
        let start = |rank| scope.spawn(move || act(Group::of(Arc::new(rank))));
        let tasks: Vec<_> = ostl_core::ranks::threads(count).into_iter().map(start).collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_first_makes_all_have_and_what_one_says_all_hear() {
        for count in [1, 2, 5] {
            let made = on_ranks(count, |group| group.of_first(|| Ok(vec![group.rank() as u8, 7])).unwrap());
            assert!(made.iter().all(|made| *made == [0, 7]));
            let failed = on_ranks(count, |group| group.of_first(|| Err(anyhow!("no room"))).unwrap_err().to_string());
            assert!(failed[0] == "no room" && failed[1..].iter().all(|said| said == "rank 0: no room"), "{failed:?}");
            let any = on_ranks(count, |group| [group.any(false).unwrap(), group.any(group.rank() + 1 == count).unwrap()]);
            assert!(any.iter().all(|any| *any == [false, true]));
            assert!(on_ranks(count, |group| group.same("the seed", "3")).iter().all(Result::is_ok));
        }
        let apart = on_ranks(3, |group| group.same("the seed", &format!("{}", group.rank() / 2)).unwrap_err().to_string());
        assert_eq!(
            apart,
            ["rank 2: rank 2: the seed is not that of rank 0", "rank 2: rank 2: the seed is not that of rank 0", "rank 2"]
        );
    }
}
