//! Store and recall: hold one bit until it is recalled.

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::settings::{LONGEST, Source, within};
use crate::metric::Metric;
use crate::random::{Draws, Purpose};
use crate::split::Split;
use crate::task::{Goal, Task};

/// Settings of [`StoreRecall`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `delay` | 20 | most steps from store to recall | 1 … 1 000 000 |
/// | `min_delay` | half of `delay`, or more if the distractors need it | fewest steps from store to recall | 1 … `delay` |
/// | `distractors` | 3 | values shown between store and recall | 0 … `min_delay` − 1 |
/// | `lead_in` | 0 | most steps before store | 0 … 1 000 000 |
/// | `train` | 512 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 128 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 128 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreRecallConfig {
    /// Most steps from store to recall.
    pub delay: usize,
    /// Fewest steps from store to recall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_delay: Option<usize>,
    /// Values shown between store and recall, which must not be stored.
    pub distractors: usize,
    /// Most steps before store, which may hold values that must not be stored either.
    pub lead_in: usize,
    /// Number of sequences of the train split.
    pub train: usize,
    /// Number of sequences of the valid split.
    pub valid: usize,
    /// Number of sequences of the test split.
    pub test: usize,
    /// What all sequences are drawn from.
    pub seed: u64,
}

impl Default for StoreRecallConfig {
    fn default() -> Self {
        Self { delay: 20, min_delay: None, distractors: 3, lead_in: 0, train: 512, valid: 128, test: 128, seed: 1 }
    }
}

impl StoreRecallConfig {
    /// Fewest steps from store to recall, where it is not set: half of the most, but enough for the distractors.
    fn min_delay(&self) -> usize {
        self.min_delay.unwrap_or_else(|| (self.delay / 2).max(self.distractors.saturating_add(1)).min(self.delay))
    }

    fn validate(&self) -> Result<(), ConfigError> {
        within("delay", self.delay, 1..=LONGEST, "")?;
        within("min_delay", self.min_delay(), 1..=self.delay, ", the `delay`")?;
        let room = self.min_delay() - 1;
        within("distractors", self.distractors, 0..=room, ", the steps between store and recall at the shortest delay")?;
        within("lead_in", self.lead_in, 0..=LONGEST, "")
    }
}

/// A latch: a bit is shown together with a store cue, further bits follow without one, and at the recall cue the stored bit
/// is the target.
///
/// The one-bit STORE-RECALL task of Salaj et al., "Spike frequency adaptation supports network computations on temporally
/// dispersed information", eLife 2021, in steps of one symbol: each symbol is one input instead of a population of spiking
/// neurons, and the values in between are few. It goes back to the latch problem of Bengio, Simard and Frasconi, "Learning
/// long-term dependencies with gradient descent is difficult", IEEE Transactions on Neural Networks 1994.
///
/// - four inputs, zero or one: the value zero, the value one, the store cue, the recall cue;
/// - step 0 is store; recall is the last step, a delay later that is drawn evenly from `min_delay` … `delay`; the
///   distractors lie at distinct steps between them;
/// - with a `lead_in`, a number of steps drawn evenly from 0 … `lead_in` comes before store; each of them shows zero, one or
///   nothing, equally likely;
/// - two classes, the stored bit; the only target is at recall; guessing costs ln 2 = 0.693 nats and is right half the time.
///
/// Sequence i of a split is drawn from (seed, split, i) when it is written, so none is held, and is the same on every
/// machine.
#[derive(Clone, Debug)]
pub struct StoreRecall {
    config: StoreRecallConfig,
    source: Source,
}

/// Input of the store cue; the inputs before it are the values zero and one.
const STORE: usize = 2;
/// Input of the recall cue.
const RECALL: usize = 3;

impl StoreRecall {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`StoreRecallConfig`] gives.
    pub fn new(config: StoreRecallConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let source = Source::new(Purpose::StoreRecall, config.seed, [config.train, config.valid, config.test])?;
        Ok(Self { config, source })
    }

    /// The settings.
    pub fn config(&self) -> &StoreRecallConfig {
        &self.config
    }

    /// The steps of store and recall, and the draws that the rest of the sequence is made of.
    #[track_caller]
    fn begin(&self, split: Split, index: usize) -> (usize, usize, Draws) {
        let mut draws = self.source.draws(split, index);
        let shortest = self.config.min_delay();
        let delay = shortest + draws.below((self.config.delay - shortest) as u64 + 1) as usize;
        // No draw without a lead-in: the sequences are those from before there was this setting.
        let store = if self.config.lead_in == 0 { 0 } else { draws.below(self.config.lead_in as u64 + 1) as usize };
        (store, store + delay, draws)
    }
}

impl Task for StoreRecall {
    fn name(&self) -> &str {
        "store-recall"
    }

    fn inputs(&self) -> usize {
        4
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
        let (store, recall, mut draws) = self.begin(split, index);
        for step in 0..store {
            let input = batch.input_mut(stream, step);
            input.fill(0.0);
            if let value @ 0..2 = draws.below(3) as usize {
                input[value] = 1.0;
            }
        }
        let bit = draws.below(2) as usize;
        let first = batch.input_mut(stream, store);
        first.fill(0.0);
        first[bit] = 1.0;
        first[STORE] = 1.0;
        // Each set of steps is equally likely if a step is taken with the chance (still needed)/(still to come)
        // (selection sampling; Knuth's Algorithm S).
        let mut wanted = self.config.distractors;
        for step in store + 1..recall {
            let input = batch.input_mut(stream, step);
            input.fill(0.0);
            if draws.below((recall - step) as u64) < wanted as u64 {
                input[draws.below(2) as usize] = 1.0;
                wanted -= 1;
            }
        }
        let last = batch.input_mut(stream, recall);
        last.fill(0.0);
        last[RECALL] = 1.0;
        batch.set_class(stream, recall, bit);
    }

    /// 95 % right, as in the paper; nothing is left to chance.
    fn goal(&self) -> Option<Goal> {
        Some(Goal { metric: Metric::Accuracy, reach: 0.95, best: Some(1.0) })
    }

    /// ln 2: both bits are equally likely.
    fn chance(&self) -> Option<f64> {
        Some(std::f64::consts::LN_2)
    }

    /// One half.
    fn chance_accuracy(&self) -> Option<f64> {
        Some(0.5)
    }
}
