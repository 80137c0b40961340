//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

use crate::refusal::ConfigError;

/// How the learning rate changes as training goes on. Positions count whatever the caller counts, epochs or updates of a stream, and may lie
/// between two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// Always the same.
    #[default]
    Constant,
    /// Multiplied by `factor` after every `every` positions.
    Step {
        /// Positions between changes, at least 1.
        every: u64,
        /// Factor at each change, positive.
        factor: f64,
    },
    /// Half a cosine from the full rate down to `minimum` times it at `total` positions, and `minimum` from there on
    /// (Loshchilov & Hutter 2017, eq. 5, one period).
    Cosine {
        /// Positions until the minimum is reached, at least 1.
        total: u64,
        /// Fraction of the rate at the end, in 0 … 1.
        #[serde(default)]
        minimum: f64,
    },
}

impl Schedule {
    /// The factor on the learning rate at a position, 0 or more.
    pub fn factor(&self, position: f64) -> f64 {
        match *self {
            Schedule::Constant => 1.0,
            Schedule::Step { every, factor } => factor.powf((position / every.max(1) as f64).floor()),
            Schedule::Cosine { total, minimum } => {
                let progress = (position / total.max(1) as f64).min(1.0);
                minimum + (1.0 - minimum) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
        }
    }

    /// The largest factor from position 0 up to this one.
    pub fn peak(&self, position: f64) -> f64 {
        self.factor(position).max(1.0)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the value and what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match *self {
            Schedule::Constant => Ok(()),
            Schedule::Step { every: 0, .. } => Err(ConfigError::out_of_range("schedule.every", 0, "at least 1")),
            Schedule::Step { factor, .. } if !(factor > 0.0 && factor.is_finite()) => {
                Err(ConfigError::out_of_range("schedule.factor", factor, "a positive number"))
            }
            Schedule::Cosine { total: 0, .. } => Err(ConfigError::out_of_range("schedule.total", 0, "at least 1")),
            Schedule::Cosine { minimum, .. } if !(0.0..=1.0).contains(&minimum) => {
                Err(ConfigError::out_of_range("schedule.minimum", minimum, "0 … 1"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        assert_eq!(Schedule::Constant.factor(7.0), 1.0);
        let step = Schedule::Step { every: 10, factor: 0.5 };
        assert_eq!((step.factor(9.9), step.factor(10.0), step.factor(25.0)), (1.0, 0.5, 0.25));
        let cosine = Schedule::Cosine { total: 10, minimum: 0.1 };
        // Half a cosine is at ½ + ½·cos 60° after a third of the way.
        assert_eq!((step.peak(25.0), cosine.peak(5.0), Schedule::Step { every: 2, factor: 3.0 }.peak(5.0)), (1.0, 1.0, 9.0));
        for (position, factor) in [(0.0, 1.0), (10.0 / 3.0, 0.1 + 0.9 * 0.75), (5.0, 0.55), (10.0, 0.1), (99.0, 0.1)] {
            assert!((cosine.factor(position) - factor).abs() < 1e-15, "{position}");
        }
    }

    #[test]
    fn a_schedule_out_of_range_is_refused() {
        assert!(Schedule::Step { every: 0, factor: 0.5 }.validate().is_err());
    }
}
