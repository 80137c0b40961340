//! An update rule: what it is given of a run of parameters, and what it keeps for each of them.

use std::fmt;
use std::sync::Arc;

use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// Values that a rule may keep for each parameter.
pub(crate) const MOST_STATE: usize = 8;

/// How parameters change along a gradient. [`Rule`](crate::Rule) has the ready ones; anybody's own goes where these go:
///
/// ```
/// use ostl_core::{Activation, Learner, Loss, Method, Network, OptimizerSettings, ParameterRun, UpdateRule, UpdateStep};
///
/// /// Lion (Chen et al. 2023): the sign of an interpolated momentum.
/// #[derive(Debug)]
/// struct Lion {
///     weight_decay: f64,
/// }
///
/// impl UpdateRule<f64> for Lion {
///     fn name(&self) -> &str {
///         "lion"
///     }
///     fn state(&self) -> &[&str] {
///         &["momentum"]
///     }
///     fn weight_decay(&self) -> f64 {
///         self.weight_decay
///     }
///     fn update(&self, step: UpdateStep, run: ParameterRun<'_, f64>) {
///         let (weights, gradient, [momentum]) = run.split();
///         for ((w, g), m) in weights.iter_mut().zip(gradient).zip(momentum) {
///             *w = step.keep * *w - step.learning_rate * (0.9 * *m + 0.1 * g).signum();
///             *m = 0.99 * *m + 0.01 * g;
///         }
///     }
/// }
///
/// let network = Network::<f64>::builder(2).dense(3, Activation::Tanh).readout(1)?;
/// let lion = OptimizerSettings::new(Lion { weight_decay: 0.01 }, 1e-3).clipped(1.0);
/// let learner = Learner::new(network, Loss::MeanSquaredError, Method::ostl(), lion, 1)?;
/// assert_eq!(learner.optimizer().state_of("momentum").map(<[f64]>::len), Some(learner.network().parameters().len()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A rule treats every parameter by itself: what becomes of it follows from its value, its gradient, what is kept for it, the step and the rule's
/// settings, and from nothing else. So the optimiser may cut parameters into runs wherever it likes, share them among threads, leave some out (vectors of an
/// embedding that no event touched, frozen blocks), and first try an update on a copy: one that leaves a number that is
/// not finite is not made at all. What looks at whole matrices is for [`Engine::update`](crate::Engine::update).
pub trait UpdateRule<T: Real>: fmt::Debug + Send + Sync + 'static {
    /// A name, for messages and for what is saved.
    fn name(&self) -> &str;

    /// The names of the values that it keeps for each parameter, which are zero before the first update; at most 8.
    fn state(&self) -> &[&str] {
        &[]
    }

    /// λ of a decay of the weights by η λ of themselves at every update. The rule multiplies weights by [`UpdateStep::keep`], which is made of it.
    fn weight_decay(&self) -> f64 {
        0.0
    }

    /// Refuses settings of the rule that cannot be run where parameters are `T`.
    ///
    /// # Errors
    /// Which value, and what is allowed.
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Whether a saved value of that name can have been this rule's: a mean of squares is not negative.
    fn allows(&self, state: &str, value: T) -> bool {
        let _ = (state, value);
        true
    }

    /// Changes a run of parameters, and what is kept for them. Allocates nothing.
    fn update(&self, step: UpdateStep, run: ParameterRun<'_, T>);
}

/// What is the same for all parameters of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpdateStep {
    /// The number of this update, from 1.
    pub number: u64,
    /// η of these parameters, after schedules and scales.
    pub learning_rate: f64,
    /// What is left of a weight after its decay, 0 … 1: 1 − η λ. A decay too small for the precision waits until it is large enough, and is made in one.
    pub keep: f64,
}

impl UpdateStep {
    pub(super) fn new(number: u64, learning_rate: f64, keep: f64) -> Self {
        Self { number, learning_rate, keep }
    }
}

/// Some parameters, the gradient at each, and what the rule keeps for each.
#[derive(Debug)]
pub struct ParameterRun<'a, T> {
    parameters: &'a mut [T],
    gradient: &'a [T],
    /// What the gradient is multiplied with: a mean over targets, and clipping.
    scale: T,
    state: [&'a mut [T]; MOST_STATE],
}

impl<'a, T: Real> ParameterRun<'a, T> {
    pub(super) fn new(parameters: &'a mut [T], gradient: &'a [T], scale: T, state: [&'a mut [T]; MOST_STATE]) -> Self {
        Self { parameters, gradient, scale, state }
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.parameters.len()
    }

    /// Whether there are none; no rule is given such a run.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// The parameters, ∂E/∂θ of each as a mean over targets and clipped, and what is kept for each, in the order of [`UpdateRule::state`]: `S` is the
    /// number of names there. A loop over their zip becomes one of vectors.
    ///
    /// # Panics
    /// If the rule has fewer names than `S`.
    #[inline(always)]
    pub fn split<const S: usize>(self) -> (&'a mut [T], impl ExactSizeIterator<Item = T> + use<'a, T, S>, [&'a mut [T]; S]) {
        let Self { parameters, gradient, scale, state } = self;
        let mut state = state.into_iter();
        let state: [&'a mut [T]; S] = std::array::from_fn(|_| state.next().unwrap_or_default());
        let are_there = state.iter().all(|values| values.len() == parameters.len());
        assert!(are_there, "{S} values a parameter asked for, more than UpdateRule::state has names");
        (parameters, gradient.iter().map(move |&g| scale * g), state)
    }

    /// The same with the gradient as it is, and last what it is to be multiplied with.
    #[inline(always)]
    pub(super) fn split_raw<const S: usize>(self) -> (&'a mut [T], &'a [T], [&'a mut [T]; S], T) {
        let Self { parameters, gradient, state, scale } = self;
        let mut state = state.into_iter();
        (parameters, gradient, std::array::from_fn(|_| state.next().unwrap_or_default()), scale)
    }

    /// The first `count` parameters, and the others.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        let (parameters, others) = self.parameters.split_at_mut(count);
        let (gradient, of_others) = self.gradient.split_at(count);
        let mut right: [&mut [T]; MOST_STATE] = Default::default();
        let mut left: [&mut [T]; MOST_STATE] = Default::default();
        for (values, (left, right)) in self.state.into_iter().zip(left.iter_mut().zip(&mut right)) {
            (*left, *right) = values.split_at_mut(count.min(values.len()));
        }
        let scale = self.scale;
        (Self::new(parameters, gradient, scale, left), Self::new(others, of_others, scale, right))
    }
}

/// A rule that is shared, or known at run time alone.
impl<T: Real, R: UpdateRule<T> + ?Sized> UpdateRule<T> for Arc<R> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn state(&self) -> &[&str] {
        (**self).state()
    }

    fn weight_decay(&self) -> f64 {
        (**self).weight_decay()
    }

    fn check(&self) -> Result<(), ConfigError> {
        (**self).check()
    }

    fn allows(&self, state: &str, value: T) -> bool {
        (**self).allows(state, value)
    }

    fn update(&self, step: UpdateStep, run: ParameterRun<'_, T>) {
        (**self).update(step, run);
    }
}
