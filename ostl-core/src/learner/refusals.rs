//! What a learner does not learn from: numbers that broke, and targets that do not fit.

use super::Learner;
use crate::data::batch::{Place, SequenceBatch, Table, TargetKind};
use crate::data::heads::Head;
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
        let (tables, heads) = (batch.tables(), &self.heads);
        let refuse = |problem: String| Err(LearnError::Target { stream: 0, problem });
        if tables.len() != heads.count() {
            let names: Vec<&str> = tables.iter().map(Table::name).collect();
            return refuse(format!("the batch has targets for the heads {names:?}, the learner has {}", heads.names()));
        }
        for (table, head) in tables.iter().zip(heads.iter()) {
            let name = table.name();
            let refuse = |problem: String| refuse(head.in_words() + &problem);
            if name != head.name() && !name.is_empty() && !head.name().is_empty() {
                return refuse(format!("the batch has {name:?} in its place"));
            }
            if table.outputs() != head.outputs() {
                return refuse(format!("the batch has targets for {} outputs, it has {}", table.outputs(), head.outputs()));
            }
            let (kind, expected) = (table.kind(), head.loss().target_kind());
            if kind != expected {
                return refuse(format!("the batch holds {kind:?}, the loss wants {expected:?}"));
            }
        }
        match batch.first_broken_target() {
            Some((head, Place { stream, step, row, value })) => {
                Err(broken_target(self.heads.at(head), stream, Some(step), row, value))
            }
            None => Ok(()),
        }
    }

    /// Refuses a target for the readout as a whole where there are several heads. `first` is the first stream that has one.
    pub(super) fn check_one_head(&self, first: Option<usize>) -> Result<(), LearnError> {
        match first {
            Some(stream) if self.heads.count() > 1 => {
                let problem = format!("the learner has the heads {}: learn_heads takes one for each", self.heads.names());
                Err(LearnError::Target { stream, problem })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a stream's row of other than one target for each head.
    pub(super) fn check_row(&self, stream: usize, found: usize) -> Result<(), LearnError> {
        if found == self.heads.count() {
            return Ok(());
        }
        let problem = match self.heads.count() {
            1 => format!("{found} targets where the learner has one head"),
            heads => format!("{found} targets where the learner has {heads} heads, {}", self.heads.names()),
        };
        Err(LearnError::Target { stream, problem })
    }

    pub(super) fn check_target(&self, stream: usize, head: &Head<T>, target: &Weighted<'_, T>) -> Result<(), LearnError> {
        let &Weighted { target, weight } = target;
        let refuse = |problem: String| Err(LearnError::Target { stream, problem: head.in_words() + &problem });
        if !weight.is_finite() || weight < T::zero() {
            return refuse(format!("a weight of {weight:?}, expected a finite number, 0 or more"));
        }
        let outputs = head.outputs();
        let has = if head.name().is_empty() { "the readout has" } else { "it has" };
        match (target, head.loss().target_kind()) {
            (Target::Class(class), TargetKind::Classes) if class < outputs => Ok(()),
            (Target::Class(class), TargetKind::Classes) => refuse(format!("class {class} where {has} {outputs}")),
            (Target::Values(values), TargetKind::Values) if values.len() == outputs => {
                match values.iter().position(|v| !v.is_finite()) {
                    None => Ok(()),
                    Some(output) => Err(broken_target(head, stream, None, output, values[output])),
                }
            }
            (Target::Values(values), TargetKind::Values) => refuse(format!("{} values where {has} {outputs}", values.len())),
            (_, kind) => {
                refuse(format!("the loss wants {}", if kind == TargetKind::Classes { "a class" } else { "values" }))
            }
        }
    }
}

/// The error for a value of a target that is not finite.
fn broken_target<T: Real>(head: &Head<T>, stream: usize, step: Option<usize>, output: usize, value: T) -> LearnError {
    let name = (!head.name().is_empty()).then(|| head.name().to_owned());
    LearnError::TargetValue { stream, step, head: name, output, value: value.to_f64() }
}
