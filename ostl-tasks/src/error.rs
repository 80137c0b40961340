//! What can be wrong with a task's data or settings, said so that it can be mended.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ostl_core::ConfigError;

use crate::split::Split;

/// Where to read on; ends the messages about a file's content.
const FORMAT: &str = "The format: {\"train\": [[[60, 64], [62]], …], \"valid\": …, \"test\": …}, that is splits of \
                      sequences of chords of MIDI notes; see \"The chorales file\" in the README of ostl-tasks";

/// Why a [`Task`](crate::Task) could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// A setting is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data is missing or broken.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The program was built without what the task needs.
    #[error("the task `{task}` needs what this program was built without: build it again with `--features {feature}`")]
    NotBuilt {
        /// The task.
        task: &'static str,
        /// The cargo feature.
        feature: &'static str,
    },
}

/// Data is missing or broken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The task needs data, and no folder was given.
    #[error("the task `{task}` needs data: pass `--data DIR`, where DIR holds `{file}`")]
    NotGiven {
        /// The task.
        task: &'static str,
        /// The file that is needed.
        file: String,
    },
    /// The file is in none of the places where it may lie.
    #[error("no file {}: pass `--data DIR`, where DIR holds `{file}`, or the file's own path", places(.looked_at))]
    NotFound {
        /// The file's usual name.
        file: String,
        /// The places, in the order they were tried.
        looked_at: Vec<PathBuf>,
    },
    /// There is something at the path, but neither a file nor a folder (a pipe or a device), or a folder in place of the
    /// file.
    #[error("{}: not a regular file: pass `--data DIR`, where DIR holds the file, or the file's own path", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The operating system would not let the file be read.
    #[error("{}: cannot be read: {reason}; check that this user may read the file and its folder", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The file is larger than any data set of its kind.
    #[error("{}: {bytes} bytes, but at most {limit} are read: is this the right file for `--data`?", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// A packed file unpacks to far more than its size lets expect.
    #[error("{}: {packed} bytes that unpack to more than {room}, and of a packed file no more than {} times its size are read: unpack it \
             (gunzip) and read the plain file", .path.display(), crate::files::MOST_UNPACKED)]
    UnpacksTooFar {
        /// The file.
        path: PathBuf,
        /// Its size.
        packed: u64,
        /// The largest content that is read of it.
        room: u64,
    },
    /// The file has no content.
    #[error("{}: the file is empty: copy or download it again. {FORMAT}", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file's content is not what its format says.
    #[error("{}: {at}: {problem}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it.
        at: At,
        /// What is wrong, what was expected, and what to do.
        problem: String,
    },
    /// The content of a file of chord sequences is not what it should be.
    #[error("{}: line {line}, column {column}, in {place}: {defect}. {FORMAT}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// How many bytes of the line were read; the defect ends there.
        column: usize,
        /// The place in the data set.
        place: Place,
        /// What is wrong there.
        defect: Defect,
    },
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// A byte, counted from 0.
    Byte(u64),
    /// A line, counted from 1.
    Line(u64),
    /// A named part: a data set of an HDF5 file, an array of an archive.
    Part(String),
    /// A place in what a packed file unpacks to.
    Unpacked(Box<At>),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Byte(byte) => write!(f, "byte {byte}"),
            At::Line(line) => write!(f, "line {line}"),
            At::Part(name) => write!(f, "in `{name}`"),
            At::Unpacked(at) => write!(f, "{at} of the unpacked content"),
        }
    }
}

/// A place in a data set, as far as it is known. Sequences and steps are counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The split.
    pub split: Option<Split>,
    /// The sequence in the split.
    pub sequence: Option<usize>,
    /// The step in the sequence.
    pub step: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(split) = self.split else { return f.write_str("the outermost object") };
        write!(f, "split `{split}`")?;
        if let Some(sequence) = self.sequence {
            write!(f, ", sequence {sequence}")?;
        }
        if let Some(step) = self.step {
            write!(f, ", step {step}")?;
        }
        if self.sequence.is_some() { f.write_str(" (counted from 0)") } else { Ok(()) }
    }
}

/// What is wrong at a [`Place`] in a file of chord sequences.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Defect {
    /// Not JSON, or JSON of another shape; the parser's own words.
    #[error("{0}")]
    Json(String),
    /// NaN or an infinity in place of a note.
    #[error("`{0}` in place of a note, expected a MIDI note number from 0 to 127: remove it")]
    NotFinite(&'static str),
    /// The file ends in the middle.
    #[error("the file ends here, in the middle of its JSON: it was cut off, so copy or download it again")]
    Truncated,
    /// A key that is not a split.
    #[error("unknown key `{0}`, expected `train`, `valid` or `test`: remove it")]
    UnknownKey(String),
    /// A split that was there before.
    #[error("the split comes a second time: keep one of the two")]
    RepeatedSplit,
    /// One of the three splits is missing.
    #[error("the split `{0}` is missing, expected `train`, `valid` and `test`")]
    MissingSplit(Split),
    /// A split without sequences.
    #[error("the split holds no sequences, expected at least one")]
    NoSequences,
    /// A sequence without chords.
    #[error("the sequence is empty, expected at least two chords: remove it")]
    EmptySequence,
    /// A sequence of one chord.
    #[error("the sequence is a single chord, so there is nothing to predict, expected at least two: remove it")]
    SingleChord,
    /// A note that MIDI does not have.
    #[error("note {0}, expected a MIDI note number from 0 to 127")]
    NotMidi(i128),
    /// A note that MIDI has and a piano has not.
    #[error("note {0} is not among the 88 keys of a piano, MIDI notes 21 to 108: transpose the sequence or leave it out")]
    OffKeyboard(u8),
    /// A note twice in a chord.
    #[error("note {0} comes twice in the chord: list each sounding note once")]
    RepeatedNote(u8),
}

/// Where a file was looked for: "at A or B"; or, where the same names were tried in several folders, "N or M in A, nor in its folder B or C".
fn places(paths: &[PathBuf]) -> String {
    let mut folders: Vec<&Path> = Vec::new();
    let mut names: Vec<&OsStr> = Vec::new();
    for (folder, name) in paths.iter().filter_map(|path| path.parent().zip(path.file_name())) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let any_of = |words: Vec<String>| match words.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} or {end}", rest.join(", ")),
        _ => words.concat(),
    };
    let whole = folders.len() > 1 && names.len() > 1 && folders.len() * names.len() == paths.len();
    let inside: Option<Vec<&Path>> =
        folders.split_first().and_then(|(first, rest)| rest.iter().map(|f| f.strip_prefix(first).ok()).collect());
    match inside {
        Some(inside) if whole => {
            let names = any_of(names.iter().map(|name| name.to_string_lossy().into_owned()).collect());
            let inside = any_of(inside.iter().map(|folder| folder.display().to_string()).collect());
            format!("{names} in {}, nor in its folder {inside}", folders[0].display())
        }
        _ => format!("at {}", any_of(paths.iter().map(|path| path.display().to_string()).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_search_is_told_in_one_line() {
        let paths = |paths: &[&str]| places(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(paths(&["d/a"]), "at d/a");
        assert_eq!(paths(&["d/a", "e/a", "f/a"]), "at d/a, e/a or f/a");
        assert_eq!(paths(&["d/a", "d/b", "d/x/a", "d/x/b", "d/y/a", "d/y/b"]), "a or b in d, nor in its folder x or y");
        // Not every name in every folder, or folders elsewhere.
        assert_eq!(paths(&["d/a", "d/b", "d/x/a"]), "at d/a, d/b or d/x/a");
        assert_eq!(paths(&["d/a", "d/b", "e/a", "e/b"]), "at d/a, d/b, e/a or e/b");
    }
}
