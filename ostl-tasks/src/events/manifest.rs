//! The CSV files of event lists: what they are made of.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::recordings::Recordings;
use super::table::{LONGEST, Table, shown};
use crate::error::DatasetError;

/// Largest size of a value, so that no sum of them is infinite.
const LARGEST_VALUE: f32 = 1e9;

/// A recording in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRecording {
    /// Path of its events, seen from the manifest's folder; it does not leave it.
    pub file: String,
    /// What it is of.
    pub label: String,
    /// Line in the manifest, counted from 1.
    pub line: u64,
}

/// Reads a manifest; `path` is only the name it has in errors. It is a CSV file with the columns `file` and `label`.
///
/// # Errors
/// [`DatasetError::Malformed`] if it is not, a field is empty, a path is absolute or leads out of the folder, a recording is listed twice, or
/// none is.
pub fn manifest_from_slice(bytes: &[u8], path: &Path) -> Result<Vec<ListedRecording>, DatasetError> {
    const FORM: &str = "the columns `file` and `label`";
    let (mut table, header) = Table::new(bytes, path)?;
    let [Some(file), Some(label)] = table.columns(&header, ["file", "label"], FORM)? else {
        return Err(table.wrong(1, format!("one column of two, expected {FORM}: add the other one")));
    };
    let mut listed: Vec<ListedRecording> = Vec::new();
    let mut seen: HashMap<PathBuf, usize> = HashMap::new();
    while let Some((line, record)) = table.next()? {
        let entry = ListedRecording { file: record[file].to_owned(), label: record[label].to_owned(), line };
        if entry.file.is_empty() || entry.label.is_empty() {
            return Err(
                table.wrong(line, "an empty field, expected a file and its label: fill it in or remove the line".to_owned())
            );
        }
        if entry.file.contains(['\n', '\r']) || entry.label.contains(['\n', '\r']) {
            return Err(table.wrong(line, "a field that goes on in the next line: close its quotes".to_owned()));
        }
        if entry.label.chars().count() > LONGEST {
            return Err(table.wrong(
                line,
                format!("a label of more than {LONGEST} characters, `{}` …: shorten it", shown(&entry.label)),
            ));
        }
        let Some(place) = inside(&entry.file) else {
            let problem = format!(
                "`{}` does not lie below the folder of this list: copy the recording there and give its path from there",
                shown(&entry.file)
            );
            return Err(table.wrong(line, problem));
        };
        if let Some(&before) = seen.get(&place) {
            return Err(table.wrong(line, twice(&entry, &listed[before])));
        }
        seen.insert(place, listed.len());
        listed.push(entry);
    }
    if listed.is_empty() {
        return Err(table.wrong(1, "no recordings are listed, expected a file and its label on each line".to_owned()));
    }
    Ok(listed)
}

/// What is wrong with a recording that is listed again.
pub(super) fn twice(entry: &ListedRecording, before: &ListedRecording) -> String {
    let labels = if entry.label == before.label {
        "both times".to_owned()
    } else {
        format!("with two labels, `{}` and `{}`", shown(&before.label), shown(&entry.label))
    };
    let file = shown(&entry.file);
    format!("`{file}` is listed twice, in line {} and here, {labels}: remove one of the lines", before.line)
}

/// A relative path without detours; none if it is absolute or leads out of where it starts.
fn inside(file: &str) -> Option<PathBuf> {
    let mut place = PathBuf::new();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    // A drive of Windows is none elsewhere.
    let drive = file.as_bytes().get(1) == Some(&b':') && file.as_bytes()[0].is_ascii_alphabetic();
    (!drive && !place.as_os_str().is_empty()).then_some(place)
}

/// Reads one recording's events and adds them to the recording that is being put together; `path` is only the name it has in errors. It is a
/// CSV file with the columns `channel`, one of `t_us`, `t_ms` and `t_s` (time in microseconds, milliseconds or seconds, rounded to whole
/// microseconds) and maybe `value` (1 if it is missing). Events may come in any order. `why` says where the number of channels is from.
///
/// # Errors
/// [`DatasetError::Malformed`] if it is not, a time is negative, later than 2³² µs (71 minutes) or no number, a channel is not below
/// `channels`, or a value is not a number from −10⁹ to 10⁹.
pub fn events_from_slice(
    bytes: &[u8],
    path: &Path,
    channels: u32,
    why: &str,
    to: &mut Recordings,
) -> Result<(), DatasetError> {
    const FORM: &str = "the columns `channel`, one of `t_us`, `t_ms` and `t_s`, and maybe `value`";
    let (mut table, header) = Table::new(bytes, path)?;
    let columns = table.columns(&header, ["channel", "value", "t_us", "t_ms", "t_s"], FORM)?;
    let (Some(channel), value, (time, unit)) = (
        columns[0],
        columns[1],
        match columns[2..] {
            [Some(time), None, None] => (time, 1.0),
            [None, Some(time), None] => (time, 1e3),
            [None, None, Some(time)] => (time, 1e6),
            _ => (usize::MAX, 0.0),
        },
    ) else {
        return Err(table.wrong(1, format!("the header has no `channel`, expected {FORM}")));
    };
    if time == usize::MAX {
        return Err(table.wrong(1, format!("the header has not exactly one column of times, expected {FORM}")));
    }
    while let Some((line, record)) = table.next()? {
        let microseconds = record[time].parse().map_or(f64::NAN, |time: f64| (time * unit).round());
        if !(0.0..=f64::from(u32::MAX)).contains(&microseconds) {
            let remedy =
                if microseconds < 0.0 { "count from the start of the recording" } else { "correct or remove the line" };
            let problem = format!(
                "time `{}`, expected a number from 0 to 4294 seconds, in the header's unit: {remedy}",
                shown(&record[time])
            );
            return Err(table.wrong(line, problem));
        }
        let Some(number) = whole(&record[channel]).filter(|&number| number < channels) else {
            let problem = format!("channel `{}`, expected a whole number below {channels}, {why}", shown(&record[channel]));
            return Err(table.wrong(line, problem));
        };
        let value = match value.map(|column| &record[column]) {
            None => 1.0,
            Some(text) => match text.parse() {
                Ok(value) if (-LARGEST_VALUE..=LARGEST_VALUE).contains(&value) => value,
                _ => {
                    let problem =
                        format!("value `{}`, expected a number from -1e9 to 1e9: correct or remove the line", shown(text));
                    return Err(table.wrong(line, problem));
                }
            },
        };
        to.push(microseconds as u32, number, value);
    }
    Ok(())
}

/// A whole number, also as tables with gaps are saved: `3.0`.
fn whole(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
    })
}
