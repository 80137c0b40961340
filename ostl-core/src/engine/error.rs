//! Why the engine refused to go on, and what became of what it had in hand.

use thiserror::Error;

use crate::refusal::ConfigError;

/// Why an [`Engine`](crate::Engine) refused to go on. Unless it says otherwise, the engine is as it was before the call.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Inputs, signals or a batch do not have the network's shape.
    #[error("{what}: {found} given where the network has {expected}; the engine is as before the call")]
    Shape {
        /// What has the wrong shape.
        what: &'static str,
        /// What was given.
        found: usize,
        /// What the network expects.
        expected: usize,
    },
    /// An input is infinite or NaN.
    #[error(
        "stream {stream}{}, feature {feature}: the input is {value}; leave the step out or fill the value in (the engine is as before the call)",
        of_step(*step)
    )]
    Input {
        /// The stream, or the sequence of the batch.
        stream: usize,
        /// The step of the batch; `None` for a single step.
        step: Option<usize>,
        /// Which of the inputs, from 0.
        feature: usize,
        /// What it is.
        value: f64,
    },
    /// A learning signal, or the target beside it, holds an infinite value or NaN.
    #[error(
        "stream {stream}, output {output}: the {part} is {value}; give the step no signal (the engine is as before the call)"
    )]
    Signal {
        /// The stream.
        stream: usize,
        /// Which of the outputs, from 0.
        output: usize,
        /// `"error"` or `"target"`.
        part: &'static str,
        /// What it is.
        value: f64,
    },
    /// The method projects targets, and a signal came without one.
    #[error(
        "stream {stream}: the feedback target-projection is made of targets: give Signal::with_target (the engine is as before the call)"
    )]
    NoTarget {
        /// The stream.
        stream: usize,
    },
    /// From finite numbers an infinite or undefined one came about. The engine can go on: states and traces are dropped with what was
    /// gathered since the gradient was last taken, and every stream starts anew at its next step. The weights have not changed.
    #[error(
        "step {step}: {what} is not finite, first in layer {layer} ({name}); the weights are as before, states and traces are dropped with the gradient, and every stream starts anew at its next step"
    )]
    NonFinite {
        /// `"the output"`, `"the state"`, `"the activity"` or `"the gradient"`.
        what: &'static str,
        /// First layer in which it shows; the readout is the last.
        layer: usize,
        /// The layer's name, and the parameter block where that is known.
        name: String,
        /// Steps the engine had seen.
        step: u64,
    },
    /// `learn` was called without a prediction before it.
    #[error("learn was called without a predict before it; the engine is as before the call")]
    NothingPredicted,
    /// More memory than there is.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

fn of_step(step: Option<usize>) -> String {
    step.map_or_else(String::new, |step| format!(", step {step}"))
}
