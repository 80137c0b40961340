//! Activity terms: what a layer's own activity adds to the error E_t of a step, whatever the task.
//!
//! ```text
//! r_t = β r_{t-1} + (1 − β) y_t          a unit's firing rate, from r* at a (re)start
//! E_t += ½ c Σ_units (r_t − r*)²                                                   (rate)
//! E_t += ½ c Σ_units max(0, |v_t| − v*)²   v: the membrane potential               (voltage)
//! ```
//!
//! Like the losses of targets these are summed over steps, and an update divides the sum by the number of *targets* it covers: where targets are
//! few, c counts for more. Activity after a sequence's last target is not learned from.
//!
//! After Bellec et al. 2020 ("A solution to the learning dilemma for recurrent networks of spiking neurons", Nature Communications 11:3625,
//! methods: firing rate and voltage regularisation), who take the mean rate of a whole batch; a rate that is known at every step lets the term
//! be part of E_t, so that it has a gradient online: r is one more leaky sum of the outputs, carried by a filter as a leaky readout is.

use serde::{Deserialize, Serialize};

use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// The activity terms of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Activity {
    /// Pulls each unit's firing rate towards a target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateTerm>,
    /// Pulls membrane potentials back that leave a band around zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voltage: Option<VoltageTerm>,
}

/// ½ c (r_t − r*)² for each unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateTerm {
    /// r*, spikes a step: 0 … 1.
    pub target: f64,
    /// c, at least 0.
    pub weight: f64,
    /// β, what the rate keeps from step to step: 0 up to, not including, 1. Default: 0.98, about fifty steps.
    #[serde(default = "default_decay")]
    pub decay: f64,
}

/// ½ c max(0, |v_t| − v*)² for each unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoltageTerm {
    /// v*, at least 0.
    pub bound: f64,
    /// c, at least 0.
    pub weight: f64,
}

fn default_decay() -> f64 {
    0.98
}

impl Activity {
    /// A rate term alone, with the default β.
    pub fn rate(target: f64, weight: f64) -> Self {
        Self { rate: Some(RateTerm { target, weight, decay: default_decay() }), voltage: None }
    }

    /// The same with a voltage term.
    #[must_use]
    pub fn with_voltage(self, bound: f64, weight: f64) -> Self {
        Self { voltage: Some(VoltageTerm { bound, weight }), ..self }
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// If one is not; the error names it and the range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |field: &str, value: f64, fits: bool, allowed: &str| {
            if fits { Ok(()) } else { Err(ConfigError::out_of_range(field, value, allowed)) }
        };
        let positive = |value: f64| value >= 0.0 && value.is_finite();
        if let Some(RateTerm { target, weight, decay }) = self.rate {
            check("rate.target", target, (0.0..=1.0).contains(&target), "between 0 and 1")?;
            check("rate.weight", weight, positive(weight), "a finite number of at least 0")?;
            check("rate.decay", decay, (0.0..1.0).contains(&decay), "at least 0 and below 1")?;
        }
        if let Some(VoltageTerm { bound, weight }) = self.voltage {
            check("voltage.bound", bound, positive(bound), "a finite number of at least 0")?;
            check("voltage.weight", weight, positive(weight), "a finite number of at least 0")?;
        }
        Ok(())
    }
}

impl RateTerm {
    /// r_t from r_{t-1} (`None` at a start) and y_t.
    #[inline]
    pub(crate) fn follow<T: Real>(&self, previous: Option<T>, y: T) -> T {
        let beta = T::from_f64(self.decay);
        beta * previous.unwrap_or(T::from_f64(self.target)) + (T::one() - beta) * y
    }

    /// E_t of one unit.
    pub(crate) fn error<T: Real>(&self, rate: T) -> T {
        let difference = rate - T::from_f64(self.target);
        T::from_f64(0.5 * self.weight) * difference * difference
    }

    /// ∂E_t/∂r_t.
    #[inline]
    pub(crate) fn slope<T: Real>(&self, rate: T) -> T {
        T::from_f64(self.weight) * (rate - T::from_f64(self.target))
    }
}

impl VoltageTerm {
    /// E_t of one unit.
    pub(crate) fn error<T: Real>(&self, v: T) -> T {
        let excess = (v.abs() - T::from_f64(self.bound)).at_least(T::zero());
        T::from_f64(0.5 * self.weight) * excess * excess
    }

    /// ∂E_t/∂v_t.
    #[inline]
    pub(crate) fn slope<T: Real>(&self, v: T) -> T {
        let excess = T::from_f64(self.weight) * (v.abs() - T::from_f64(self.bound)).at_least(T::zero());
        excess.if_or(v >= T::zero(), -excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let rate = RateTerm { target: 0.1, weight: 2.0, decay: 0.5 };
        // ½·0.1 + ½·1 = 0.55; ½·2·0.45² = 0.2025; 2·0.45 = 0.9. Then ½·0.55 = 0.275.
        let r: f64 = rate.follow(None, 1.0);
        assert!((r - 0.55).abs() < 1e-15 && (rate.error(r) - 0.2025).abs() < 1e-15 && (rate.slope(r) - 0.9).abs() < 1e-15);
        assert!((rate.follow(Some(r), 0.0) - 0.275).abs() < 1e-15);
        let voltage = VoltageTerm { bound: 1.0, weight: 4.0 };
        assert_eq!([0.5, -1.0, 1.5, -2.0].map(|v: f64| voltage.error(v)), [0.0, 0.0, 0.5, 2.0]);
        assert_eq!([0.5, -1.0, 1.5, -2.0].map(|v: f64| voltage.slope(v)), [0.0, 0.0, 2.0, -4.0]);
    }

    #[test]
    fn ranges() {
        assert!(Activity::rate(0.05, 1.0).with_voltage(2.0, 0.1).validate().is_ok());
        for (activity, word) in [
            (Activity::rate(1.5, 1.0), "rate.target"),
            (Activity::rate(0.1, f64::NAN), "rate.weight"),
            (Activity::default().with_voltage(-1.0, 1.0), "voltage.bound"),
            (Activity { rate: Some(RateTerm { target: 0.1, weight: 1.0, decay: 1.0 }), voltage: None }, "rate.decay"),
        ] {
            assert!(activity.validate().unwrap_err().to_string().contains(word));
        }
    }
}
