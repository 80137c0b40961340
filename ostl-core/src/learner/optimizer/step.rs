//! One update of one parameter under each rule, how far it can reach, and a look at what it would come to.

use rayon::prelude::*;

use super::norm::{CHUNK, SHARED, largest};
use crate::linalg::real::Real;

/// An update rule with everything that is the same for all parameters of one update.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<T> {
    Sgd { rate: T },
    Momentum { rate: T, momentum: T },
    Adam(Adam<T>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Adam<T> {
    pub(super) beta1: T,
    pub(super) beta2: T,
    pub(super) epsilon: T,
    /// The learning rate over the first moment's bias.
    pub(super) step: T,
    /// One over the root of the second moment's bias.
    pub(super) root_scale: T,
    /// What is left of a weight after its decay.
    pub(super) keep: T,
}

/// Parameters in one place, and the moments that the rule has.
pub(super) struct Place<'a, T> {
    pub(super) parameters: &'a mut [T],
    pub(super) first: &'a mut [T],
    pub(super) second: &'a mut [T],
}

impl<T: Real> Adam<T> {
    /// A parameter and its moments after the update.
    #[inline(always)]
    fn next(self, p: T, g: T, m: T, v: T) -> [T; 3] {
        let m = self.beta1 * m + (T::one() - self.beta1) * g;
        let v = self.beta2 * v + (T::one() - self.beta2) * (g * g);
        [self.keep * p - self.step * m / (v.sqrt() * self.root_scale + self.epsilon), m, v]
    }

    fn apply(self, scale: T, parameters: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        for ((p, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(first.iter_mut().zip(second)) {
            [*p, *m, *v] = self.next(*p, scale * g, *m, *v);
        }
    }
}

#[inline(always)]
fn momentum_step<T: Real>(rate: T, momentum: T, p: T, g: T, v: T) -> [T; 2] {
    let v = momentum * v + g;
    [p - rate * v, v]
}

impl<T: Real> Step<T> {
    /// Changes the parameters in a place along `gradient·scale`.
    pub(super) fn apply(self, scale: T, gradient: &[T], place: Place<'_, T>) {
        let Place { parameters, first, second } = place;
        match self {
            Step::Sgd { rate } => parameters.iter_mut().zip(gradient).for_each(|(p, &g)| *p -= rate * (scale * g)),
            Step::Momentum { rate, momentum } => {
                for ((p, &g), v) in parameters.iter_mut().zip(gradient).zip(first) {
                    [*p, *v] = momentum_step(rate, momentum, *p, scale * g, *v);
                }
            }
            Step::Adam(adam) if parameters.len() < SHARED => adam.apply(scale, parameters, gradient, first, second),
            Step::Adam(adam) => {
                let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
                let chunks = parameters.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).zip(moments);
                chunks.for_each(|((parameters, gradient), (first, second))| {
                    adam.apply(scale, parameters, gradient, first, second);
                });
            }
        }
    }

    /// The first parameter of a place that the same update would leave, or a moment of it, without a finite value; nothing changes.
    pub(super) fn first_broken(self, scale: T, gradient: &[T], [parameters, first, second]: [&[T]; 3]) -> Option<usize> {
        let is_broken = |values: &[T]| !values.iter().all(|value| value.is_finite());
        let mut pairs = parameters.iter().zip(gradient);
        match self {
            Step::Sgd { rate } => pairs.position(|(&p, &g)| !(p - rate * (scale * g)).is_finite()),
            Step::Momentum { rate, momentum } => {
                pairs.zip(first).position(|((&p, &g), &v)| is_broken(&momentum_step(rate, momentum, p, scale * g, v)))
            }
            Step::Adam(adam) => pairs
                .zip(first.iter().zip(second))
                .position(|((&p, &g), (&m, &v))| is_broken(&adam.next(p, scale * g, m, v))),
        }
    }
}

/// Upper bounds on the absolute values of the parameters and of their moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    weights: f64,
    first: f64,
    second: f64,
}

impl Reach {
    /// Of these, as they are.
    pub(super) fn of<T: Real>([parameters, first, second]: [&[T]; 3]) -> Self {
        Self { weights: largest(parameters), first: largest(first), second: largest(second) }
    }

    /// After an update along a gradient of which no value is larger than `gradient`; `None` if something on the way may come near the
    /// largest number that there is, and only a look at every parameter can tell.
    pub(super) fn after<T: Real>(self, step: Step<T>, gradient: f64) -> Option<Self> {
        // Far above what an update's few roundings can add.
        const ROUNDING: f64 = 1.0 + 1e-6;
        let gradient = 2.0 * gradient;
        let Self { weights, first, second } = self;
        let (next, on_the_way) = match step {
            Step::Sgd { rate } => (Self { weights: weights + rate.to_f64() * gradient, ..self }, gradient),
            Step::Momentum { rate, momentum } => {
                let first = momentum.to_f64() * first + gradient;
                (Self { weights: weights + rate.to_f64() * first, first, second }, first)
            }
            Step::Adam(adam) => {
                let (first, second) = (first.max(gradient), second.max(gradient * gradient));
                let shift = adam.step.to_f64() * first;
                let weights = adam.keep.to_f64().abs() * weights + shift / adam.epsilon.to_f64();
                (Self { weights, first, second }, shift.max(adam.root_scale.to_f64() * second.sqrt()))
            }
        };
        let next = Self { weights: ROUNDING * next.weights, first: ROUNDING * next.first, second: ROUNDING * next.second };
        let is_near = |value: f64| value.is_nan() || value >= 0.25 * T::LARGEST;
        let is_safe = ![next.weights, next.first, next.second, on_the_way].into_iter().any(is_near);
        is_safe.then_some(next)
    }
}
