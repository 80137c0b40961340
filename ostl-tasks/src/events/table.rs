//! A CSV file: its columns by name, its records one at a time, each with its line.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::encoding::unmarked;
use crate::error::{At, DatasetError};

/// Most characters of what an error repeats.
pub(super) const LONGEST: usize = 100;
/// The longest name of a column that an error repeats.
const LONGEST_NAME: usize = 20;

/// The records of a CSV file, one at a time.
pub(super) struct Table<'a> {
    reader: csv::Reader<&'a [u8]>,
    bytes: &'a [u8],
    path: &'a Path,
    record: StringRecord,
    /// Columns.
    width: usize,
    /// Up to which byte line ends have been counted, and how many there were.
    counted: (usize, u64),
}

impl<'a> Table<'a> {
    /// Begins to read; hands out the names of the columns as well.
    pub(super) fn new(bytes: &'a [u8], path: &'a Path) -> Result<(Self, StringRecord), DatasetError> {
        let bytes = unmarked(bytes, path)?;
        let reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(bytes);
        let mut table = Self { reader, bytes, path, record: StringRecord::new(), width: 0, counted: (0, 0) };
        let header = table.reader.headers().cloned().map_err(|error| table.csv_error(&error))?;
        table.width = header.len();
        Ok((table, header))
    }

    pub(super) fn wrong(&self, line: u64, problem: String) -> DatasetError {
        DatasetError::Malformed { path: self.path.to_owned(), at: At::Line(line), problem }
    }

    fn csv_error(&mut self, error: &csv::Error) -> DatasetError {
        let line = error.position().map_or(1, |position| self.line_of(position.byte()));
        let problem = match error.kind() {
            csv::ErrorKind::Utf8 { .. } => "not UTF-8 text: save the file as UTF-8".to_owned(),
            _ => format!("{error}: write the file as CSV with a header"),
        };
        self.wrong(line, problem)
    }

    /// The next record and its line, until there are no more. Blank lines are passed over.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &StringRecord)>, DatasetError> {
        loop {
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {
                    let line = self.record.position().map_or(0, csv::Position::byte);
                    let line = self.line_of(line);
                    let fields = self.record.len();
                    if fields == self.width {
                        return Ok(Some((line, &self.record)));
                    }
                    if fields > 1 || !self.record[0].is_empty() {
                        let problem =
                            format!("{fields} fields where the header has {}: give each record as many", self.width);
                        return Err(self.wrong(line, problem));
                    }
                }
                Ok(false) => return Ok(None),
                Err(error) => return Err(self.csv_error(&error)),
            }
        }
    }

    /// The line on which a record begins: the position that the reader gives may be before empty lines. Bytes are read in their order.
    fn line_of(&mut self, byte: u64) -> u64 {
        let end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let byte = usize::try_from(byte).unwrap_or(usize::MAX).min(self.bytes.len());
        let start = byte + self.bytes[byte..].iter().take_while(|byte| end(byte)).count();
        let (from, lines) = self.counted;
        let ends = (from..start).filter(|&at| match self.bytes[at] {
            b'\n' => at == 0 || self.bytes[at - 1] != b'\r',
            byte => byte == b'\r',
        });
        self.counted = (start.max(from), lines + ends.count() as u64);
        self.counted.1 + 1
    }

    /// Where columns of these names are, in capitals or not; every column must be one of them, and none may come twice. `form` says which
    /// columns there are to be. What the file has in their place is repeated only if it could be the name of a column.
    pub(super) fn columns<const N: usize>(
        &self,
        header: &StringRecord,
        names: [&str; N],
        form: &str,
    ) -> Result<[Option<usize>; N], DatasetError> {
        let first = header.get(0).unwrap_or_default();
        if header.len() == 1 && first.contains([';', '\t']) {
            let separator = if first.contains(';') { "semicolons" } else { "tabulators" };
            return Err(self.wrong(1, format!("fields are separated by {separator}: save the file with commas")));
        }
        if !header.is_empty() && header.iter().all(|field| field.parse::<f64>().is_ok()) {
            let problem =
                format!("numbers, expected the names of the columns, {form}: put a line with them before this one");
            return Err(self.wrong(1, problem));
        }
        let mut places = [None; N];
        for (column, name) in header.iter().enumerate() {
            let place = names.iter().position(|known| known.eq_ignore_ascii_case(name));
            match place.map(|place| (names[place], &mut places[place])) {
                Some((_, place @ None)) => *place = Some(column),
                Some((name, Some(_))) => {
                    return Err(self.wrong(1, format!("the column `{name}` comes twice: remove one of the two")));
                }
                None => {
                    let unknown = if is_name(name) {
                        format!("unknown column `{name}`")
                    } else {
                        format!("column {} has no known name", column + 1)
                    };
                    return Err(self.wrong(1, format!("{unknown}, expected {form} in the first line")));
                }
            }
        }
        Ok(places)
    }
}

/// Whether a text could be the name of a column, rather than anything that stands in a file.
fn is_name(text: &str) -> bool {
    let letter = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.len() <= LONGEST_NAME && text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(letter)
}

/// A text from a file, short and without control characters.
pub(super) fn shown(text: &str) -> String {
    text.escape_debug().take(LONGEST).collect()
}
