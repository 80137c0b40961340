//! What is measured of a network beside its loss.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A figure by which a network is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Metric {
    /// Mean loss at a target, in nats for the two cross-entropies.
    Loss,
    /// Fraction of the targets for which the largest output was the right class, 0 … 1.
    Accuracy,
    /// Fraction of the sequences for which the class with the largest probability, as the product over the steps with a target, was the right
    /// one, 0 … 1. For tasks whose sequences belong to one class each.
    SequenceAccuracy,
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

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 8] = [
        Metric::Loss,
        Metric::Accuracy,
        Metric::SequenceAccuracy,
        Metric::Perplexity,
        Metric::BitsPerCharacter,
        Metric::R2,
        Metric::Nrmse,
        Metric::FrameAccuracy,
    ];

    /// The metric's name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Loss => "loss",
            Metric::Accuracy => "accuracy",
            Metric::SequenceAccuracy => "sequence-accuracy",
            Metric::Perplexity => "perplexity",
            Metric::BitsPerCharacter => "bits-per-character",
            Metric::R2 => "r2",
            Metric::Nrmse => "nrmse",
            Metric::FrameAccuracy => "frame-accuracy",
        }
    }

    /// Whether more is better.
    pub fn larger_is_better(self) -> bool {
        matches!(self, Metric::Accuracy | Metric::SequenceAccuracy | Metric::R2 | Metric::FrameAccuracy)
    }

    /// Whether `value` is better than `other`.
    pub fn is_better(self, value: f64, other: f64) -> bool {
        if self.larger_is_better() { value > other } else { value < other }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_string(&metric).unwrap(), format!("\"{metric}\""));
        }
        assert!(Metric::R2.is_better(0.9, 0.8) && Metric::Perplexity.is_better(80.0, 90.0));
    }
}
