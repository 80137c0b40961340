//! Rows of CSV.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord, Terminator};

use super::rows::{Broken, Event, LONGEST, Row};

/// Bytes that fail where too many were read for one row: a quote that is never closed would take all there are.
struct Bounded<R> {
    bytes: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if self.read.fetch_add(count as u64, Ordering::Relaxed) > LONGEST {
            return Err(io::Error::other("a row is longer than 16 MiB: is there a quote that is never closed?"));
        }
        Ok(count)
    }
}

pub(super) struct CsvRows {
    reader: Reader<Bounded<Box<dyn Read + Send>>>,
    /// Bytes read since the row began, about.
    read: Arc<AtomicU64>,
    record: ByteRecord,
    header: bool,
    /// How many columns there are, once that is known.
    columns: Option<usize>,
    /// A row that was read to count its columns.
    waiting: Option<Row>,
}

impl CsvRows {
    pub(super) fn new(bytes: Box<dyn Read + Send>, delimiter: u8, header: bool) -> Self {
        let read = Arc::new(AtomicU64::new(0));
        let bounded = Bounded { bytes, read: read.clone() };
        // Of `\r\n` the reader would leave the second half to the next row, and count that row's line one too low.
        let ends = Terminator::Any(b'\n');
        let mut builder = ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).delimiter(delimiter).terminator(ends).from_reader(bounded);
        Self { reader, read, record: ByteRecord::new(), header, columns: None, waiting: None }
    }

    /// What comes next; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Event>> {
        if let Some(row) = self.waiting.take() {
            return Ok(Some(Event::Row(row)));
        }
        let line = loop {
            self.read.store(0, Ordering::Relaxed);
            let line = self.reader.position().line();
            if !self.reader.read_byte_record(&mut self.record).with_context(|| format!("line {line}"))? {
                return Ok(None);
            }
            if self.record.len() != 1 || self.record.as_slice() != b"\r" {
                // Empty lines may stand before it.
                let inside = self.record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
                break line.max(self.reader.position().line().saturating_sub(1 + inside));
            }
        };
        let record = match StringRecord::from_byte_record(std::mem::take(&mut self.record)) {
            Ok(record) => record,
            Err(error) => {
                let place = error.utf8_error().field() + 1;
                return Ok(Some(Event::Broken(Broken { line, problem: format!("value {place} is not UTF-8 text") })));
            }
        };
        let fields: Vec<String> = record.iter().map(|field| field.trim().to_owned()).collect();
        let Some(columns) = self.columns else {
            if fields.iter().any(|field| field.replace("\r\n", "").contains('\r')) {
                bail!("lines end in carriage returns alone: save it with line feeds");
            }
            self.columns = Some(fields.len());
            if self.header {
                return Ok(Some(Event::Columns(fields)));
            }
            let names = (1..=fields.len()).map(|number| number.to_string()).collect();
            self.waiting = Some(Row { line, fields });
            return Ok(Some(Event::Columns(names)));
        };
        Ok(Some(if fields.len() == columns {
            Event::Row(Row { line, fields })
        } else {
            let s = if fields.len() == 1 { "" } else { "s" };
            let problem = format!("{} value{s} where there are {columns} columns", fields.len());
            Event::Broken(Broken { line, problem })
        }))
    }
}
