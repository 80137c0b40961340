//! The settings of the MNIST task.

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::mnist::PIXELS;
use crate::labels::TargetSteps;

/// Most steps of the rate form that are accepted.
const MOST_STEPS: usize = 100_000;
/// Largest gain that is accepted: every pixel that is not black then always spikes.
const LARGEST_GAIN: f64 = 255.0;

/// How an image becomes a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MnistForm {
    /// 784 spike trains, one a pixel; at each step a pixel spikes with the probability gain · pixel / 255, at most 1, independently. A sparse
    /// batch.
    Rate,
    /// 28 steps of 28 inputs, from the top row to the bottom one.
    Rows,
    /// 784 steps of one input, row by row ("sequential MNIST", Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of
    /// rectified linear units", arXiv 2015).
    Pixels,
    /// The same in an order of the pixels that is drawn from the seed and is the same for all images ("permuted sequential MNIST", the same
    /// paper).
    Permuted,
    /// One input a step, the mean of [`pool`](MnistConfig::pool) pixels that follow one another, row by row: 98 steps with the default of 8.
    /// A run of 28 is a row, and one of 8 may end in the next row.
    Means,
}

/// Settings of [`Mnist`](super::Mnist).
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `form` | `"rate"` | how an image becomes a sequence | `"rate"`, `"rows"`, `"pixels"`, `"permuted"`, `"means"` |
/// | `steps` | 20 | steps of a sequence, in the form `rate` | 1 … 100 000 |
/// | `gain` | 1 | spikes a step of a white pixel, in the form `rate` | above 0 … 255 |
/// | `pool` | 8 | pixels whose mean is a step, in the form `means` | 1, 2, 4, 7, 8, 14, … 784: what divides 784 |
/// | `valid` | 5000 | how many of the last training images are the valid split | 1 … training images − 1 |
/// | `limit` | all | how many images are learned from at most, the first ones | 1 … |
/// | `targets` | `"every"` for `rate`, else `"last"` | the steps with the digit as their target | `"every"`, `"last"` |
/// | `seed` | 1 | what spikes and the permutation are drawn from | any |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MnistConfig {
    /// How an image becomes a sequence.
    pub form: MnistForm,
    /// Steps of a sequence in the form `rate`; the other forms have as many as an image has rows, pixels or runs of pixels.
    pub steps: usize,
    /// In the form `rate`, spikes a step of a white pixel. Where gain · pixel / 255 exceeds 1 a pixel spikes at every step.
    pub gain: f64,
    /// In the form `means`, how many pixels a step is the mean of: what divides 784.
    pub pool: usize,
    /// How many of the last training images are the valid split.
    pub valid: usize,
    /// How many training images are learned from at most, the first ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The steps with the digit as their target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<TargetSteps>,
    /// What spikes and the permutation are drawn from.
    pub seed: u64,
}

impl Default for MnistConfig {
    fn default() -> Self {
        Self { form: MnistForm::Rate, steps: 20, gain: 1.0, pool: 8, valid: 5000, limit: None, targets: None, seed: 1 }
    }
}

impl MnistConfig {
    /// The steps with the digit as their target, set or not.
    pub(super) fn target_steps(&self) -> TargetSteps {
        self.targets.unwrap_or(match self.form {
            MnistForm::Rate => TargetSteps::Every,
            MnistForm::Rows | MnistForm::Pixels | MnistForm::Permuted | MnistForm::Means => TargetSteps::Last,
        })
    }

    /// Images of the train split, out of `images` training images.
    pub(super) fn train_images(&self, images: usize) -> usize {
        (images - self.valid).min(self.limit.unwrap_or(usize::MAX))
    }

    /// What can be checked before the files are read.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=MOST_STEPS).contains(&self.steps) {
            return Err(out_of_range("steps", self.steps, format!("a whole number from 1 to {MOST_STEPS}")));
        }
        if !(self.gain > 0.0 && self.gain <= LARGEST_GAIN) {
            return Err(out_of_range("gain", self.gain, format!("above 0 and at most {LARGEST_GAIN}")));
        }
        if self.pool == 0 || !PIXELS.is_multiple_of(self.pool) {
            let divisors: Vec<String> =
                (1..=PIXELS).filter(|&run| PIXELS.is_multiple_of(run)).map(|run| run.to_string()).collect();
            let allowed = format!("a divisor of {PIXELS}, the pixels of an image: {}", divisors.join(", "));
            return Err(out_of_range("pool", self.pool, allowed));
        }
        if self.valid == 0 {
            return Err(out_of_range("valid", 0, "a whole number from 1 to the training images − 1".to_owned()));
        }
        if self.limit == Some(0) {
            return Err(out_of_range("limit", 0, "at least 1, or left out for all training images".to_owned()));
        }
        Ok(())
    }

    /// What can be checked when the number of training images is known.
    pub(super) fn validate_for(&self, images: usize) -> Result<(), ConfigError> {
        if self.valid < images {
            return Ok(());
        }
        let allowed =
            format!("from 1 to {}, so that some of the {images} training images are left to learn from", images - 1);
        Err(out_of_range("valid", self.valid, allowed))
    }
}

fn out_of_range(field: &str, value: impl ToString, allowed: String) -> ConfigError {
    ConfigError::OutOfRange { field: field.to_owned(), value: value.to_string(), allowed }
}
