//! Copy memory: repeat a list of symbols after a long pause.

use std::borrow::Cow;

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::settings::{LONGEST, Source, within};
use crate::metric::Metric;
use crate::random::Purpose;
use crate::split::Split;
use crate::task::{Goal, Task};

/// Which steps of [`CopyMemory`] have a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyTargets {
    /// Those at which a symbol is to be recalled; the classes are the symbols.
    #[default]
    Recall,
    /// All of them, as Arjovsky et al. have it; one more class stands for "nothing to recall yet".
    All,
}

/// Settings of [`CopyMemory`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `symbols` | 8 | kinds of symbols | 2 … 1 000 |
/// | `length` | 10 | symbols to remember | 1 … 1 000 |
/// | `delay` | 20 | steps from the last symbol to the recall cue | 1 … 1 000 000 |
/// | `targets` | `recall` | at `all` steps, or only at `recall` | |
/// | `train` | 512 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 128 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 128 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopyMemoryConfig {
    /// Kinds of symbols.
    pub symbols: usize,
    /// Symbols to remember.
    pub length: usize,
    /// Steps from the last symbol to the recall cue.
    pub delay: usize,
    /// Which steps have a target.
    pub targets: CopyTargets,
    /// Number of sequences of the train split.
    pub train: usize,
    /// Number of sequences of the valid split.
    pub valid: usize,
    /// Number of sequences of the test split.
    pub test: usize,
    /// What all sequences are drawn from.
    pub seed: u64,
}

impl Default for CopyMemoryConfig {
    fn default() -> Self {
        let targets = CopyTargets::Recall;
        Self { symbols: 8, length: 10, delay: 20, targets, train: 512, valid: 128, test: 128, seed: 1 }
    }
}

/// Repeat what was said: `length` symbols are shown one after the other, nothing for a while, and after a recall cue they are to be
/// named in the same order.
///
/// Of Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997, in the form of Arjovsky, Shah and Bengio, "Unitary
/// evolution recurrent neural networks", ICML 2016. With T = `delay`, L = `length` and S = `symbols`:
///
/// - T + 2 L steps. One input is one at each, the others zero: a symbol (inputs 0 … S − 1) at steps 0 … L − 1, the recall cue (input
///   S + 1) at step L + T − 1, and "nothing" (input S) at all others;
/// - at the last L steps the symbols are the targets, in their order;
/// - with `targets = "recall"` there are S classes and targets at those steps alone: guessing costs ln S nats a target;
/// - with `targets = "all"` there are S + 1 classes and a target at every step, "nothing" (class S) before recall: one who knows when to
///   guess but not what pays L ln S / (T + 2 L) nats a step.
#[derive(Clone, Debug)]
pub struct CopyMemory {
    config: CopyMemoryConfig,
    source: Source,
}

impl CopyMemory {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`CopyMemoryConfig`] gives.
    pub fn new(config: CopyMemoryConfig) -> Result<Self, ConfigError> {
        within("symbols", config.symbols, 2..=1_000, "")?;
        within("length", config.length, 1..=1_000, "")?;
        within("delay", config.delay, 1..=LONGEST, "")?;
        let source = Source::new(Purpose::CopyMemory, config.seed, [config.train, config.valid, config.test])?;
        Ok(Self { config, source })
    }

    /// The settings.
    pub fn config(&self) -> &CopyMemoryConfig {
        &self.config
    }

    /// Steps of every sequence.
    fn length(&self) -> usize {
        self.config.delay + 2 * self.config.length
    }

    /// Fraction of the targets that are symbols.
    fn asked(&self) -> f64 {
        match self.config.targets {
            CopyTargets::Recall => 1.0,
            CopyTargets::All => self.config.length as f64 / self.length() as f64,
        }
    }
}

impl Task for CopyMemory {
    fn name(&self) -> &str {
        "copy-memory"
    }

    fn inputs(&self) -> usize {
        self.config.symbols + 2
    }

    fn outputs(&self) -> usize {
        match self.config.targets {
            CopyTargets::Recall => self.config.symbols,
            CopyTargets::All => self.config.symbols + 1,
        }
    }

    fn loss(&self) -> Loss {
        Loss::SoftmaxCrossEntropy
    }

    fn sequences(&self, split: Split) -> usize {
        self.source.sequences(split)
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.source.draws(split, index);
        self.length()
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let CopyMemoryConfig { symbols, length, delay, targets, .. } = self.config;
        let mut draws = self.source.draws(split, index);
        let first_asked = length + delay;
        for step in 0..self.length() {
            let shown = match step {
                _ if step < length => draws.below(symbols as u64) as usize,
                _ if step + 1 == first_asked => symbols + 1,
                _ => symbols,
            };
            let input = batch.input_mut(stream, step);
            input.fill(0.0);
            input[shown] = 1.0;
            if targets == CopyTargets::All && step < first_asked {
                batch.set_class(stream, step, symbols);
            }
            if step < length {
                batch.set_class(stream, first_asked + step, shown);
            }
        }
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        if class == self.config.symbols { "nothing".into() } else { class.to_string().into() }
    }

    /// 99 % of the symbols recalled; nothing is left to chance.
    fn goal(&self) -> Option<Goal> {
        Some(Goal { metric: Metric::Accuracy, reach: 1.0 - 0.01 * self.asked(), best: Some(1.0) })
    }

    /// ln S wherever a symbol is the target, all of them equally likely.
    fn chance(&self) -> Option<f64> {
        Some(self.asked() * (self.config.symbols as f64).ln())
    }

    /// One in S wherever a symbol is the target.
    fn chance_accuracy(&self) -> Option<f64> {
        Some(1.0 - self.asked() + self.asked() / self.config.symbols as f64)
    }
}
