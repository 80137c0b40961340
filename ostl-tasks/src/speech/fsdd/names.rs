//! The recordings' names, and the splits they belong to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::config::{FIRST_TRAIN, FsddConfig};
use crate::error::{At, DatasetError, TaskError};
use crate::files;
use crate::split::Split;

/// What a file's name says. Names are ordered by digit, speaker and index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) digit: usize,
    pub(super) speaker: String,
    pub(super) index: u32,
    /// The name itself.
    pub(super) file: String,
}

impl Name {
    /// Takes `{digit}_{speaker}_{index}.wav` apart, with `.gz` behind it or not; `folder` is only named in errors.
    pub(super) fn parse(file: &str, folder: &Path) -> Result<Self, DatasetError> {
        let stem = stem(file).unwrap_or(file);
        let parts = stem.split_once('_').and_then(|(digit, rest)| {
            let (speaker, index) = rest.rsplit_once('_')?;
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let digit = (digit.len() == 1 && plain(digit)).then(|| digit.parse().ok())??;
            let index = plain(index).then(|| index.parse().ok())??;
            (!speaker.is_empty()).then(|| Name { digit, speaker: speaker.to_owned(), index, file: file.to_owned() })
        });
        parts.ok_or_else(|| DatasetError::Malformed {
            path: folder.join(file),
            at: At::Part("the file's name".to_owned()),
            problem: "expected `{digit}_{speaker}_{index}.wav`, as `7_theo_32.wav`: rename the file or move it elsewhere"
                .to_owned(),
        })
    }
}

/// How the names of recordings end, with `.gz` behind it or not, in capitals or not: what a file holds is seen by its first bytes.
const ENDINGS: [&str; 4] = [".wav", ".wave", ".sph", ".nist"];

/// Endings of sounds in formats that are not read, and of files packed in ways that are not.
const OTHERS: [&str; 20] = [
    ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf",
    ".w64", ".raw", ".zip", ".bz2", ".xz", ".zst",
];

/// The part of a name before `.wav` or `.wav.gz`.
fn stem(file: &str) -> Option<&str> {
    let unpacked = files::stem(file, ".gz").unwrap_or(file);
    ENDINGS.iter().find_map(|ending| files::stem(unpacked, ending))
}

/// The recordings in a folder; none if there is no such folder. Names that begin with a dot are passed over, and those of files that are
/// no sounds; sounds that are not read are an error, lest they be missing unnoticed.
pub(super) fn list(folder: &Path) -> Result<Vec<Name>, DatasetError> {
    if !files::look(folder)?.is_some_and(|found| found.is_dir()) {
        return Ok(Vec::new());
    }
    let unreadable = |reason| DatasetError::Unreadable { path: folder.to_owned(), reason };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.file_name();
        let shown = file.to_string_lossy();
        if shown.starts_with('.') {
            continue;
        }
        let refused = |problem: &str| DatasetError::Malformed {
            path: folder.join(&file),
            at: At::Part("the file's name".to_owned()),
            problem: problem.to_owned(),
        };
        if stem(&shown).is_some() {
            let name = file.to_str().ok_or_else(|| refused("not Unicode: rename the file or move it elsewhere"))?;
            names.push(Name::parse(name, folder)?);
        } else if OTHERS.iter().any(|ending| files::stem(&shown, ending).is_some()) {
            let problem = "neither WAV nor SPHERE: convert the file to WAV (`ffmpeg -i FILE NEW.wav`) or move it elsewhere";
            return Err(refused(problem));
        }
    }
    Ok(names)
}

/// The recordings of each split, sorted.
pub(super) fn sort(mut names: Vec<Name>, config: &FsddConfig, folder: &Path) -> Result<[Vec<Name>; 3], TaskError> {
    names.sort_unstable();
    let speakers: BTreeSet<&str> = names.iter().map(|name| name.speaker.as_str()).collect();
    config.validate(&Vec::from_iter(speakers))?;
    if let Some(pair) = names
        .windows(2)
        .find(|pair| (pair[0].digit, &pair[0].speaker, pair[0].index) == (pair[1].digit, &pair[1].speaker, pair[1].index))
    {
        let problem = format!("the same recording as `{}`: remove one of the two", pair[0].file);
        let at = At::Part("the file's name".to_owned());
        return Err(DatasetError::Malformed { path: folder.join(&pair[1].file), at, problem }.into());
    }
    let mut splits = [Vec::new(), Vec::new(), Vec::new()];
    for name in names {
        let is_test = config.held_out.as_ref().map_or(name.index < FIRST_TRAIN, |speaker| *speaker == name.speaker);
        let split = if is_test {
            Split::Test
        } else if config.valid.contains(&name.index) {
            Split::Valid
        } else {
            Split::Train
        };
        splits[split.position()].push(name);
    }
    for split in Split::ALL {
        if splits[split.position()].is_empty() {
            let problem = "no recordings: download the data set again, or choose another `valid`".to_owned();
            let at = At::Part(format!("split {split}"));
            return Err(DatasetError::Malformed { path: folder.to_owned(), at, problem }.into());
        }
    }
    Ok(splits)
}
