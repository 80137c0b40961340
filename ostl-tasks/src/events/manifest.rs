//! The CSV files of event lists: what they are made of.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::recordings::Recordings;
use crate::encoding::unmarked;
use crate::error::{At, DatasetError};

/// Largest size of a value, so that no sum of them is infinite.
const LARGEST_VALUE: f32 = 1e9;
/// Most characters of a label or of what an error repeats.
const LONGEST: usize = 100;

/// A recording in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRecording {
    /// Path of its events, seen from the manifest's folder.
    pub file: String,
    /// What it is of.
    pub label: String,
    /// Line in the manifest, counted from 1.
    pub line: u64,
}

/// The records of a CSV file, one at a time.
struct Table<'a> {
    reader: csv::Reader<&'a [u8]>,
    bytes: &'a [u8],
    path: &'a Path,
    record: StringRecord,
}

impl<'a> Table<'a> {
    /// Begins to read; hands out the names of the columns as well.
    fn new(bytes: &'a [u8], path: &'a Path) -> Result<(Self, StringRecord), DatasetError> {
        let bytes = unmarked(bytes, path)?;
        let reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
        let mut table = Self { reader, bytes, path, record: StringRecord::new() };
        let header = table.reader.headers().cloned().map_err(|error| table.csv_error(&error))?;
        Ok((table, header))
    }

    fn wrong(&self, line: u64, problem: String) -> DatasetError {
        DatasetError::Malformed { path: self.path.to_owned(), at: At::Line(line), problem }
    }

    fn csv_error(&self, error: &csv::Error) -> DatasetError {
        let line = error.position().map_or(1, |position| line_of(position, self.bytes));
        let problem = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} fields where the header has {expected_len}: give each record as many")
            }
            csv::ErrorKind::Utf8 { .. } => "not UTF-8 text: save the file as UTF-8".to_owned(),
            _ => format!("{error}: write the file as CSV with a header"),
        };
        self.wrong(line, problem)
    }

    /// The next record and its line, until there are no more.
    fn next(&mut self) -> Result<Option<(u64, &StringRecord)>, DatasetError> {
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {
                let line = self.record.position().map_or(1, |position| line_of(position, self.bytes));
                Ok(Some((line, &self.record)))
            }
            Ok(false) => Ok(None),
            Err(error) => Err(self.csv_error(&error)),
        }
    }

    /// Where columns of these names are; every column must be one of them, and none may come twice.
    fn columns<const N: usize>(
        &self,
        header: &StringRecord,
        names: [&str; N],
        form: &str,
    ) -> Result<[Option<usize>; N], DatasetError> {
        let mut places = [None; N];
        for (column, name) in header.iter().enumerate() {
            let place = names.iter().position(|&known| known == name);
            match place.map(|place| &mut places[place]) {
                Some(place @ None) => *place = Some(column),
                Some(Some(_)) => {
                    return Err(self.wrong(1, format!("the column `{name}` comes twice: remove one of the two")));
                }
                None => return Err(self.wrong(1, format!("unknown column `{}`, expected {form}", shown(name)))),
            }
        }
        Ok(places)
    }
}

/// The line on which a record begins: the position that the reader gives may be before empty lines.
fn line_of(position: &csv::Position, bytes: &[u8]) -> u64 {
    let rest = bytes.get(position.byte() as usize..).unwrap_or(&[]);
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + empty.filter(|&&byte| byte == b'\n').count() as u64
}

/// A text from a file, short and without control characters.
fn shown(text: &str) -> String {
    text.escape_debug().take(LONGEST).collect()
}

/// Reads a manifest; `path` is only the name it has in errors. It is a CSV file with the columns `file` and `label`.
///
/// # Errors
/// [`DatasetError::Malformed`] if it is not, a field is empty, or it lists nothing.
pub fn manifest_from_slice(bytes: &[u8], path: &Path) -> Result<Vec<ListedRecording>, DatasetError> {
    const FORM: &str = "the columns `file` and `label`";
    let (mut table, header) = Table::new(bytes, path)?;
    let [Some(file), Some(label)] = table.columns(&header, ["file", "label"], FORM)? else {
        return Err(table
            .wrong(1, format!("the header is `{}`, expected {FORM}", shown(&header.iter().collect::<Vec<_>>().join(",")))));
    };
    let mut listed = Vec::new();
    while let Some((line, record)) = table.next()? {
        let entry = ListedRecording { file: record[file].to_owned(), label: record[label].to_owned(), line };
        if entry.file.is_empty() || entry.label.is_empty() {
            return Err(
                table.wrong(line, "an empty field, expected a file and its label: fill it in or remove the line".to_owned())
            );
        }
        if entry.label.chars().count() > LONGEST {
            return Err(table.wrong(
                line,
                format!("a label of more than {LONGEST} characters, `{}` …: shorten it", shown(&entry.label)),
            ));
        }
        listed.push(entry);
    }
    if listed.is_empty() {
        return Err(table.wrong(1, "no recordings are listed, expected a file and its label on each line".to_owned()));
    }
    Ok(listed)
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
            let problem =
                format!("time `{}`, expected a number from 0 to 4294 seconds, in the header's unit", shown(&record[time]));
            return Err(table.wrong(line, problem));
        }
        let Some(number) = record[channel].parse().ok().filter(|&number: &u32| number < channels) else {
            let problem = format!("channel `{}`, expected a whole number below {channels}, {why}", shown(&record[channel]));
            return Err(table.wrong(line, problem));
        };
        let value = match value.map(|column| &record[column]) {
            None => 1.0,
            Some(text) => match text.parse() {
                Ok(value) if (-LARGEST_VALUE..=LARGEST_VALUE).contains(&value) => value,
                _ => {
                    let problem = format!("value `{}`, expected a number from -1e9 to 1e9", shown(text));
                    return Err(table.wrong(line, problem));
                }
            },
        };
        to.push(microseconds as u32, number, value);
    }
    Ok(())
}
