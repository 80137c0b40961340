//! Rows as they come: read in a thread of their own, so that a signal is heard while none comes.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;

use super::csv_rows::CsvRows;
use super::json_rows::JsonRows;
use crate::arguments::RowFormat;
use crate::failure::UsageError;

/// Most bytes of a row.
pub(super) const LONGEST: u64 = 1 << 24;
/// How many rows may have been read and not been taken.
const AHEAD: usize = 64;

/// Where rows come from.
#[derive(Debug)]
pub(super) enum Place {
    Input,
    File(PathBuf),
    Text(Vec<u8>),
}

/// What comes.
#[derive(Debug)]
pub(super) enum Event {
    /// Before any row: the names of the columns.
    Columns(Vec<String>),
    Row(Row),
    /// A row that cannot be read, and why not.
    Broken(Broken),
    /// Nothing more can be read.
    Failed(anyhow::Error),
}

/// A row as text.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it begins, from 1.
    pub(super) line: u64,
    pub(super) fields: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Broken {
    pub(super) line: u64,
    pub(super) problem: String,
}

/// What was said of the format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) kind: RowFormat,
    pub(super) delimiter: Option<u8>,
    pub(super) header: bool,
}

/// What came within some time.
pub(super) enum Came {
    Event(Event),
    Nothing,
    End,
}

/// The receiving end.
pub(super) struct Rows {
    name: String,
    events: Receiver<Event>,
}

impl Rows {
    pub(super) fn open(place: Place, format: Format) -> Result<Self> {
        let name = match &place {
            Place::Input => "standard input".to_owned(),
            Place::File(path) => path.display().to_string(),
            Place::Text(_) => "the example".to_owned(),
        };
        let (ending, bytes): (String, Box<dyn Read + Send>) = match place {
            Place::Input => (String::new(), Box::new(io::stdin())),
            Place::File(path) => (ending(&path), Box::new(opened(&path)?)),
            Place::Text(text) => (String::new(), Box::new(Cursor::new(text))),
        };
        let (sender, events) = sync_channel(AHEAD);
        let reader = move || {
            if let Err(error) = read(bytes, &ending, format, &sender) {
                // Nobody is there to be told where this fails.
                let _ = sender.send(Event::Failed(error));
            }
        };
        thread::Builder::new().name("rows".into()).spawn(reader).context("no thread can be started to read rows")?;
        Ok(Self { name, events })
    }

    /// The name of the file, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What comes next, if it comes soon.
    pub(super) fn next(&self) -> Came {
        match self.events.recv_timeout(Duration::from_millis(100)) {
            Ok(event) => Came::Event(event),
            Err(RecvTimeoutError::Timeout) => Came::Nothing,
            Err(RecvTimeoutError::Disconnected) => Came::End,
        }
    }
}

fn opened(path: &Path) -> Result<File> {
    if path.is_dir() {
        return Err(UsageError::Other(format!("{}: is a folder: name the file with the rows", path.display())).into());
    }
    File::open(path).map_err(|error| UsageError::Other(format!("{}: cannot be read: {error}", path.display())).into())
}

/// The ending of a name in lower case, without that of gzip.
fn ending(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map(|(_, ending)| ending.to_owned()).unwrap_or_default()
}

/// The first bytes, and a reader that still has them.
fn head(mut bytes: Box<dyn Read + Send>, most: usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut first = Vec::new();
    bytes.by_ref().take(most as u64).read_to_end(&mut first)?;
    Ok((first.clone(), Box::new(Cursor::new(first).chain(bytes))))
}

/// Reads everything. Ends early, and well, where nobody takes the rows any more.
fn read(bytes: Box<dyn Read + Send>, ending: &str, format: Format, sender: &SyncSender<Event>) -> Result<()> {
    let (first, mut bytes) = head(bytes, 2)?;
    if first == [0x1f, 0x8b] {
        bytes = Box::new(MultiGzDecoder::new(BufReader::new(bytes)));
    }
    let (mut first, mut bytes) = head(bytes, 3).context("not whole gzip data")?;
    if first == [0xef, 0xbb, 0xbf] {
        io::copy(&mut bytes.by_ref().take(3), &mut io::sink())?;
        (first, bytes) = head(bytes, 1)?;
    }
    if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
        bail!("is UTF-16 text: save it as UTF-8");
    }
    if first.contains(&0) {
        bail!("is no text: rows are CSV or JSON Lines");
    }
    let is_json = match format.kind {
        RowFormat::Csv => false,
        RowFormat::Jsonl => true,
        RowFormat::Auto => match ending {
            "jsonl" | "ndjson" | "json" => true,
            "csv" | "tsv" | "tab" => false,
            _ => first.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'),
        },
    };
    if is_json {
        let mut rows = JsonRows::new(bytes);
        while let Some(event) = rows.next()? {
            if sender.send(event).is_err() {
                break;
            }
        }
    } else {
        let tab = matches!(ending, "tsv" | "tab").then_some(b'\t');
        let mut rows = CsvRows::new(bytes, format.delimiter.or(tab).unwrap_or(b','), format.header);
        while let Some(event) = rows.next()? {
            if sender.send(event).is_err() {
                break;
            }
        }
    }
    Ok(())
}
