//! Which numbers are taken, and how settings are checked.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::error::StreamError;

/// The largest value that is taken, of either sign. Squares of what lies within it, and sums of these over more rows than a stream will
/// ever have, stay finite. Whatever lies beyond is treated as infinite.
pub const LARGEST: f64 = 1e100;

/// Sizes below this count as 0 where values are divided by them or their logarithm is taken.
pub(crate) const SMALLEST: f64 = 1e-100;

/// Whether a value is taken: a number within ±[`LARGEST`].
pub(crate) fn usable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// The value, or the error that says what it is.
pub(crate) fn used(what: &'static str, value: f64) -> Result<f64, StreamError> {
    if usable(value) { Ok(value) } else { Err(StreamError::NotFinite { what, value }) }
}

/// Adds one; a count that is full stays so.
pub(crate) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// Settings that can be wrong.
pub(crate) trait Settings {
    /// An error for the first one that is.
    fn check(&self) -> Result<(), StreamError>;
}

/// Settings of a saved state, checked as those of a new one.
pub(crate) fn checked<'de, D, S>(deserializer: D) -> Result<S, D::Error>
where
    D: Deserializer<'de>,
    S: Settings + Deserialize<'de>,
{
    let settings = S::deserialize(deserializer)?;
    settings.check().map_err(D::Error::custom)?;
    Ok(settings)
}
