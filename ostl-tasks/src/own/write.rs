//! Any task's sequences → files that [`Own`](super::Own) reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ostl_core::{SequenceBatch, Target};

use super::class_names::Classes;
use super::part::Place;
use super::{write_json, write_npz};
use crate::split::Split;
use crate::task::Task;

/// How files are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `train.npz`, …: archives of arrays of NumPy, unpacked, sequences padded to the longest.
    Npz,
    /// `train.jsonl`, …: one JSON object a line.
    JsonLines,
}

/// Why a task's sequences could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file or the folder cannot be written.
    #[error("{}: cannot be written: {reason}; is there room, and may this user write there?", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// With all its zeros a split would be too large.
    #[error(
        "the split `{split}` takes {bytes} bytes with all its zeros, at most {limit} are written: take fewer or shorter sequences"
    )]
    TooLarge {
        /// The split.
        split: Split,
        /// How many bytes.
        bytes: u128,
        /// How many are written at most.
        limit: u64,
    },
    /// A sequence holds what the format has no place for.
    #[error("split `{split}`, sequence {sequence}, step {step} (counted from 0): {problem}")]
    Unfit {
        /// The split.
        split: Split,
        /// The sequence.
        sequence: usize,
        /// The step.
        step: usize,
        /// What it is.
        problem: &'static str,
    },
}

/// The largest split that is written, in bytes.
const LARGEST_SPLIT: u64 = 1 << 32;

/// Writes all sequences of a task into a folder, which is made if it is not there; files of the same names are overwritten. A task without
/// a test split of its own ([`Task::has_test`]) makes no test file.
///
/// Inputs are written in full, those of sparse tasks too. Names of classes go into `classes.json`; without names the format does not say how
/// many classes there are: where the largest class is never a target, the setting `classes` has to.
///
/// # Errors
/// [`WriteError`]: a file cannot be written, a split is too large, or a sequence is reset in its middle or holds numbers that are not
/// finite.
pub fn write(task: &dyn Task, folder: &Path, format: Format) -> Result<(), WriteError> {
    let splits: Vec<Split> = Split::ALL.into_iter().filter(|&split| split != Split::Test || task.has_test()).collect();
    splits.iter().try_for_each(|&split| check_size(task, split, format))?;
    let place = place(task, &splits);
    let file = |path: &Path, reason| WriteError::File { path: path.to_owned(), reason };
    fs::create_dir_all(folder).map_err(|reason| file(folder, reason))?;
    if let Some(names) = names(task) {
        let path = folder.join("classes.json");
        let text = serde_json::to_string(&names).map_err(io::Error::from).map_err(|reason| file(&path, reason))?;
        fs::write(&path, text + "\n").map_err(|reason| file(&path, reason))?;
    }
    for split in splits {
        let path = folder.join(match format {
            Format::Npz => format!("{split}.npz"),
            Format::JsonLines => format!("{split}.jsonl"),
        });
        let source = Sequences { task, split };
        let to = fs::File::create(&path).map(io::BufWriter::new).map_err(|reason| file(&path, reason))?;
        let written = match format {
            Format::Npz => write_npz::split(&source, place, to),
            Format::JsonLines => write_json::split(&source, place, to),
        };
        written.map_err(|failure| match failure {
            Failure::Unfit(error) => error,
            Failure::File(reason) => file(&path, reason),
        })?;
    }
    Ok(())
}

/// The names of classes, where they are others than their numbers and distinguish the classes.
fn names(task: &dyn Task) -> Option<Vec<String>> {
    if task.loss().target_kind() != ostl_core::TargetKind::Classes || task.outputs() < 2 {
        return None;
    }
    let names: Vec<String> = (0..task.outputs()).map(|class| task.class_name(class).into_owned()).collect();
    let are_numbers = names.iter().enumerate().all(|(class, name)| *name == class.to_string());
    (!are_numbers && Classes::Names(names.clone()).validate().is_ok()).then_some(names)
}

/// What stops a split's writer.
pub(super) enum Failure {
    Unfit(WriteError),
    File(io::Error),
}

impl<E: Into<io::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::File(error.into())
    }
}

/// The sequences of a split, checked as they come.
pub(super) struct Sequences<'t> {
    pub(super) task: &'t dyn Task,
    pub(super) split: Split,
}

impl Sequences<'_> {
    pub(super) fn len(&self) -> usize {
        self.task.sequences(self.split)
    }

    pub(super) fn steps(&self, sequence: usize) -> usize {
        self.task.steps(self.split, sequence)
    }

    /// A sequence as the only stream of a batch.
    pub(super) fn get(&self, sequence: usize) -> Result<SequenceBatch<f32>, Failure> {
        let batch = self.task.batch(self.split, &[sequence]);
        let unfit = |step, problem| Failure::Unfit(WriteError::Unfit { split: self.split, sequence, step, problem });
        if batch.steps() == 0 {
            return Err(unfit(0, "the sequence has no steps"));
        }
        for step in 0..batch.steps() {
            if step > 0 && batch.is_reset(0, step) {
                return Err(unfit(step, "a reset, which files of one's own cannot hold: write its parts as sequences"));
            }
            let target = match batch.target(0, step) {
                Some(Target::Values(values)) => values,
                _ => &[],
            };
            if !batch.input_values(0, step).iter().chain(target).all(|value| value.is_finite()) {
                return Err(unfit(step, "a number that is not finite"));
            }
        }
        Ok(batch)
    }
}

/// At the end if every sequence has one target, at its last step.
fn place(task: &dyn Task, splits: &[Split]) -> Place {
    let at_end = |split: Split| {
        (0..task.sequences(split)).all(|sequence| {
            let batch = task.batch(split, &[sequence]);
            batch.target_count() == 1 && batch.has_target(0, batch.steps() - 1)
        })
    };
    if splits.iter().all(|&split| at_end(split)) { Place::End } else { Place::EachStep }
}

/// Refuses a split that takes too much.
fn check_size(task: &dyn Task, split: Split, format: Format) -> Result<(), WriteError> {
    let lengths = || (0..task.sequences(split)).map(|sequence| task.steps(split, sequence) as u128);
    let steps = match format {
        Format::Npz => lengths().max().unwrap_or(0) * task.sequences(split) as u128,
        Format::JsonLines => lengths().sum(),
    };
    let outputs = match task.loss().target_kind() {
        ostl_core::TargetKind::Classes => 1,
        ostl_core::TargetKind::Values => task.outputs() as u128,
    };
    let bytes = steps * (task.inputs() as u128 + outputs) * 4;
    if bytes > LARGEST_SPLIT.into() { Err(WriteError::TooLarge { split, bytes, limit: LARGEST_SPLIT }) } else { Ok(()) }
}
