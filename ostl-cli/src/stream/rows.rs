//! Rows as they come: read in a thread of their own, so that a signal is heard while none comes.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use std::vec::IntoIter;

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;

use super::csv_rows::CsvRows;
use super::json_rows::JsonRows;
use crate::arguments::RowFormat;
use crate::failure::UsageError;

/// Most bytes of a row.
pub(super) const LONGEST: u64 = 1 << 24;
/// Rows of a file are handed over by so many at once, which spares waiting for each other; those of a live stream one by one.
const BATCH: usize = 256;
/// How many handfuls of rows may have been read and not been taken.
const AHEAD: usize = 8;

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
    /// Something to be said of a line, whose row comes all the same.
    Remark(u64, String),
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
    events: Receiver<Vec<Event>>,
    /// What was handed over and not taken yet.
    handful: IntoIter<Event>,
}

/// The sending end.
struct Sender {
    events: SyncSender<Vec<Event>>,
    handful: Vec<Event>,
    batch: usize,
}

impl Sender {
    /// Whether anybody takes it.
    fn send(&mut self, event: Event) -> bool {
        self.handful.push(event);
        self.handful.len() < self.batch || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.events.send(std::mem::take(&mut self.handful)).is_ok()
    }
}

impl Rows {
    pub(super) fn open(place: Place, format: Format) -> Result<Self> {
        let name = match &place {
            Place::Input => "standard input".to_owned(),
            Place::File(path) => path.display().to_string(),
            Place::Text(_) => "the example".to_owned(),
        };
        let mut batch = BATCH;
        let (ending, bytes): (String, Box<dyn Read + Send>) = match place {
            Place::Input => {
                batch = 1;
                (String::new(), Box::new(io::stdin()))
            }
            Place::File(path) => {
                let file = opened(&path)?;
                if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
                    batch = 1;
                }
                (ending(&path), Box::new(file))
            }
            Place::Text(text) => (String::new(), Box::new(Cursor::new(text))),
        };
        let (events, received) = sync_channel(AHEAD);
        let mut sender = Sender { events, handful: Vec::new(), batch };
        let reader = move || {
            if let Err(error) = read(bytes, &ending, format, &mut sender) {
                sender.handful.push(Event::Failed(error));
            }
            // Nobody is there to be told where this fails.
            let _ = sender.flush();
        };
        thread::Builder::new().name("rows".into()).spawn(reader).context("no thread can be started to read rows")?;
        Ok(Self { name, events: received, handful: Vec::new().into_iter() })
    }

    /// The name of the file, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What comes next, if it comes soon.
    pub(super) fn next(&mut self) -> Came {
        if let Some(event) = self.handful.next() {
            return Came::Event(event);
        }
        match self.events.recv_timeout(Duration::from_millis(100)) {
            Ok(handful) => {
                self.handful = handful.into_iter();
                self.handful.next().map_or(Came::Nothing, Came::Event)
            }
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
fn read(bytes: Box<dyn Read + Send>, ending: &str, format: Format, sender: &mut Sender) -> Result<()> {
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
            if !sender.send(event) {
                break;
            }
        }
    } else {
        let tab = matches!(ending, "tsv" | "tab").then_some(b'\t');
        let mut rows = CsvRows::new(bytes, format.delimiter.or(tab).unwrap_or(b','), format.header);
        while let Some(event) = rows.next()? {
            if !sender.send(event) {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a text, a line each.
    fn events(text: &[u8], kind: RowFormat) -> Vec<String> {
        let format = Format { kind, delimiter: None, header: true };
        let mut rows = Rows::open(Place::Text(text.to_vec()), format).unwrap();
        let mut all = Vec::new();
        loop {
            all.push(match rows.next() {
                Came::Event(Event::Columns(names)) => names.join("|"),
                Came::Event(Event::Row(row)) => format!("{}: {}", row.line, row.fields.join("|")),
                Came::Event(Event::Remark(line, words)) => format!("{line}? {words}"),
                Came::Event(Event::Broken(broken)) => format!("{}! {}", broken.line, broken.problem),
                Came::Event(Event::Failed(error)) => format!("failed: {error:#}"),
                Came::Nothing => continue,
                Came::End => return all,
            });
        }
    }

    #[test]
    fn csv_with_a_mark_carriage_returns_and_quotes() {
        let text = "\u{feff}a,\"b, c\"\r\n1,\" two\r\nlines \"\r\n\r\n\"say \"\"so\"\"\", 4 \r\nlast,";
        assert_eq!(events(text.as_bytes(), RowFormat::Auto), ["a|b, c", "2: 1|two\r\nlines", "5: say \"so\"|4", "6: last|"]);
        assert_eq!(events(b"", RowFormat::Csv), [""; 0]);
        assert_eq!(events(b"a,b\n", RowFormat::Csv), ["a|b"]);
        assert!(events(b"a,b\r1,2\r", RowFormat::Csv)[0].contains("carriage returns alone"));
        // A column alone; lines that are empty are no rows.
        assert_eq!(events(b"a\n\n1\r\n\r\n2\n", RowFormat::Csv), ["a", "3: 1", "5: 2"]);
    }

    #[test]
    fn csv_that_is_broken() {
        let found = events(b"a,b\n1\n1,2,3\n\xff,2\n3,4\n", RowFormat::Csv);
        assert_eq!(
            found,
            [
                "a|b",
                "2! 1 value where there are 2 columns",
                "3! 3 values where there are 2 columns",
                "4! value 1 is not UTF-8 text",
                "5: 3|4"
            ]
        );
        let open = [b"a,b\n1,\"never closed".as_slice(), &vec![b'x'; 1 << 25]].concat();
        let found = events(&open, RowFormat::Csv);
        assert!(found.last().unwrap().contains("is there a quote that is never closed?"), "{:?}", found.last());
        assert!(events(b"\xff\xfea\0", RowFormat::Auto)[0].contains("save it as UTF-8"));
        assert!(events(b"\x00\x01\x02", RowFormat::Auto)[0].contains("is no text"));
        assert!(events(b"\x1f\x8bnothing", RowFormat::Auto)[0].contains("gzip"));
    }

    #[test]
    fn json_with_more_keys_and_less() {
        let text = "{\"a\": 1, \"b\": \" x \"}\r\n\n{\"b\": null}\n{\"c\": 1, \"a\": true, \"d\": []}\n{\"d\": 2, \"b\": 1e3}\n[]\n{\"a\": {}}\n{\"a\": 1";
        let found = events(text.as_bytes(), RowFormat::Auto);
        assert_eq!(found[..5], ["a|b", "1: 1|x", "3: |", found[3].as_str(), "4: true|"]);
        assert!(found[3].starts_with("4? `c` is ignored"), "{found:?}");
        assert_eq!(found[5], "5: |1000.0");
        assert!(found[6].starts_with("6! no JSON object: invalid type: sequence"), "{found:?}");
        assert_eq!(found[7], "7! `a` is a list or an object, not a value");
        assert!(found[8].starts_with("8! no JSON object: EOF"), "{found:?}");
        assert_eq!(found.len(), 9);
    }
}
