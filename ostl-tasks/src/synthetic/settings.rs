//! What all generators have in common: ranges of settings, and which draws belong to which sequence.

use std::fmt::Display;
use std::ops::RangeInclusive;

use ostl_core::ConfigError;

use crate::random::{Draws, Purpose};
use crate::split::Split;

/// Most sequences of a split that are accepted.
const MOST_SEQUENCES: usize = 10_000_000;

/// Longest stretch of a sequence that is accepted, in steps.
pub(super) const LONGEST: usize = 1_000_000;

/// Refuses a value outside its range; `why` says where a bound comes from that another setting gives.
pub(super) fn within(field: &str, value: usize, range: RangeInclusive<usize>, why: &str) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(out_of_range(field, value, format!("a whole number from {} to {}{why}", range.start(), range.end())))
}

/// The same for a number that need not be whole; what is not a number is outside.
pub(super) fn within_real(field: &str, value: f64, range: RangeInclusive<f64>) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(out_of_range(field, value, format!("a number from {} to {}", range.start(), range.end())))
}

/// Refuses a time that is not a whole number of steps.
pub(super) fn whole_steps(field: &str, milliseconds: usize, step: usize) -> Result<(), ConfigError> {
    if milliseconds.is_multiple_of(step) {
        return Ok(());
    }
    Err(out_of_range(field, milliseconds, format!("a multiple of `step`, {step} ms")))
}

/// A setting is not what is allowed.
pub(super) fn out_of_range(field: &str, value: impl Display, allowed: String) -> ConfigError {
    ConfigError::OutOfRange { field: field.to_owned(), value: value.to_string(), allowed }
}

/// The fewest steps of a stretch whose length is drawn: half of the most, at least 1, where it is not set.
pub(super) fn fewest(set: Option<usize>, most: usize) -> usize {
    set.unwrap_or_else(|| most.div_ceil(2))
}

/// The sequences of a generator: how many there are, and what they are drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    counts: [usize; 3],
    seed: u64,
    purpose: Purpose,
}

impl Source {
    /// Refuses a number of sequences that is out of range.
    pub(super) fn new(purpose: Purpose, seed: u64, [train, valid, test]: [usize; 3]) -> Result<Self, ConfigError> {
        within("train", train, 1..=MOST_SEQUENCES, "")?;
        within("valid", valid, 1..=MOST_SEQUENCES, "")?;
        within("test", test, 1..=MOST_SEQUENCES, "")?;
        Ok(Self { counts: [train, valid, test], seed, purpose })
    }

    /// Number of sequences in a split.
    pub(super) fn sequences(&self, split: Split) -> usize {
        self.counts[split.position()]
    }

    /// The draws that a sequence is made of.
    ///
    /// # Panics
    /// If the split has no such sequence.
    #[track_caller]
    pub(super) fn draws(&self, split: Split, index: usize) -> Draws {
        let sequences = self.sequences(split);
        assert!(index < sequences, "sequence {index} of the {sequences} of {split}");
        Draws::new(self.seed, self.purpose, [split.position() as u64, index as u64])
    }

    /// Draws that belong to no sequence but to the task as a whole; different ones for every number.
    pub(super) fn common(&self, number: u64) -> Draws {
        Draws::new(self.seed, self.purpose, [Split::ALL.len() as u64, number])
    }
}
