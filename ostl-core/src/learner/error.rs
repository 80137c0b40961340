//! Why a learner refused to go on, and what became of what it had in hand.

use thiserror::Error;

use crate::ranks::RanksError;
use crate::refusal::ConfigError;

/// Why a learner refused to go on. No weight and no moment of the optimiser has changed since the last update that succeeded, and each
/// error says what became of states and traces: see [`aftermath`](LearnError::aftermath).
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// An input, target or batch does not have the network's shape.
    #[error("{what}: {found} given where the network has {expected}; {}", Aftermath::AsBefore)]
    Shape {
        /// What has the wrong shape.
        what: &'static str,
        /// What was given.
        found: usize,
        /// What the network expects.
        expected: usize,
    },
    /// A target of the wrong kind, or a class that does not exist.
    #[error("target of stream {stream}: {problem}; {}", Aftermath::AsBefore)]
    Target {
        /// The stream.
        stream: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// An input is infinite or NaN.
    #[error(
        "stream {stream}{}, feature {feature}: the input is {value}; leave the step out or fill the value in ({})",
        of_step(*step),
        Aftermath::AsBefore
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
    /// A target holds an infinite value or NaN.
    #[error(
        "stream {stream}{}, {}output {output}: the target is {value}; give the step no target or fill the value in ({})",
        of_step(*step),
        of_head(head.as_deref()),
        Aftermath::AsBefore
    )]
    TargetValue {
        /// The stream, or the sequence of the batch.
        stream: usize,
        /// The step of the batch; `None` for a single step.
        step: Option<usize>,
        /// The name of the head, if it has one.
        head: Option<String>,
        /// Which of the outputs, or of the head's outputs, from 0.
        output: usize,
        /// What its target is.
        value: f64,
    },
    /// From finite inputs and targets an infinite or undefined number came about. The learner can go on; what it was in the middle of is
    /// dropped, as the `aftermath` says.
    #[error(
        "step {step}: {what} is not finite, first in layer {layer} ({name}); the weights are as the last update left them, {aftermath}. {}",
        advice(*learning_rate, *clip_norm, *updates)
    )]
    NonFinite {
        /// `"the output"`, `"the state"`, `"the loss"`, `"the gradient"`, or `"the update"`: what the optimiser would make of a finite gradient.
        what: &'static str,
        /// First layer in which it shows; the readout is the last.
        layer: usize,
        /// The layer's name, and the parameter block where that is known.
        name: String,
        /// Steps the learner had seen.
        step: u64,
        /// Updates made so far: where there were none, the learning rate is not to blame.
        updates: u64,
        /// The learning rate in force.
        learning_rate: f64,
        /// The clipping in force.
        clip_norm: Option<f64>,
        /// What became of states and traces.
        aftermath: Aftermath,
    },
    /// The method cannot be run on this network.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another of several ranks that learn together refused what it was given.
    #[error("rank {rank}: {problem}")]
    OtherRank {
        /// Which.
        rank: usize,
        /// What it said.
        problem: String,
    },
    /// Messages between ranks that learn together do not get through, or the ranks are not alike.
    #[error(transparent)]
    Ranks(#[from] RanksError),
    /// `learn` was called without a prediction to learn from.
    #[error("learn was called without a predict before it; {}", Aftermath::AsBefore)]
    NothingPredicted,
    /// A stretch was to be learned from while the learner is frozen.
    #[error("the learner is frozen: set_frozen(false) lets it learn again; {}", Aftermath::AsBefore)]
    Frozen,
}

impl LearnError {
    /// Whether a number broke on the way although everything that was given is finite. The streams then start anew, and the learner can go
    /// on with other data, or with a [smaller learning rate](crate::Learner::set_learning_rate) or
    /// [clipping](crate::Learner::set_clip_norm).
    pub fn is_non_finite(&self) -> bool {
        matches!(self, Self::NonFinite { .. })
    }

    /// What became of the learner's states and traces.
    pub fn aftermath(&self) -> Aftermath {
        match self {
            Self::NonFinite { aftermath, .. } => *aftermath,
            _ => Aftermath::AsBefore,
        }
    }
}

/// What became of a learner's states, traces and unfinished windows after a call that returned an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aftermath {
    /// The learner is as if the call had not been made.
    AsBefore,
    /// Every stream starts anew at its next step: states and traces are zero, and unfinished windows and what was gathered since the last
    /// update are dropped. Windows of a batch before the one that broke have been learned from.
    StreamsStartAnew,
    /// Nothing that is learned from has changed; what is evaluated next starts from rest.
    EvaluationStartsAnew,
}

impl std::fmt::Display for Aftermath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AsBefore => "the learner is as before the call",
            Self::StreamsStartAnew => {
                "states and traces are dropped with what was gathered since, and every stream starts anew at its next step"
            }
            Self::EvaluationStartsAnew => {
                "states and traces that are learned with are untouched, and the next evaluation starts from rest"
            }
        })
    }
}

/// ", step 3", where a step is named.
fn of_step(step: Option<usize>) -> String {
    step.map_or_else(String::new, |step| format!(", step {step}"))
}

/// "head "value", ", where a head is named.
fn of_head(head: Option<&str>) -> String {
    head.map_or_else(String::new, |name| format!("head {name:?}, "))
}

/// What helps against numbers that break, with the settings in force.
fn advice(learning_rate: f64, clip_norm: Option<f64>, updates: u64) -> String {
    let data = "look at the data for values that are far too large";
    match clip_norm {
        _ if updates == 0 => format!("No update was made yet: {data}, and at the starting weights"),
        None => format!("Try a learning rate smaller than {learning_rate} or gradient clipping (clip_norm), and {data}"),
        Some(norm) => format!(
            "Try a learning rate smaller than {learning_rate} or a clip_norm smaller than the {norm} in force, and {data}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(updates: u64, clip_norm: Option<f64>) -> String {
        let (name, aftermath) = ("rnn".to_owned(), Aftermath::StreamsStartAnew);
        LearnError::NonFinite {
            what: "the loss",
            layer: 0,
            name,
            step: 7,
            updates,
            learning_rate: 0.3,
            clip_norm,
            aftermath,
        }
        .to_string()
    }

    #[test]
    fn advice_fits_the_settings() {
        let plain = broken(9, None);
        assert!(plain.contains("smaller than 0.3 or gradient clipping (clip_norm)"), "{plain}");
        let clipped = broken(9, Some(2.0));
        assert!(clipped.contains("smaller than 0.3 or a clip_norm smaller than the 2 in force"), "{clipped}");
        assert!(!clipped.contains("gradient clipping"), "{clipped}");
        for none in [broken(0, None), broken(0, Some(2.0))] {
            assert!(none.contains("the data") && !none.contains("learning rate") && !none.contains("clip"), "{none}");
        }
        for message in [plain, clipped] {
            assert!(message.contains("step 7") && message.contains("layer 0 (rnn)") && message.contains("starts anew"));
        }
    }

    #[test]
    fn an_input_that_is_not_finite_is_named_and_nothing_else_is_blamed() {
        let message = |step, value| LearnError::Input { stream: 2, step, feature: 5, value }.to_string();
        assert_eq!(
            message(None, f64::NAN),
            "stream 2, feature 5: the input is NaN; leave the step out or fill the value in (the learner is as before the call)"
        );
        assert!(message(Some(4), f64::NEG_INFINITY).starts_with("stream 2, step 4, feature 5: the input is -inf; "));
    }
}
