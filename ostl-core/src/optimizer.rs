//! Optimisers over the flat parameter vector, and gradient clipping.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::real::Real;

/// The update rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Rule {
    /// θ ← θ − η g.
    Sgd,
    /// v ← μ v + g, θ ← θ − η v (Polyak 1964, in the form PyTorch has).
    Momentum {
        /// μ, in 0 … 1.
        momentum: f64,
    },
    /// Adam (Kingma & Ba 2015, algorithm 1).
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
}

impl Rule {
    /// Lengths of the first and second moments kept for so many parameters.
    fn moments(self, parameters: usize) -> (usize, usize) {
        match self {
            Rule::Sgd => (0, 0),
            Rule::Momentum { .. } => (parameters, 0),
            Rule::Adam { .. } | Rule::AdamW { .. } => (parameters, parameters),
        }
    }
}

/// An update rule, its learning rate and its clipping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSettings {
    /// The update rule.
    pub rule: Rule,
    /// η, positive.
    pub learning_rate: f64,
    /// The gradient's global norm is scaled down to this where it is larger.
    pub clip_norm: Option<f64>,
}

impl OptimizerSettings {
    /// Plain gradient descent.
    pub fn sgd(learning_rate: f64) -> Self {
        Self { rule: Rule::Sgd, learning_rate, clip_norm: None }
    }

    /// Gradient descent with momentum.
    pub fn momentum(learning_rate: f64, momentum: f64) -> Self {
        Self { rule: Rule::Momentum { momentum }, learning_rate, clip_norm: None }
    }

    /// Adam with β = (0.9, 0.999), ε = 1e-8.
    pub fn adam(learning_rate: f64) -> Self {
        Self { rule: Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, learning_rate, clip_norm: None }
    }

    /// AdamW with β = (0.9, 0.999), ε = 1e-8.
    pub fn adam_w(learning_rate: f64, weight_decay: f64) -> Self {
        Self { rule: Rule::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay }, learning_rate, clip_norm: None }
    }

    /// The same with the gradient's global norm clipped.
    #[must_use]
    pub fn clipped(self, norm: f64) -> Self {
        Self { clip_norm: Some(norm), ..self }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the value and what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        fn check(field: &str, value: f64, holds: bool, allowed: &str) -> Result<(), ConfigError> {
            if holds && value.is_finite() { Ok(()) } else { Err(ConfigError::out_of_range(field, value, allowed)) }
        }
        let unit = |field: &str, value: f64| check(field, value, (0.0..1.0).contains(&value), "at least 0 and below 1");
        check("learning_rate", self.learning_rate, self.learning_rate > 0.0, "a positive number")?;
        if let Some(norm) = self.clip_norm {
            check("clip_norm", norm, norm > 0.0, "a positive number")?;
        }
        match self.rule {
            Rule::Sgd => Ok(()),
            Rule::Momentum { momentum } => unit("momentum", momentum),
            Rule::Adam { beta1, beta2, epsilon } | Rule::AdamW { beta1, beta2, epsilon, .. } => {
                unit("beta1", beta1)?;
                unit("beta2", beta2)?;
                check("epsilon", epsilon, epsilon > 0.0, "a positive number")?;
                match self.rule {
                    Rule::AdamW { weight_decay, .. } => {
                        check("weight_decay", weight_decay, weight_decay >= 0.0, "0 or more")
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// An optimiser and its moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Optimizer<T: Real> {
    settings: OptimizerSettings,
    updates: u64,
    first: Vec<T>,
    second: Vec<T>,
}

impl<T: Real> Optimizer<T> {
    /// For so many parameters.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(settings: OptimizerSettings, parameters: usize) -> Result<Self, ConfigError> {
        settings.validate()?;
        let (first, second) = settings.rule.moments(parameters);
        Ok(Self { settings, updates: 0, first: vec![T::zero(); first], second: vec![T::zero(); second] })
    }

    /// Whether the moments are those of so many parameters.
    pub(crate) fn fits(&self, parameters: usize) -> bool {
        (self.first.len(), self.second.len()) == self.settings.rule.moments(parameters)
    }

    /// The settings in force.
    pub fn settings(&self) -> &OptimizerSettings {
        &self.settings
    }

    /// Number of updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Changes the learning rate from now on.
    ///
    /// # Errors
    /// If it is not a positive number (zero is allowed: a schedule may end there).
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<(), ConfigError> {
        if !(rate >= 0.0 && rate.is_finite()) {
            return Err(ConfigError::out_of_range("learning_rate", rate, "0 or more"));
        }
        self.settings.learning_rate = rate;
        Ok(())
    }

    /// Changes the parameters in some places by one update along `gradient·scale`, clipped; `false`, and nothing changed, if its norm is
    /// not finite.
    pub(crate) fn update(&mut self, parameters: &mut [T], gradient: &[T], scale: f64, places: Places<'_>) -> bool {
        let norm = scale * places.counted.iter().map(|place| sum_of_squares(&gradient[place.clone()])).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return false;
        }
        let scale = match self.settings.clip_norm {
            Some(limit) if norm > limit => scale * limit / norm,
            _ => scale,
        };
        self.updates += 1;
        for place in places.changed {
            self.change(place.clone(), &mut parameters[place.clone()], &gradient[place.clone()], T::from_f64(scale));
        }
        true
    }

    /// One update of the parameters in a place.
    fn change(&mut self, place: Range<usize>, parameters: &mut [T], gradient: &[T], scale: T) {
        let rate = T::from_f64(self.settings.learning_rate);
        match self.settings.rule {
            Rule::Sgd => {
                for (p, &g) in parameters.iter_mut().zip(gradient) {
                    *p -= rate * (scale * g);
                }
            }
            Rule::Momentum { momentum } => {
                let momentum = T::from_f64(momentum);
                for ((p, &g), v) in parameters.iter_mut().zip(gradient).zip(&mut self.first[place]) {
                    *v = momentum * *v + scale * g;
                    *p -= rate * *v;
                }
            }
            Rule::Adam { beta1, beta2, epsilon } => {
                self.adam(place, parameters, gradient, scale, [beta1, beta2, epsilon], 0.0);
            }
            Rule::AdamW { beta1, beta2, epsilon, weight_decay } => {
                self.adam(place, parameters, gradient, scale, [beta1, beta2, epsilon], weight_decay);
            }
        }
    }

    fn adam(
        &mut self,
        place: Range<usize>,
        parameters: &mut [T],
        gradient: &[T],
        scale: T,
        [beta1, beta2, epsilon]: [f64; 3],
        decay: f64,
    ) {
        let updates = self.updates as f64;
        // The bias corrections are the same for all parameters; they move into the step length and the root's scale.
        let step = T::from_f64(self.settings.learning_rate / (1.0 - beta1.powf(updates)));
        let root_scale = T::from_f64(1.0 / (1.0 - beta2.powf(updates)).sqrt());
        let keep = T::from_f64(1.0 - self.settings.learning_rate * decay);
        let (beta1, beta2, epsilon) = (T::from_f64(beta1), T::from_f64(beta2), T::from_f64(epsilon));
        let (first, second) = (&mut self.first[place.clone()], &mut self.second[place]);
        let change = |parameters: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]| {
            for ((p, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(first.iter_mut().zip(second)) {
                let g = scale * g;
                *m = beta1 * *m + (T::one() - beta1) * g;
                *v = beta2 * *v + (T::one() - beta2) * (g * g);
                *p = keep * *p - step * *m / (v.sqrt() * root_scale + epsilon);
            }
        };
        if parameters.len() < SHARED {
            return change(parameters, gradient, first, second);
        }
        let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
        let chunks = parameters.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).zip(moments);
        chunks.for_each(|((parameters, gradient), (first, second))| change(parameters, gradient, first, second));
    }
}

/// Where an update takes place: ascending places, apart from each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    /// The parameters that change.
    pub(crate) changed: &'a [Range<usize>],
    /// Those whose gradient counts towards the norm.
    pub(crate) counted: &'a [Range<usize>],
}

impl<'a> Places<'a> {
    /// Places that all count.
    #[cfg(test)]
    fn all(places: &'a [Range<usize>]) -> Self {
        Self { changed: places, counted: places }
    }
}

/// Parameters from which an update pays for several threads, and how many each takes at a time.
const SHARED: usize = 1 << 20;
const CHUNK: usize = 1 << 16;

/// Σ g², in double precision and in an order that does not depend on the number of threads.
fn sum_of_squares<T: Real>(gradient: &[T]) -> f64 {
    if gradient.len() > CHUNK {
        let (left, right) = gradient.split_at((gradient.len() / CHUNK).div_ceil(2) * CHUNK);
        let (left, right) = if gradient.len() < SHARED {
            (sum_of_squares(left), sum_of_squares(right))
        } else {
            rayon::join(|| sum_of_squares(left), || sum_of_squares(right))
        };
        return left + right;
    }
    let mut sums = [0.0; 16];
    let (whole, rest) = gradient.as_chunks::<16>();
    for values in whole {
        for (sum, g) in sums.iter_mut().zip(values) {
            *sum += g.to_f64() * g.to_f64();
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|g| g.to_f64() * g.to_f64()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(count: usize) -> Vec<Range<usize>> {
        std::iter::once(0..count).collect()
    }

    fn run(settings: OptimizerSettings, gradients: &[f64]) -> f64 {
        let mut optimizer = Optimizer::<f64>::new(settings, 1).unwrap();
        let mut p = [1.0];
        for &g in gradients {
            optimizer.update(&mut p, &[g], 1.0, Places::all(&whole(1)));
        }
        p[0]
    }

    #[test]
    fn by_hand() {
        assert!((run(OptimizerSettings::sgd(0.1), &[2.0]) - 0.8).abs() < 1e-15);
        // v = 2, then 0.5·2 + 1 = 2.
        assert!((run(OptimizerSettings::momentum(0.1, 0.5), &[2.0, 1.0]) - 0.6).abs() < 1e-15);
        // Adam's first step is the rate itself, in the gradient's direction.
        assert!((run(OptimizerSettings::adam(0.01), &[3.0]) - 0.99).abs() < 1e-10);
        // Second step with gradient 1: m̂ = (0.9·0.3 + 0.1)/0.19, v̂ = (0.999·0.009 + 0.001)/0.001999.
        let truth = 0.99 - 0.01 * (0.37 / 0.19) / ((0.999 * 0.009 + 0.001) / 0.001999_f64).sqrt();
        assert!((run(OptimizerSettings::adam(0.01), &[3.0, 1.0]) - truth).abs() < 1e-9);
        // Decoupled decay: 1·(1 − 0.01·0.5) − 0.01.
        assert!((run(OptimizerSettings::adam_w(0.01, 0.5), &[3.0]) - 0.985).abs() < 1e-10);
    }

    #[test]
    fn clipping_limits_the_global_norm() {
        let mut optimizer = Optimizer::<f64>::new(OptimizerSettings::sgd(1.0).clipped(1.0), 2).unwrap();
        let mut p = [0.0, 0.0];
        optimizer.update(&mut p, &[3.0, 4.0], 1.0, Places::all(&whole(2)));
        assert!((p[0] + 0.6).abs() < 1e-15 && (p[1] + 0.8).abs() < 1e-15);
        optimizer.update(&mut p, &[0.3, 0.4], 1.0, Places::all(&whole(2)));
        assert!((p[0] + 0.9).abs() < 1e-15, "a short gradient is left alone");
    }

    #[test]
    fn long_gradients_are_shared_and_summed_alike() {
        let count = SHARED + 3 * CHUNK + 5;
        let gradient: Vec<f32> = (0..count).map(|i| ((i % 101) as f32 - 50.0) / 50.0).collect();
        let expected: f64 = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
        let [one, two] = [1, 2].map(|threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| sum_of_squares(&gradient))
        });
        assert!((one - expected).abs() < 1e-12 * expected && one == two);
        let places = whole(count);
        let mut large = Optimizer::<f32>::new(OptimizerSettings::adam(0.01), count).unwrap();
        let mut p = vec![1.0; count];
        large.update(&mut p, &gradient, 1.0, Places::all(&places));
        let mut small = Optimizer::<f32>::new(OptimizerSettings::adam(0.01), 101).unwrap();
        let mut q = vec![1.0; 101];
        small.update(&mut q, &gradient[..101], 1.0, Places::all(&whole(101)));
        assert!(p.chunks(101).all(|p| p == &q[..p.len()]));
    }

    #[test]
    fn only_the_places_given_change() {
        let mut optimizer = Optimizer::<f64>::new(OptimizerSettings::adam(0.1).clipped(1.0), 4).unwrap();
        let mut p = [1.0; 4];
        optimizer.update(&mut p, &[3.0, 0.0, 0.0, 4.0], 1.0, Places { changed: &[0..1, 3..4], counted: &[0..1, 3..4] });
        assert!(p[0] < 1.0 && p[3] < 1.0 && p[1..3] == [1.0; 2]);
        // The first moment of 3/5 after clipping, and none where nothing changed.
        assert!((optimizer.first[0] - 0.06).abs() < 1e-12 && optimizer.first[1] == 0.0);
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        for (settings, field) in [
            (OptimizerSettings::sgd(0.0), "learning_rate"),
            (OptimizerSettings::sgd(f64::NAN), "learning_rate"),
            (OptimizerSettings::momentum(0.1, 1.0), "momentum"),
            (OptimizerSettings::adam(0.1).clipped(-1.0), "clip_norm"),
            (OptimizerSettings::adam_w(0.1, -1.0), "weight_decay"),
        ] {
            assert!(settings.validate().unwrap_err().to_string().starts_with(field));
        }
    }
}
