//! What is saved of an optimiser, by name: settings, number of updates, and what its rule keeps for each parameter.

use serde::{Deserialize, Serialize};

use super::{InUse, Optimizer, OptimizerSettings, Rule, UpdateRule};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::record::{Book, refused};
use crate::refusal::ConfigError;

/// Where the settings stand.
const SETTINGS: &str = "optimizer.settings";

/// A rule as it is saved: a ready one with its settings, of another the name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum SavedRule {
    Ready(Rule),
    Own { own: String },
}

impl<T: Real> Optimizer<T> {
    /// Settings, number of updates and what the rule keeps, by name. A ready rule is taken over as it was saved, a custom one must be
    /// the same by name, and has the settings that it has here.
    pub(crate) fn pass(&mut self, network: &Network<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let rule = match &self.settings.rule {
            InUse::Ready(rule) => SavedRule::Ready(*rule),
            InUse::Own(rule) => SavedRule::Own { own: rule.name().to_owned() },
        };
        let OptimizerSettings { learning_rate, clip_norm, .. } = self.settings;
        let mut text = serde_json::to_string(&OptimizerSettings { rule, learning_rate, clip_norm })
            .map_err(|error| refused(SETTINGS, &error.to_string(), "numbers"))?;
        book.text(SETTINGS, &mut text)?;
        if book.restores() {
            *self = self.of_text(&text, network.parameters.len())?;
        }
        book.number("optimizer.updates", &mut self.updates, 1 << 53)?;
        book.array("optimizer.owed_decay", &[], std::slice::from_mut(&mut self.owed_decay))?;
        let rule = &self.settings.rule;
        for (name, values) in rule.state().iter().zip(&mut self.state) {
            network.pass_by_block(&format!("optimizer.{name}."), book, values)?;
            if let Some(value) = values.iter().find(|&&value| !rule.allows(name, value)) {
                let allowed = format!("what {} can have kept", rule.name());
                return Err(refused(&format!("optimizer.{name}"), &value.to_string(), &allowed));
            }
        }
        Ok(())
    }

    /// With settings that were saved, and zero in what the rule keeps.
    fn of_text(&self, text: &str, parameters: usize) -> Result<Self, ConfigError> {
        let saved: OptimizerSettings<SavedRule> = serde_json::from_str(text)
            .map_err(|error| refused(SETTINGS, text, &format!("settings of an optimiser: {error}")))?;
        let rule = match (saved.rule, &self.settings.rule) {
            (SavedRule::Ready(rule), InUse::Ready(_)) => InUse::Ready(rule),
            (SavedRule::Own { own }, rule @ InUse::Own(_)) if own == rule.name() => rule.clone(),
            (_, rule) => return Err(refused(SETTINGS, text, &format!("those of this learner's rule, {}", rule.name()))),
        };
        let settings = OptimizerSettings { rule, learning_rate: saved.learning_rate, clip_norm: saved.clip_norm };
        settings.check_in_use::<T>()?;
        Ok(Self::begun(settings, parameters))
    }
}
