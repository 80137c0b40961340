//! A rule with its learning rate and its clipping, and which of these make sense in the precision that they run in.

use serde::{Deserialize, Serialize};

use super::in_use::InUse;
use super::ready::Rule;
use super::rule::{MOST_STATE, UpdateRule};
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// An update rule, its learning rate and its clipping: a ready [`Rule`], or an [`UpdateRule`] of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSettings<R = Rule> {
    /// The update rule.
    pub rule: R,
    /// η, positive, and finite in the precision that it is used in.
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

    /// RMSprop with α = 0.99, ε = 1e-8, neither centred nor with momentum.
    pub fn rms_prop(learning_rate: f64) -> Self {
        let rule = Rule::RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, centred: false };
        Self { rule, learning_rate, clip_norm: None }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the value and what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check("learning_rate", self.learning_rate, self.learning_rate > 0.0, || "a positive number".into())?;
        self.check_clip_norm()?;
        self.rule.check_ranges()?;
        check_decay(self.rule.decay(), self.learning_rate)
    }
}

impl<R> OptimizerSettings<R> {
    /// Any rule at a learning rate, without clipping.
    pub fn new(rule: R, learning_rate: f64) -> Self {
        Self { rule, learning_rate, clip_norm: None }
    }

    /// The same with the gradient's global norm clipped.
    #[must_use]
    pub fn clipped(self, norm: f64) -> Self {
        Self { clip_norm: Some(norm), ..self }
    }

    /// Checks every value, and that each is still what it is meant to be where parameters are `T`: in single precision an ε of 1e-46 is
    /// zero, and a β of 0.99999999 is one.
    ///
    /// # Errors
    /// Names the value and what is allowed.
    pub fn validate_for<T: Real>(&self) -> Result<(), ConfigError>
    where
        R: UpdateRule<T>,
    {
        check("learning_rate", self.learning_rate, self.learning_rate > 0.0, || "a positive number".into())?;
        self.check_clip_norm()?;
        self.rule.check()?;
        check_decay(self.rule.weight_decay(), self.learning_rate)?;
        check_normal::<T>("learning_rate", self.learning_rate)?;
        self.check_where::<T>()
    }

    /// The same as an optimiser has it.
    pub(crate) fn in_use<T: Real>(self) -> OptimizerSettings<InUse<T>>
    where
        R: UpdateRule<T>,
    {
        let Self { rule, learning_rate, clip_norm } = self;
        OptimizerSettings { rule: InUse::new(rule), learning_rate, clip_norm }
    }

    /// The same of settings in use, of which a schedule may have brought the learning rate to 0.
    pub(super) fn check_in_use<T: Real>(&self) -> Result<(), ConfigError>
    where
        R: UpdateRule<T>,
    {
        self.check_clip_norm()?;
        self.rule.check()?;
        self.check_where::<T>()?;
        self.check_rate::<T>(self.learning_rate)
    }

    /// Checks a learning rate that is to take the place of these settings' own; 0 is allowed, where a schedule may end.
    pub(super) fn check_rate<T: Real>(&self, rate: f64) -> Result<(), ConfigError>
    where
        R: UpdateRule<T>,
    {
        let in_use = T::from_f64(rate);
        let holds = in_use >= T::zero() && in_use.is_finite();
        check("learning_rate", rate, holds, || format!("0 to {:e} in {}", T::LARGEST, T::NAME))?;
        check_decay(self.rule.weight_decay(), rate)
    }

    /// What only the precision says.
    fn check_where<T: Real>(&self) -> Result<(), ConfigError>
    where
        R: UpdateRule<T>,
    {
        let kept = self.rule.state().len();
        if kept > MOST_STATE {
            let rule = format!("{} with {kept} values a parameter", self.rule.name());
            return Err(ConfigError::out_of_range("rule", rule, format!("one with at most {MOST_STATE}")));
        }
        let names = self.rule.state();
        if let Some(twice) = (1..kept).find(|&at| names[..at].contains(&names[at])) {
            let rule = format!("{} with two values named {}", self.rule.name(), names[twice]);
            return Err(ConfigError::out_of_range("rule", rule, "one whose names differ"));
        }
        self.clip_norm.map_or(Ok(()), |norm| check_normal::<T>("clip_norm", norm))
    }

    fn check_clip_norm(&self) -> Result<(), ConfigError> {
        self.clip_norm.map_or(Ok(()), |norm| check("clip_norm", norm, norm > 0.0, || "a positive number".into()))
    }
}

/// Weights decay by rate · λ of themselves at an update.
fn check_decay(decay: f64, rate: f64) -> Result<(), ConfigError> {
    check("weight_decay", decay, decay >= 0.0, || "0 or more".into())?;
    check("weight_decay", decay, rate * decay <= 1.0, || {
        format!("at most 1 / learning_rate = {}: more than the whole of a weight would decay at an update", 1.0 / rate)
    })
}

/// Whether a value is positive and held to full precision where parameters are `T`.
pub(super) fn check_normal<T: Real>(field: &str, value: f64) -> Result<(), ConfigError> {
    let in_use = T::from_f64(value);
    let holds = in_use.to_f64() >= T::SMALLEST_NORMAL && in_use.is_finite();
    check(field, value, holds, || format!("{:e} to {:e} in {}", T::SMALLEST_NORMAL, T::LARGEST, T::NAME))
}

pub(super) fn check(field: &str, value: f64, holds: bool, allowed: impl Fn() -> String) -> Result<(), ConfigError> {
    if holds && value.is_finite() {
        return Ok(());
    }
    // Hundreds of digits say less than an exponent.
    let is_plain = value == 0.0 || (1e-5..1e16).contains(&value.abs()) || !value.is_finite();
    let value = if is_plain { value.to_string() } else { format!("{value:e}") };
    Err(ConfigError::out_of_range(field, value, allowed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        for (settings, field) in [
            (OptimizerSettings::sgd(0.0), "learning_rate"),
            (OptimizerSettings::sgd(f64::NAN), "learning_rate"),
            (OptimizerSettings::sgd(f64::INFINITY), "learning_rate"),
            (OptimizerSettings::momentum(0.1, 1.0), "momentum"),
            (OptimizerSettings::adam(0.1).clipped(-1.0), "clip_norm"),
            (OptimizerSettings::adam_w(0.1, -1.0), "weight_decay"),
            (OptimizerSettings::adam_w(0.1, f64::NAN), "weight_decay"),
            (OptimizerSettings::adam_w(0.1, 10.5), "weight_decay"),
        ] {
            let error = settings.validate().unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
            assert_eq!(settings.validate_for::<f64>().unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn settings_are_those_of_the_precision_they_run_in() {
        let adam = |beta1, beta2, epsilon| OptimizerSettings {
            rule: Rule::Adam { beta1, beta2, epsilon },
            ..OptimizerSettings::adam(0.1)
        };
        for (settings, field) in [
            (OptimizerSettings::sgd(1e-46), "learning_rate"),
            (OptimizerSettings::sgd(1e300), "learning_rate"),
            (OptimizerSettings::adam(1e39), "learning_rate"),
            (OptimizerSettings::sgd(0.1).clipped(1e-46), "clip_norm"),
            (OptimizerSettings::sgd(0.1).clipped(1e39), "clip_norm"),
            (OptimizerSettings::momentum(0.1, 1.0 - 1e-9), "momentum"),
            (adam(1.0 - 1e-9, 0.9, 1e-8), "beta1"),
            (adam(0.9, 1.0 - 1e-9, 1e-8), "beta2"),
            (adam(0.9, 0.999, 1e-46), "epsilon"),
            (adam(0.9, 0.999, 1e39), "epsilon"),
        ] {
            settings.validate_for::<f64>().unwrap();
            let error = settings.validate_for::<f32>().unwrap_err().to_string();
            assert!(
                error.starts_with(field)
                    && error.ends_with(if field.contains("beta") || field == "momentum" { "1" } else { "f32" }),
                "{error}"
            );
        }
        for usual in
            [OptimizerSettings::sgd(1e-12), OptimizerSettings::adam_w(1e-5, 0.0).clipped(1e9), adam(0.0, 0.99999, 1e-30)]
        {
            usual.validate_for::<f32>().unwrap();
        }
    }
}
