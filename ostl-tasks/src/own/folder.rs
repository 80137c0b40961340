//! The files of the splits in a folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::task::Encoding;
use crate::error::{At, DatasetError};
use crate::files;
use crate::split::Split;

/// The name of the subfolder in which one looks, too.
const FOLDER: &str = "own";
/// The file with the names of classes.
const CLASSES: &str = "classes.json";

/// Where the splits of a data set lie.
#[derive(Debug)]
pub(super) struct Files {
    /// By [`Split::position`].
    pub(super) splits: [Option<PathBuf>; 3],
    /// Names of classes.
    pub(super) classes: Option<PathBuf>,
    /// What lies there and is not read, or is odd, in sentences.
    pub(super) remarks: Vec<String>,
}

/// How a path is encoded, as its name says; `None` for a folder of arrays.
pub(super) fn encoding(path: &Path) -> Option<Encoding> {
    let name = files::name_of(path);
    ENDINGS.iter().find(|(ending, _)| files::stem(&name, ending).is_some()).map(|&(_, encoding)| encoding)
}

const ENDINGS: [(&str, Encoding); 5] = [
    (".npz", Encoding::Npz),
    (".jsonl", Encoding::JsonLines),
    (".jsonl.gz", Encoding::JsonLines),
    (".ts", Encoding::Ts),
    (".ts.gz", Encoding::Ts),
];

/// The names that a split's file or folder may have, as they are said.
pub(super) fn names(split: Split) -> [String; 4] {
    [format!("{split}.npz"), format!("{split}.jsonl"), format!("{split}.ts"), format!("{split}/inputs.npy")]
}

/// A file or folder that looks like one of a split's.
struct Candidate {
    path: PathBuf,
    split: Split,
    /// NAME of an archive's `NAME_TRAIN.ts`.
    archive: Option<String>,
}

/// What lies at a place, sorted into splits.
struct Place {
    folder: PathBuf,
    candidates: Vec<Candidate>,
    /// Names that are close to one of a split's, and are none.
    strays: Vec<String>,
    classes: Option<PathBuf>,
}

/// Finds the splits in a folder or in its subfolder `own`; or beside a file, or a folder of arrays, that is one of them.
pub(super) fn find(given: &Path) -> Result<Files, DatasetError> {
    let Some(found) = files::look(given)? else {
        return Err(DatasetError::NotFound { file: names(Split::Train).join(", "), looked_at: vec![given.to_owned()] });
    };
    // A path without a folder in front lies in the folder that the program runs in.
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    };
    let (mut folder, mut chosen) = (given.to_owned(), None);
    if !found.is_dir() {
        (folder, chosen) = (parent(given), Some(given.to_owned()));
        if files::stem(&files::name_of(given), ".npy").is_some() {
            (folder, chosen) = (parent(&folder), Some(folder));
        }
    } else if arrays_in(given)?.is_some() {
        let whole = fs::canonicalize(given).unwrap_or_else(|_| given.to_owned());
        (folder, chosen) = (parent(&whole), Some(whole));
    }
    let mut place = look(&folder)?;
    if chosen.is_none() && !place.candidates.iter().any(|candidate| candidate.split == Split::Train) {
        let inside = match files::entry(&folder, FOLDER)? {
            Some(inside) => look(&inside)?,
            None => Place { folder: folder.join(FOLDER), candidates: Vec::new(), strays: Vec::new(), classes: None },
        };
        if !inside.candidates.is_empty() || place.candidates.is_empty() {
            let strays = std::mem::take(&mut place.strays);
            place = inside;
            place.strays.extend(strays);
        }
    }
    place.sorted(given, chosen.as_deref())
}

/// The inputs of a folder of arrays.
fn arrays_in(folder: &Path) -> Result<Option<PathBuf>, DatasetError> {
    files::entry(folder, "inputs.npy")
}

/// Everything in a folder that may be a split.
fn look(folder: &Path) -> Result<Place, DatasetError> {
    let mut place = Place { folder: folder.to_owned(), candidates: Vec::new(), strays: Vec::new(), classes: None };
    for path in files::in_folder(folder)? {
        let Some(name) = path.file_name().and_then(OsStr::to_str).map(str::to_owned) else { continue };
        if name.eq_ignore_ascii_case(CLASSES) {
            place.classes = Some(path);
            continue;
        }
        let is_folder = path.is_dir();
        let stem = match ENDINGS.iter().find_map(|(ending, encoding)| Some((files::stem(&name, ending)?, *encoding))) {
            Some((stem, encoding)) if !is_folder => Some((stem.to_owned(), Some(encoding))),
            None if is_folder && arrays_in(&path)?.is_some() => Some((name.clone(), None)),
            _ => None,
        };
        let split = |text: &str| Split::ALL.into_iter().find(|split| text.eq_ignore_ascii_case(split.name()));
        let candidate = stem.as_ref().and_then(|(stem, encoding)| match (split(stem), encoding) {
            (Some(split), _) => Some((split, None)),
            (None, Some(Encoding::Ts)) => {
                let (archive, end) = stem.rsplit_once('_')?;
                Some((split(end)?, Some(archive.to_owned())))
            }
            _ => None,
        });
        match candidate {
            Some((split, archive)) => place.candidates.push(Candidate { path, split, archive }),
            None if is_close(&name, stem.is_some()) => place.strays.push(name),
            None => {}
        }
    }
    Ok(place)
}

/// Whether a name looks as if it were meant for a split: `val.npz`, `train.json`, `testing.jsonl`.
fn is_close(name: &str, is_read: bool) -> bool {
    let name = name.to_ascii_lowercase();
    let (stem, ending) = name.split_once('.').unwrap_or((&name, ""));
    let begins =
        ["train", "val", "test", "dev", "eval"].iter().any(|word| stem.starts_with(word) && stem.len() < word.len() + 8);
    begins
        && (is_read
            || matches!(ending, "json" | "json.gz" | "npy" | "csv" | "tsv" | "txt" | "arff" | "pkl" | "pt" | "npz.gz"))
}

impl Place {
    /// One file a split.
    fn sorted(self, given: &Path, chosen: Option<&Path>) -> Result<Files, DatasetError> {
        let broken = |name: &Path, problem: String| DatasetError::Malformed {
            path: self.folder.clone(),
            at: At::Part(files::name_of(name)),
            problem,
        };
        if let Some(chosen) = chosen {
            let is_one = |candidate: &Candidate| candidate.path.file_name() == chosen.file_name();
            if !self.candidates.iter().any(is_one) {
                let problem = format!(
                    "not a split's file: give the folder that holds {}, or one of these files",
                    names(Split::Train).join(", ")
                );
                return Err(broken(chosen, problem));
            }
        }
        // Of several archives in one folder, that of the file that was given.
        let archive_of = |path: &Path| {
            self.candidates
                .iter()
                .find(|candidate| candidate.path.file_name() == path.file_name())
                .map(|c| c.archive.clone())
        };
        let archive = match chosen.and_then(archive_of) {
            Some(archive) => Some(archive),
            None => self.candidates.iter().find(|candidate| candidate.split == Split::Train).map(|c| c.archive.clone()),
        };
        let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let mut splits: [Option<PathBuf>; 3] = [None, None, None];
        let mut remarks = Vec::new();
        for candidate in &self.candidates {
            let is_of = archive.as_ref().is_none_or(|archive| same(archive, &candidate.archive));
            let slot = &mut splits[candidate.split.position()];
            match slot {
                _ if !is_of && (candidate.split != Split::Train || chosen.is_some()) => {
                    remarks.push(format!("{} is not read: it belongs to other data", files::name_of(&candidate.path)));
                }
                Some(other) => {
                    let (one, other) = (files::name_of(other), files::name_of(&candidate.path));
                    let problem = format!(
                        "`{one}` is there as well, and only one can be the {} split: keep one of the two",
                        candidate.split
                    );
                    return Err(broken(Path::new(&other), problem));
                }
                None => *slot = Some(candidate.path.clone()),
            }
        }
        let may_lack = |split: Split| split == Split::Test || (split == Split::Valid && self.is_ts(&splits));
        for split in Split::ALL {
            if splits[split.position()].is_none() && !may_lack(split) {
                return Err(self.missing(split, given));
            }
        }
        for stray in &self.strays {
            remarks.push(format!("{stray} is not read: a split is called {}", names(Split::Valid).join(", ")));
        }
        let encodings: Vec<Option<Encoding>> = splits.iter().flatten().map(|path| encoding(path)).collect();
        if encodings.iter().any(|encoding| *encoding != encodings[0]) {
            let listed: Vec<String> = splits.iter().flatten().map(|path| files::name_of(path)).collect();
            remarks
                .push(format!("the splits are encoded in different ways ({}): do they belong together?", listed.join(", ")));
        }
        Ok(Files { splits, classes: self.classes, remarks })
    }

    fn is_ts(&self, splits: &[Option<PathBuf>; 3]) -> bool {
        splits[Split::Train.position()].as_deref().and_then(encoding) == Some(Encoding::Ts)
    }

    /// The error for a split that is not there; with a word about what may be meant for it.
    fn missing(&self, split: Split, given: &Path) -> DatasetError {
        let begins: &[&str] = match split {
            Split::Train => &["train"],
            Split::Valid => &["val", "dev", "eval"],
            Split::Test => &["test"],
        };
        let meant = |name: &&String| begins.iter().any(|word| name.to_ascii_lowercase().starts_with(word));
        match self.strays.iter().find(meant) {
            Some(stray) => DatasetError::Malformed {
                path: self.folder.clone(),
                at: At::Part(stray.clone()),
                problem: format!(
                    "not read, and there is no {split} split: one is called {} (or .jsonl.gz, .ts.gz); rename or convert it",
                    names(split).join(", ")
                ),
            },
            None => {
                let folders =
                    if self.folder == given { vec![given.to_owned()] } else { vec![given.to_owned(), self.folder.clone()] };
                let folders = if given.is_dir() { folders } else { vec![self.folder.clone()] };
                DatasetError::NotFound {
                    file: format!("{split}.npz, {split}.jsonl, {split}.ts or {split}/inputs.npy"),
                    looked_at: folders
                        .iter()
                        .flat_map(|folder| names(split).map(|name| folder.join(name.replace("/inputs.npy", ""))))
                        .collect(),
                }
            }
        }
    }
}
