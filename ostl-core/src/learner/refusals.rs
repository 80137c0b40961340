//! What a learner does not learn from: numbers that broke, and targets that do not fit.

use super::Learner;
use crate::data::batch::{Place, SequenceBatch, TargetKind};
use crate::data::loss::Target;
use crate::data::target::Weighted;
use crate::engine::error::EngineError;
use crate::learner::error::{Aftermath, LearnError};
use crate::linalg::real::Real;

impl<T: Real> Learner<T> {
    /// What the engine refused, in the learner's words.
    pub(super) fn learn_error(&self, error: EngineError) -> LearnError {
        match error {
            EngineError::Shape { what, found, expected } => LearnError::Shape { what, found, expected },
            EngineError::Input { stream, step, feature, value } => LearnError::Input { stream, step, feature, value },
            EngineError::NonFinite { what, layer, name, .. } => {
                self.not_finite(what, (layer, name), Aftermath::StreamsStartAnew)
            }
            EngineError::NothingPredicted => LearnError::NothingPredicted,
            EngineError::Config(error) => LearnError::Config(error),
            EngineError::Signal { stream, .. } | EngineError::NoTarget { stream } => {
                LearnError::Target { stream, problem: error.to_string() }
            }
        }
    }

    /// The same where the engine has dropped what it had in hand.
    pub(super) fn dropped(&mut self, error: EngineError) -> LearnError {
        self.targets = 0;
        self.learn_error(error)
    }

    pub(super) fn not_finite(&self, what: &'static str, (layer, name): (usize, String), aftermath: Aftermath) -> LearnError {
        LearnError::NonFinite {
            what,
            layer,
            name,
            step: self.steps_seen(),
            updates: self.optimizer.updates(),
            learning_rate: self.optimizer.learning_rate(),
            clip_norm: self.optimizer.clip_norm(),
            aftermath,
        }
    }

    /// Refuses a batch that does not have the form of network and loss, or holds an input or a target that is not finite.
    pub(super) fn check_batch(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        self.engine.check_batch(batch).map_err(|error| self.learn_error(error))?;
        let (kind, expected) = (batch.targets().kind(), self.loss.target_kind());
        if kind != expected {
            let problem = format!("the batch holds {kind:?}, the loss wants {expected:?}");
            return Err(LearnError::Target { stream: 0, problem });
        }
        match batch.first_broken_target() {
            Some(Place { stream, step, row, value }) => {
                Err(LearnError::TargetValue { stream, step: Some(step), output: row, value: value.to_f64() })
            }
            None => Ok(()),
        }
    }

    pub(super) fn check_target(&self, stream: usize, target: &Weighted<'_, T>) -> Result<(), LearnError> {
        let &Weighted { target, weight } = target;
        if !weight.is_finite() || weight < T::zero() {
            let problem = format!("a weight of {weight:?}, expected a finite number, 0 or more");
            return Err(LearnError::Target { stream, problem });
        }
        let outputs = self.network().outputs();
        let problem = match (target, self.loss.target_kind()) {
            (Target::Class(class), TargetKind::Classes) if class < outputs => return Ok(()),
            (Target::Class(class), TargetKind::Classes) => format!("class {class} where the readout has {outputs}"),
            (Target::Values(values), TargetKind::Values) if values.len() == outputs => {
                return match values.iter().position(|v| !v.is_finite()) {
                    None => Ok(()),
                    Some(output) => {
                        Err(LearnError::TargetValue { stream, step: None, output, value: values[output].to_f64() })
                    }
                };
            }
            (Target::Values(values), TargetKind::Values) => {
                format!("{} values where the readout has {outputs}", values.len())
            }
            (_, kind) => format!("the loss wants {}", if kind == TargetKind::Classes { "a class" } else { "values" }),
        };
        Err(LearnError::Target { stream, problem })
    }
}
