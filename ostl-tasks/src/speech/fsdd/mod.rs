//! The Free Spoken Digit Dataset.

mod config;
mod names;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use ostl_core::{Loss, SequenceBatch};

use super::guess::ClassCounts;
use super::inputs::{Inputs, Numbering};
use super::recording::{LARGEST_FILE, Recording};
use crate::error::{DatasetError, TaskError};
use crate::files;
use crate::labels::TargetSteps;
use crate::metric::Metric;
use crate::split::Split;
use crate::task::Task;

pub use config::FsddConfig;
use names::Name;

/// Digits.
const CLASSES: usize = 10;

/// Free Spoken Digit Dataset: which digit, 0 to 9, is spoken?
///
/// Jackson and others, 2016 (with a DOI since: 10.5281/zenodo.1342401): 3,000 recordings of ten digits by six speakers, 50 each, 0.14 to
/// 2.28 seconds at 8,000 samples a second. Files are called `{digit}_{speaker}_{index}.wav`.
///
/// - Splits as published: index 0 to 4 is test, the rest train, of which `valid` is held back. With `held_out` one speaker's recordings are
///   test, and the others' train and valid.
/// - Inputs: see [`FsddConfig::front_end`]; a step a frame. Sequences are numbered by digit, speaker and index.
/// - Ten classes, the same target at every step or only at the last.
///
/// Features are computed once, at opening, and held as 32-bit floating point; events take two bytes each.
#[derive(Clone, Debug)]
pub struct Fsdd {
    numbering: Numbering,
    names: Vec<Name>,
    inputs: Inputs,
    targets: TargetSteps,
    chance: (f64, f64),
}

impl Fsdd {
    /// Samples a second of every recording.
    pub const RATE: u32 = 8_000;

    /// Where the recordings may lie in a data folder.
    const FOLDERS: [&str; 4] = ["", "recordings", "fsdd", "fsdd/recordings"];

    /// Opens the recordings in a folder or in its subfolder `recordings`, `fsdd` or `fsdd/recordings`, the first that holds any.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is outside the range that [`FsddConfig`] gives, or `held_out` is none of the speakers;
    /// [`TaskError::Dataset`] if there are no recordings, one cannot be read, is broken or does not have 8,000 samples a second, a WAV file
    /// is called otherwise than recordings are, or a split has none.
    pub fn open(folder: &Path, config: &FsddConfig) -> Result<Self, TaskError> {
        let places: Vec<PathBuf> =
            Self::FOLDERS.iter().map(|sub| if sub.is_empty() { folder.to_owned() } else { folder.join(sub) }).collect();
        for (place, sub) in places.iter().zip(Self::FOLDERS) {
            let place = if sub.is_empty() { None } else { files::entry(folder, sub)? }.unwrap_or_else(|| place.clone());
            let place = &place;
            let found = names::list(place)?;
            if !found.is_empty() {
                let read = |name: &str| {
                    let path = place.join(name);
                    files::unpacked(&path, LARGEST_FILE).map(|bytes| (bytes, path))
                };
                return Self::build(found, config, place, read);
            }
        }
        let first = |place: PathBuf| place.join("0_george_0.wav");
        let looked_at = places.into_iter().map(first).collect();
        Err(DatasetError::NotFound { file: "recordings/0_george_0.wav".to_owned(), looked_at }.into())
    }

    /// Takes recordings from memory, each with its file name and the file's content (WAV, gzip or not).
    ///
    /// # Errors
    /// As [`open`](Fsdd::open).
    pub fn from_recordings(recordings: &[(&str, &[u8])], config: &FsddConfig) -> Result<Self, TaskError> {
        let folder = Path::new("recordings");
        let content = |name: &str| recordings.iter().find(|(other, _)| *other == name).map(|(_, bytes)| bytes.to_vec());
        let names = recordings.iter().map(|(name, _)| Name::parse(name, folder)).collect::<Result<Vec<_>, _>>()?;
        Self::build(names, config, folder, |name| {
            let path = folder.join(name);
            let bytes = content(name)
                .ok_or_else(|| DatasetError::NotFound { file: name.to_owned(), looked_at: vec![path.clone()] })?;
            files::unpack(bytes, &path, LARGEST_FILE).map(|bytes| (bytes, path))
        })
    }

    fn build(
        names: Vec<Name>,
        config: &FsddConfig,
        folder: &Path,
        read: impl Fn(&str) -> Result<(Vec<u8>, PathBuf), DatasetError> + Sync,
    ) -> Result<Self, TaskError> {
        let extractor = config.inputs().extractor(Self::RATE)?;
        let splits = names::sort(names, config, folder)?;
        let numbering = Numbering::new(splits.each_ref().map(Vec::len));
        let names = splits.concat();
        let inputs = Inputs::prepare(&extractor, &numbering, |number| {
            let (bytes, path) = read(&names[number].file)?;
            Recording::from_slice(&bytes, &path)?.expect(Self::RATE, &path)
        })?;
        let mut counts = ClassCounts::new(CLASSES);
        for split in Split::ALL {
            for number in numbering.of(split) {
                let targets = config.targets.of(inputs.steps(number)).len() as u64;
                counts.add(split, names[number].digit, targets);
            }
        }
        Ok(Self { numbering, names, inputs, targets: config.targets, chance: counts.chance() })
    }

    /// The digit that is spoken in a sequence.
    ///
    /// # Panics
    /// If the split has no such sequence.
    #[track_caller]
    pub fn digit(&self, split: Split, index: usize) -> usize {
        self.names[self.numbering.number(split, index)].digit
    }

    /// Who speaks in a sequence.
    ///
    /// # Panics
    /// If the split has no such sequence.
    #[track_caller]
    pub fn speaker(&self, split: Split, index: usize) -> &str {
        &self.names[self.numbering.number(split, index)].speaker
    }
}

impl Task for Fsdd {
    fn name(&self) -> &str {
        "fsdd"
    }

    fn inputs(&self) -> usize {
        self.inputs.inputs()
    }

    fn outputs(&self) -> usize {
        CLASSES
    }

    fn loss(&self) -> Loss {
        Loss::SoftmaxCrossEntropy
    }

    fn sequences(&self, split: Split) -> usize {
        self.numbering.of(split).len()
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.inputs.steps(self.numbering.number(split, index))
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let number = self.numbering.number(split, index);
        self.inputs.write(number, batch, stream);
        self.targets.write(batch, stream, self.inputs.steps(number), self.names[number].digit);
    }

    fn is_sparse(&self) -> bool {
        self.inputs.is_sparse()
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::SequenceAccuracy, Metric::Accuracy]
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        class.to_string().into()
    }

    /// The loss of one who knows how often each digit is the target in the train split: about ln 10.
    fn chance(&self) -> Option<f64> {
        Some(self.chance.0)
    }

    fn chance_accuracy(&self) -> Option<f64> {
        Some(self.chance.1)
    }
}
