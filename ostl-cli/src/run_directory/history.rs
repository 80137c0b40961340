//! `history.json`: when a run was worked on, and for how long. Times stand here and not in the checkpoints, which are the same whenever the same
//! is done.

use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::metrics::Pace;
use crate::date;
use crate::machine;

/// The sessions of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) sessions: Vec<Session>,
    /// How long each epoch took, where that is known.
    epochs: Vec<Option<Pace>>,
    /// The same of the epoch that is not done, in the sessions before this one.
    unfinished: Spent,
}

/// One process that worked on a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// When it began: UTC, as in RFC 3339.
    pub(crate) started: String,
    /// Epochs that were done then.
    after_epochs: u64,
    /// Wall clock until it was last written down.
    pub(crate) seconds: f64,
    /// The part of it that went into learning.
    pub(crate) train_seconds: f64,
    /// What was typed, on which machine, and which version of this program ran; empty where an older one did.
    #[serde(default)]
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) machine: String,
    #[serde(default)]
    pub(crate) version: String,
}

/// Time spent on a part of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Spent {
    seconds: f64,
    train_seconds: f64,
}

/// The history of a run, with the session at hand as its last.
#[derive(Debug)]
pub(crate) struct Clock {
    history: History,
    started: Instant,
    /// Since when the unfinished epoch is worked on in this session.
    epoch: Instant,
    /// Time that it was learned from since then.
    learned: Duration,
}

impl Clock {
    /// Of a session that begins now, after `epochs` epochs (and a part of the next, or not).
    pub(crate) fn start(mut history: History, epochs: u64, is_within: bool) -> Self {
        // What was done after the checkpoint is done over.
        history.epochs.resize(usize::try_from(epochs).unwrap_or(usize::MAX), None);
        if !is_within {
            history.unfinished = Spent::default();
        }
        history.sessions.push(Session::begin(epochs));
        let now = Instant::now();
        Self { history, started: now, epoch: now, learned: Duration::ZERO }
    }

    /// An epoch, or the rest of one, begins.
    pub(crate) fn begin(&mut self) {
        self.epoch = Instant::now();
        self.learned = Duration::ZERO;
    }

    /// So much time went into learning.
    pub(crate) fn learned(&mut self, time: Duration) {
        self.learned += time;
        if let Some(session) = self.history.sessions.last_mut() {
            session.train_seconds += time.as_secs_f64();
        }
    }

    /// An epoch of `steps` steps is done.
    pub(crate) fn epoch_done(&mut self, steps: u64) -> Pace {
        let spent = self.spent();
        let steps_per_second = steps as f64 / spent.train_seconds.max(1e-9);
        let pace = Pace { seconds: spent.seconds, steps_per_second, peak_mib: machine::peak_mib() };
        self.history.epochs.push(Some(pace));
        self.history.unfinished = Spent::default();
        self.begin();
        pace
    }

    fn spent(&self) -> Spent {
        Spent {
            seconds: self.history.unfinished.seconds + self.epoch.elapsed().as_secs_f64(),
            train_seconds: self.history.unfinished.train_seconds + self.learned.as_secs_f64(),
        }
    }

    /// The history as it is now; within an epoch or between two.
    pub(crate) fn now(&mut self, is_within: bool) -> History {
        if let Some(session) = self.history.sessions.last_mut() {
            session.seconds = self.started.elapsed().as_secs_f64();
        }
        let mut history = self.history.clone();
        if is_within {
            history.unfinished = self.spent();
        }
        history
    }

    /// How long epoch number `index` (from 0) took.
    pub(crate) fn pace(&self, index: usize) -> Option<Pace> {
        self.history.epochs.get(index).copied().flatten()
    }
}

impl Session {
    /// One that begins now, after `epochs` epochs.
    fn begin(epochs: u64) -> Self {
        Self {
            started: date::utc(SystemTime::now()),
            after_epochs: epochs,
            seconds: 0.0,
            train_seconds: 0.0,
            command: machine::command(),
            machine: machine::described(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

impl History {
    /// Wall clock of all sessions, and the part of it that went into learning.
    pub(crate) fn seconds(&self) -> (f64, f64) {
        let sum = |part: fn(&Session) -> f64| self.sessions.iter().map(part).sum();
        (sum(|session| session.seconds), sum(|session| session.train_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_over_sessions() {
        let session = |seconds| Session { seconds, train_seconds: seconds / 2.0, ..Session::begin(0) };
        let pace = Pace { seconds: 3.0, steps_per_second: 7.0, peak_mib: None };
        let history = History {
            sessions: vec![session(5.0), session(1.0)],
            epochs: vec![Some(pace); 3],
            unfinished: Spent { seconds: 100.0, train_seconds: 50.0 },
        };
        assert_eq!(history.seconds(), (6.0, 3.0));
        // Two epochs and a part of the third: the part is added to.
        let mut clock = Clock::start(history.clone(), 2, true);
        clock.learned(Duration::from_secs(50));
        let third = clock.epoch_done(1000);
        assert!((100.0..110.0).contains(&third.seconds) && (third.steps_per_second - 10.0).abs() < 1e-9, "{third:?}");
        assert_eq!([clock.pace(1), clock.pace(2), clock.pace(3)], [Some(pace), Some(third), None]);
        let (seconds, train) = clock.now(false).seconds();
        assert!((6.0..20.0).contains(&seconds) && (train - 53.0).abs() < 1e-9, "{seconds} {train}");
        // A history that is behind knows nothing of the epochs between.
        assert_eq!(Clock::start(history, 5, false).pace(4), None);
    }
}
