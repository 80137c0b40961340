//! Optimisers over the flat parameter vector, and gradient clipping.
//!
//! An update changes everything or nothing: it is refused if a parameter or what is kept for one would not be finite after it. With a ready
//! rule, bounds on what is there show beforehand that nothing can overflow; where they do not, and with a custom rule, it is tried on a copy first,
//! a short run at a time.

mod adam;
mod in_use;
mod named;
mod norm;
mod reach;
mod ready;
mod rule;
mod runs;
mod settings;

use crate::linalg::real::Real;
use crate::network::rates::RatedRange;
use crate::refusal::ConfigError;

pub(crate) use in_use::InUse;
pub(crate) use named::SavedRule;
use norm::sum_of_squares;
use reach::Reach;
use ready::Ready;
pub use ready::Rule;
pub use rule::{ParameterRun, UpdateRule, UpdateStep};
use runs::{Rates, Runs};
pub use settings::OptimizerSettings;

/// An optimiser, and what its rule keeps for each parameter.
#[derive(Clone, Debug)]
pub struct Optimizer<T: Real> {
    settings: OptimizerSettings<InUse<T>>,
    updates: u64,
    /// Decay of the weights that is too small to be made update by update, so far: a share of each.
    owed_decay: f64,
    /// For each of the rule's names one value a parameter.
    state: Vec<Vec<T>>,
    /// Where an update is tried.
    copy: Vec<T>,
    /// Bounds on the parameters and the state, where they are known.
    reach: Option<Reach>,
    /// ‖gradient‖ of the last update, before clipping.
    norm: Option<f64>,
}

/// Two optimisers are equal that go on alike.
impl<T: Real> PartialEq for Optimizer<T> {
    fn eq(&self, other: &Self) -> bool {
        let counts = |optimizer: &Self| (optimizer.updates, optimizer.owed_decay);
        self.settings == other.settings && counts(self) == counts(other) && self.state == other.state
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
    /// For `parameters` parameters.
    ///
    /// # Errors
    /// If a setting is out of range, or makes no sense where parameters are `T`: see [`OptimizerSettings::validate_for`].
    pub fn new<R: UpdateRule<T>>(settings: OptimizerSettings<R>, parameters: usize) -> Result<Self, ConfigError> {
        Self::in_use(settings.in_use(), parameters)
    }

    #[inline(never)]
    pub(crate) fn in_use(settings: OptimizerSettings<InUse<T>>, parameters: usize) -> Result<Self, ConfigError> {
        settings.validate_for::<T>()?;
        Ok(Self::begun(settings, parameters))
    }

    /// Before the first update.
    fn begun(settings: OptimizerSettings<InUse<T>>, parameters: usize) -> Self {
        let state = vec![vec![T::zero(); parameters]; settings.rule.state().len()];
        let copy = Runs::copy(state.len());
        Self { settings, updates: 0, owed_decay: 0.0, state, copy, reach: None, norm: None }
    }

    /// The update rule.
    pub fn rule(&self) -> &dyn UpdateRule<T> {
        self.settings.rule.rule()
    }

    /// η in force.
    pub fn learning_rate(&self) -> f64 {
        self.settings.learning_rate
    }

    /// The clipping in force.
    pub fn clip_norm(&self) -> Option<f64> {
        self.settings.clip_norm
    }

    /// What the rule keeps, by [name](UpdateRule::state): one value a parameter, laid out as they are.
    pub fn state(&self) -> impl Iterator<Item = (&str, &[T])> {
        self.settings.rule.state().iter().zip(&self.state).map(|(&name, values)| (name, values.as_slice()))
    }

    /// What the rule keeps under that name.
    pub fn state_of(&self, name: &str) -> Option<&[T]> {
        self.state().find(|(of, _)| *of == name).map(|(_, values)| values)
    }

    /// Global norm of the gradient of the last update, before it was clipped; `None` before any. It is not saved: where it has grown from update to
    /// update beyond all bounds, so have traces, and [`forget_traces`](crate::Learner::forget_traces) helps.
    pub fn gradient_norm(&self) -> Option<f64> {
        self.norm
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

    /// The parameters were changed from outside.
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
        let sums = ranges.counted.iter().map(|rated| sum_of_squares(&gradient[rated.range.clone()]));
        let norm = scale * sums.sum::<f64>().sqrt();
        if !norm.is_finite() {
            let is_broken = |g: &T| !(g.to_f64() * g.to_f64()).is_finite();
            let parameter = gradient.iter().position(is_broken).unwrap_or(0);
            return Err(Refusal { what: "the gradient", parameter });
        }
        self.norm = Some(norm);
        let (mut scale, norm) = match self.settings.clip_norm {
            Some(limit) if norm > limit => (scale * limit / norm, limit),
            _ => (scale, norm),
        };
        if scale < T::SMALLEST_NORMAL {
            // A factor that T holds badly or not at all: the gradient is as much too large.
            let changed = ranges.changed.iter().flat_map(|rated| rated.range.clone());
            changed.for_each(|at| gradient[at] = T::from_f64(scale * gradient[at].to_f64()));
            scale = 1.0;
        }
        let runs = Runs { ranges: ranges.changed, gradient, scale: T::from_f64(scale) };
        let rates = Rates::of(ranges.changed);
        let (decay, owed_decay) = self.decay(rates);
        let rule = &self.settings.rule;
        let step = |scale: f64| {
            let keep = (1.0 - scale * decay).max(0.0);
            UpdateStep::new(self.updates + 1, scale * self.settings.learning_rate, keep)
        };
        if let InUse::Ready(rule) = rule {
            let reach = self.reach.unwrap_or_else(|| Reach::of(parameters, &self.state));
            // The longest step, and the largest rest of a weight.
            let furthest: Ready<T> = rule.at(UpdateStep { keep: step(rates.smallest).keep, ..step(rates.largest) });
            self.reach = reach.after(furthest, norm);
        }
        if self.reach.is_none() {
            let broken =
                |scale: f64| runs.first_broken(scale, &rule.at(step(scale)), parameters, &self.state, &mut self.copy);
            if let Some(parameter) = rates.each(ranges.changed).filter_map(broken).min() {
                return Err(Refusal { what: "the update", parameter });
            }
        }
        for scale in rates.each(ranges.changed) {
            runs.change(scale, &rule.at(step(scale)), parameters, &mut self.state);
        }
        self.updates += 1;
        self.owed_decay = owed_decay;
        Ok(())
    }

    /// Decay that is made at the next update, and what is owed after it: shares of a weight that learns at the learning rate itself.
    fn decay(&self, rates: Rates) -> (f64, f64) {
        // Less than a few roundings of a weight would be lost: it waits until it is more, but not for ever where a scale is small.
        let due = self.owed_decay + self.settings.learning_rate * self.settings.rule.weight_decay();
        let is_due = due * rates.smallest >= 8.0 * T::EPSILON || rates.smallest < 1.0 && due >= 1e-3;
        if is_due { (due, 0.0) } else { (0.0, due) }
    }
}

/// What an update concerns: ascending ranges of parameters, apart from each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranges<'a> {
    /// The parameters that change, and how fast.
    pub(crate) changed: &'a [RatedRange],
    /// Those whose gradient counts towards the norm.
    pub(crate) counted: &'a [RatedRange],
}

impl<'a> Ranges<'a> {
    /// Ranges that all count.
    #[cfg(test)]
    fn all(ranges: &'a [RatedRange]) -> Self {
        Self { changed: ranges, counted: ranges }
    }
}

#[cfg(test)]
mod tests;
