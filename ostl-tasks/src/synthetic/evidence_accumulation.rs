//! Evidence accumulation: on which side were there more cues?

use std::borrow::Cow;

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::settings::{Source, out_of_range, whole_steps, within, within_real};
use crate::metric::Metric;
use crate::random::{Draws, Purpose};
use crate::split::Split;
use crate::task::{Goal, Task};

/// Longest stretch of a sequence that is accepted, in milliseconds.
const LONGEST: usize = 100_000;

/// Settings of [`EvidenceAccumulation`]. Times are multiples of `step`.
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `step` | 1 | milliseconds of a step | 1 … 1 000 |
/// | `cues` | 7 | cues, an odd number | 1 … 999 |
/// | `cue` | 100 | milliseconds of a cue | `step` … 100 000 |
/// | `gap` | 50 | milliseconds of silence before each cue | 0 … 100 000 |
/// | `delay` | 1500 | most milliseconds from the last cue to recall | 0 … 100 000 |
/// | `min_delay` | 500, or `delay` if that is less | fewest | 0 … `delay` |
/// | `recall` | 150 | milliseconds of recall | `step` … 100 000 |
/// | `neurons` | 10 | input neurons of each of the four groups | 1 … 1 000 |
/// | `rate` | 40.0 | spikes a second of a neuron whose group is on | 1 … 1 000 / `step` |
/// | `noise` | 10.0 | spikes a second of a neuron of the background | 0 … 1 000 / `step` |
/// | `rarer` | 0.3 | how likely a cue is to be on the side that is the less likely one in its sequence | 0 … 0.5 |
/// | `train` | 512 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 128 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 128 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceAccumulationConfig {
    /// Milliseconds of a step.
    pub step: usize,
    /// Number of cues, odd.
    pub cues: usize,
    /// Milliseconds of a cue.
    pub cue: usize,
    /// Milliseconds of silence before each cue.
    pub gap: usize,
    /// Most milliseconds from the last cue to recall.
    pub delay: usize,
    /// Fewest milliseconds from the last cue to recall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_delay: Option<usize>,
    /// Milliseconds of recall.
    pub recall: usize,
    /// Input neurons of each of the four groups.
    pub neurons: usize,
    /// Spikes a second of a neuron whose group is on.
    pub rate: f64,
    /// Spikes a second of a neuron of the background.
    pub noise: f64,
    /// How likely a cue is to be on the less likely side.
    pub rarer: f64,
    /// Number of sequences of the train split.
    pub train: usize,
    /// Number of sequences of the valid split.
    pub valid: usize,
    /// Number of sequences of the test split.
    pub test: usize,
    /// What all sequences are drawn from.
    pub seed: u64,
}

impl Default for EvidenceAccumulationConfig {
    fn default() -> Self {
        Self {
            step: 1,
            cues: 7,
            cue: 100,
            gap: 50,
            delay: 1_500,
            min_delay: None,
            recall: 150,
            neurons: 10,
            rate: 40.0,
            noise: 10.0,
            rarer: 0.3,
            train: 512,
            valid: 128,
            test: 128,
            seed: 1,
        }
    }
}

impl EvidenceAccumulationConfig {
    /// Fewest milliseconds from the last cue to recall, where it is not set: 500, or the most if that is less.
    fn min_delay(&self) -> usize {
        self.min_delay.unwrap_or(500.min(self.delay))
    }

    fn validate(&self) -> Result<(), ConfigError> {
        within("step", self.step, 1..=1_000, "")?;
        within("cues", self.cues, 1..=999, "")?;
        if self.cues.is_multiple_of(2) {
            return Err(out_of_range("cues", self.cues, "an odd number, lest both sides have as many".to_owned()));
        }
        within("cue", self.cue, self.step..=LONGEST, "")?;
        within("gap", self.gap, 0..=LONGEST, "")?;
        within("delay", self.delay, 0..=LONGEST, "")?;
        within("min_delay", self.min_delay(), 0..=self.delay, ", the `delay`")?;
        within("recall", self.recall, self.step..=LONGEST, "")?;
        whole_steps("cue", self.cue, self.step)?;
        whole_steps("gap", self.gap, self.step)?;
        whole_steps("delay", self.delay, self.step)?;
        whole_steps("min_delay", self.min_delay(), self.step)?;
        whole_steps("recall", self.recall, self.step)?;
        within("neurons", self.neurons, 1..=1_000, "")?;
        let highest = 1_000.0 / self.step as f64;
        within_real("rate", self.rate, 1.0..=highest)?;
        within_real("noise", self.noise, 0.0..=highest)?;
        within_real("rarer", self.rarer, 0.0..=0.5)
    }

    /// How likely a neuron is to spike in a step.
    fn chance_of_spike(&self, rate: f64) -> f64 {
        rate * self.step as f64 / 1_000.0
    }
}

/// A rodent runs along a track, sees cues left and right of it, and at the end turns to the side that had more of them: spikes to count, a
/// pause, then the answer.
///
/// Of Bellec et al., "A solution to the learning dilemma for recurrent networks of spiking neurons", Nature Communications 2020 (figure 4),
/// after Morcos and Harvey, "History-dependent variability in population dynamics during evidence accumulation in cortex", Nature
/// Neuroscience 2016.
///
/// - four groups of `neurons` inputs, spikes of size one, given as events: left cues, right cues, recall, background. A group that is on
///   fires at `rate`, every neuron and step by itself; the background is always on, at `noise`;
/// - `cues` times a silent gap and a cue, then a delay drawn evenly, in whole steps, from `min_delay` … `delay`, then recall;
/// - a sequence's cues are on its less likely side with the chance `rarer`, each by itself; which side that is, a coin decides;
/// - two classes, left and right: the side of most cues. It is the target of every step of recall. Guessing costs ln 2 = 0.693 nats and is
///   right half the time.
#[derive(Clone, Debug)]
pub struct EvidenceAccumulation {
    config: EvidenceAccumulationConfig,
    source: Source,
}

/// The group of the recall cue; the groups before it are those of left and right cues.
const RECALL: usize = 2;
/// The group that is always on.
const BACKGROUND: usize = 3;

impl EvidenceAccumulation {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`EvidenceAccumulationConfig`] gives.
    pub fn new(config: EvidenceAccumulationConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let source = Source::new(Purpose::EvidenceAccumulation, config.seed, [config.train, config.valid, config.test])?;
        Ok(Self { config, source })
    }

    /// The settings.
    pub fn config(&self) -> &EvidenceAccumulationConfig {
        &self.config
    }

    /// Steps before recall, and the draws that the rest of the sequence is made of.
    #[track_caller]
    fn begin(&self, split: Split, index: usize) -> (usize, Draws) {
        let mut draws = self.source.draws(split, index);
        let config = &self.config;
        let shortest = config.min_delay() / config.step;
        let delay = shortest + draws.below((config.delay / config.step - shortest) as u64 + 1) as usize;
        (config.cues * (config.gap + config.cue) / config.step + delay, draws)
    }
}

impl Task for EvidenceAccumulation {
    fn name(&self) -> &str {
        "evidence-accumulation"
    }

    fn inputs(&self) -> usize {
        4 * self.config.neurons
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
        self.begin(split, index).0 + self.config.recall / self.config.step
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let config = &self.config;
        let (first_of_recall, mut draws) = self.begin(split, index);
        let likelier = draws.below(2) as usize;
        let cues: Vec<usize> =
            (0..config.cues).map(|_| if draws.unit() < config.rarer { 1 - likelier } else { likelier }).collect();
        let side = usize::from(2 * cues.iter().sum::<usize>() > config.cues);
        let (gap, period) = (config.gap / config.step, (config.gap + config.cue) / config.step);
        let (on, background) = (config.chance_of_spike(config.rate), config.chance_of_spike(config.noise));
        for step in 0..first_of_recall + config.recall / config.step {
            let group = match cues.get(step / period) {
                Some(&side) => (step % period >= gap).then_some(side),
                None => (step >= first_of_recall).then_some(RECALL),
            };
            for (group, chance) in group.map(|group| (group, on)).into_iter().chain([(BACKGROUND, background)]) {
                for neuron in 0..config.neurons {
                    if draws.unit() < chance {
                        batch.push_event(stream, step, group * config.neurons + neuron, 1.0);
                    }
                }
            }
            if step >= first_of_recall {
                batch.set_class(stream, step, side);
            }
        }
    }

    fn is_sparse(&self) -> bool {
        true
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::SequenceAccuracy, Metric::Accuracy]
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        if class == 0 { "left".into() } else { "right".into() }
    }

    /// 95 % of the sequences right. All of them can be, unless cues may pass without a spike.
    fn goal(&self) -> Option<Goal> {
        let config = &self.config;
        let chances = (config.neurons * config.cue / config.step) as f64;
        let unseen = config.cues as f64 * (1.0 - config.chance_of_spike(config.rate)).powf(chances);
        Some(Goal { metric: Metric::SequenceAccuracy, reach: 0.95, best: (unseen < 1e-6).then_some(1.0) })
    }

    /// ln 2: both sides are equally likely.
    fn chance(&self) -> Option<f64> {
        Some(std::f64::consts::LN_2)
    }

    /// One half.
    fn chance_accuracy(&self) -> Option<f64> {
        Some(0.5)
    }
}
