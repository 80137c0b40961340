//! Spoken words as the spikes of an artificial cochlea.

use std::borrow::Cow;
use std::path::Path;

use ostl_core::ConfigError;

use super::binned::{Binned, Cut, task_of_events};
use super::recordings::{Recording, Recordings};
use super::shd_config::{ShdConfig, SscConfig};
use super::spike_file::{CHANNELS, SpikeFile};
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::split::Split;

/// The digits, as the file's `extra/keys` has them.
const DIGITS: [&str; 20] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "null", "eins", "zwei", "drei", "vier",
    "fünf", "sechs", "sieben", "acht", "neun",
];
/// Words of the Spiking Speech Commands.
const WORDS: usize = 35;

/// Spiking Heidelberg Digits: which of twenty digits, ten English and ten German ones, is said?
///
/// Cramer, Stradmann, Schemmel and Zenke, "The Heidelberg spiking data sets for the systematic evaluation of spiking neural networks", IEEE
/// Transactions on Neural Networks and Learning Systems 2022: 8156 training and 2264 test recordings of twelve speakers, two of whom are
/// in the test recordings only, as spikes of 700 channels.
///
/// Batches are sparse. The test recordings are the test split. There is no official valid split: here it has the training recordings
/// of the [`valid_speakers`](ShdConfig::valid_speakers), none of whom is learned from. In memory a spike takes 8 bytes.
#[derive(Clone, Debug)]
pub struct Shd {
    config: ShdConfig,
    data: Binned,
}

/// Spiking Speech Commands: which of 35 words is said?
///
/// Of the same publication as [`Shd`], made from the Speech Commands of Warden (2018): 75,466 training, 9981 valid and 20,382 test recordings.
/// Batches are sparse, the splits the official ones.
#[derive(Clone, Debug)]
pub struct Ssc {
    config: SscConfig,
    data: Binned,
}

/// Checks what both have in common.
fn cut(config: &SscConfig) -> Result<Cut, ConfigError> {
    if config.pool == 0 || !CHANNELS.is_multiple_of(config.pool) {
        let allowed = format!("a divisor of the {CHANNELS} channels");
        return Err(ConfigError::OutOfRange { field: "pool".to_owned(), value: config.pool.to_string(), allowed });
    }
    Cut::new(config.bin, config.max_steps, config.value, config.targets)
}

/// The file of a part, in a folder or a subfolder.
fn find(folder: &Path, within: &[&str], name: &str) -> Result<SpikeFile, DatasetError> {
    SpikeFile::open(&files::find(folder, within, &[name, &format!("{name}.gz")], name)?)
}

/// All recordings of a file.
fn whole(file: &SpikeFile, classes: usize, pool: usize) -> Result<Recordings, DatasetError> {
    let mut recordings = [Recordings::new()];
    file.read(&file.labels(classes)?, pool, &mut recordings, |_| 0)?;
    let [recordings] = recordings;
    Ok(recordings)
}

/// All recordings of a file in memory, gzip or not, with labels below `classes`; `path` is only the name it has in errors.
///
/// # Errors
/// [`DatasetError::Malformed`] if this is not an HDF5 file with the data sets `spikes/times`, `spikes/units` and `labels`, of the same
/// number of recordings; a recording has not as many channels as times; a time is not from 0 to 4294 s, a channel not below 700, or a
/// label not below `classes`.
pub fn recordings_from_slice(bytes: &[u8], path: &Path, classes: usize) -> Result<Recordings, DatasetError> {
    whole(&SpikeFile::from_slice(bytes, path)?, classes, 1)
}

/// The speakers held out, of those there are.
fn held_out(config: &ShdConfig, speakers: &[i64], path: &Path) -> Result<Vec<i64>, TaskError> {
    let mut known = speakers.to_vec();
    known.sort_unstable();
    known.dedup();
    if known.len() < 2 {
        let problem = format!("{known:?} is the only speaker, so none can be held out: download the file again");
        return Err(
            DatasetError::Malformed { path: path.to_owned(), at: At::Part("extra/speaker".to_owned()), problem }.into()
        );
    }
    let Some(asked) = &config.valid_speakers else {
        return Ok(known.split_off(known.len() - if known.len() > 2 { 2 } else { 1 }));
    };
    let right = !asked.is_empty() && asked.iter().all(|speaker| known.contains(speaker));
    if right && known.iter().any(|speaker| !asked.contains(speaker)) {
        return Ok(asked.clone());
    }
    let (field, value) = ("valid_speakers".to_owned(), format!("{asked:?}"));
    Err(ConfigError::OutOfRange { field, value, allowed: format!("some but not all of the speakers {known:?}") }.into())
}

impl Shd {
    /// Opens `shd_train.h5` and `shd_test.h5` in a folder or in its subfolder `shd` or `SHD`, each also as `….h5.gz`, which is unpacked to
    /// a temporary file.
    ///
    /// # Errors
    /// [`TaskError::Dataset`] if a file is missing, cannot be read, or [`recordings_from_slice`] would reject it;
    /// [`TaskError::Config`] if a setting is outside the range that [`ShdConfig`] gives.
    pub fn open(folder: &Path, config: &ShdConfig) -> Result<Self, TaskError> {
        let ShdConfig { bin, max_steps, value, targets, pool, valid_speakers: _ } = *config;
        let cut = cut(&SscConfig { bin, max_steps, value, targets, pool })?;
        let open = |name| find(folder, &["shd", "SHD"], name);
        let file = open("shd_train.h5")?;
        let labels = file.labels(DIGITS.len())?;
        let speakers = file.speakers(labels.len())?;
        let held_out = held_out(config, &speakers, file.path())?;
        let mut lists = [Recordings::new(), Recordings::new()];
        file.read(&labels, pool, &mut lists, |index| usize::from(held_out.contains(&speakers[index])))?;
        let [train, valid] = lists;
        let test = whole(&open("shd_test.h5")?, DIGITS.len(), pool)?;
        let data = Binned::new([train, valid, test], cut, CHANNELS / pool, DIGITS.len());
        Ok(Self { config: config.clone(), data })
    }

    /// The settings.
    pub fn config(&self) -> &ShdConfig {
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
        DIGITS[class].into()
    }
}

impl Ssc {
    /// Opens `ssc_train.h5`, `ssc_valid.h5` and `ssc_test.h5` in a folder or in its subfolder `ssc` or `SSC`, each also as `….h5.gz`, which is
    /// unpacked to a temporary file.
    ///
    /// # Errors
    /// As [`Shd::open`].
    pub fn open(folder: &Path, config: &SscConfig) -> Result<Self, TaskError> {
        let cut = cut(config)?;
        let read = |split| whole(&find(folder, &["ssc", "SSC"], &format!("ssc_{split}.h5"))?, WORDS, config.pool);
        let splits = [read(Split::Train)?, read(Split::Valid)?, read(Split::Test)?];
        Ok(Self { config: config.clone(), data: Binned::new(splits, cut, CHANNELS / config.pool, WORDS) })
    }

    /// The settings.
    pub fn config(&self) -> &SscConfig {
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
        class.to_string().into()
    }
}

task_of_events!(Shd, "shd");
task_of_events!(Ssc, "ssc");
