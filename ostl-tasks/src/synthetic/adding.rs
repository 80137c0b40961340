//! The adding problem: the sum of two marked numbers among many.

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::settings::{LONGEST, Source, within};
use crate::metric::Metric;
use crate::random::Purpose;
use crate::split::Split;
use crate::task::{Goal, Task};

/// Values are whole multiples of 1 / `PARTS`, and so exact in single precision.
const PARTS: u64 = 1 << 24;

/// Settings of [`Adding`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `length` | 50 | steps of a sequence | 2 … 1 000 000 |
/// | `train` | 1024 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 256 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 256 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddingConfig {
    /// Steps of a sequence.
    pub length: usize,
    /// Number of sequences of the train split.
    pub train: usize,
    /// Number of sequences of the valid split.
    pub valid: usize,
    /// Number of sequences of the test split.
    pub test: usize,
    /// What all sequences are drawn from.
    pub seed: u64,
}

impl Default for AddingConfig {
    fn default() -> Self {
        Self { length: 50, train: 1024, valid: 256, test: 256, seed: 1 }
    }
}

/// Add two numbers out of a stream of them: the two that carry a mark.
///
/// Of Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997, in the form of Arjovsky, Shah and Bengio, "Unitary
/// evolution recurrent neural networks", ICML 2016:
///
/// - two inputs at each step: a value drawn evenly from 0 … 1, and a mark that is one at two steps and zero at the others; the first
///   marked step is drawn evenly from the first half of the sequence (the shorter one, of an odd number), the second from the second half;
/// - one output; the only target is the sum of the two marked values, at the last step;
/// - the loss is the squared error: saying 1 always costs the variance of the sum, 1/6 = 0.167.
#[derive(Clone, Debug)]
pub struct Adding {
    config: AddingConfig,
    source: Source,
}

impl Adding {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`AddingConfig`] gives.
    pub fn new(config: AddingConfig) -> Result<Self, ConfigError> {
        within("length", config.length, 2..=LONGEST, "")?;
        let source = Source::new(Purpose::Adding, config.seed, [config.train, config.valid, config.test])?;
        Ok(Self { config, source })
    }

    /// The settings.
    pub fn config(&self) -> &AddingConfig {
        &self.config
    }
}

impl Task for Adding {
    fn name(&self) -> &str {
        "adding"
    }

    fn inputs(&self) -> usize {
        2
    }

    fn outputs(&self) -> usize {
        1
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
        self.config.length
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let mut draws = self.source.draws(split, index);
        let (length, half) = (self.config.length, self.config.length / 2);
        let marked = [draws.below(half as u64) as usize, half + draws.below((length - half) as u64) as usize];
        let mut sum = 0.0;
        for step in 0..length {
            let value = draws.below(PARTS) as f32 / PARTS as f32;
            let mark = marked.contains(&step);
            batch.input_mut(stream, step).copy_from_slice(&[value, f32::from(u8::from(mark))]);
            if mark {
                sum += value;
            }
        }
        batch.values_mut(stream, length - 1)[0] = sum;
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Nrmse]
    }

    /// A squared error of 0.01, an error of 0.1; nothing is left to chance.
    fn goal(&self) -> Option<Goal> {
        Some(Goal { metric: Metric::Loss, reach: 0.01, best: Some(0.0) })
    }

    /// 1/6: the sum of two values has the mean 1 and the variance 2/12.
    fn chance(&self) -> Option<f64> {
        Some(1.0 / 6.0)
    }
}
