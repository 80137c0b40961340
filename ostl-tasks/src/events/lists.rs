//! Events of your own: lists in CSV files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::binned::{Binned, Cut, task_of_events};
use super::binning::{Bin, BinValue};
use super::manifest::twice;
pub use super::manifest::{ListedRecording, events_from_slice, manifest_from_slice};
use super::recordings::{Recording, Recordings};
use super::remarks;
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::labels::TargetSteps;
use crate::split::Split;

/// Most channels.
const MOST_CHANNELS: u32 = 10_000_000;
/// Most channels that are believed where no setting says how many there are: a wrong number in a file would make an enormous network.
const MOST_GUESSED: u32 = 1 << 20;

/// Settings of [`EventLists`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `bin` | `{ width_ms = 10 }` | which events make up a step | `width_ms`: 0.001 … 4 000 000; `count`: 1 … |
/// | `max_steps` | 1 000 000 | steps after which a recording is cut off | 1 … 1 000 000 |
/// | `value` | `"count"` | an input is 1 where there are events, or their number or the sum of their values | `"binary"`, `"count"` |
/// | `targets` | `"every"` | the steps with the class as their target | `"every"`, `"last"` |
/// | `channels` | the largest channel of the train split + 1, if that is at most 1 048 576 | how many channels there are | 1 … 10 000 000 |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventListsConfig {
    /// Which events make up a step.
    pub bin: Bin,
    /// Steps after which a recording is cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// Whether an input is 1 where there are events, or their number or the sum of their values.
    pub value: BinValue,
    /// The steps with the class as their target.
    pub targets: TargetSteps,
    /// How many channels there are; one more than the largest of the train split if it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
}

impl Default for EventListsConfig {
    fn default() -> Self {
        let bin = Bin::WidthMs(10.0);
        Self { bin, max_steps: None, value: BinValue::Count, targets: TargetSteps::Every, channels: None }
    }
}

/// Recordings of events in CSV files: of which class is this one?
///
/// A folder holds `train.csv`, `valid.csv` and `test.csv`, each with the columns `file` and `label`: the path of a recording, seen from the
/// folder, and any text. A recording is a CSV file with the columns `t_us`, `t_ms` or `t_s` (its time in that unit), `channel` and maybe
/// `value`, an event a line. All of them may be gzip. The classes are the labels of the train split, in the order of their numbers if all
/// are whole numbers, else in that of their letters. No recording may be listed twice in one file; one that is in the train split and another
/// is reported ([`Task::remarks`](crate::Task::remarks)). Batches are sparse. In memory an event takes 8 bytes, 12 if there are values.
#[derive(Clone, Debug)]
pub struct EventLists {
    config: EventListsConfig,
    labels: Vec<String>,
    data: Binned,
}

impl EventLists {
    /// The largest manifest or recording that is read, in bytes.
    pub const LARGEST_FILE: u64 = 1 << 30;

    /// Opens the three manifests in a folder or in its subfolder `event-list`, and the recordings they list.
    ///
    /// # Errors
    /// [`TaskError::Dataset`] if a file is missing, cannot be read, or [`manifest_from_slice`] or [`events_from_slice`] rejects it, a
    /// recording is listed twice, the train split has fewer than two classes, or a label of another split is not among them; [`TaskError::Config`] if a setting is outside the
    /// range that [`EventListsConfig`] gives.
    pub fn open(folder: &Path, config: &EventListsConfig) -> Result<Self, TaskError> {
        let cut = Cut::new(config.bin, config.max_steps, config.value, config.targets)?;
        let channels = match config.channels {
            None => None,
            Some(channels @ 1..=10_000_000) => Some(channels as u32),
            Some(channels) => {
                let (field, value) = ("channels".to_owned(), channels.to_string());
                let allowed = format!("a whole number from 1 to {MOST_CHANNELS}, or left out");
                return Err(ConfigError::OutOfRange { field, value, allowed }.into());
            }
        };
        let train =
            files::find(folder, &["event-list"], &["train.csv", "train.csv.gz"], "train.csv, valid.csv and test.csv")?;
        let root = train.parent().unwrap_or(folder);
        let manifest = |path: &Path| manifest_from_slice(&files::unpacked(path, Self::LARGEST_FILE)?, path);
        let of_train = manifest(&train)?;
        let labels = labels_of(&of_train, &train)?;
        if labels.len() < 2 {
            let problem = format!("every label is `{}`, expected at least two classes", labels[0]);
            return Err(DatasetError::Malformed { path: train, at: At::Line(of_train[0].line), problem }.into());
        }
        let (most, why) = match channels {
            Some(channels) => (channels, "the setting `channels`"),
            None => (MOST_GUESSED, "unless the setting `channels` says that there are more"),
        };
        let (first, in_train) = read(&of_train, &labels, &train, most, why)?;
        let largest = (0..first.len()).filter_map(|index| first.get(index).channels.iter().max().copied()).max();
        let channels = channels.unwrap_or(largest.unwrap_or(0) + 1);
        let why = "the channels of the train split: set `channels` if there are more";
        let mut remarks = Vec::new();
        let [valid, test] = [Split::Valid, Split::Test].map(|split| {
            let name = format!("{split}.csv");
            let path = files::find(root, &[], &[&name, &format!("{name}.gz")], &name)?;
            let (recordings, places) = read(&manifest(&path)?, &labels, &path, channels, why)?;
            remarks.extend(remarks::shared(split, &in_train, &places));
            Ok::<_, DatasetError>(recordings)
        });
        let data = Binned::new([first, valid?, test?], cut, channels as usize, labels.len()).remarked(remarks);
        Ok(Self { config: config.clone(), labels, data })
    }

    /// The settings.
    pub fn config(&self) -> &EventListsConfig {
        &self.config
    }

    /// The labels, in the order of their classes.
    pub fn labels(&self) -> &[String] {
        &self.labels
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
        self.labels[class].as_str().into()
    }
}

/// The labels of a manifest, each once, in the order of their classes.
fn labels_of(listed: &[ListedRecording], path: &Path) -> Result<Vec<String>, DatasetError> {
    let mut labels: Vec<String> = listed.iter().map(|recording| recording.label.clone()).collect();
    labels.sort();
    labels.dedup();
    let number = |label: &String| label.parse::<u64>().ok();
    if labels.iter().all(|label| number(label).is_some()) {
        labels.sort_by_key(number);
        if let Some(pair) = labels.windows(2).find(|pair| number(&pair[0]) == number(&pair[1])) {
            let line = listed.iter().find(|recording| recording.label == pair[1]).map_or(1, |recording| recording.line);
            let problem = format!("the label `{}` is the same number as `{}`: write it in one way", pair[1], pair[0]);
            return Err(DatasetError::Malformed { path: path.to_owned(), at: At::Line(line), problem });
        }
    }
    Ok(labels)
}

/// The recordings of a manifest, and where each really lies.
fn read(
    listed: &[ListedRecording],
    labels: &[String],
    manifest: &Path,
    channels: u32,
    why: &str,
) -> Result<(Recordings, Vec<PathBuf>), DatasetError> {
    let folder = manifest.parent().unwrap_or(manifest);
    let wrong = |line, problem| DatasetError::Malformed { path: manifest.to_owned(), at: At::Line(line), problem };
    let places = places(listed, folder, wrong)?;
    let mut seen: HashMap<PathBuf, &ListedRecording> = HashMap::new();
    let mut really = Vec::with_capacity(listed.len());
    let mut recordings = Recordings::new();
    for (entry, path) in listed.iter().zip(places) {
        let ListedRecording { label, line, .. } = entry;
        let Some(class) = labels.iter().position(|known| known == label) else {
            let problem = format!("label `{label}` is not among those of the train split: {}", labels.join(", "));
            return Err(wrong(*line, problem));
        };
        // Links and names in capitals or not may lead to one file.
        let place = fs::canonicalize(&path).map_err(|reason| DatasetError::Unreadable { path: path.clone(), reason })?;
        if let Some(before) = seen.insert(place.clone(), entry) {
            return Err(wrong(*line, twice(entry, before)));
        }
        really.push(place);
        let content = files::unpacked(&path, EventLists::LARGEST_FILE)?;
        events_from_slice(&content, &path, channels, why, &mut recordings)?;
        recordings.finish(class as u32);
    }
    Ok((recordings, really))
}

/// Where the listed files lie; the error names the first that is missing, and how many more are.
fn places(
    listed: &[ListedRecording],
    folder: &Path,
    wrong: impl Fn(u64, String) -> DatasetError,
) -> Result<Vec<PathBuf>, DatasetError> {
    let mut places = Vec::with_capacity(listed.len());
    let mut missing: Vec<&ListedRecording> = Vec::new();
    for entry in listed {
        match files::entry(folder, &entry.file)? {
            Some(path) => places.push(path),
            None => missing.push(entry),
        }
    }
    let Some(first) = missing.first() else { return Ok(places) };
    let more = match missing.len() {
        1 => String::new(),
        count => format!(", and none for {} more lines of this list", count - 1),
    };
    let path = folder.join(&first.file);
    Err(wrong(first.line, format!("no file at {}{more}: copy it there or correct this line", path.display())))
}

task_of_events!(EventLists, "event-list");
