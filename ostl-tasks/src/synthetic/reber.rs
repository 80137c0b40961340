//! The embedded Reber grammar: what may come next, and what was at the very beginning?

use std::borrow::Cow;
use std::f64::consts::LN_2;

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::settings::Source;
use crate::metric::Metric;
use crate::random::{Draws, Purpose};
use crate::split::Split;
use crate::task::{Goal, Task};

/// The symbols in the order of inputs and outputs.
const SYMBOLS: [&str; 7] = ["B", "T", "P", "S", "X", "V", "E"];
const B: u8 = 0;
const T: u8 = 1;
const P: u8 = 2;
const S: u8 = 3;
const X: u8 = 4;
const V: u8 = 5;
const E: u8 = 6;

/// The inner grammar: from each state one or two symbols, equally likely, and the state that each leads to. It ends in state 7.
const GRAMMAR: [&[(u8, usize)]; 7] =
    [&[(B, 1)], &[(T, 2), (P, 3)], &[(S, 2), (X, 4)], &[(T, 3), (V, 5)], &[(X, 3), (S, 6)], &[(P, 4), (V, 6)], &[(E, 7)]];

/// Steps of a sequence, in the mean. The states of the inner grammar are visited 1, 1, 1, 2, 1, 1 and 1 times in the mean, as follows from
/// where each is reached from (v₃ = v₁/2 + v₃/2 + v₄/2 and so on), which makes inner strings of 8 symbols and whole ones of 12.
const STEPS: f64 = 11.0;
/// Steps of a sequence at which there are two possible symbols, in the mean: one outside, and six inside.
const CHOICES: f64 = 7.0;
/// How often each symbol comes next in a sequence, in the mean, from the same counts.
const COMES: [f64; 7] = [1.0, 2.5, 2.0, 1.0, 1.0, 1.5, 2.0];
/// How often each symbol may come next in a sequence, in the mean.
const MAY_COME: [f64; 7] = [1.0, 4.5, 3.5, 2.0, 2.0, 3.0, 2.0];

/// The targets of [`Reber`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReberTargets {
    /// All symbols that may come next, as Hochreiter and Schmidhuber have it: an output each, zero or one, binary cross-entropy.
    #[default]
    Set,
    /// The symbol that does come next: a class, softmax cross-entropy.
    Next,
}

/// Settings of [`Reber`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `targets` | `set` | the `set` of possible symbols, or the `next` one | |
/// | `train` | 512 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 256 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 256 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReberConfig {
    /// What the targets are.
    pub targets: ReberTargets,
    /// Number of sequences of the train split.
    pub train: usize,
    /// Number of sequences of the valid split.
    pub valid: usize,
    /// Number of sequences of the test split.
    pub test: usize,
    /// What all sequences are drawn from.
    pub seed: u64,
}

impl Default for ReberConfig {
    fn default() -> Self {
        Self { targets: ReberTargets::Set, train: 512, valid: 256, test: 256, seed: 1 }
    }
}

/// Which symbols may come next in a string of the embedded Reber grammar? Most follow from the last one or two; the second last is the same
/// as the second, and must be remembered over the string in between.
///
/// Of Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997 (experiment 1), from Reber, "Implicit learning of
/// artificial grammars", Journal of Verbal Learning and Verbal Behavior 1967.
///
/// - a string is B, then T or P, then a string of the Reber grammar (B, T or P, …, E), then the T or P from before, then E. All choices are
///   fair. It has 9 symbols or more, 12 in the mean;
/// - seven inputs, one of them one: the symbol. The last symbol is no input, so a string of n symbols has n − 1 steps;
/// - a target at every step: the set of symbols that may come next (loss summed over the seven outputs), or the one that does;
/// - nothing is left to chance in the set. Of the next symbol it is a fair coin at 7 of 11 steps: the best costs 7/11 · ln 2 = 0.441 nats.
#[derive(Clone, Debug)]
pub struct Reber {
    config: ReberConfig,
    source: Source,
}

/// A symbol of a string, and all that might have stood in its place.
struct Place {
    symbol: u8,
    possible: [bool; 7],
}

impl Place {
    fn new(symbol: u8, possible: &[u8]) -> Self {
        Self { symbol, possible: std::array::from_fn(|other| possible.contains(&(other as u8))) }
    }
}

/// A string of the embedded grammar.
fn string(draws: &mut Draws) -> Vec<Place> {
    let outer = if draws.below(2) == 0 { T } else { P };
    let mut string = vec![Place::new(B, &[B]), Place::new(outer, &[T, P])];
    let mut state = 0;
    while let Some(ways) = GRAMMAR.get(state) {
        let (symbol, next) = match ways {
            [only] => *only,
            _ => ways[draws.below(ways.len() as u64) as usize],
        };
        let possible: Vec<u8> = ways.iter().map(|&(symbol, _)| symbol).collect();
        string.push(Place::new(symbol, &possible));
        state = next;
    }
    string.extend([Place::new(outer, &[outer]), Place::new(E, &[E])]);
    string
}

impl Reber {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`ReberConfig`] gives.
    pub fn new(config: ReberConfig) -> Result<Self, ConfigError> {
        let source = Source::new(Purpose::Reber, config.seed, [config.train, config.valid, config.test])?;
        Ok(Self { config, source })
    }

    /// The settings.
    pub fn config(&self) -> &ReberConfig {
        &self.config
    }
}

impl Task for Reber {
    fn name(&self) -> &str {
        "reber"
    }

    fn inputs(&self) -> usize {
        SYMBOLS.len()
    }

    fn outputs(&self) -> usize {
        SYMBOLS.len()
    }

    fn loss(&self) -> Loss {
        match self.config.targets {
            ReberTargets::Set => Loss::BinaryCrossEntropy,
            ReberTargets::Next => Loss::SoftmaxCrossEntropy,
        }
    }

    fn sequences(&self, split: Split) -> usize {
        self.source.sequences(split)
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        string(&mut self.source.draws(split, index)).len() - 1
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let string = string(&mut self.source.draws(split, index));
        for (step, pair) in string.windows(2).enumerate() {
            let [now, next] = pair else { continue };
            let input = batch.input_mut(stream, step);
            input.fill(0.0);
            input[usize::from(now.symbol)] = 1.0;
            match self.config.targets {
                ReberTargets::Set => {
                    batch.values_mut(stream, step).copy_from_slice(&next.possible.map(|may| f32::from(u8::from(may))));
                }
                ReberTargets::Next => batch.set_class(stream, step, usize::from(next.symbol)),
            }
        }
    }

    fn metrics(&self) -> &[Metric] {
        match self.config.targets {
            ReberTargets::Set => &[Metric::FrameAccuracy],
            ReberTargets::Next => &[Metric::Accuracy],
        }
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        SYMBOLS.get(class).map_or_else(|| class.to_string().into(), |&symbol| symbol.into())
    }

    /// Of the set: one wrong symbol in a thousand; without the second symbol in mind it is one in nineteen. Of the next symbol: no more than
    /// a tenth of what it costs to have forgotten the second symbol, ln 2 a string, above the best.
    fn goal(&self) -> Option<Goal> {
        Some(match self.config.targets {
            ReberTargets::Set => Goal { metric: Metric::FrameAccuracy, reach: 0.999, best: Some(1.0) },
            ReberTargets::Next => {
                Goal { metric: Metric::Loss, reach: (CHOICES + 0.1) * LN_2 / STEPS, best: Some(CHOICES * LN_2 / STEPS) }
            }
        })
    }

    /// The loss of one who knows how often each symbol comes, or may come, in all strings of the grammar.
    fn chance(&self) -> Option<f64> {
        let cost = |chance: f64| if chance > 0.0 { -chance * chance.ln() } else { 0.0 };
        Some(match self.config.targets {
            ReberTargets::Set => MAY_COME.iter().map(|may| cost(may / STEPS) + cost(1.0 - may / STEPS)).sum(),
            ReberTargets::Next => COMES.iter().map(|comes| cost(comes / STEPS)).sum(),
        })
    }

    /// How often the most frequent symbol comes, T.
    fn chance_accuracy(&self) -> Option<f64> {
        (self.config.targets == ReberTargets::Next).then_some(COMES[T as usize] / STEPS)
    }
}
