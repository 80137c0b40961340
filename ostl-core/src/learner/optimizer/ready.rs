//! The ready update rules: their settings, and one update of a run of parameters under each.

use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::rule::{ParameterRun, UpdateRule, UpdateStep};
use super::settings::{check, check_normal};
use crate::linalg::dispatch::{Instructions, Job, dispatch};
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// The ready update rules. Any other is an [`UpdateRule`] of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Rule {
    /// θ ← θ − η g.
    Sgd,
    /// v ← μ v + g, θ ← θ − η v (Polyak 1964, in the form PyTorch has). Keeps `velocity`.
    Momentum {
        /// μ, in 0 … 1.
        momentum: f64,
    },
    /// Adam (Kingma & Ba 2015, algorithm 1). Keeps `first` and `second`, the moments.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root of the second moment.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), on all parameters.
    AdamW {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root of the second moment.
        epsilon: f64,
        /// θ ← θ − η λ θ at every update.
        weight_decay: f64,
    },
    /// r ← α r + (1 − α) g², d = g / (√r + ε), θ ← θ − η d (Tieleman & Hinton 2012, in the form PyTorch has). Centred: m ← α m + (1 − α) g, and √(r − m²)
    /// for √r (Graves 2013). With momentum: v ← μ v + d, θ ← θ − η v. Keeps `square`, and as far as they are there `mean` and `velocity`.
    RmsProp {
        /// α, decay of the mean of squares.
        alpha: f64,
        /// ε, added to the root.
        epsilon: f64,
        /// μ, in 0 … 1; 0 for none.
        momentum: f64,
        /// Whether the root is that of the gradient's variance.
        centred: bool,
    },
}

impl Rule {
    /// Checks every value, whatever the precision.
    pub(super) fn check_ranges(self) -> Result<(), ConfigError> {
        let unit =
            |field: &str, value: f64| check(field, value, (0.0..1.0).contains(&value), || "at least 0 and below 1".into());
        let positive = |field: &str, value: f64| check(field, value, value > 0.0, || "a positive number".into());
        match self {
            Rule::Sgd => Ok(()),
            Rule::Momentum { momentum } => unit("momentum", momentum),
            Rule::Adam { beta1, beta2, epsilon } | Rule::AdamW { beta1, beta2, epsilon, .. } => {
                unit("beta1", beta1)?;
                unit("beta2", beta2)?;
                positive("epsilon", epsilon)
            }
            Rule::RmsProp { alpha, epsilon, momentum, .. } => {
                unit("alpha", alpha)?;
                positive("epsilon", epsilon)?;
                unit("momentum", momentum)
            }
        }
    }

    /// λ of AdamW.
    pub(super) fn decay(self) -> f64 {
        match self {
            Rule::AdamW { weight_decay, .. } => weight_decay,
            _ => 0.0,
        }
    }

    /// Everything that is the same for all parameters of a step.
    pub(super) fn at<T: Real>(self, step: UpdateStep) -> Ready<T> {
        let rate = T::from_f64(step.learning_rate);
        match self {
            Rule::Sgd => Ready::Sgd { rate },
            Rule::Momentum { momentum } => Ready::Momentum { rate, momentum: T::from_f64(momentum) },
            Rule::Adam { beta1, beta2, epsilon } | Rule::AdamW { beta1, beta2, epsilon, .. } => {
                let updates = step.number as f64;
                Ready::Adam(Adam {
                    // The bias corrections are the same for all parameters; they move into the step length and the root's scale.
                    step: T::from_f64(step.learning_rate / (1.0 - beta1.powf(updates))),
                    root_scale: T::from_f64(1.0 / (1.0 - beta2.powf(updates)).sqrt()),
                    keep: T::from_f64(step.keep),
                    beta1: T::from_f64(beta1),
                    beta2: T::from_f64(beta2),
                    epsilon: T::from_f64(epsilon),
                })
            }
            Rule::RmsProp { alpha, epsilon, momentum, centred } => Ready::RmsProp(RmsProp {
                rate,
                alpha: T::from_f64(alpha),
                epsilon: T::from_f64(epsilon),
                momentum: (momentum > 0.0).then(|| T::from_f64(momentum)),
                centred,
            }),
        }
    }
}

impl<T: Real> UpdateRule<T> for Rule {
    fn name(&self) -> &str {
        match self {
            Rule::Sgd => "sgd",
            Rule::Momentum { .. } => "momentum",
            Rule::Adam { .. } => "adam",
            Rule::AdamW { .. } => "adamw",
            Rule::RmsProp { .. } => "rmsprop",
        }
    }

    fn state(&self) -> &[&str] {
        match self {
            Rule::Sgd => &[],
            Rule::Momentum { .. } => &["velocity"],
            Rule::Adam { .. } | Rule::AdamW { .. } => &["first", "second"],
            Rule::RmsProp { centred, momentum, .. } => match (centred, *momentum > 0.0) {
                (false, false) => &["square"],
                (true, false) => &["square", "mean"],
                (false, true) => &["square", "velocity"],
                (true, true) => &["square", "mean", "velocity"],
            },
        }
    }

    fn weight_decay(&self) -> f64 {
        self.decay()
    }

    #[inline(never)]
    fn check(&self) -> Result<(), ConfigError> {
        self.check_ranges()?;
        let unit = |field: &str, value: f64| {
            let holds = T::from_f64(value) < T::one();
            check(field, value, holds, || format!("at most {} in {}, where more is 1", 1.0 - 0.5 * T::EPSILON, T::NAME))
        };
        match *self {
            Rule::Sgd => Ok(()),
            Rule::Momentum { momentum } => unit("momentum", momentum),
            Rule::Adam { beta1, beta2, epsilon } | Rule::AdamW { beta1, beta2, epsilon, .. } => {
                unit("beta1", beta1)?;
                unit("beta2", beta2)?;
                check_normal::<T>("epsilon", epsilon)
            }
            Rule::RmsProp { alpha, epsilon, momentum, .. } => {
                unit("alpha", alpha)?;
                unit("momentum", momentum)?;
                check_normal::<T>("epsilon", epsilon)
            }
        }
    }

    fn allows(&self, state: &str, value: T) -> bool {
        !matches!(state, "second" | "square") || value >= T::zero()
    }

    #[inline(never)]
    fn update(&self, step: UpdateStep, run: ParameterRun<'_, T>) {
        self.at(step).update(run);
    }
}

/// A ready rule at one step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ready<T> {
    Sgd { rate: T },
    Momentum { rate: T, momentum: T },
    Adam(Adam<T>),
    RmsProp(RmsProp<T>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RmsProp<T> {
    pub(super) rate: T,
    pub(super) alpha: T,
    pub(super) epsilon: T,
    pub(super) momentum: Option<T>,
    pub(super) centred: bool,
}

/// What a rule does with a run, compiled for the widest vectors that there are.
struct Change<'a, T: Real> {
    rule: Ready<T>,
    run: ParameterRun<'a, T>,
}

impl<T: Real> Job for Change<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, token: I) {
        self.rule.change(token, self.run);
    }
}

impl<T: Real> Ready<T> {
    pub(super) fn update(self, run: ParameterRun<'_, T>) {
        dispatch(Change { rule: self, run });
    }

    #[inline(always)]
    fn change<I: Instructions>(self, token: I, run: ParameterRun<'_, T>) {
        match self {
            Ready::Sgd { rate } => {
                let (parameters, gradient, []) = run.split();
                parameters.iter_mut().zip(gradient).for_each(|(p, g)| *p -= rate * g);
            }
            Ready::Momentum { rate, momentum } => {
                let (parameters, gradient, [velocity]) = run.split();
                for ((p, g), v) in parameters.iter_mut().zip(gradient).zip(velocity) {
                    *v = momentum * *v + g;
                    *p -= rate * *v;
                }
            }
            Ready::Adam(adam) => adam.update(token, run),
            Ready::RmsProp(rule) => rule.update(run),
        }
    }
}

impl<T: Real> RmsProp<T> {
    #[inline(always)]
    fn update(self, run: ParameterRun<'_, T>) {
        let rate = self.rate;
        match (self.centred, self.momentum) {
            (false, None) => {
                let (parameters, gradient, [square]) = run.split();
                for ((p, g), r) in parameters.iter_mut().zip(gradient).zip(square) {
                    *p -= rate * self.plain(g, r);
                }
            }
            (true, None) => {
                let (parameters, gradient, [square, mean]) = run.split();
                for ((p, g), (r, m)) in parameters.iter_mut().zip(gradient).zip(square.iter_mut().zip(mean)) {
                    *p -= rate * self.about_mean(g, r, m);
                }
            }
            (false, Some(momentum)) => {
                let (parameters, gradient, [square, velocity]) = run.split();
                for ((p, g), (r, v)) in parameters.iter_mut().zip(gradient).zip(square.iter_mut().zip(velocity)) {
                    *v = momentum * *v + self.plain(g, r);
                    *p -= rate * *v;
                }
            }
            (true, Some(momentum)) => {
                let (parameters, gradient, [square, mean, velocity]) = run.split();
                let state = square.iter_mut().zip(mean).zip(velocity);
                for ((p, g), ((r, m), v)) in parameters.iter_mut().zip(gradient).zip(state) {
                    *v = momentum * *v + self.about_mean(g, r, m);
                    *p -= rate * *v;
                }
            }
        }
    }

    /// g / (√r + ε), r moved on.
    #[inline(always)]
    fn plain(self, g: T, square: &mut T) -> T {
        *square = self.alpha * *square + (T::one() - self.alpha) * (g * g);
        g / (square.sqrt() + self.epsilon)
    }

    /// g / (√(r − m²) + ε), r and m moved on.
    #[inline(always)]
    fn about_mean(self, g: T, square: &mut T, mean: &mut T) -> T {
        *square = self.alpha * *square + (T::one() - self.alpha) * (g * g);
        *mean = self.alpha * *mean + (T::one() - self.alpha) * g;
        // Rounding may bring a variance of nothing below it.
        g / ((*square - *mean * *mean).at_least(T::zero()).sqrt() + self.epsilon)
    }
}
