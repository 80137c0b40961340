//! JSON Lines → a split: one sequence a line.

use std::fmt;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::config::MOST;
use super::json_parts::{Answered, ReadRows, ReadTarget, ReadTargets, Rows};
use super::numbers::Numbers;
use super::part::{Answers, NONE, Part, Place, There};
use crate::encoding::unmarked;
use crate::error::{At, DatasetError};

/// The largest file that is read, in bytes, so that targets can be numbered with 32 bits.
pub(super) const LARGEST_FILE: u64 = 1 << 32;
/// The longest piece of a parser's message that is repeated, in characters.
const QUOTE: usize = 200;

/// The sequences of a file.
pub(super) fn part(bytes: &[u8], path: &Path) -> Result<Part, DatasetError> {
    let broken = |line: usize, problem: String| {
        let problem: String = problem.chars().take(QUOTE).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        DatasetError::Malformed { path: path.to_owned(), at: At::Line(line as u64), problem }
    };
    let bytes = unmarked(bytes, path)?;
    let mut reader = Reader::default();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut parser = serde_json::Deserializer::from_slice(line);
        let read = (&mut reader).deserialize(&mut parser).and_then(|()| parser.end());
        read.map_err(|error| {
            let message = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
            broken(index + 1, format!("column {}: {message}", error.column()))
        })?;
        reader.end_sequence().map_err(|problem| broken(index + 1, problem))?;
    }
    reader.part().map_err(|problem| broken(1, problem))
}

/// What has been read.
#[derive(Default)]
struct Reader {
    inputs: Rows,
    answers: Answered,
    sequences: Vec<(usize, usize)>,
    place: Option<Place>,
}

impl Reader {
    /// Checks a sequence once its line is read.
    fn end_sequence(&mut self) -> Result<(), String> {
        let first = self.sequences.last().map_or(0, |&(first, steps)| first + steps);
        let steps = self.inputs.rows - first;
        if steps == 0 {
            return Err("a sequence without steps, expected at least one: remove the line".into());
        }
        self.sequences.push((first, steps));
        let (targets, wanted) = match self.place {
            Some(Place::EachStep) => (self.answers.numbers.len() - first, steps),
            _ => (self.answers.numbers.len() - (self.sequences.len() - 1), 1),
        };
        if targets != wanted {
            return Err(format!(
                "{targets} `targets` for {steps} steps of `inputs`: give one for each, null where there is none"
            ));
        }
        if self.place == Some(Place::End) && self.answers.numbers.last() == Some(&NONE) {
            return Err("null as `target`, expected a class or a list of values: remove the line".into());
        }
        if self.inputs.width.max(self.answers.values.width) > MOST {
            return Err(format!("more than {MOST} values in a step"));
        }
        Ok(())
    }

    fn part(self) -> Result<Part, String> {
        let Self { mut inputs, answers: Answered { mut classes, mut values, mut numbers }, sequences, place } = self;
        let Some(place) = place else { return Err("no sequences, expected one a line".into()) };
        let targets = if values.rows > 0 {
            values.values.shrink_to_fit();
            Answers::Values(values.width, Numbers::F32(values.values))
        } else {
            classes.shrink_to_fit();
            Answers::Classes(Numbers::I32(classes))
        };
        let there = if numbers.contains(&NONE) {
            numbers.shrink_to_fit();
            There::Listed(numbers)
        } else {
            There::Everywhere
        };
        inputs.values.shrink_to_fit();
        Ok(Part { features: inputs.width, inputs: Numbers::F32(inputs.values), sequences, targets, place, there })
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reader {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence, as in {\"inputs\": [[0.5], [1]], \"target\": 3}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut inputs, mut targets) = (false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "inputs" if !std::mem::replace(&mut inputs, true) => map.next_value_seed(ReadRows(&mut self.inputs))?,
                "target" | "targets" if !std::mem::replace(&mut targets, true) => {
                    let place = if key == "target" { Place::End } else { Place::EachStep };
                    if *self.place.get_or_insert(place) != place {
                        return Err(A::Error::custom("`target` and `targets` in one file: use the same in every line"));
                    }
                    match place {
                        Place::End => map.next_value_seed(ReadTarget(&mut self.answers))?,
                        Place::EachStep => map.next_value_seed(ReadTargets(&mut self.answers))?,
                    }
                }
                "inputs" | "target" | "targets" => {
                    return Err(A::Error::custom("a key comes twice, expected `inputs` and one of `target` and `targets`"));
                }
                key => {
                    let problem = format!("unknown key {key:?}, expected `inputs` and one of `target` and `targets`");
                    return Err(A::Error::custom(problem));
                }
            }
        }
        match (inputs, targets) {
            (true, true) => Ok(()),
            (false, _) => Err(A::Error::custom("`inputs` is missing")),
            (true, false) => Err(A::Error::custom("`target` (at the end) or `targets` (at each step) is missing")),
        }
    }
}
