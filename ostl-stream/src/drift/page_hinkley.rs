//! The test of Page and Hinkley.

use serde::{Deserialize, Serialize};

use crate::drift::Direction;
use crate::error::StreamError;
use crate::moments::Moments;
use crate::number::{Settings, checked, count, usable};

/// Settings of [`PageHinkley`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageHinkleyConfig {
    /// Change of the mean that is no drift, in the unit of the loss, 0 … 1e100: half of the smallest change that matters is a good choice.
    /// Default: 0.005.
    pub tolerance: f64,
    /// How far the sum has to rise, in the unit of the loss, above 0 and at most 1e100: larger means fewer false alarms, and later ones. A
    /// change by d beyond the tolerance is found after threshold / d rows, about. Default: 50.
    pub threshold: f64,
    /// How many rows it takes before there is any alarm. Default: 30.
    pub warm_up: u64,
    /// Which changes raise an alarm. Default: a rise of the loss.
    pub direction: Direction,
}

impl Default for PageHinkleyConfig {
    fn default() -> Self {
        Self { tolerance: 0.005, threshold: 50.0, warm_up: 30, direction: Direction::Rise }
    }
}

impl Settings for PageHinkleyConfig {
    fn check(&self) -> Result<(), StreamError> {
        let (tolerance, threshold) = (self.tolerance, self.threshold);
        StreamError::unless(tolerance >= 0.0 && usable(tolerance), "tolerance", tolerance, "between 0 and 1e100")?;
        let positive = threshold > 0.0 && usable(threshold);
        StreamError::unless(positive, "threshold", threshold, "above 0 and at most 1e100")
    }
}

/// Whether the mean of a loss has changed, by the sum of what exceeds its running mean (Page, "Continuous inspection schemes", Biometrika
/// 41, 1954; Hinkley, Biometrika 58, 1971; with the running mean as in Gama, Sebastião and Rodrigues, Machine Learning 90, 2013).
///
/// With x̄ₜ the mean of all losses up to xₜ, mₜ = Σ (xᵢ − x̄ᵢ − tolerance), and an alarm is raised where mₜ − min m exceeds the threshold.
/// That difference is kept as gₜ = max(0, gₜ₋₁ + xₜ − x̄ₜ − tolerance), which is the same and stays small. The other direction has a sum of
/// its own with the signs turned. An alarm starts all anew, the mean and the warm-up, too.
///
/// A few numbers of memory. Losses that are not numbers within ±[`LARGEST`](crate::LARGEST) are ignored and counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    #[serde(deserialize_with = "checked")]
    config: PageHinkleyConfig,
    losses: Moments,
    rows: u64,
    rise: f64,
    fall: f64,
    raised: u64,
    ignored: u64,
}

impl PageHinkley {
    /// One that was shown nothing.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(config: PageHinkleyConfig) -> Result<Self, StreamError> {
        config.check()?;
        Ok(Self { config, losses: Moments::default(), rows: 0, rise: 0.0, fall: 0.0, raised: 0, ignored: 0 })
    }

    /// Takes a loss. Whether it raises an alarm.
    pub fn observe(&mut self, loss: f64) -> bool {
        if !usable(loss) {
            count(&mut self.ignored);
            return false;
        }
        count(&mut self.rows);
        self.losses.observe(loss, 1.0);
        let off = loss - self.losses.mean().unwrap_or(loss);
        self.rise = (self.rise + off - self.config.tolerance).max(0.0);
        self.fall = (self.fall - off - self.config.tolerance).max(0.0);
        let sum = match self.config.direction {
            Direction::Rise => self.rise,
            Direction::Both => self.rise.max(self.fall),
        };
        let alarm = self.rows >= self.config.warm_up && sum > self.config.threshold;
        if alarm {
            count(&mut self.raised);
            (self.losses, self.rows, self.rise, self.fall) = (Moments::default(), 0, 0.0, 0.0);
        }
        alarm
    }

    /// The settings.
    pub fn config(&self) -> &PageHinkleyConfig {
        &self.config
    }

    /// How many losses the mean is taken over: those since the last alarm.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Mean of these.
    pub fn mean(&self) -> Option<f64> {
        self.losses.mean()
    }

    /// How many alarms were raised.
    pub fn raised(&self) -> u64 {
        self.raised
    }

    /// How many losses were ignored.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }
}
