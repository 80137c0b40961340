//! What is said of each row, and the file that it is written to.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::columns::{Target, Values};
use super::labels::{Answer, Labels};
use super::scores::Verdict;
use super::settings::Settings;
use crate::arguments::{OutputFormat, TaskKind};
use crate::output::{Out, Unheard};

/// What is said of a row.
#[derive(Debug)]
pub(super) struct Said {
    row: u64,
    time: Option<String>,
    stream: Option<String>,
    id: Option<String>,
    /// Of each target.
    answers: Vec<OfTarget>,
    pub(super) verdict: Verdict,
}

#[derive(Debug, Default)]
struct OfTarget {
    prediction: Value,
    probability: Value,
    low: Value,
    high: Value,
    expected: Value,
    target: Value,
}

impl Said {
    pub(super) fn new(
        row: u64,
        values: &Values<'_>,
        labels: &Labels,
        answer: Option<Answer>,
        interval: &[Option<f64>],
        expected: Option<Answer>,
        verdict: Verdict,
    ) -> Self {
        let mut answers: Vec<OfTarget> = match &values.target {
            Target::Class(class) => vec![OfTarget { target: json!(class), ..OfTarget::default() }],
            Target::Numbers(values) => {
                values.iter().map(|value| OfTarget { target: json!(value), ..OfTarget::default() }).collect()
            }
        };
        match answer {
            Some(ref answer @ Answer::Class { best, .. }) => {
                if let Some(said) = answers.first_mut() {
                    said.prediction = json!(labels.class(best));
                    said.probability = json!(answer.probability(best));
                }
            }
            Some(Answer::Numbers(values)) => {
                for ((said, value), interval) in answers.iter_mut().zip(values).zip(interval) {
                    said.prediction = json!(value);
                    if let Some(interval) = interval {
                        (said.low, said.high) = (json!(value - interval), json!(value + interval));
                    }
                }
            }
            None => {}
        }
        match expected {
            Some(Answer::Numbers(values)) => {
                answers.iter_mut().zip(values).for_each(|(said, value)| said.expected = json!(value));
            }
            Some(Answer::Class { best, .. }) => {
                answers.iter_mut().take(1).for_each(|said| said.expected = json!(labels.class(best)));
            }
            None => {}
        }
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (time, stream, id) = (own(values.time), own(values.stream), own(values.id));
        Self { row, time, stream, id, answers, verdict }
    }

    /// What is said where nobody reads it.
    pub(super) fn nothing(verdict: Verdict) -> Self {
        Self { row: 0, time: None, stream: None, id: None, answers: Vec::new(), verdict }
    }

    /// A broken row, of which nothing can be said.
    pub(super) fn broken(row: u64, settings: &Settings) -> Self {
        let answers = settings.target.iter().map(|_| OfTarget::default()).collect();
        Self { row, time: None, stream: None, id: None, answers, verdict: Verdict::default() }
    }

    /// Its values by their names.
    fn values(self, settings: &Settings) -> Vec<(String, Value)> {
        let mut all = vec![("row".to_owned(), json!(self.row))];
        let columns = [
            ("time", &settings.time, self.time),
            ("stream", &settings.stream_by, self.stream),
            ("id", &settings.id, self.id),
        ];
        let asked = columns.into_iter().filter(|(_, column, _)| column.is_some());
        all.extend(asked.map(|(name, _, text)| (name.to_owned(), json!(text.unwrap_or_default()))));
        let several = settings.target.len() > 1;
        for (target, said) in settings.target.iter().zip(self.answers) {
            let name = |name: &str| if several { format!("{name}.{target}") } else { name.to_owned() };
            all.push((name("prediction"), said.prediction));
            if settings.task == TaskKind::Classify {
                all.push((name("probability"), said.probability));
            } else {
                all.extend([(name("low"), said.low), (name("high"), said.high)]);
            }
            if settings.is_late() {
                all.push((name("expected"), said.expected));
            }
            all.push((name("target"), said.target));
        }
        all.push(("surprise".to_owned(), json!(self.verdict.surprise)));
        if settings.alarm.is_some() {
            all.push(("alarm".to_owned(), json!(u8::from(self.verdict.alarm))));
        }
        all
    }
}

/// Where predictions go.
pub(super) struct Predictions {
    name: String,
    out: BufWriter<Box<dyn Write>>,
    format: OutputFormat,
    /// Each row is heard at once.
    live: bool,
    headed: bool,
}

impl Predictions {
    pub(super) fn create(path: &Path, format: OutputFormat, live: bool) -> Result<Self> {
        let (name, out): (String, Box<dyn Write>) = if path.as_os_str() == "-" {
            ("standard output".into(), Box::new(Out::new()))
        } else {
            let name = path.display().to_string();
            let file = File::create(path).with_context(|| format!("{name}: cannot be written"))?;
            (name, Box::new(file))
        };
        Ok(Self { name, out: BufWriter::new(out), format, live, headed: false })
    }

    pub(super) fn write(&mut self, said: Said, settings: &Settings) -> Result<()> {
        let values = said.values(settings);
        self.put(values).with_context(|| format!("{}: cannot be written", self.name))
    }

    fn put(&mut self, values: Vec<(String, Value)>) -> io::Result<()> {
        match self.format {
            OutputFormat::Jsonl => {
                // In the order in which they stand in CSV: a map would sort them.
                let pairs = values.iter().map(|(name, value)| format!("{}:{value}", json!(name)));
                writeln!(self.out, "{{{}}}", pairs.collect::<Vec<_>>().join(","))?;
            }
            OutputFormat::Csv => {
                if !self.headed {
                    let names = values.iter().map(|(name, _)| name.clone());
                    csv_line(&mut self.out, names)?;
                    self.headed = true;
                }
                let texts = values.into_iter().map(|(_, value)| match value {
                    Value::Null => String::new(),
                    Value::String(text) => text,
                    other => other.to_string(),
                });
                csv_line(&mut self.out, texts)?;
            }
        }
        if self.live { self.out.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().with_context(|| format!("{}: cannot be written", self.name))
    }
}

pub(super) fn csv_line(out: &mut dyn Write, values: impl Iterator<Item = String>) -> io::Result<()> {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(values).map_err(io::Error::other)?;
    out.write_all(&line.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
}

/// Whether what went wrong is that nobody reads any more.
pub(super) fn nobody_reads(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe || Unheard::of(cause).is_some_and(Unheard::is_closed))
}
