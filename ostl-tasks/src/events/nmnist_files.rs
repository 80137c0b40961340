//! The files of N-MNIST: recordings of five bytes an event, and lists of them.

use std::collections::HashMap;
use std::path::Path;

use crate::encoding::{lines, unmarked};
use crate::error::{At, DatasetError};
use crate::files;

/// Columns and rows of pixels.
pub(super) const SIDE: u8 = 34;
/// Largest file of one recording that is read, in bytes. The longest of N-MNIST takes less than 50 kB.
const LARGEST_RECORDING: u64 = 1 << 24;
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
    Ok(list_lines(bytes, path)?.into_iter().map(|line| (line.recording, line.digit)).collect())
}

/// What a list says of a recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListLine {
    /// Line in the list, counted from 1.
    pub(super) line: u64,
    pub(super) recording: u64,
    pub(super) digit: u8,
}

/// The recordings of a list, with their lines.
pub(super) fn list_lines(bytes: &[u8], path: &Path) -> Result<Vec<ListLine>, DatasetError> {
    let wrong = |line: u64, problem: String| DatasetError::Malformed { path: path.to_owned(), at: At::Line(line), problem };
    let mut listed = Vec::new();
    let mut seen: HashMap<u64, ListLine> = HashMap::new();
    for (line, text) in lines(unmarked(bytes, path)?) {
        let text = text.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        let text = String::from_utf8_lossy(text);
        let mut words = text.split_ascii_whitespace();
        let entry = (words.next(), words.next(), words.next());
        let (Some(recording), Some(Ok(digit @ 0..=9)), None) =
            (entry.0.and_then(|word| word.parse().ok()), entry.1.map(str::parse), entry.2)
        else {
            let start: String = text.escape_debug().take(60).collect();
            return Err(wrong(line, format!("`{start}`, expected a recording's number and its digit, such as `17 8`")));
        };
        let entry = ListLine { line, recording, digit };
        if let Some(before) = seen.insert(recording, entry) {
            let digits = if before.digit == digit {
                String::new()
            } else {
                format!(", as a {digit} after a {} in line {}", before.digit, before.line)
            };
            let problem = format!("recording {recording} is listed a second time{digits}: remove one of the lines");
            return Err(wrong(line, problem));
        }
        listed.push(entry);
    }
    if listed.is_empty() {
        return Err(wrong(
            1,
            "no recordings are listed, expected lines of a number and a digit: copy the list again".to_owned(),
        ));
    }
    Ok(listed)
}
