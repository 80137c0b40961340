//! How far an update under a ready rule can reach, so that most need not be tried first.

use super::norm::largest;
use super::ready::Ready;
use super::rule::MOST_STATE;
use crate::linalg::real::Real;

/// Upper bounds on the absolute values of the parameters and of what a rule keeps for them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    weights: f64,
    state: [f64; MOST_STATE],
}

impl Reach {
    /// Of these, as they are.
    pub(super) fn of<T: Real>(parameters: &[T], state: &[Vec<T>]) -> Self {
        let mut reach = Self { weights: largest(parameters), state: [0.0; MOST_STATE] };
        reach.state.iter_mut().zip(state).for_each(|(bound, values)| *bound = largest(values));
        reach
    }

    /// After an update along a gradient of which no value is larger than `gradient`; `None` if something on the way may come near the
    /// largest number that there is, and only trying can show it.
    pub(super) fn after<T: Real>(self, rule: Ready<T>, gradient: f64) -> Option<Self> {
        // Far above what an update's few roundings can add.
        const ROUNDING: f64 = 1.0 + 1e-6;
        let gradient = 2.0 * gradient;
        let Self { weights, state } = self;
        let mut next = self;
        let on_the_way = match rule {
            Ready::Sgd { rate } => {
                next.weights = weights + rate.to_f64() * gradient;
                gradient
            }
            Ready::Momentum { rate, momentum } => {
                next.state[0] = momentum.to_f64() * state[0] + gradient;
                next.weights = weights + rate.to_f64() * next.state[0];
                next.state[0]
            }
            Ready::Adam(adam) => {
                let (first, second) = (state[0].max(gradient), state[1].max(gradient * gradient));
                (next.state[0], next.state[1]) = (first, second);
                let shift = adam.step.to_f64() * first;
                next.weights = adam.keep.to_f64().abs() * weights + shift / adam.epsilon.to_f64();
                shift.max(adam.root_scale.to_f64() * second.sqrt())
            }
            Ready::RmsProp(rule) => {
                let square = state[0].max(gradient * gradient);
                let mean = if rule.centred { state[1].max(gradient) } else { 0.0 };
                (next.state[0], next.state[1]) = (square, mean);
                let direction = gradient / rule.epsilon.to_f64();
                let direction = match rule.momentum {
                    Some(momentum) => {
                        let at = 1 + usize::from(rule.centred);
                        next.state[at] = momentum.to_f64() * state[at] + direction;
                        next.state[at]
                    }
                    None => direction,
                };
                next.weights = weights + rule.rate.to_f64() * direction;
                square.max(mean * mean).max(direction)
            }
        };
        next.weights *= ROUNDING;
        next.state.iter_mut().for_each(|bound| *bound *= ROUNDING);
        let is_near = |value: f64| value.is_nan() || value >= 0.25 * T::LARGEST;
        let is_safe = !is_near(next.weights) && !is_near(on_the_way) && !next.state.into_iter().any(is_near);
        is_safe.then_some(next)
    }
}
