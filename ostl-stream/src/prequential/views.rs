//! The same measures seen three ways: over all rows, over the last ones, and fading.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Sums over rows, from which figures are worked out.
pub(crate) trait Tally: Default {
    /// What is kept of a row.
    type Row;
    /// What comes out.
    type Figures;

    /// Adds a row with weight 1.
    fn add(&mut self, row: &Self::Row);

    /// Multiplies the weight of all rows so far.
    fn fade(&mut self, factor: f64);

    /// The figures of the rows so far.
    fn figures(&self) -> Self::Figures;
}

/// The figures of three views of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Views<F> {
    /// Of all rows, each of the same weight.
    pub cumulative: F,
    /// Of the last `window` rows.
    pub window: F,
    /// Of all rows, where the row n rows ago weighs αⁿ (Gama, Sebastião and Rodrigues, "On evaluating stream learning algorithms", Machine
    /// Learning 90, 2013).
    pub fading: F,
}

/// The sums of the three views. The window holds its rows and is summed up anew whenever it is asked for, so that nothing accumulates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "T: Serialize, T::Row: Serialize",
    deserialize = "T: Deserialize<'de>, T::Row: Deserialize<'de>"
))]
pub(crate) struct Sums<T: Tally> {
    cumulative: T,
    fading: T,
    window: VecDeque<T::Row>,
}

impl<T: Tally> Default for Sums<T> {
    fn default() -> Self {
        Self { cumulative: T::default(), fading: T::default(), window: VecDeque::new() }
    }
}

impl<T: Tally> Sums<T> {
    /// Adds a row.
    pub(crate) fn add(&mut self, row: T::Row, window: usize, fading: f64) {
        self.cumulative.add(&row);
        self.fading.fade(fading);
        self.fading.add(&row);
        while self.window.len() >= window.max(1) {
            self.window.pop_front();
        }
        self.window.push_back(row);
    }

    /// The figures of each view.
    pub(crate) fn figures(&self) -> Views<T::Figures> {
        let mut window = T::default();
        self.window.iter().for_each(|row| window.add(row));
        Views { cumulative: self.cumulative.figures(), window: window.figures(), fading: self.fading.figures() }
    }

    /// The rows of the window.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &T::Row> {
        self.window.iter()
    }

    /// The sums that are kept.
    pub(crate) fn tallies(&self) -> [&T; 2] {
        [&self.cumulative, &self.fading]
    }

    /// How many rows the window holds.
    pub(crate) fn held(&self) -> usize {
        self.window.len()
    }
}
