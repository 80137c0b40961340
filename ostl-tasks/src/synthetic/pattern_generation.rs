//! Pattern generation: draw a curve from memory, to the beat of a clock.

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::settings::{Source, out_of_range, whole_steps, within, within_real};
use super::sine::sine;
use crate::metric::Metric;
use crate::random::Purpose;
use crate::split::Split;
use crate::task::{Goal, Task};

/// Frequencies of the sines, in cycles a second.
const FREQUENCIES: [f64; 4] = [1.0, 2.0, 3.0, 5.0];
/// Longest pattern that is accepted, in milliseconds.
const LONGEST: usize = 100_000;
/// Fewest steps of a pattern: twice its highest frequency's, in a second.
const FEWEST_STEPS: usize = 10;

/// What [`PatternGeneration`] shows to the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatternInput {
    /// Groups of neurons take turns, each firing regularly for its share of the pattern.
    #[default]
    Clock,
    /// All neurons fire at random, but the same spikes every time.
    Frozen,
}

/// Settings of [`PatternGeneration`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `step` | 1 | milliseconds of a step | 1 … 100 |
/// | `duration` | 1000 | milliseconds of the pattern, a multiple of `step` | 10 `step` … 100 000 |
/// | `outputs` | 3 | curves to draw at once | 1 … 100 |
/// | `input` | `clock` | a `clock`'s regular spikes or `frozen` random ones | |
/// | `neurons` | 20 | input neurons, with a clock a multiple of `groups` | 1 … 10 000 |
/// | `groups` | 5 | groups that take turns, with a clock | 1 … `neurons` |
/// | `rate` | 100.0 | spikes a second of a neuron that is on | 1 … 1 000 / `step` |
/// | `train` | 16 | times the pattern is learned from in an epoch | 1 … 10 000 000 |
/// | `valid` | 1 | the same sequence again | 1 … 10 000 000 |
/// | `test` | 1 | the same sequence again | 1 … 10 000 000 |
/// | `seed` | 1 | what the pattern is drawn from | any |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PatternGenerationConfig {
    /// Milliseconds of a step.
    pub step: usize,
    /// Milliseconds of the pattern.
    pub duration: usize,
    /// Curves to draw at once.
    pub outputs: usize,
    /// What the network is shown.
    pub input: PatternInput,
    /// Input neurons.
    pub neurons: usize,
    /// Groups of input neurons that take turns.
    pub groups: usize,
    /// Spikes a second of a neuron that is on.
    pub rate: f64,
    /// Number of sequences of the train split, all the same.
    pub train: usize,
    /// Number of sequences of the valid split, all the same.
    pub valid: usize,
    /// Number of sequences of the test split, all the same.
    pub test: usize,
    /// What the pattern is drawn from.
    pub seed: u64,
}

impl Default for PatternGenerationConfig {
    fn default() -> Self {
        Self {
            step: 1,
            duration: 1_000,
            outputs: 3,
            input: PatternInput::Clock,
            neurons: 20,
            groups: 5,
            rate: 100.0,
            train: 16,
            valid: 1,
            test: 1,
            seed: 1,
        }
    }
}

impl PatternGenerationConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        within("step", self.step, 1..=100, "")?;
        within("duration", self.duration, FEWEST_STEPS * self.step..=LONGEST, "")?;
        whole_steps("duration", self.duration, self.step)?;
        within("outputs", self.outputs, 1..=100, "")?;
        within("neurons", self.neurons, 1..=10_000, "")?;
        if self.input == PatternInput::Clock {
            within("groups", self.groups, 1..=self.neurons, ", the `neurons`")?;
            if !self.neurons.is_multiple_of(self.groups) {
                return Err(out_of_range("neurons", self.neurons, format!("a multiple of `groups`, {}", self.groups)));
            }
        }
        within_real("rate", self.rate, 1.0..=1_000.0 / self.step as f64)
    }

    /// Spikes of a neuron that is on in one step: below 1 the chance of one.
    fn spikes_a_step(&self) -> f64 {
        self.rate * self.step as f64 / 1_000.0
    }
}

/// Draw one curve, always the same: its course must be learned by heart, for the input says how late it is and no more.
///
/// Of Bellec et al., "A solution to the learning dilemma for recurrent networks of spiking neurons", Nature Communications 2020, where
/// e-prop is compared with BPTT on it.
///
/// - every sequence is the same, `duration` long. Inputs are spikes of size one, given as events: of a clock whose `groups` of neurons take
///   turns, each firing in step at `rate`; or random ones at `rate`, drawn once and frozen;
/// - each output is to be a sum of sines of 1, 2, 3 and 5 cycles a second, with amplitudes drawn evenly from 0.5 … 2 and phases from a whole
///   turn, then shifted and scaled to mean 0 and variance 1 over the sequence; a target at every step;
/// - the loss is the squared error, mean over outputs: a straight line costs 1.
#[derive(Clone, Debug)]
pub struct PatternGeneration {
    config: PatternGenerationConfig,
    source: Source,
    /// The outputs of each step.
    pattern: Vec<f32>,
}

impl PatternGeneration {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`PatternGenerationConfig`] gives.
    pub fn new(config: PatternGenerationConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let source = Source::new(Purpose::PatternGeneration, config.seed, [config.train, config.valid, config.test])?;
        let pattern = pattern(&config, &source);
        Ok(Self { config, source, pattern })
    }

    /// The settings.
    pub fn config(&self) -> &PatternGenerationConfig {
        &self.config
    }

    fn length(&self) -> usize {
        self.config.duration / self.config.step
    }

    /// Calls `spike` for every spike of a clock: step and neuron.
    fn clock(&self, mut spike: impl FnMut(usize, usize)) {
        let (length, groups, per_step) = (self.length(), self.config.groups, self.config.spikes_a_step());
        let members = self.config.neurons / groups;
        let mut before = 0.0;
        for step in 0..length {
            let now = ((step + 1) as f64 * per_step).floor();
            if now > before {
                let group = step * groups / length;
                (0..members).for_each(|member| spike(step, group * members + member));
            }
            before = now;
        }
    }

    /// Calls `spike` for every frozen spike: step and neuron.
    fn frozen(&self, mut spike: impl FnMut(usize, usize)) {
        let mut draws = self.source.common(u64::MAX);
        for step in 0..self.length() {
            for neuron in 0..self.config.neurons {
                if draws.unit() < self.config.spikes_a_step() {
                    spike(step, neuron);
                }
            }
        }
    }
}

/// The outputs of each step: a curve drawn from its own draws, mean 0, variance 1.
fn pattern(config: &PatternGenerationConfig, source: &Source) -> Vec<f32> {
    let length = config.duration / config.step;
    let mut pattern = vec![0.0; length * config.outputs];
    for output in 0..config.outputs {
        let mut draws = source.common(output as u64);
        let sines = FREQUENCIES.map(|frequency| (frequency, draws.between(0.5, 2.0), draws.unit()));
        let curve: Vec<f64> = (0..length)
            .map(|step| {
                let seconds = (step * config.step) as f64 / 1_000.0;
                sines.iter().map(|&(frequency, amplitude, phase)| amplitude * sine(frequency * seconds + phase)).sum()
            })
            .collect();
        let mean = curve.iter().sum::<f64>() / length as f64;
        let variance = curve.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / length as f64;
        for (column, value) in pattern.chunks_exact_mut(config.outputs).zip(curve) {
            column[output] = ((value - mean) / variance.sqrt()) as f32;
        }
    }
    pattern
}

impl Task for PatternGeneration {
    fn name(&self) -> &str {
        "pattern-generation"
    }

    fn inputs(&self) -> usize {
        self.config.neurons
    }

    fn outputs(&self) -> usize {
        self.config.outputs
    }

    fn loss(&self) -> Loss {
        Loss::MeanSquaredError
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
        self.source.draws(split, index);
        for (step, values) in self.pattern.chunks_exact(self.config.outputs).enumerate() {
            batch.values_mut(stream, step).copy_from_slice(values);
        }
        let spike = |step, neuron| batch.push_event(stream, step, neuron, 1.0);
        match self.config.input {
            PatternInput::Clock => self.clock(spike),
            PatternInput::Frozen => self.frozen(spike),
        }
    }

    fn is_sparse(&self) -> bool {
        true
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Nrmse, Metric::R2]
    }

    /// A fifth of the curves' own deviation; nothing is left to chance.
    fn goal(&self) -> Option<Goal> {
        Some(Goal { metric: Metric::Nrmse, reach: 0.2, best: Some(0.0) })
    }

    /// The variance of the curves, 1 but for rounding: what a straight line costs.
    fn chance(&self) -> Option<f64> {
        Some(self.pattern.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>() / self.pattern.len() as f64)
    }
}
