//! TIMIT: read sentences with their phones.

mod config;
mod folders;
mod labels;
mod phones;
mod speakers;

use std::borrow::Cow;
use std::path::Path;

use ostl_core::{ConfigError, Loss, SequenceBatch};

use super::front_end::config::Extractor;
use super::guess::ClassCounts;
use super::inputs::{Inputs, Numbering};
use super::recording::Recording;
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::metric::Metric;
use crate::split::Split;
use crate::task::Task;

pub use config::TimitConfig;
use folders::Sentence;
use phones::PhoneSet;

/// TIMIT: which phone sounds in each frame?
///
/// Garofolo and others, "TIMIT acoustic-phonetic continuous speech corpus", Linguistic Data Consortium LDC93S1, 1993: 630 speakers of
/// eight dialects, ten sentences each, at 16,000 samples a second. The corpus is licensed; this reads your own copy.
///
/// - Splits: the folder TRAIN (462 speakers, 3,696 sentences), of the folder TEST the 50 speakers of Halberstadt's development set (valid,
///   400 sentences) and the 24 of the core test set (test, 192 sentences). The sentences SA1 and SA2, which everybody reads, are left out.
/// - Inputs: see [`TimitConfig::front_end`]; a step a frame. Mean and variance are those of the train split.
/// - Targets: 39, 48 or 61 phones (Lee and Hon, IEEE Transactions on ASSP 1989), that of the sample in the middle of the frame. Frames
///   outside all phones have no target, and, except with 61 phones, none in a glottal stop (q) either.
#[derive(Clone, Debug)]
pub struct Timit {
    numbering: Numbering,
    sentences: Vec<Sentence>,
    inputs: Inputs,
    phones: PhoneSet,
    /// For each sentence the class of each frame, [`NONE`] where there is no target.
    classes: Vec<Vec<u8>>,
    chance: (f64, f64),
}

/// In place of a class.
const NONE: u8 = u8::MAX;

impl Timit {
    /// Samples a second of every recording.
    pub const RATE: u32 = 16_000;

    /// Opens the corpus in a folder that holds `TRAIN` and `TEST`, or in its subfolders `TIMIT` or `data`. Names may be in capitals or not,
    /// recordings SPHERE or RIFF.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is outside the range that [`TimitConfig`] gives; [`TaskError::Dataset`] if there is no corpus, a
    /// recording or transcription is missing or broken, or a split has no sentences.
    pub fn open(folder: &Path, config: &TimitConfig) -> Result<Self, TaskError> {
        let phones = PhoneSet::of_size(config.phones).ok_or_else(|| ConfigError::OutOfRange {
            field: "phones".to_owned(),
            value: config.phones.to_string(),
            allowed: "39, 48 or 61".to_owned(),
        })?;
        let extractor = config.inputs().extractor(Self::RATE)?;
        let splits = folders::sentences(folder)?;
        let numbering = Numbering::new(splits.each_ref().map(Vec::len));
        let sentences = splits.concat();
        let inputs = Inputs::prepare(&extractor, &numbering, |number| {
            let path = &sentences[number].sound;
            Recording::open(path)?.expect(Self::RATE, path)
        })?;
        let classes = (0..sentences.len())
            .map(|number| classes_of(&sentences[number].phones, inputs.steps(number), &extractor, &phones))
            .collect::<Result<Vec<_>, _>>()?;
        let mut counts = ClassCounts::new(phones.len());
        for split in Split::ALL {
            for &class in classes[numbering.of(split)].iter().flatten().filter(|&&class| class != NONE) {
                counts.add(split, usize::from(class), 1);
            }
        }
        Ok(Self { numbering, sentences, inputs, phones, classes, chance: counts.chance() })
    }

    /// Speaker and sentence of a sequence, in small letters: `("felc0", "si756")`.
    ///
    /// # Panics
    /// If the split has no such sequence.
    #[track_caller]
    pub fn sentence(&self, split: Split, index: usize) -> (&str, &str) {
        let Sentence { speaker, sentence, .. } = &self.sentences[self.numbering.number(split, index)];
        (speaker, sentence)
    }
}

/// The class of each frame of a sentence.
fn classes_of(path: &Path, frames: usize, extractor: &Extractor, phones: &PhoneSet) -> Result<Vec<u8>, DatasetError> {
    let segments = labels::read(&files::unpacked(path, labels::LARGEST_FILE)?, path)?;
    let class = |frame| labels::at(&segments, extractor.middle(frame)).and_then(|phone| phones.class(phone)).unwrap_or(NONE);
    let classes: Vec<u8> = (0..frames).map(class).collect();
    if classes.iter().all(|&class| class == NONE) {
        let problem =
            format!("no phone sounds in the middle of any of the recording's {frames} frames: copy both files again");
        return Err(DatasetError::Malformed { path: path.to_owned(), at: At::Line(1), problem });
    }
    Ok(classes)
}

impl Task for Timit {
    fn name(&self) -> &str {
        "timit"
    }

    fn inputs(&self) -> usize {
        self.inputs.inputs()
    }

    fn outputs(&self) -> usize {
        self.phones.len()
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
        for (step, &class) in self.classes[number].iter().enumerate() {
            if class == NONE {
                batch.mask(stream, step);
            } else {
                batch.set_class(stream, step, usize::from(class));
            }
        }
    }

    fn is_sparse(&self) -> bool {
        self.inputs.is_sparse()
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Accuracy]
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        self.phones.name(class).into()
    }

    /// The loss of one who knows how often each phone is the target in the train split.
    fn chance(&self) -> Option<f64> {
        Some(self.chance.0)
    }

    fn chance_accuracy(&self) -> Option<f64> {
        Some(self.chance.1)
    }
}
