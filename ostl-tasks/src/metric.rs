//! What is measured of a network beside its loss.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A figure by which a network is judged.
///
/// In files it goes by its [`name`](Metric::name); `balanced_accuracy` is read as `balanced-accuracy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Mean loss at a target, in nats for the two cross-entropies.
    Loss,
    /// Fraction of the targets for which the largest output was the right class, 0 … 1.
    Accuracy,
    /// Fraction of the sequences for which the class with the largest probability, as the product over the steps with a target, was the right
    /// one, 0 … 1. For tasks whose sequences belong to one class each.
    SequenceAccuracy,
    /// Mean of the recall of the classes that have a target, 0 … 1: whoever always answers the same class has one in the number of classes
    /// (scikit-learn's `balanced_accuracy_score`).
    BalancedAccuracy,
    /// Mean over classes of F1 = 2 · hits / (targets + answers), 0 … 1; of all classes that are a target or an answer at least once
    /// (scikit-learn's `f1_score` with `average="macro"`).
    MacroF1,
    /// Of the targets of this class, the fraction that was hit, 0 … 1. Not defined where it has none. Called `recall-3` of class 3.
    Recall(u32),
    /// exp of the mean loss: of how many equally likely words the network is in doubt.
    Perplexity,
    /// Mean loss in bits: of a character of a text.
    BitsPerCharacter,
    /// 1 − Σ(target − output)² / Σ(target − mean of that target)², over all targets, mean over outputs that vary (R²).
    R2,
    /// Root of the mean squared error, divided by the root of the targets' mean variance.
    Nrmse,
    /// Hits / (hits + misses + false alarms) over all outputs of all steps, an output counting as on above 0.5: the accuracy of
    /// polyphonic music (Bay, Ehmann and Downie, "Evaluation of multiple-F0 estimation and tracking systems", ISMIR 2009).
    FrameAccuracy,
}

/// What the name of the recall of a class begins with.
const RECALL: &str = "recall-";

/// The names, for errors.
const NAMES: &[&str] = &[
    "loss",
    "accuracy",
    "sequence-accuracy",
    "balanced-accuracy",
    "macro-f1",
    "recall-0",
    "recall-1",
    "perplexity",
    "bits-per-character",
    "r2",
    "nrmse",
    "frame-accuracy",
];

impl Metric {
    /// All of them but the recall of single classes.
    pub const ALL: [Metric; 10] = [
        Metric::Loss,
        Metric::Accuracy,
        Metric::SequenceAccuracy,
        Metric::BalancedAccuracy,
        Metric::MacroF1,
        Metric::Perplexity,
        Metric::BitsPerCharacter,
        Metric::R2,
        Metric::Nrmse,
        Metric::FrameAccuracy,
    ];

    /// The metric's name in files and reports.
    pub fn name(self) -> Cow<'static, str> {
        let name = match self {
            Metric::Loss => "loss",
            Metric::Accuracy => "accuracy",
            Metric::SequenceAccuracy => "sequence-accuracy",
            Metric::BalancedAccuracy => "balanced-accuracy",
            Metric::MacroF1 => "macro-f1",
            Metric::Recall(class) => return format!("{RECALL}{class}").into(),
            Metric::Perplexity => "perplexity",
            Metric::BitsPerCharacter => "bits-per-character",
            Metric::R2 => "r2",
            Metric::Nrmse => "nrmse",
            Metric::FrameAccuracy => "frame-accuracy",
        };
        name.into()
    }

    /// The metric of a name, with hyphens or underscores.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        match name.strip_prefix(RECALL) {
            Some(class) if class.bytes().all(|byte| byte.is_ascii_digit()) => class.parse().ok().map(Metric::Recall),
            _ => Metric::ALL.into_iter().find(|metric| metric.name() == name),
        }
    }

    /// Whether more is better.
    pub fn larger_is_better(self) -> bool {
        matches!(self, Metric::R2) || self.is_fraction()
    }

    /// Whether it is a share of what was to be hit, 0 … 1.
    pub fn is_fraction(self) -> bool {
        matches!(
            self,
            Metric::Accuracy
                | Metric::SequenceAccuracy
                | Metric::BalancedAccuracy
                | Metric::MacroF1
                | Metric::Recall(_)
                | Metric::FrameAccuracy
        )
    }

    /// Whether `value` is better than `other`.
    pub fn is_better(self, value: f64, other: f64) -> bool {
        if self.larger_is_better() { value > other } else { value < other }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Metric::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files() {
        for metric in Metric::ALL.into_iter().chain([0, 12].map(Metric::Recall)) {
            let text = serde_json::to_string(&metric).unwrap();
            assert_eq!(text, format!("\"{metric}\""));
            assert_eq!(serde_json::from_str::<Metric>(&text).unwrap(), metric);
            assert_eq!(Metric::named(&metric.name().replace('-', "_")), Some(metric));
        }
        assert!(NAMES.iter().all(|name| Metric::named(name).is_some()));
        for wrong in ["recall", "recall-", "recall-x", "recall--1", "recall-4294967296", "f1"] {
            let error = serde_json::from_str::<Metric>(&format!("\"{wrong}\"")).unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")) && error.contains("`macro-f1`"), "{error}");
        }
        assert!(Metric::R2.is_better(0.9, 0.8) && Metric::Perplexity.is_better(80.0, 90.0));
        assert!(Metric::Recall(1).is_better(0.9, 0.8) && Metric::MacroF1.larger_is_better());
    }
}
