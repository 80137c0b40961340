//! Handwritten digits, seen by an event camera.

use std::borrow::Cow;
use std::path::Path;

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::binned::{Binned, Cut, task_of_events};
use super::binning::{Bin, BinValue};
pub use super::nmnist_files::{CameraEvent, events_from_slice, list_from_slice};
use super::nmnist_files::{SIDE, events_from_file};
use super::nmnist_places::{Listed, recordings_of};
use super::recordings::{Recording, Recordings};
use super::remarks;
use crate::error::TaskError;
use crate::labels::TargetSteps;
use crate::split::Split;

/// The ten digits.
const CLASSES: usize = 10;
/// Length of a saccade in microseconds.
const SACCADE: u32 = 100_000;

/// Settings of [`NMnist`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `bin` | `{ width_ms = 10 }` | which events make up a step | `width_ms`: 0.001 … 4 000 000; `count`: 1 … |
/// | `max_steps` | 1 000 000 | steps after which a recording is cut off | 1 … 1 000 000 |
/// | `value` | `"binary"` | an input is 1 where there are events, or their number | `"binary"`, `"count"` |
/// | `targets` | `"every"` | the steps with the digit as their target | `"every"`, `"last"` |
/// | `polarity` | true | whether brighter and darker have channels of their own | true, false |
/// | `pool` | 1 | columns and rows of pixels that share a channel | 1, 2 |
/// | `first_saccade_only` | false | whether only the first 100 ms are read | true, false |
/// | `valid` | a tenth of the training recordings | how many of the last ones are the valid split | 1 … training recordings − 1 |
/// | `limit` | all | how many recordings are learned from at most, the first ones | 1 … |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NMnistConfig {
    /// Which events make up a step.
    pub bin: Bin,
    /// Steps after which a recording is cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// Whether an input is 1 where there are events, or their number.
    pub value: BinValue,
    /// The steps with the digit as their target.
    pub targets: TargetSteps,
    /// Whether pixels that get brighter and those that get darker have channels of their own.
    pub polarity: bool,
    /// Columns and rows of pixels that share a channel: 1 or 2.
    pub pool: usize,
    /// Whether only the first 100 ms are read, while the camera moves in one direction.
    pub first_saccade_only: bool,
    /// How many of the last training recordings are the valid split; a tenth of all if it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<usize>,
    /// How many recordings are learned from at most, the first ones. The others are not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl Default for NMnistConfig {
    fn default() -> Self {
        Self {
            bin: Bin::WidthMs(10.0),
            max_steps: None,
            value: BinValue::Binary,
            targets: TargetSteps::Every,
            polarity: true,
            pool: 1,
            first_saccade_only: false,
            valid: None,
            limit: None,
        }
    }
}

impl NMnistConfig {
    /// Columns of channels, and rows of a column.
    fn side(&self) -> usize {
        usize::from(SIDE) / self.pool
    }

    fn channels(&self) -> usize {
        self.side() * self.side() * if self.polarity { 2 } else { 1 }
    }

    fn channel(&self, event: &CameraEvent) -> usize {
        let plane = usize::from(self.polarity && event.on);
        (plane * self.side() + usize::from(event.y) / self.pool) * self.side() + usize::from(event.x) / self.pool
    }

    fn cut(&self) -> Result<Cut, ConfigError> {
        let wrong = |field: &str, value: usize, allowed: &str| {
            Err(ConfigError::OutOfRange { field: field.to_owned(), value: value.to_string(), allowed: allowed.to_owned() })
        };
        if !(1..=2).contains(&self.pool) {
            return wrong("pool", self.pool, "1 or 2");
        }
        if self.valid == Some(0) {
            return wrong("valid", 0, "a whole number from 1 to the training recordings − 1, or left out");
        }
        if self.limit == Some(0) {
            return wrong("limit", 0, "at least 1, or left out for all training recordings");
        }
        Cut::new(self.bin, self.max_steps, self.value, self.targets)
    }

    /// How many of `recordings` training recordings are the valid split.
    fn valid_of(&self, recordings: usize) -> Result<usize, ConfigError> {
        let valid = self.valid.unwrap_or((recordings / 10).max(1));
        if valid < recordings {
            return Ok(valid);
        }
        let allowed = format!("less than {recordings}, the training recordings, so that some are left to learn from");
        Err(ConfigError::OutOfRange { field: "valid".to_owned(), value: valid.to_string(), allowed })
    }
}

/// N-MNIST: which of the ten digits does the camera see?
///
/// Orchard, Jayawant, Cohen and Thakor, "Converting static image datasets to spiking neuromorphic datasets using saccades", Frontiers in
/// Neuroscience 2015: the images of MNIST on a screen, before an event camera of 34 × 34 pixels that moves three times in 300 ms. About 4000
/// events a recording.
///
/// Batches are sparse. The channel of a pixel is (on · 34 + y) · 34 + x, on being 1 where it gets brighter, so that there are 2312. The
/// test recordings are the test split, and the last of the training recordings the valid split. In memory an event takes 8 bytes, 2 GB for
/// all of N-MNIST.
#[derive(Clone, Debug)]
pub struct NMnist {
    config: NMnistConfig,
    data: Binned,
}

impl NMnist {
    /// Opens the recordings in a folder or in its subfolder `n-mnist` (`N-MNIST`, `nmnist`, `NMNIST`, `nmnist-small`, `NMNISTsmall`), which
    /// lie there as published (`Train/0/00002.bin` to `Test/9/….bin`) or as lists of numbers and digits (`train1K.txt` or `train60K.txt`,
    /// `test100.txt` or `test10K.txt`) and recordings (`events/1.bs2`, or beside the lists).
    ///
    /// # Errors
    /// [`TaskError::Dataset`] if a file is missing, cannot be read, or [`events_from_slice`] or [`list_from_slice`] rejects it;
    /// [`TaskError::Config`] if a setting is outside the range that [`NMnistConfig`] gives.
    pub fn open(folder: &Path, config: &NMnistConfig) -> Result<Self, TaskError> {
        let cut = config.cut()?;
        let [train, test] = recordings_of(folder)?;
        let (train, valid) = train.split_at(train.len() - config.valid_of(train.len())?);
        let train = &train[..train.len().min(config.limit.unwrap_or(usize::MAX))];
        let read = |listed: &[Listed]| -> Result<Recordings, TaskError> {
            let mut recordings = Recordings::new();
            for (path, class) in listed {
                for event in events_from_file(path)? {
                    if event.time < SACCADE || !config.first_saccade_only {
                        recordings.push(event.time, config.channel(&event) as u32, 1.0);
                    }
                }
                recordings.finish(u32::from(*class));
            }
            Ok(recordings)
        };
        let splits = [read(train)?, read(valid)?, read(&test)?];
        let paths = |listed: &[Listed]| listed.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        let shared = remarks::shared(Split::Test, &paths(train), &paths(&test));
        let data = Binned::new(splits, cut, config.channels(), CLASSES).remarked(shared.into_iter().collect());
        Ok(Self { config: config.clone(), data })
    }

    /// The settings.
    pub fn config(&self) -> &NMnistConfig {
        &self.config
    }

    /// A recording as it was read, before it is cut into steps.
    ///
    /// # Panics
    /// If the split has no such recording.
    #[track_caller]
    pub fn recording(&self, split: Split, index: usize) -> Recording<'_> {
        self.data.recording(split, index)
    }

    fn name_of_class(&self, class: usize) -> Cow<'_, str> {
        format!("digit {class}").into()
    }
}

task_of_events!(NMnist, "n-mnist");
