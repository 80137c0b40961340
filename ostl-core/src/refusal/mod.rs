//! Why something is refused before it is begun: a setting out of range, or more memory than this machine has. Needs nothing else.

mod count;
mod machine;
mod too_large;

use thiserror::Error;

pub(crate) use count::{Count, count};
pub(crate) use machine::can_have;
pub use too_large::{Counted, Fits, MemoryNeed, Part, TooLarge};

/// A network or method that cannot be built as described.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value is outside what is allowed.
    #[error("{field} = {value}: must be {allowed}")]
    OutOfRange {
        /// Name of the value.
        field: String,
        /// What was given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// Parameters of the wrong length were given to a network.
    #[error("{found} parameters given to a network of {expected}")]
    ParameterCount {
        /// Length of what was given.
        found: usize,
        /// Parameters of the network.
        expected: usize,
    },
    /// More memory would be needed than there is.
    #[error(transparent)]
    TooLarge(#[from] Box<TooLarge>),
}

impl ConfigError {
    pub(crate) fn out_of_range(field: impl Into<String>, value: impl ToString, allowed: impl Into<String>) -> Self {
        Self::OutOfRange { field: field.into(), value: value.to_string(), allowed: allowed.into() }
    }
}
