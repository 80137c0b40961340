//! Data of one's own as a task.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use ostl_core::{Loss, SequenceBatch};

use super::class_names::{self, Classes};
use super::config::OwnConfig;
use super::folder::{self, Files};
use super::part::{Answers, Part, Place};
use super::{arrays, counted, held_out, json_lines, npz, odd, ts};
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::metric::Metric;
use crate::split::Split;
use crate::task::Task;

/// Data of one's own: sequences of inputs of equal width, with a class or values to predict at the end of each or at its steps.
///
/// The book's page "Your own data" gives the format. Whole numbers as targets are classes (softmax cross-entropy), other targets are
/// values (mean squared error, or binary cross-entropy with the setting `loss`).
#[derive(Clone, Debug)]
pub struct Own {
    splits: [Part; 2],
    test: Option<Part>,
    loss: Loss,
    outputs: usize,
    names: Option<Vec<String>>,
    /// Targets of each class in each split.
    counts: [Option<Vec<u64>>; 3],
    /// Each sequence belongs to one class, which is the target at several of its steps.
    is_by_sequence: bool,
    remarks: Vec<String>,
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
    /// The `.ts` format of the UCR and UEA archives.
    Ts,
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

/// A split, where it comes from, and the names of classes that it brings with it.
struct Opened {
    part: Part,
    path: PathBuf,
    names: Option<Vec<String>>,
}

impl Own {
    /// Opens the splits in a folder or in its subfolder `own`, each as `train.npz`, `train.jsonl`, `train.ts` (or `NAME_TRAIN.ts`; the last
    /// two plain or gzip) or a folder `train` of arrays, in capitals or not; the path may be that of one of these, too. There may be no test split:
    /// [`Split::Test`] is the valid split then, and [`has_test`](Task::has_test) is `false`. Where `.ts` files come without a valid split, every
    /// fifth series of each class of the train file is held out as that.
    ///
    /// # Errors
    /// [`TaskError::Config`] if a setting is out of range; [`TaskError::Dataset`] if a file is missing, cannot be read or is not what the
    /// format says, there are two for one split, or the splits do not fit together.
    pub fn open(folder: &Path, config: &OwnConfig) -> Result<Self, TaskError> {
        config.validate()?;
        let Files { splits: [train, valid, test], classes, mut remarks } = folder::find(folder)?;
        let given = match (&config.classes, classes) {
            (None, Some(path)) if config.classes_allowed() => Some(class_names::from_file(&path)?),
            (classes, _) => classes.as_ref().and_then(Classes::names).map(<[String]>::to_vec),
        };
        // What is there was looked for.
        let train = train.unwrap_or_default();
        let mut train = open(train, config, given.as_deref())?;
        let names = given.or_else(|| train.names.take());
        let (valid, train) = match valid {
            Some(path) => (open(path, config, names.as_deref())?, train),
            None => {
                let (rest, held) = held_out::hold_out(&train.part);
                let (held_count, all) = (held.sequences.len(), train.part.sequences.len());
                if held_count == 0 {
                    let problem =
                        "no valid split beside it, and too few series of each class to hold some out: add one".to_owned();
                    return Err(DatasetError::Malformed { path: train.path, at: At::Line(1), problem }.into());
                }
                remarks.push(format!(
                    "there is no valid split: {held_count} of the {all} series of {}, {}, {} it",
                    files::name_of(&train.path),
                    held_out::which(&train.part),
                    if held_count == 1 { "is" } else { "are" }
                ));
                (Opened { part: held, path: train.path.clone(), names: None }, Opened { part: rest, ..train })
            }
        };
        let test = test.map(|path| open(path, config, names.as_deref())).transpose()?;
        Ok(Self::of(train, valid, test, config, names, remarks)?)
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
        let given = config.classes.as_ref().and_then(Classes::names).map(<[String]>::to_vec);
        let mut train = read(train, config, given.as_deref())?;
        let names = given.or_else(|| train.names.take());
        let valid = read(valid, config, names.as_deref())?;
        let test = test.map(|test| read(test, config, names.as_deref())).transpose()?;
        Ok(Self::of(train, valid, test, config, names, Vec::new())?)
    }

    fn of(
        train: Opened,
        valid: Opened,
        test: Option<Opened>,
        config: &OwnConfig,
        names: Option<Vec<String>>,
        mut remarks: Vec<String>,
    ) -> Result<Self, DatasetError> {
        let values = train.part.outputs();
        let loss = match (values, config.loss) {
            (_, Some(loss)) => loss,
            (None, None) => Loss::SoftmaxCrossEntropy,
            (Some(_), None) => Loss::MeanSquaredError,
        };
        // Names beside values are those of other classes.
        let names = names.filter(|_| values.is_none());
        let said = names.as_ref().map(Vec::len).or(config.classes.as_ref().map(Classes::count));
        let mut classes = said.unwrap_or(2);
        for Opened { part, path, .. } in [Some(&train), Some(&valid), test.as_ref()].into_iter().flatten() {
            agree(&train.part, part, path)?;
            classes = classes.max(check_targets(part, path, loss, said)?);
        }
        if config.loss.is_none() && odd::is_one_hot(&train.part) {
            remarks.push(
                "every target is a row of zeros with a single one, and is learned as values: if these are classes, save their numbers as whole \
                 numbers (targets.argmax(axis=-1))"
                    .into(),
            );
        }
        let read = [(Split::Train, Some(&train)), (Split::Valid, Some(&valid)), (Split::Test, test.as_ref())];
        let read: Vec<(Split, &Part)> =
            read.into_iter().filter_map(|(split, opened)| Some((split, &opened?.part))).collect();
        remarks.extend(odd::repeated(&read));
        let (train, valid, test) = (train.part, valid.part, test.map(|test| test.part));
        let asked = test.as_ref().unwrap_or(&valid);
        let outputs = values.unwrap_or(classes);
        let (chance, chance_accuracy) = super::guess::chance(&train, asked, loss, outputs);
        let counts = [&train, &valid, asked].map(|part| odd::class_counts(part, outputs));
        let all = [Some(&train), Some(&valid), test.as_ref()];
        let is_by_sequence = odd::are_of_one_class_each(all.into_iter().flatten());
        Ok(Self {
            splits: [train, valid],
            test,
            loss,
            outputs,
            names,
            counts,
            is_by_sequence,
            remarks,
            chance,
            chance_accuracy,
        })
    }

    fn split(&self, split: Split) -> &Part {
        match (split, &self.test) {
            (Split::Train, _) => &self.splits[0],
            (Split::Test, Some(test)) => test,
            (Split::Valid | Split::Test, _) => &self.splits[1],
        }
    }
}

fn open(path: PathBuf, config: &OwnConfig, names: Option<&[String]>) -> Result<Opened, DatasetError> {
    let Some(encoding) = folder::encoding(&path) else {
        return Ok(Opened { part: arrays::part(npz::from_folder(&path)?, &path, config)?, path, names: None });
    };
    let bytes = match encoding {
        Encoding::Npz => files::contents(&path, crate::numpy::LARGEST_FILE)?,
        Encoding::JsonLines => files::unpacked(&path, json_lines::LARGEST_FILE)?,
        Encoding::Ts => files::unpacked(&path, ts::LARGEST_FILE)?,
    };
    read(Source { bytes: &bytes, encoding, path: &path }, config, names)
}

fn read(
    Source { bytes, encoding, path }: Source<'_>,
    config: &OwnConfig,
    names: Option<&[String]>,
) -> Result<Opened, DatasetError> {
    let (part, names) = match encoding {
        Encoding::Npz => (arrays::part(npz::from_archive(bytes, path)?, path, config)?, None),
        Encoding::JsonLines => {
            files::within_limit(bytes.len() as u64, json_lines::LARGEST_FILE, path)?;
            (json_lines::part(bytes, path, names)?, None)
        }
        Encoding::Ts => {
            files::within_limit(bytes.len() as u64, ts::LARGEST_FILE, path)?;
            let ts::Read { part, names } = ts::part(bytes, path, names)?;
            (part, names)
        }
    };
    Ok(Opened { part, path: path.to_owned(), names })
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
        return differ("inputs", format!("{} in a step", counted(part.features, "value")), train.features.to_string());
    }
    let kind = |part: &Part| match part.outputs() {
        Some(outputs) => format!("{} in a target", counted(outputs, "value")),
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
            format!(
                "class {}, but the setting `classes`, or classes.json, says that there are {classes}: classes count from 0, so correct one",
                most - 1
            )
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
            Loss::SoftmaxCrossEntropy if self.is_by_sequence => &[Metric::SequenceAccuracy, Metric::Accuracy],
            Loss::SoftmaxCrossEntropy => &[Metric::Accuracy],
            Loss::BinaryCrossEntropy => &[Metric::Loss, Metric::FrameAccuracy],
            _ => &[Metric::R2, Metric::Nrmse],
        }
    }

    fn class_name(&self, class: usize) -> Cow<'_, str> {
        match self.names.as_ref().and_then(|names| names.get(class)) {
            Some(name) => name.into(),
            None => class.to_string().into(),
        }
    }

    fn class_counts(&self, split: Split) -> Option<Vec<u64>> {
        self.counts[split.position()].clone()
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
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
