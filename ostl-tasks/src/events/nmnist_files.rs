//! The files of N-MNIST: recordings of five bytes an event, lists of them, and where they lie.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{At, DatasetError};
use crate::files;

/// Columns and rows of pixels.
pub(super) const SIDE: u8 = 34;
/// Largest file of one recording that is read, in bytes. The longest of N-MNIST takes less than 50 kB.
const LARGEST_RECORDING: u64 = 1 << 24;
/// Largest list that is read, in bytes.
const LARGEST_LIST: u64 = 1 << 26;
/// The row that says that a clock of 13 bits began anew, in files made directly from an ATIS camera's stream.
const CLOCK_ROW: u8 = 240;
/// Microseconds until that clock begins anew.
const CLOCK: u64 = 1 << 13;

/// One event of a camera: a pixel got brighter or darker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraEvent {
    /// Microseconds from the start of the recording.
    pub time: u32,
    /// Column of the pixel, 0 to 33.
    pub x: u8,
    /// Row of the pixel, 0 to 33.
    pub y: u8,
    /// Whether it got brighter.
    pub on: bool,
}

/// Reads one recording; `path` is only the name it has in errors.
///
/// Five bytes an event: x; y; a bit for brighter and 23 bits for the time in microseconds, big-endian. An event of row 240 is none: it says
/// that a clock of 13 bits began anew, and 8192 µs are added to all later times. N-MNIST as published has no such events, since its 23
/// bits last for 8 seconds, but its readers know them.
///
/// # Errors
/// [`DatasetError::Malformed`] if the bytes are not a whole number of events, at least one, or a pixel is not among the 34 × 34.
pub fn events_from_slice(bytes: &[u8], path: &Path) -> Result<Vec<CameraEvent>, DatasetError> {
    let wrong =
        |byte: usize, problem: String| DatasetError::Malformed { path: path.to_owned(), at: At::Byte(byte as u64), problem };
    let (records, rest) = bytes.as_chunks::<5>();
    if !rest.is_empty() {
        let problem = format!("{} bytes after the last whole event of 5: the file was cut off, copy it again", rest.len());
        return Err(wrong(bytes.len() - rest.len(), problem));
    }
    let mut elapsed = 0_u64;
    let mut events = Vec::with_capacity(records.len());
    for (number, &[x, y, high, middle, low]) in records.iter().enumerate() {
        if y == CLOCK_ROW {
            elapsed += CLOCK;
            continue;
        }
        if x >= SIDE || y >= SIDE {
            let problem =
                format!("event {number} is of pixel x = {x}, y = {y}, expected 0 to 33: is this a file of N-MNIST?");
            return Err(wrong(5 * number, problem));
        }
        let time = elapsed + (u64::from(high & 0x7f) << 16 | u64::from(middle) << 8 | u64::from(low));
        let Ok(time) = u32::try_from(time) else {
            return Err(wrong(
                5 * number,
                format!("event {number} is at {time} µs, later than 2³² µs: remove the events of row 240"),
            ));
        };
        events.push(CameraEvent { time, x, y, on: high >> 7 == 1 });
    }
    if events.is_empty() {
        return Err(wrong(0, "the recording has no events, expected at least one: copy it again".to_owned()));
    }
    Ok(events)
}

/// Reads the file of one recording.
pub(super) fn events_from_file(path: &Path) -> Result<Vec<CameraEvent>, DatasetError> {
    events_from_slice(&files::unpacked(path, LARGEST_RECORDING)?, path)
}

/// Reads a list of recordings; `path` is only the name it has in errors. On each line a recording's number and its digit; lines that start
/// with `#` are comments.
///
/// # Errors
/// [`DatasetError::Malformed`] if a line is anything else, a number comes twice, or there are none.
pub fn list_from_slice(bytes: &[u8], path: &Path) -> Result<Vec<(u64, u8)>, DatasetError> {
    let wrong =
        |line: usize, problem: String| DatasetError::Malformed { path: path.to_owned(), at: At::Line(line as u64), problem };
    let mut listed = Vec::new();
    let mut seen = HashSet::new();
    for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let text = line.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        let text = String::from_utf8_lossy(text);
        let mut words = text.split_ascii_whitespace();
        let entry = (words.next(), words.next(), words.next());
        let (Some(recording), Some(Ok(class @ 0..=9)), None) =
            (entry.0.and_then(|word| word.parse().ok()), entry.1.map(str::parse), entry.2)
        else {
            let start: String = text.escape_debug().take(60).collect();
            return Err(wrong(
                number + 1,
                format!("`{start}`, expected a recording's number and its digit, such as `17 8`"),
            ));
        };
        if !seen.insert(recording) {
            return Err(wrong(
                number + 1,
                format!("recording {recording} is listed a second time: remove one of the lines"),
            ));
        }
        listed.push((recording, class));
    }
    if listed.is_empty() {
        return Err(wrong(
            1,
            "no recordings are listed, expected lines of a number and a digit: copy the list again".to_owned(),
        ));
    }
    Ok(listed)
}

/// A recording's file, and its digit.
pub(super) type Listed = (PathBuf, u8);

/// The training and the test recordings of a folder, in the order of their numbers in the published layout and of the lists in the other.
pub(super) fn recordings_of(folder: &Path) -> Result<[Vec<Listed>; 2], DatasetError> {
    let names = ["Train", "train60K.txt", "train1K.txt"];
    let what = "Train/0/….bin to Test/9/….bin, or train1K.txt, test100.txt and events/….bs2";
    let train =
        files::find(folder, &["n-mnist", "N-MNIST", "nmnist", "NMNIST", "nmnist-small", "NMNISTsmall"], &names, what)?;
    let root = train.parent().unwrap_or(folder);
    if train.file_name().is_some_and(|name| name == "Train") {
        return Ok([of_folders(&train)?, of_folders(&root.join("Test"))?]);
    }
    let test = files::find(root, &[], &["test10K.txt", "test100.txt"], "test100.txt")?;
    let inside = root.join("events");
    let events = if files::look(&inside)?.is_some_and(|found| found.is_dir()) { inside } else { root.to_owned() };
    let of_list = |path: &Path| {
        let listed = list_from_slice(&files::unpacked(path, LARGEST_LIST)?, path)?;
        let file = |(number, class)| (events.join(format!("{number}.bs2")), class);
        Ok::<_, DatasetError>(listed.into_iter().map(file).collect())
    };
    Ok([of_list(&train)?, of_list(&test)?])
}

/// The recordings in a folder with a subfolder for each digit, by their numbers.
fn of_folders(folder: &Path) -> Result<Vec<Listed>, DatasetError> {
    let mut found = Vec::new();
    for class in 0..10 {
        let folder = folder.join(class.to_string());
        if files::look(&folder)?.is_none() {
            return Err(DatasetError::NotFound { file: "Train/0 to Test/9".to_owned(), looked_at: vec![folder] });
        }
        let unreadable = |reason| DatasetError::Unreadable { path: folder.clone(), reason };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_none_or(|extension| extension != "bin") {
                continue;
            }
            let Some(number) = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok()) else {
                let problem =
                    "recordings are called by their numbers, such as `00002.bin`: move this file elsewhere".to_owned();
                return Err(DatasetError::Malformed { path, at: At::Part("its name".to_owned()), problem });
            };
            found.push((number, path, class));
        }
    }
    if found.is_empty() {
        return Err(DatasetError::NotFound { file: "00002.bin".to_owned(), looked_at: vec![folder.join("0")] });
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path, class)| (path, class)).collect())
}
