//! Optimisers over the flat parameter vector, and gradient clipping.
//!
//! An update changes everything or nothing: it is refused if a parameter or a moment would not be finite after it. Bounds on what is there
//! tell beforehand that nothing can overflow; only where they do not is every parameter looked at first.

mod norm;
mod settings;
mod step;

use std::ops::Range;

use crate::linalg::real::Real;
use crate::network::Network;
use crate::record::{Book, refused};
use crate::refusal::ConfigError;

use norm::sum_of_squares;
pub use settings::{OptimizerSettings, Rule};
use step::{Adam, Place, Reach, Step};

/// An optimiser and its moments.
#[derive(Clone, Debug)]
pub struct Optimizer<T: Real> {
    settings: OptimizerSettings,
    updates: u64,
    /// Decay of the weights that is too small to be made update by update, so far: a share of each.
    owed_decay: f64,
    first: Vec<T>,
    second: Vec<T>,
    /// Bounds on the parameters and moments, where they are known.
    reach: Option<Reach>,
}

/// Two optimisers are equal that go on alike.
impl<T: Real> PartialEq for Optimizer<T> {
    fn eq(&self, other: &Self) -> bool {
        let key = |optimizer: &Self| (optimizer.settings, optimizer.updates, optimizer.owed_decay);
        key(self) == key(other) && self.first == other.first && self.second == other.second
    }
}

/// Why an update was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `"the gradient"`, or `"the update"` where it is finite.
    pub(crate) what: &'static str,
    /// First parameter of which it is so.
    pub(crate) parameter: usize,
}

impl<T: Real> Optimizer<T> {
    /// For so many parameters.
    ///
    /// # Errors
    /// If a setting is out of range, or makes no sense where parameters are `T`: see [`OptimizerSettings::validate_for`].
    #[inline(never)]
    pub fn new(settings: OptimizerSettings, parameters: usize) -> Result<Self, ConfigError> {
        settings.validate_for::<T>()?;
        let (first, second) = settings.rule.moments(parameters);
        let (first, second) = (vec![T::zero(); first], vec![T::zero(); second]);
        Ok(Self { settings, updates: 0, owed_decay: 0.0, first, second, reach: None })
    }

    /// Settings, moments and number of updates, by name; of another rule it is refused.
    pub(crate) fn pass(&mut self, network: &Network<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let name = "optimizer.settings";
        let mut settings =
            serde_json::to_string(&self.settings).map_err(|error| refused(name, &error.to_string(), "numbers"))?;
        book.text(name, &mut settings)?;
        let settings: OptimizerSettings = serde_json::from_str(&settings)
            .map_err(|error| refused(name, &settings, &format!("settings of an optimiser: {error}")))?;
        settings.check_in_use::<T>()?;
        if book.restores() {
            let (first, second) = settings.rule.moments(network.parameters.len());
            let zeros = |count: usize| vec![T::zero(); count];
            *self = Self { settings, updates: 0, owed_decay: 0.0, first: zeros(first), second: zeros(second), reach: None };
        }
        book.number("optimizer.updates", &mut self.updates, 1 << 53)?;
        book.array("optimizer.owed_decay", &[], std::slice::from_mut(&mut self.owed_decay))?;
        for (name, values) in [("first", &mut self.first), ("second", &mut self.second)] {
            if !values.is_empty() {
                network.pass_by_block(&format!("optimizer.{name}."), book, values)?;
            }
        }
        if let Some(moment) = self.second.iter().find(|moment| **moment < T::zero()) {
            return Err(refused("optimizer.second", &moment.to_string(), "means of squares, none negative"));
        }
        Ok(())
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
    /// If it is negative or not finite where parameters are `T` (zero is allowed: a schedule may end there), or weights would decay by more
    /// than the whole of them.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<(), ConfigError> {
        self.settings.check_rate::<T>(rate)?;
        self.settings.learning_rate = rate;
        Ok(())
    }

    /// Clips the gradient's global norm to this from now on, or no longer clips it.
    ///
    /// # Errors
    /// If it is not a positive number where parameters are `T`.
    pub fn set_clip_norm(&mut self, norm: Option<f64>) -> Result<(), ConfigError> {
        OptimizerSettings { clip_norm: norm, ..OptimizerSettings::sgd(1.0) }.validate_for::<T>()?;
        self.settings.clip_norm = norm;
        Ok(())
    }

    /// Somebody else has changed the parameters.
    pub(crate) fn parameters_changed(&mut self) {
        self.reach = None;
    }

    /// Changes the parameters in some ranges by one update along `gradient·scale`, clipped.
    ///
    /// # Errors
    /// If the gradient's norm is not finite, or a parameter or moment would not be after the update; nothing but perhaps the gradient has
    /// changed then.
    pub(crate) fn update(
        &mut self,
        parameters: &mut [T],
        gradient: &mut [T],
        scale: f64,
        ranges: Ranges<'_>,
    ) -> Result<(), Refusal> {
        let sums = ranges.counted.iter().map(|range| sum_of_squares(&gradient[range.clone()]));
        let norm = scale * sums.sum::<f64>().sqrt();
        if !norm.is_finite() {
            let is_broken = |g: &T| !(g.to_f64() * g.to_f64()).is_finite();
            let parameter = gradient.iter().position(is_broken).unwrap_or(0);
            return Err(Refusal { what: "the gradient", parameter });
        }
        let (mut scale, norm) = match self.settings.clip_norm {
            Some(limit) if norm > limit => (scale * limit / norm, limit),
            _ => (scale, norm),
        };
        if scale < T::SMALLEST_NORMAL {
            // A factor that T holds badly or not at all: the gradient is as much too large.
            let changed = ranges.changed.iter().cloned().flatten();
            changed.for_each(|at| gradient[at] = T::from_f64(scale * gradient[at].to_f64()));
            scale = 1.0;
        }
        let (step, owed_decay) = self.step();
        let scale = T::from_f64(scale);
        let all: [&[T]; 3] = [parameters, &self.first, &self.second];
        let next = self.reach.unwrap_or_else(|| Reach::of(all)).after(step, norm);
        if next.is_none() {
            let moment = |moment: &'_ [T], range: &Range<usize>| range.start.min(moment.len())..range.end.min(moment.len());
            for range in ranges.changed {
                let all = all.map(|values| &values[moment(values, range)]);
                if let Some(at) = step.first_broken(scale, &gradient[range.clone()], all) {
                    return Err(Refusal { what: "the update", parameter: range.start + at });
                }
            }
        }
        self.reach = next;
        self.updates += 1;
        self.owed_decay = owed_decay;
        for range in ranges.changed {
            let (first, second) = match self.settings.rule {
                Rule::Sgd => (0..0, 0..0),
                Rule::Momentum { .. } => (range.clone(), 0..0),
                Rule::Adam { .. } | Rule::AdamW { .. } => (range.clone(), range.clone()),
            };
            let gradient = &gradient[range.clone()];
            let parameters = &mut parameters[range.clone()];
            step.apply(
                scale,
                gradient,
                Place { parameters, first: &mut self.first[first], second: &mut self.second[second] },
            );
        }
        Ok(())
    }

    /// What the next update does to every parameter, and the decay that is owed after it.
    fn step(&self) -> (Step<T>, f64) {
        let learning_rate = self.settings.learning_rate;
        let rate = T::from_f64(learning_rate);
        let (beta1, beta2, epsilon, decay) = match self.settings.rule {
            Rule::Sgd => return (Step::Sgd { rate }, 0.0),
            Rule::Momentum { momentum } => return (Step::Momentum { rate, momentum: T::from_f64(momentum) }, 0.0),
            Rule::Adam { beta1, beta2, epsilon } => (beta1, beta2, epsilon, 0.0),
            Rule::AdamW { beta1, beta2, epsilon, weight_decay } => (beta1, beta2, epsilon, weight_decay),
        };
        // Less than a few roundings of a weight would be lost: it waits until it is more.
        let due = self.owed_decay + learning_rate * decay;
        let (due, owed) = if due >= 8.0 * T::EPSILON { (due, 0.0) } else { (0.0, due) };
        let updates = self.updates as f64 + 1.0;
        let adam = Adam {
            // The bias corrections are the same for all parameters; they move into the step length and the root's scale.
            step: T::from_f64(learning_rate / (1.0 - beta1.powf(updates))),
            root_scale: T::from_f64(1.0 / (1.0 - beta2.powf(updates)).sqrt()),
            keep: T::from_f64(1.0 - due),
            beta1: T::from_f64(beta1),
            beta2: T::from_f64(beta2),
            epsilon: T::from_f64(epsilon),
        };
        (Step::Adam(adam), owed)
    }
}

/// What an update concerns: ascending ranges of parameters, apart from each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranges<'a> {
    /// The parameters that change.
    pub(crate) changed: &'a [Range<usize>],
    /// Those whose gradient counts towards the norm.
    pub(crate) counted: &'a [Range<usize>],
}

impl<'a> Ranges<'a> {
    /// Ranges that all count.
    #[cfg(test)]
    fn all(ranges: &'a [Range<usize>]) -> Self {
        Self { changed: ranges, counted: ranges }
    }
}

#[cfg(test)]
mod tests;
