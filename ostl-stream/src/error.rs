//! Why something was refused.

/// Why a part of this crate refused a setting, a value or a saved state. Nothing was changed when one of these comes back.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A setting is out of range.
    #[error("{name} = {value} is out of range: it has to be {expected}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A row has another number of values than there are features.
    #[error("{found} values where there are {expected} features")]
    Width {
        /// The number of features.
        expected: usize,
        /// The number of values.
        found: usize,
    },
    /// A value is no number, or beyond ±[`LARGEST`](crate::LARGEST).
    #[error("{what} = {value} is not a number between -1e100 and 1e100")]
    NotFinite {
        /// What the value is.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// A class beyond the most that were to be held.
    #[error("class {class}, where classes count from 0 and `most_classes` is {most}")]
    TooManyClasses {
        /// The class.
        class: usize,
        /// How many classes there may be.
        most: usize,
    },
    /// A class was recorded where values are measured, or a value where classes are.
    #[error("a {found} was recorded where a {expected} is measured")]
    WrongKind {
        /// What is measured.
        expected: &'static str,
        /// What was recorded.
        found: &'static str,
    },
    /// A saved state holds something twice, or more than there is room for.
    #[error("the saved state cannot be: {reason}")]
    Saved {
        /// What is wrong with it.
        reason: String,
    },
}

impl StreamError {
    /// The error for a setting, where it is wrong.
    pub(crate) fn unless(right: bool, name: &'static str, value: f64, expected: &'static str) -> Result<(), Self> {
        if right { Ok(()) } else { Err(Self::OutOfRange { name, value, expected }) }
    }
}
