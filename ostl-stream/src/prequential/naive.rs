//! Guessers that never look at the inputs, to be compared with.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// What was there last, and what was there `season` rows ago.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past<T> {
    last: Option<T>,
    /// The last `season` targets; empty where there is no season.
    season: VecDeque<T>,
}

impl<T> Default for Past<T> {
    fn default() -> Self {
        Self { last: None, season: VecDeque::new() }
    }
}

impl<T: Copy> Past<T> {
    /// The target of the row before.
    pub(crate) fn last(&self) -> Option<T> {
        self.last
    }

    /// The target `season` rows ago.
    pub(crate) fn season(&self, season: Option<usize>) -> Option<T> {
        season.filter(|&season| season == self.season.len())?;
        self.season.front().copied()
    }

    /// Takes the target of a row.
    pub(crate) fn observe(&mut self, target: T, season: Option<usize>) {
        self.last = Some(target);
        if let Some(season) = season {
            while self.season.len() >= season.max(1) {
                self.season.pop_front();
            }
            self.season.push_back(target);
        }
    }
}

/// The class that was there most often so far; of those that were there equally often, the one with the smallest number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Majority {
    counts: Vec<u64>,
    most: Option<usize>,
}

impl Majority {
    /// The class.
    pub(crate) fn class(&self) -> Option<usize> {
        self.most
    }

    /// How many classes it counts.
    pub(crate) fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Takes the class of a row.
    pub(crate) fn observe(&mut self, class: usize) {
        if class >= self.counts.len() {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] = self.counts[class].saturating_add(1);
        let of = |class: usize| self.counts.get(class).copied().unwrap_or(0);
        let better = |most: usize| of(class) > of(most) || (of(class) == of(most) && class < most);
        if self.most.is_none_or(better) {
            self.most = Some(class);
        }
    }
}
