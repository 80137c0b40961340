//! Temporal XOR: are two bits, shown one after the other, different?

use std::borrow::Cow;

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::settings::{LONGEST, Source, fewest, within};
use crate::metric::Metric;
use crate::random::{Draws, Purpose};
use crate::split::Split;
use crate::task::{Goal, Task};

/// Settings of [`TemporalXor`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `gap` | 10 | most steps from the first bit to the second | 1 … 1 000 000 |
/// | `min_gap` | half of `gap`, rounded up | fewest | 1 … `gap` |
/// | `delay` | 10 | most steps from the second bit to the answer | 1 … 1 000 000 |
/// | `min_delay` | half of `delay`, rounded up | fewest | 1 … `delay` |
/// | `train` | 512 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 128 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 128 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TemporalXorConfig {
    /// Most steps from the first bit to the second.
    pub gap: usize,
    /// Fewest steps from the first bit to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_gap: Option<usize>,
    /// Most steps from the second bit to the answer.
    pub delay: usize,
    /// Fewest steps from the second bit to the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_delay: Option<usize>,
    /// Number of sequences of the train split.
    pub train: usize,
    /// Number of sequences of the valid split.
    pub valid: usize,
    /// Number of sequences of the test split.
    pub test: usize,
    /// What all sequences are drawn from.
    pub seed: u64,
}

impl Default for TemporalXorConfig {
    fn default() -> Self {
        Self { gap: 10, min_gap: None, delay: 10, min_delay: None, train: 512, valid: 128, test: 128, seed: 1 }
    }
}

/// Compare what is shown now with what was shown before: two bits at different times, and after a further delay the question whether they
/// differ. No unit that adds its inputs up can decide it, and neither bit alone says anything.
///
/// The exclusive or in time is of Elman, "Finding structure in time", Cognitive Science 1990; here each sequence asks once, after delays, as
/// delayed match to sample does.
///
/// - three inputs, zero or one: the bit zero, the bit one, the recall cue;
/// - the first bit at step 0, the second a gap later that is drawn evenly from `min_gap` … `gap`, the cue at the last step, a delay later
///   that is drawn evenly from `min_delay` … `delay`; nothing at the other steps;
/// - two classes, same and different; the only target is at the cue; guessing costs ln 2 = 0.693 nats and is right half the time.
#[derive(Clone, Debug)]
pub struct TemporalXor {
    config: TemporalXorConfig,
    source: Source,
}

/// Input of the recall cue; the inputs before it are the bits zero and one.
const RECALL: usize = 2;

impl TemporalXor {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`TemporalXorConfig`] gives.
    pub fn new(config: TemporalXorConfig) -> Result<Self, ConfigError> {
        within("gap", config.gap, 1..=LONGEST, "")?;
        within("min_gap", fewest(config.min_gap, config.gap), 1..=config.gap, ", the `gap`")?;
        within("delay", config.delay, 1..=LONGEST, "")?;
        within("min_delay", fewest(config.min_delay, config.delay), 1..=config.delay, ", the `delay`")?;
        let source = Source::new(Purpose::TemporalXor, config.seed, [config.train, config.valid, config.test])?;
        Ok(Self { config, source })
    }

    /// The settings.
    pub fn config(&self) -> &TemporalXorConfig {
        &self.config
    }

    /// The steps of the second bit and of the cue, and the draws that the rest of the sequence is made of.
    #[track_caller]
    fn begin(&self, split: Split, index: usize) -> (usize, usize, Draws) {
        let mut draws = self.source.draws(split, index);
        let mut stretch = |set, most| {
            let fewest = fewest(set, most);
            fewest + draws.below((most - fewest) as u64 + 1) as usize
        };
        let second = stretch(self.config.min_gap, self.config.gap);
        let cue = second + stretch(self.config.min_delay, self.config.delay);
        (second, cue, draws)
    }
}

impl Task for TemporalXor {
    fn name(&self) -> &str {
        "temporal-xor"
    }

    fn inputs(&self) -> usize {
        3
    }

    fn outputs(&self) -> usize {
        2
    }

    fn loss(&self) -> Loss {
        Loss::SoftmaxCrossEntropy
    }

    fn sequences(&self, split: Split) -> usize {
        self.source.sequences(split)
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.begin(split, index).1 + 1
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let (second, cue, mut draws) = self.begin(split, index);
        let bits = [draws.below(2) as usize, draws.below(2) as usize];
        for step in 0..=cue {
            let input = batch.input_mut(stream, step);
            input.fill(0.0);
            match step {
                0 => input[bits[0]] = 1.0,
                _ if step == second => input[bits[1]] = 1.0,
                _ if step == cue => input[RECALL] = 1.0,
                _ => (),
            }
        }
        batch.set_class(stream, cue, usize::from(bits[0] != bits[1]));
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        if class == 0 { "same".into() } else { "different".into() }
    }

    /// 99 % right; nothing is left to chance.
    fn goal(&self) -> Option<Goal> {
        Some(Goal { metric: Metric::Accuracy, reach: 0.99, best: Some(1.0) })
    }

    /// ln 2: both answers are equally likely.
    fn chance(&self) -> Option<f64> {
        Some(std::f64::consts::LN_2)
    }

    /// One half.
    fn chance_accuracy(&self) -> Option<f64> {
        Some(0.5)
    }
}
