//! Rows of JSON Lines: an object each.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use anyhow::{Result, bail};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::rows::{Broken, Event, LONGEST, Row};

/// An object with its keys in the order in which they stand there.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, such as {\"a\": 1}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

pub(super) struct JsonRows {
    reader: BufReader<Box<dyn Read + Send>>,
    line: u64,
    columns: Option<Vec<String>>,
    /// A row behind what was said of it, or of the columns.
    waiting: Option<Row>,
    /// A key that is no column was named.
    ignored: bool,
}

impl JsonRows {
    pub(super) fn new(bytes: Box<dyn Read + Send>) -> Self {
        Self { reader: BufReader::with_capacity(1 << 16, bytes), line: 0, columns: None, waiting: None, ignored: false }
    }

    /// What comes next; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Event>> {
        if let Some(row) = self.waiting.take() {
            return Ok(Some(Event::Row(row)));
        }
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let count = self.reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut bytes)?;
            if count == 0 {
                return Ok(None);
            }
            self.line += 1;
            if count as u64 > LONGEST {
                bail!("line {} is longer than 16 MiB: JSON Lines have an object a line", self.line);
            }
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        Ok(Some(match self.row(&bytes) {
            Ok(event) => event,
            Err(problem) => Event::Broken(Broken { line: self.line, problem }),
        }))
    }

    fn row(&mut self, bytes: &[u8]) -> Result<Event, String> {
        let Object(pairs) = serde_json::from_slice(bytes).map_err(|error| {
            let text = error.to_string();
            format!("no JSON object: {}", text.split(" at line ").next().unwrap_or(&text))
        })?;
        let first: Vec<String>;
        let known = match &self.columns {
            Some(columns) => columns,
            None => {
                first = pairs.iter().map(|(name, _)| name.clone()).collect();
                &first
            }
        };
        let mut fields = vec![String::new(); known.len()];
        let mut beyond = None;
        for (name, value) in pairs {
            let Some(place) = known.iter().position(|column| *column == name) else {
                beyond = beyond.or(Some(name));
                continue;
            };
            fields[place] = match value {
                Value::Null => String::new(),
                Value::Bool(truth) => truth.to_string(),
                Value::Number(number) => number.to_string(),
                Value::String(text) => text.trim().to_owned(),
                Value::Array(_) | Value::Object(_) => return Err(format!("`{name}` is a list or an object, not a value")),
            };
        }
        let row = Row { line: self.line, fields };
        if self.columns.is_some() {
            let Some(name) = beyond.filter(|_| !self.ignored) else { return Ok(Event::Row(row)) };
            self.ignored = true;
            self.waiting = Some(row);
            let words = "is ignored: the first row, which names all columns, does not have it; so are other such keys";
            return Ok(Event::Remark(self.line, format!("`{name}` {words}")));
        }
        let names = known.clone();
        self.columns = Some(names.clone());
        self.waiting = Some(row);
        Ok(Event::Columns(names))
    }
}
