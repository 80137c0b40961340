//! What is known of each stream beside the network's state: one stream, or many that take turns.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use ostl_stream::{PastTargets, Slots};
use serde::{Deserialize, Serialize};

use super::labels::{Answer, Truth};
use super::settings::Settings;

/// One stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    /// Rows whose targets are still to come, and such that have to wait for those before them.
    pub(super) waiting: VecDeque<Waiting>,
    /// The value of the column whose changes begin new sequences.
    pub(super) sequence: Option<String>,
    /// The last number of each column.
    pub(super) inputs: Vec<Option<f64>>,
    /// The last known target.
    pub(super) target: Option<Truth>,
    /// When the row before was.
    pub(super) time: Option<f64>,
    /// What the guessers know, while another stream has its turn.
    pub(super) guesses: Vec<PastTargets>,
}

/// A row until its target comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// Its number.
    pub(super) row: u64,
    pub(super) inputs: Vec<f32>,
    pub(super) answer: Option<Answer>,
    /// Of a forecast, what the targets were then.
    pub(super) held: Vec<Option<f64>>,
    /// A new sequence begins with it.
    pub(super) begins: bool,
    pub(super) id: Option<String>,
    pub(super) label: Label,
}

/// What is known of the target of a row that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Label {
    /// It is still to come.
    Awaited,
    Known(Truth),
    /// There will be none.
    None,
}

/// All streams, of which one has its turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Turns {
    /// Which stream has which place; none where there is only one.
    pub(super) slots: Option<Slots>,
    /// By their places.
    pasts: Vec<Past>,
    now: usize,
}

impl Turns {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        let slots = settings.stream_by.as_ref().map(|_| Slots::new(settings.max_streams)).transpose()?;
        Ok(Self { slots, pasts: vec![Past::default()], now: 0 })
    }

    /// Refuses what was saved if it cannot be.
    pub(super) fn check(&self) -> Result<()> {
        let (places, given) = (self.pasts.len(), self.slots.as_ref().map_or(1, Slots::capacity));
        if self.now >= places || places > given {
            bail!("`stream.memory`: the stream at hand is number {}, and there are {places} of {given}", self.now);
        }
        Ok(())
    }

    /// The place of the stream that has its turn.
    pub(super) fn place(&self) -> usize {
        self.now
    }

    /// The stream that has its turn.
    pub(super) fn now(&mut self) -> &mut Past {
        &mut self.pasts[self.now]
    }

    /// The stream of a place, which may be a new one.
    pub(super) fn of(&mut self, place: usize) -> &mut Past {
        if place >= self.pasts.len() {
            self.pasts.resize(place + 1, Past::default());
        }
        &mut self.pasts[place]
    }

    /// Another one has its turn.
    pub(super) fn turn_to(&mut self, place: usize) {
        self.of(place);
        self.now = place;
    }

    /// Every stream, by its place.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &Past)> {
        self.pasts.iter().enumerate()
    }

    /// How many streams were given up for others.
    pub(super) fn given_up(&self) -> u64 {
        self.slots.as_ref().map_or(0, Slots::given_up)
    }
}
