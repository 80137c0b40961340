//! A key whose value is a number of steps, at least 1, or a word.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};

/// Reads one.
pub(super) struct StepsOrWord<V> {
    /// What is allowed.
    pub(super) expected: &'static str,
    pub(super) of_steps: fn(usize) -> V,
    pub(super) of_word: fn(&str) -> Option<V>,
}

impl<V> Visitor<'_> for StepsOrWord<V> {
    type Value = V;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_i64<E: Error>(self, steps: i64) -> Result<V, E> {
        match usize::try_from(steps) {
            Ok(steps) if steps > 0 => Ok((self.of_steps)(steps)),
            _ => Err(E::invalid_value(Unexpected::Signed(steps), &self)),
        }
    }

    fn visit_u64<E: Error>(self, steps: u64) -> Result<V, E> {
        match i64::try_from(steps) {
            Ok(steps) => self.visit_i64(steps),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(steps), &self)),
        }
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<V, E> {
        (self.of_word)(word).ok_or_else(|| E::invalid_value(Unexpected::Str(word), &self))
    }
}
