//! The rule that an optimiser has: a ready one, or a custom one.

use std::sync::Arc;

use super::ready::{Ready, Rule};
use super::rule::{ParameterRun, UpdateRule, UpdateStep};
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

#[derive(Clone, Debug)]
pub(crate) enum InUse<T: Real> {
    Ready(Rule),
    Own(Arc<dyn UpdateRule<T>>),
}

impl<T: Real> InUse<T> {
    pub(crate) fn new<R: UpdateRule<T>>(rule: R) -> Self {
        match (&rule as &dyn std::any::Any).downcast_ref() {
            Some(&ready) => Self::Ready(ready),
            None => Self::Own(Arc::new(rule)),
        }
    }

    /// The rule at one step.
    pub(super) fn at(&self, step: UpdateStep) -> AtStep<'_, T> {
        match self {
            Self::Ready(rule) => AtStep::Ready(rule.at(step)),
            Self::Own(rule) => AtStep::Own(&**rule, step),
        }
    }

    pub(super) fn rule(&self) -> &dyn UpdateRule<T> {
        match self {
            Self::Ready(rule) => rule,
            Self::Own(rule) => &**rule,
        }
    }
}

/// A rule at one step: what it does with a run of parameters.
pub(super) enum AtStep<'a, T: Real> {
    Ready(Ready<T>),
    Own(&'a dyn UpdateRule<T>, UpdateStep),
}

impl<T: Real> AtStep<'_, T> {
    pub(super) fn update(&self, run: ParameterRun<'_, T>) {
        match self {
            Self::Ready(rule) => rule.update(run),
            Self::Own(rule, step) => rule.update(*step, run),
        }
    }
}

/// Alike are ready rules with the same settings, and others that say the same of themselves.
impl<T: Real> PartialEq for InUse<T> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ready(rule), Self::Ready(other)) => rule == other,
            (Self::Own(rule), Self::Own(other)) => format!("{rule:?}") == format!("{other:?}"),
            _ => false,
        }
    }
}

impl<T: Real> UpdateRule<T> for InUse<T> {
    fn name(&self) -> &str {
        self.rule().name()
    }

    fn state(&self) -> &[&str] {
        self.rule().state()
    }

    fn weight_decay(&self) -> f64 {
        self.rule().weight_decay()
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.rule().check()
    }

    fn allows(&self, state: &str, value: T) -> bool {
        self.rule().allows(state, value)
    }

    fn update(&self, step: UpdateStep, run: ParameterRun<'_, T>) {
        self.rule().update(step, run);
    }
}
