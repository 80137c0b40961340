//! Files in the `.ts` format of the UCR and UEA archives of time series → a split.
//!
//! A header of tags, then a series a line: the values of each channel between commas, channels between colons, and after the last colon the
//! class or value of the series. `#` begins a comment.

use std::collections::BTreeMap;
use std::path::Path;

use super::config::MOST;
use super::counted;
use super::part::{Answers, Part, Place, There};
use super::ts_header::{Header, Labels, cut};
use crate::encoding::{lines, unmarked};
use crate::error::{At, DatasetError};
use crate::numpy::Numbers;

/// The largest file that is read, in bytes.
pub(super) const LARGEST_FILE: u64 = 1 << 33;

/// A split, and the names of its classes where it has classes.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) part: Part,
    pub(super) names: Option<Vec<String>>,
}

/// The series of a file. Classes are numbered by the names that are `known`, those of the train split or of the configuration, or else as the
/// header lists them.
pub(super) fn part(bytes: &[u8], path: &Path, known: Option<&[String]>) -> Result<Read, DatasetError> {
    let broken = |line: u64, problem: String| DatasetError::Malformed { path: path.to_owned(), at: At::Line(line), problem };
    let (mut header, mut reader, mut last) = (Header::default(), None, 1);
    for (number, line) in lines(unmarked(bytes, path)?) {
        let line =
            str::from_utf8(line).map_err(|_| broken(number, "not text in UTF-8: save the file as UTF-8".into()))?.trim();
        if line.is_empty() || line.starts_with(['#', '%']) {
            continue;
        }
        last = number;
        match &mut reader {
            None => {
                if header.line(line).map_err(|problem| broken(number, problem))? {
                    reader =
                        Some(Reader::new(std::mem::take(&mut header), known).map_err(|problem| broken(number, problem))?);
                }
            }
            Some(reader) => reader.series(line).map_err(|problem| broken(number, problem))?,
        }
    }
    match reader {
        Some(reader) if !reader.sequences.is_empty() => Ok(reader.finished()),
        Some(_) => Err(broken(last, "no series after `@data`, expected one a line".into())),
        None => Err(broken(
            last,
            "no line `@data`, after which the series stand, one a line: is this a whole `.ts` file?".into(),
        )),
    }
}

/// Series as they come.
struct Reader {
    header: Header,
    /// Names that the header declares, where there are classes.
    declared: Vec<String>,
    /// Numbers of classes by name.
    numbers: BTreeMap<String, i32>,
    /// All names, in the order of their numbers.
    names: Vec<String>,
    channels: usize,
    /// Steps end to end, the channels of a step side by side.
    values: Vec<f32>,
    sequences: Vec<(usize, usize)>,
    classes: Vec<i32>,
    targets: Vec<f32>,
    /// The values of a line, channel after channel.
    line: Vec<f32>,
}

impl Reader {
    fn new(header: Header, known: Option<&[String]>) -> Result<Self, String> {
        let declared = match &header.answers {
            Some(Labels::Classes(names)) => names.clone(),
            _ => Vec::new(),
        };
        let names = known.filter(|_| !declared.is_empty()).map_or_else(|| declared.clone(), <[String]>::to_vec);
        if names.len() > MOST {
            return Err(format!("{} classes, at most {MOST} are read", names.len()));
        }
        let numbers = names.iter().zip(0..).map(|(name, number)| (name.clone(), number)).collect();
        Ok(Self {
            header,
            declared,
            numbers,
            names,
            channels: 0,
            values: Vec::new(),
            sequences: Vec::new(),
            classes: Vec::new(),
            targets: Vec::new(),
            line: Vec::new(),
        })
    }

    /// Takes a series in.
    fn series(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with('(') {
            return Err("a series of pairs of time and value: give values at even steps of time, without the stamps".into());
        }
        if line.starts_with('@') {
            return Err(format!("the tag `{}` after `@data`: tags stand before it", cut(line)));
        }
        let Some((series, label)) = line.rsplit_once(':') else {
            return Err(
                "no `:`, expected the values of each channel and after the last `:` the class or value of the series".into(),
            );
        };
        self.line.clear();
        let (mut channels, mut steps) = (0, 0);
        for (channel, text) in series.split(':').enumerate() {
            let before = self.line.len();
            for (step, value) in text.split(',').enumerate() {
                let value = number(value.trim())
                    .map_err(|problem| format!("channel {channel}, step {step} (counted from 0): {problem}"))?;
                self.line.push(value);
            }
            let found = self.line.len() - before;
            if channel > 0 && found != steps {
                return Err(format!(
                    "channel {channel} has {} and channel 0 has {steps} (channels counted from 0): all channels of a series \
                     are of one length, so cut or fill them",
                    counted(found, "value")
                ));
            }
            (channels, steps) = (channel + 1, found);
        }
        self.check_shape(channels, steps)?;
        match &self.header.answers {
            Some(Labels::Value) => {
                self.targets.push(number(label.trim()).map_err(|problem| format!("the value at the end: {problem}"))?)
            }
            _ => {
                let class = self.class(label.trim())?;
                self.classes.push(class);
            }
        }
        let first = self.sequences.last().map_or(0, |&(first, steps)| first + steps);
        self.sequences.push((first, steps));
        self.channels = channels;
        self.values.extend(
            (0..steps)
                .flat_map(|step| (0..channels).map(move |channel| (step, channel)))
                .map(|(step, channel)| self.line[channel * steps + step]),
        );
        Ok(())
    }

    /// Compares a series with those before it and with the header.
    fn check_shape(&self, channels: usize, steps: usize) -> Result<(), String> {
        let differs = |what: &str, tag: String| {
            Err(format!("{what}, but the header says `{tag}`: was the line cut, or is the header wrong?"))
        };
        if channels > MOST {
            return Err(format!("{channels} channels, at most {MOST} are read"));
        }
        if !self.sequences.is_empty() && channels != self.channels {
            let expected = self.channels;
            return Err(format!("{channels} channels where the series before have {expected}: was the line cut?"));
        }
        match (self.header.dimensions, self.header.univariate) {
            (Some(expected), _) if channels != expected => {
                return differs(&format!("{channels} channels"), format!("@dimensions {expected}"));
            }
            (_, Some(true)) if channels != 1 => return differs(&format!("{channels} channels"), "@univariate true".into()),
            _ => {}
        }
        if self.header.equal_length != Some(true) {
            return Ok(());
        }
        if let Some(expected) = self.header.series_length.filter(|&expected| expected != steps) {
            return differs(&format!("a series of {steps} steps"), format!("@equalLength true, @seriesLength {expected}"));
        }
        match self.sequences.first() {
            Some(&(_, first)) if first != steps => {
                differs(&format!("a series of {steps} steps where the first has {first}"), "@equalLength true".into())
            }
            _ => Ok(()),
        }
    }

    /// The number of a class.
    fn class(&self, label: &str) -> Result<i32, String> {
        if !self.declared.iter().any(|name| name == label) {
            let listed = cut(&self.declared.join(" "));
            return Err(match label {
                "" => "no class after the last `:`, expected one of those after @classLabel".into(),
                "?" => {
                    "`?` as the class: a series without a label teaches nothing, so remove it or give it its class".into()
                }
                _ => format!(
                    "the class `{}` is not among those after @classLabel ({listed}): correct it, or add it there",
                    cut(label)
                ),
            });
        }
        self.numbers.get(label).copied().ok_or_else(|| {
            format!(
                "the class `{}` is not one of the train split's ({}), so it cannot be learned: remove the series, or add the class to the \
                 @classLabel of the train file",
                cut(label),
                cut(&self.names.join(" "))
            )
        })
    }

    fn finished(mut self) -> Read {
        self.values.shrink_to_fit();
        let has_classes = !self.declared.is_empty();
        let targets = if has_classes {
            Answers::Classes(Numbers::I32(self.classes))
        } else {
            Answers::Values(1, Numbers::F32(self.targets))
        };
        let part = Part {
            features: self.channels,
            inputs: Numbers::F32(self.values),
            sequences: self.sequences,
            targets,
            place: Place::End,
            there: There::Everywhere,
        };
        Read { part, names: has_classes.then_some(self.names) }
    }
}

/// A finite number of single precision.
fn number(text: &str) -> Result<f32, String> {
    match text {
        "" => return Err("nothing between two commas, expected a number".into()),
        "?" => return Err("`?`, a missing value, and every value must be there: fill it in (by the value before it, or the mean), or remove the series".into()),
        _ if text.starts_with('(') => return Err("a pair of time and value: give values at even steps of time, without the stamps".into()),
        _ => {}
    }
    let number: f64 = text.parse().map_err(|_| format!("`{}` is no number", cut(text)))?;
    if !number.is_finite() {
        return Err(format!("`{}`: every value must be a finite number, so remove or replace it", cut(text)));
    }
    let single = number as f32;
    if single.is_finite() {
        Ok(single)
    } else {
        Err(format!("`{}` is too large for single precision: scale the values", cut(text)))
    }
}
