//! Data of one's own as a task.

use std::path::{Path, PathBuf};

use ostl_core::{Loss, SequenceBatch};

use super::config::OwnConfig;
use super::part::{Answers, Part, Place};
use super::{arrays, json_lines, npz};
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::metric::Metric;
use crate::split::Split;
use crate::task::Task;

/// Data of one's own: sequences of inputs of equal width, with a class or values to predict at the end of each or at its steps.
///
/// The README's section "Your own data" gives the format. Whole numbers as targets are classes (softmax cross-entropy), other targets are
/// values (mean squared error, or binary cross-entropy with the setting `loss`).
#[derive(Clone, Debug)]
pub struct Own {
    splits: [Part; 2],
    test: Option<Part>,
    loss: Loss,
    outputs: usize,
    chance: Option<f64>,
    chance_accuracy: Option<f64>,
}

/// How a split in memory is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// An archive of arrays of NumPy, as `np.savez` writes it.
    Npz,
    /// One JSON object a line.
    JsonLines,
}

/// One split in memory; the path is only the name it has in errors.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The content.
    pub bytes: &'a [u8],
    /// How it is encoded.
    pub encoding: Encoding,
    /// Its name in errors.
    pub path: &'a Path,
}

/// The name of the subfolder in which one looks, too.
const FOLDER: &str = "own";

impl Own {
    /// Opens the splits in a folder or in its subfolder `own`, each as `train.npz`, `train.jsonl` or `train.jsonl.gz`, or a folder `train`
    /// of arrays. There may be no test split: [`Split::Test`] is the valid split then, and [`has_test`](Task::has_test) is `false`.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is out of range; [`TaskError::Dataset`] if a file is missing, cannot be read or is not what the
    /// format says, or the splits do not fit together.
    pub fn open(folder: &Path, config: &OwnConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let folder = match find(folder, Split::Train)? {
            Some(_) => folder.to_owned(),
            None => folder.join(FOLDER),
        };
        let open = |split: Split| -> Result<Option<(Part, PathBuf)>, DatasetError> {
            let Some(path) = find(&folder, split)? else { return Ok(None) };
            Ok(Some((open(&path, config)?, path)))
        };
        let needed = |split: Split, found: Option<_>| {
            found.ok_or_else(|| DatasetError::NotFound {
                file: format!("{split}.npz, {split}.jsonl or {split}/inputs.npy"),
                looked_at: names(split).map(|name| folder.join(name)).to_vec(),
            })
        };
        let train = needed(Split::Train, open(Split::Train)?)?;
        let valid = needed(Split::Valid, open(Split::Valid)?)?;
        let test = open(Split::Test)?;
        Ok(Self::of(train, valid, test, config)?)
    }

    /// Takes the splits from memory; without a test split the valid split is that, too.
    ///
    /// # Errors
    /// As [`open`](Own::open).
    pub fn from_slices(
        train: Source<'_>,
        valid: Source<'_>,
        test: Option<Source<'_>>,
        config: &OwnConfig,
    ) -> Result<Self, TaskError> {
        config.validate()?;
        let read = |source: Source<'_>| -> Result<_, DatasetError> { Ok((read(source, config)?, source.path.to_owned())) };
        Ok(Self::of(read(train)?, read(valid)?, test.map(read).transpose()?, config)?)
    }

    fn of(
        train: (Part, PathBuf),
        valid: (Part, PathBuf),
        test: Option<(Part, PathBuf)>,
        config: &OwnConfig,
    ) -> Result<Self, DatasetError> {
        let values = train.0.outputs();
        let loss = match (values, config.loss) {
            (_, Some(loss)) => loss,
            (None, None) => Loss::SoftmaxCrossEntropy,
            (Some(_), None) => Loss::MeanSquaredError,
        };
        let mut classes = config.classes.unwrap_or(2);
        for (part, path) in [Some(&train), Some(&valid), test.as_ref()].into_iter().flatten() {
            agree(&train.0, part, path)?;
            classes = classes.max(check_targets(part, path, loss, config.classes)?);
        }
        let ((train, _), (valid, _), test) = (train, valid, test.map(|(part, _)| part));
        let outputs = values.unwrap_or(classes);
        let (chance, chance_accuracy) = super::guess::chance(&train, test.as_ref().unwrap_or(&valid), loss, outputs);
        Ok(Self { splits: [train, valid], test, loss, outputs, chance, chance_accuracy })
    }

    fn split(&self, split: Split) -> &Part {
        match (split, &self.test) {
            (Split::Train, _) => &self.splits[0],
            (Split::Test, Some(test)) => test,
            (Split::Valid | Split::Test, _) => &self.splits[1],
        }
    }
}

/// The names that a split's file or folder may have.
fn names(split: Split) -> [String; 4] {
    [format!("{split}.npz"), format!("{split}.jsonl"), format!("{split}.jsonl.gz"), format!("{split}/inputs.npy")]
}

/// The first of them that is there.
fn find(folder: &Path, split: Split) -> Result<Option<PathBuf>, DatasetError> {
    for name in names(split) {
        let path = folder.join(name);
        if files::look(&path)?.is_some() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn open(path: &Path, config: &OwnConfig) -> Result<Part, DatasetError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npz") => {
            let bytes = files::contents(path, npz::LARGEST_FILE)?;
            read(Source { bytes: &bytes, encoding: Encoding::Npz, path }, config)
        }
        Some("npy") => {
            let folder = path.parent().unwrap_or(path);
            arrays::part(npz::from_folder(folder)?, folder, config)
        }
        _ => {
            let bytes = files::unpacked(path, json_lines::LARGEST_FILE)?;
            read(Source { bytes: &bytes, encoding: Encoding::JsonLines, path }, config)
        }
    }
}

fn read(Source { bytes, encoding, path }: Source<'_>, config: &OwnConfig) -> Result<Part, DatasetError> {
    match encoding {
        Encoding::Npz => arrays::part(npz::from_archive(bytes, path)?, path, config),
        Encoding::JsonLines => {
            files::within_limit(bytes.len() as u64, json_lines::LARGEST_FILE, path)?;
            json_lines::part(bytes, path)
        }
    }
}

fn broken(path: &Path, part: &str, problem: String) -> DatasetError {
    DatasetError::Malformed { path: path.to_owned(), at: At::Part(part.to_owned()), problem }
}

/// Splits are of one shape and kind.
fn agree(train: &Part, part: &Part, path: &Path) -> Result<(), DatasetError> {
    let differ = |what: &str, found: String, train: String| {
        Err(broken(path, what, format!("{found}, but {train} in the train split: give all splits the same")))
    };
    if part.features != train.features {
        return differ("inputs", format!("{} values in a step", part.features), train.features.to_string());
    }
    let kind = |part: &Part| match part.outputs() {
        Some(outputs) => format!("{outputs} values in a target"),
        None => "classes as targets".to_owned(),
    };
    if part.outputs() != train.outputs() {
        return differ("targets", kind(part), kind(train));
    }
    if part.place != train.place {
        let place = |part: &Part| match part.place {
            Place::End => "one target a sequence".to_owned(),
            Place::EachStep => "one target a step".to_owned(),
        };
        return differ("targets", place(part), place(train));
    }
    Ok(())
}

/// Checks that targets are there and fit the loss; gives one more than the largest class.
fn check_targets(part: &Part, path: &Path, loss: Loss, classes: Option<usize>) -> Result<usize, DatasetError> {
    let mut most = 0;
    let mut any = false;
    for at in part.all_targets() {
        any = true;
        match &part.targets {
            Answers::Classes(numbers) => most = most.max(numbers.get(at) as usize + 1),
            Answers::Values(outputs, numbers) if loss == Loss::BinaryCrossEntropy => {
                for index in at * outputs..(at + 1) * outputs {
                    let value = numbers.get(index);
                    if !(0.0..=1.0).contains(&value) {
                        let problem = format!(
                            "{value} as a target, expected 0 to 1 for the `loss` binary-cross-entropy: scale the values"
                        );
                        return Err(broken(path, "targets", problem));
                    }
                }
            }
            Answers::Values(..) => {}
        }
    }
    let is_class = matches!(part.targets, Answers::Classes(_));
    let problem = match classes {
        _ if !any => "no step has a target, expected one at least".to_owned(),
        _ if is_class != (loss == Loss::SoftmaxCrossEntropy) => {
            let (kind, other) = if is_class { ("classes", "values") } else { ("values", "classes") };
            format!("{kind}, but the `loss` is one of {other}: leave the setting out or save {other}")
        }
        Some(classes) if most > classes => {
            format!("class {}, but the setting `classes` says that there are {classes}: raise it or leave it out", most - 1)
        }
        _ => return Ok(most),
    };
    Err(broken(path, "targets", problem))
}

impl Task for Own {
    fn name(&self) -> &str {
        "own"
    }

    fn inputs(&self) -> usize {
        self.splits[0].features
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn loss(&self) -> Loss {
        self.loss
    }

    fn sequences(&self, split: Split) -> usize {
        self.split(split).sequences.len()
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.split(split).sequences[index].1
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let part = self.split(split);
        let (first, steps) = part.sequences[index];
        for step in 0..steps {
            let start = (first + step) * part.features;
            part.inputs.copy(start..start + part.features, batch.input_mut(stream, step));
            match (part.target(index, step), &part.targets) {
                (None, _) => batch.mask(stream, step),
                (Some(at), Answers::Classes(classes)) => batch.set_class(stream, step, classes.get(at) as usize),
                (Some(at), Answers::Values(outputs, values)) => {
                    values.copy(at * outputs..(at + 1) * outputs, batch.values_mut(stream, step));
                }
            }
        }
    }

    fn has_test(&self) -> bool {
        self.test.is_some()
    }

    fn metrics(&self) -> &[Metric] {
        match self.loss {
            Loss::SoftmaxCrossEntropy => &[Metric::Accuracy],
            Loss::BinaryCrossEntropy => &[Metric::Loss, Metric::FrameAccuracy],
            _ => &[Metric::R2, Metric::Nrmse],
        }
    }

    /// The loss of one who knows how often each class, or what value on average, is the target in the train split.
    fn chance(&self) -> Option<f64> {
        self.chance
    }

    /// How often the train split's most frequent class is right.
    fn chance_accuracy(&self) -> Option<f64> {
        self.chance_accuracy
    }
}
