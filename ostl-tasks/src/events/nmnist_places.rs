//! Where the recordings of N-MNIST lie: in folders of digits, or in lists of numbers.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::nmnist_files::{ListLine, list_lines};
use crate::error::{At, DatasetError};
use crate::files;

/// Largest list that is read, in bytes.
const LARGEST_LIST: u64 = 1 << 26;
/// How the names of recordings end, perhaps with `.gz` behind it, in capitals or not.
const ENDINGS: [&str; 2] = [".bs2", ".bin"];
const FOLDERS: [&str; 6] = ["n-mnist", "N-MNIST", "nmnist", "NMNIST", "nmnist-small", "NMNISTsmall"];

/// A recording's file, and its digit.
pub(super) type Listed = (PathBuf, u8);

/// The training and the test recordings of a folder, in the order of their numbers in the published layout and of the lists in the other.
pub(super) fn recordings_of(folder: &Path) -> Result<[Vec<Listed>; 2], DatasetError> {
    let names = ["Train", "train60K.txt", "train60K.txt.gz", "train1K.txt", "train1K.txt.gz"];
    let what = "Train/0/….bin to Test/9/….bin, or train1K.txt, test100.txt and events/….bs2";
    let train = files::find(folder, &FOLDERS, &names, what)?;
    let root = train.parent().unwrap_or(folder);
    if train.is_dir() {
        let test = files::entry(root, "Test")?.unwrap_or_else(|| root.join("Test"));
        return Ok([of_folders(&train)?, of_folders(&test)?]);
    }
    let tests = ["test10K.txt", "test10K.txt.gz", "test100.txt", "test100.txt.gz"];
    let test = files::find(root, &[], &tests, "test100.txt")?;
    let events = match files::entry(root, "events")? {
        Some(inside) if inside.is_dir() => inside,
        _ => root.to_owned(),
    };
    let there = numbered(&events)?;
    Ok([of_list(&train, &events, &there)?, of_list(&test, &events, &there)?])
}

/// The recordings of a list.
fn of_list(list: &Path, events: &Path, there: &HashMap<u64, Vec<PathBuf>>) -> Result<Vec<Listed>, DatasetError> {
    let lines = list_lines(&files::unpacked(list, LARGEST_LIST)?, list)?;
    let wrong = |line: &ListLine, problem: String| {
        Err(DatasetError::Malformed { path: list.to_owned(), at: At::Line(line.line), problem })
    };
    let mut found = Vec::with_capacity(lines.len());
    let mut missing: Vec<&ListLine> = Vec::new();
    for line in &lines {
        match there.get(&line.recording).map(Vec::as_slice) {
            Some([path]) => found.push((path.clone(), line.digit)),
            Some([one, other, ..]) => {
                let names = (files::name_of(one), files::name_of(other));
                return wrong(line, format!("the recording may be `{}` or `{}`: keep one of the two", names.0, names.1));
            }
            Some([]) | None => missing.push(line),
        }
    }
    let Some(first) = missing.first() else { return Ok(found) };
    let more = match missing.len() {
        1 => String::new(),
        count => format!(", and none for {} more lines", count - 1),
    };
    let place = events.join(format!("{}.bs2", first.recording));
    wrong(first, format!("no file at {}{more}: copy it there or remove the line", place.display()))
}

/// The number in the name of a recording's file; none if it is not called as recordings are.
fn number(name: &str) -> Option<u64> {
    let unpacked = files::stem(name, ".gz").unwrap_or(name);
    ENDINGS.iter().find_map(|ending| files::stem(unpacked, ending))?.parse().ok()
}

/// The recordings in a folder by their numbers.
fn numbered(folder: &Path) -> Result<HashMap<u64, Vec<PathBuf>>, DatasetError> {
    let mut found: HashMap<u64, Vec<PathBuf>> = HashMap::new();
    for (name, path) in files_in(folder)? {
        if let Some(number) = number(&name) {
            found.entry(number).or_default().push(path);
        }
    }
    found.values_mut().for_each(|paths| paths.sort_unstable());
    Ok(found)
}

/// Names and paths of what is in a folder.
fn files_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, DatasetError> {
    let unreadable = |reason| DatasetError::Unreadable { path: folder.to_owned(), reason };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let named = |entry: fs::DirEntry| (entry.file_name().to_string_lossy().into_owned(), entry.path());
    entries.map(|entry| entry.map(named).map_err(unreadable)).collect()
}

/// The recordings in a folder with a subfolder for each digit, by their numbers.
fn of_folders(folder: &Path) -> Result<Vec<Listed>, DatasetError> {
    let mut found = Vec::new();
    for class in 0..10 {
        let Some(folder) = files::entry(folder, &class.to_string())? else {
            let looked_at = vec![folder.join(class.to_string())];
            return Err(DatasetError::NotFound { file: "Train/0 to Test/9".to_owned(), looked_at });
        };
        for (name, path) in files_in(&folder)? {
            let unpacked = files::stem(&name, ".gz").unwrap_or(&name);
            let is_recording = ENDINGS.iter().any(|ending| files::stem(unpacked, ending).is_some());
            let is_number = name.split('.').next().is_some_and(|stem| stem.parse::<u64>().is_ok());
            if name.starts_with('.') || !(is_recording || is_number) {
                continue;
            }
            let Some(number) = number(&name) else {
                let problem = "recordings are called by their numbers, such as `00002.bin`, perhaps with `.gz` behind it: rename this file, \
                               unpack it, or move it elsewhere"
                    .to_owned();
                return Err(DatasetError::Malformed { path, at: At::Part("its name".to_owned()), problem });
            };
            found.push((number, path, class));
        }
    }
    if found.is_empty() {
        return Err(DatasetError::NotFound { file: "00002.bin".to_owned(), looked_at: vec![folder.join("0")] });
    }
    found.sort();
    if let Some([(_, one, digit), (_, other, again)]) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let digits = if digit == again { String::new() } else { format!(" as a {again}, and here as a {digit}") };
        let problem = format!("the same recording is at {}{digits}: remove one of the two", other.display());
        return Err(DatasetError::Malformed { path: one.clone(), at: At::Part("its name".to_owned()), problem });
    }
    Ok(found.into_iter().map(|(_, path, class)| (path, class)).collect())
}
