//! Ranks that MPI carries messages between: OpenMPI, MPICH or whatever the program was built with.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Error, Result, bail};
use mpi::Threading;
use mpi::request::{Request, Scope};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Equivalence, Source};
use ostl_core::ranks::{Ranks, RanksError};

use super::Membership;
use crate::failure::{self, UsageError};
use crate::output::tell;
use crate::signals::Stop;

/// Of messages between ranks that work.
const WORK: i32 = 1;
/// Of messages between ranks that have failed.
const FAREWELL: i32 = 2;
/// MPI counts bytes in 31 bits: a longer message goes in pieces, the last of which is shorter.
const PIECE: usize = 1 << 30;
/// For so long a rank looks for a message without a pause.
const EAGER: Duration = Duration::from_micros(200);
/// After a request to stop, for so long another rank may be silent before that is said.
const SILENCE: Duration = Duration::from_millis(300);
/// Ranks that fail together do so within this.
const TOGETHER: Duration = Duration::from_secs(2);

/// The world of MPI.
#[derive(Debug)]
pub(super) struct Mpi {
    rank: usize,
    count: usize,
    sent: AtomicU64,
    /// Who asks to stop, and what is said where another rank does not answer then.
    stop: OnceLock<(Stop, String)>,
}

/// Joins the processes that were started with this one, `launched` by the word of whoever started them.
pub(super) fn join(launched: usize) -> Result<(Arc<Mpi>, Membership)> {
    // Calls come from one thread at a time, but not always the same.
    let Some((universe, threading)) = mpi::initialize_with_threading(Threading::Serialized) else {
        bail!("MPI was initialised before");
    };
    if threading < Threading::Serialized {
        bail!("this MPI supports only {threading:?}: calls from one thread at a time, but not always the same, are needed");
    }
    let world = universe.world();
    let (Ok(rank), Ok(count)) = (usize::try_from(world.rank()), usize::try_from(world.size())) else {
        bail!("MPI gives no number");
    };
    if count == 1 {
        let problem = format!(
            "started as one of {launched} processes, but MPI knows of this one alone: is the launcher that of the MPI which the program \
             was built with ({})?",
            mpi::environment::library_version().unwrap_or_default().lines().next().unwrap_or_default().trim()
        );
        return Err(UsageError::Other(problem).into());
    }
    let mpi = Mpi { rank, count, sent: AtomicU64::new(0), stop: OnceLock::new() };
    Ok((Arc::new(mpi), Membership { _universe: Some(universe) }))
}

impl Mpi {
    pub(super) fn heed(&self, stop: Stop, words: String) {
        // Whoever was there first stays.
        let _ = self.stop.set((stop, words));
    }

    /// Bytes sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Tries again and again until it comes to something, or `give_up` says so of the time that has passed.
    fn poll<R>(mut attempt: impl FnMut() -> Option<R>, mut give_up: impl FnMut(Duration) -> bool) -> Option<R> {
        let began = Instant::now();
        loop {
            if let Some(done) = attempt() {
                return Some(done);
            }
            let waited = began.elapsed();
            if waited <= EAGER {
                std::thread::yield_now();
                continue;
            }
            if give_up(waited) {
                return None;
            }
            // A rank that waits leaves its processor to others; longer when it has waited long.
            std::thread::sleep(Duration::from_micros(if waited < Duration::from_millis(50) { 20 } else { 500 }));
        }
    }

    /// Never gives up, but says once that another rank does not answer, if this one is asked to stop.
    fn patience(&self, other: usize) -> impl FnMut(Duration) -> bool {
        let mut asked: Option<Instant> = None;
        let mut has_said = false;
        move |_| {
            if let Some((_, words)) = self.stop.get().filter(|(stop, _)| !has_said && stop.requested())
                && asked.get_or_insert_with(Instant::now).elapsed() > SILENCE
            {
                has_said = true;
                tell(&format!("rank {}: rank {other} does not answer; {words}", self.rank));
            }
            false
        }
    }

    /// The next message by this tag, or nothing if it is given up before one has come.
    fn take(&self, from: usize, tag: i32, message: &mut Vec<u8>, mut give_up: impl FnMut(Duration) -> bool) -> Option<()> {
        let world = SimpleCommunicator::world();
        let process = world.process_at_rank(from as i32);
        message.clear();
        loop {
            let (found, status) = Self::poll(|| process.immediate_matched_probe_with_tag(tag), &mut give_up)?;
            // A probe that has found a message knows its length.
            let bytes = usize::try_from(status.count(u8::equivalent_datatype())).unwrap_or(0);
            let held = message.len();
            message.resize(held + bytes, 0);
            // What has begun to come may still stay away, if its sender dies.
            mpi::request::scope(|scope| {
                let receiving = found.immediate_matched_receive_into(scope, &mut message[held..]);
                finish(receiving, self.patience(from));
            });
            if bytes < PIECE {
                return Some(());
            }
        }
    }

    fn post(&self, to: usize, tag: i32, message: &[u8]) {
        let world = SimpleCommunicator::world();
        let process = world.process_at_rank(to as i32);
        let mut rest = message;
        loop {
            let piece = &rest[..rest.len().min(PIECE)];
            mpi::request::scope(|scope| finish(process.immediate_send_with_tag(scope, piece, tag), self.patience(to)));
            rest = &rest[piece.len()..];
            if piece.len() < PIECE {
                break;
            }
        }
        self.sent.fetch_add(message.len() as u64, Ordering::Relaxed);
    }

    /// See [`Group::fail`](super::Group::fail).
    pub(super) fn fail(&self, error: &Error) -> ExitCode {
        let status = if self.rank == 0 { failure::report(error) } else { ExitCode::from(failure::number(error)) };
        if self.part_together() {
            return status;
        }
        if self.rank > 0 {
            tell(&format!("error: rank {}: {}", self.rank, failure::in_a_line(error)));
        }
        SimpleCommunicator::world().abort(i32::from(failure::number(error)));
    }

    /// Whether all ranks have come to the same end.
    fn part_together(&self) -> bool {
        let began = Instant::now();
        let in_time = |limit: Duration| move |_: Duration| began.elapsed() > limit;
        let mut message = Vec::new();
        if self.rank == 0 {
            let heard = (1..self.count).all(|rank| self.take(rank, FAREWELL, &mut message, in_time(TOGETHER)).is_some());
            if heard {
                (1..self.count).for_each(|rank| self.post(rank, FAREWELL, &[]));
            }
            heard
        } else {
            self.post(0, FAREWELL, &[]);
            self.take(0, FAREWELL, &mut message, in_time(2 * TOGETHER)).is_some()
        }
    }
}

impl Ranks for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.count
    }

    fn send(&self, to: usize, message: &[u8]) -> Result<(), RanksError> {
        self.post(to, WORK, message);
        Ok(())
    }

    fn receive(&self, from: usize, message: &mut Vec<u8>) -> Result<(), RanksError> {
        self.take(from, WORK, message, self.patience(from)).ok_or_else(|| RanksError::new(from, "no message has come"))
    }
}

/// Waits until a request is done.
fn finish<'a, D: ?Sized, S: Scope<'a>>(request: Request<'a, D, S>, give_up: impl FnMut(Duration) -> bool) {
    let mut pending = Some(request);
    Mpi::poll(
        || match pending.take()?.test() {
            Ok(_) => Some(()),
            Err(still) => {
                pending = Some(still);
                None
            }
        },
        give_up,
    );
}
