//! The `[optimizer]` section.

use ostl_core::{OptimizerSettings, Rule, Schedule};
use serde::{Deserialize, Serialize};

use super::OutOfRange;

/// Name of an update rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RuleName {
    Sgd,
    Momentum,
    Adam,
    AdamW,
    RmsProp,
}

impl RuleName {
    fn name(self) -> &'static str {
        match self {
            RuleName::Sgd => "sgd",
            RuleName::Momentum => "momentum",
            RuleName::Adam => "adam",
            RuleName::AdamW => "adamw",
            RuleName::RmsProp => "rmsprop",
        }
    }

    /// The settings that this rule has beside its learning rate.
    fn settings(self) -> &'static [&'static str] {
        match self {
            RuleName::Sgd => &[],
            RuleName::Momentum => &["momentum"],
            RuleName::Adam => &["beta1", "beta2", "epsilon"],
            RuleName::AdamW => &["beta1", "beta2", "epsilon", "weight_decay"],
            RuleName::RmsProp => &["alpha", "epsilon", "momentum", "centred"],
        }
    }
}

/// An optimiser as it stands in a configuration. What is left out takes the rule's usual value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimizerConfig {
    rule: RuleName,
    learning_rate: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beta1: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beta2: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epsilon: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    centred: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clip_norm: Option<f64>,
    /// Positions are epochs.
    #[serde(default)]
    pub(super) schedule: Schedule,
    /// When the learning rate follows it.
    #[serde(default)]
    pub(super) schedule_every: ScheduleEvery,
}

/// When the learning rate follows its schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScheduleEvery {
    /// At the start of every epoch.
    #[default]
    Epoch,
    /// Before every batch, or stretch of a text, at that share of its epoch.
    Batch,
}

impl ScheduleEvery {
    /// Where a schedule is, in epochs, after `epochs` of them and `part` of the `parts` parts of the next.
    pub(crate) fn position(self, epochs: u64, part: usize, parts: usize) -> f64 {
        match self {
            ScheduleEvery::Epoch => epochs as f64,
            ScheduleEvery::Batch => epochs as f64 + part as f64 / parts.max(1) as f64,
        }
    }
}

impl OptimizerConfig {
    pub(super) fn settings(&self) -> OptimizerSettings {
        let beta1 = self.beta1.unwrap_or(0.9);
        let beta2 = self.beta2.unwrap_or(0.999);
        let epsilon = self.epsilon.unwrap_or(1e-8);
        let rule = match self.rule {
            RuleName::Sgd => Rule::Sgd,
            RuleName::Momentum => Rule::Momentum { momentum: self.momentum.unwrap_or(0.9) },
            RuleName::Adam => Rule::Adam { beta1, beta2, epsilon },
            RuleName::AdamW => Rule::AdamW { beta1, beta2, epsilon, weight_decay: self.weight_decay.unwrap_or(0.01) },
            RuleName::RmsProp => Rule::RmsProp {
                alpha: self.alpha.unwrap_or(0.99),
                epsilon,
                momentum: self.momentum.unwrap_or(0.0),
                centred: self.centred.unwrap_or(false),
            },
        };
        OptimizerSettings { rule, learning_rate: self.learning_rate, clip_norm: self.clip_norm }
    }

    /// Checks every value, for runs of `epochs` epochs.
    pub(super) fn validate(&self, epochs: u64) -> Result<(), OutOfRange> {
        let number = |value: Option<f64>| value.map(|value| value.to_string());
        let given = [
            ("momentum", number(self.momentum)),
            ("beta1", number(self.beta1)),
            ("beta2", number(self.beta2)),
            ("alpha", number(self.alpha)),
            ("epsilon", number(self.epsilon)),
            ("weight_decay", number(self.weight_decay)),
            ("centred", self.centred.map(|value| value.to_string())),
        ];
        for (key, value) in given {
            // Silently ignored, such a setting would be believed to have had an effect.
            if let Some(value) = value.filter(|_| !self.rule.settings().contains(&key)) {
                return Err(OutOfRange::new(
                    key,
                    value,
                    format!("left out: rule \"{}\" has no such setting", self.rule.name()),
                ));
            }
        }
        // Training is in single precision.
        self.settings().validate_for::<f32>()?;
        self.schedule.validate()?;
        let peak = self.schedule.peak(epochs.saturating_sub(1) as f64);
        let highest = OptimizerSettings { learning_rate: self.learning_rate * peak, ..self.settings() };
        if highest.validate_for::<f32>().is_err() {
            let allowed =
                format!("such that the learning rate stays in range: after {epochs} epochs it has grown {peak:e} times");
            return Err(OutOfRange::new("schedule.factor", "too large", allowed));
        }
        Ok(())
    }
}
