//! What can go wrong, by kind.

use thiserror::Error;

/// A network or method that cannot be built as asked.
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
}

impl ConfigError {
    pub(crate) fn out_of_range(field: impl Into<String>, value: impl ToString, allowed: impl Into<String>) -> Self {
        Self::OutOfRange { field: field.into(), value: value.to_string(), allowed: allowed.into() }
    }
}

/// Why a learner refused to go on. The weights are as they were before the step that failed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// An input, target or batch does not have the network's shape.
    #[error("{what}: {found} given where the network has {expected}")]
    Shape {
        /// What has the wrong shape.
        what: &'static str,
        /// What was given.
        found: usize,
        /// What the network expects.
        expected: usize,
    },
    /// A target of the wrong kind, or a class that does not exist.
    #[error("target of stream {stream}: {problem}")]
    Target {
        /// The stream.
        stream: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// An infinite or undefined number appeared. Unless it was an input, every stream has been started anew, so that the learner
    /// can go on; its weights are as they were.
    #[error(
        "step {step}: {what} is not finite, first in layer {layer} ({name}); the weights were not changed. Try a smaller learning rate or gradient clipping, and where these are the first steps, look at the data for values that are far too large"
    )]
    NonFinite {
        /// `"an input"`, `"the output"`, `"the loss"` or `"the gradient"`.
        what: &'static str,
        /// First layer in which it shows; the readout is the last.
        layer: usize,
        /// The layer's name, and the parameter block where that is known.
        name: String,
        /// Steps the learner had seen.
        step: u64,
    },
    /// The method cannot be run on this network.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `learn` was called without a prediction to learn from.
    #[error("learn was called without a predict before it")]
    NothingPredicted,
    /// A stretch was to be learned from while the learner is frozen.
    #[error("the learner is frozen: set_frozen(false) lets it learn again")]
    Frozen,
}
