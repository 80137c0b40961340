//! JSON Lines → a split: one sequence a line.

use std::fmt;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::config::MOST;
use super::json_defects::{beginning, defect, unknown_key};
use super::json_parts::{Answered, ReadRows, ReadTarget, ReadTargets, Rows};
use super::part::{Answers, NONE, Part, Place, There};
use crate::encoding::{lines, unmarked};
use crate::error::{At, DatasetError};
use crate::numpy::Numbers;

/// The largest file that is read, in bytes, so that targets can be numbered with 32 bits.
pub(super) const LARGEST_FILE: u64 = 1 << 32;
/// The longest problem that is reported, in characters.
const QUOTE: usize = 400;

/// The sequences of a file; `names` are those of classes, where targets may be given by them.
pub(super) fn part(bytes: &[u8], path: &Path, names: Option<&[String]>) -> Result<Part, DatasetError> {
    let broken = |line: u64, problem: String| {
        let problem: String = problem.chars().take(QUOTE).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        DatasetError::Malformed { path: path.to_owned(), at: At::Line(line), problem }
    };
    let bytes = unmarked(bytes, path)?;
    let mut reader = Reader { answers: Answered::of(names), ..Reader::default() };
    let mut rest = lines(bytes).filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace)).peekable();
    while let Some((number, line)) = rest.next() {
        if let Some(problem) = beginning(line) {
            return Err(broken(number, problem));
        }
        let mut parser = serde_json::Deserializer::from_slice(line);
        let read = (&mut reader).deserialize(&mut parser).and_then(|()| parser.end());
        read.map_err(|error| broken(number, defect(line, &error, &reader.place_in_sequence(), rest.peek().is_some())))?;
        reader.end_sequence().map_err(|problem| broken(number, problem))?;
    }
    reader.part().map_err(|problem| broken(1, problem))
}

/// What has been read.
#[derive(Default)]
struct Reader<'n> {
    inputs: Rows,
    answers: Answered<'n>,
    sequences: Vec<(usize, usize)>,
    place: Option<Place>,
    /// The key whose value is being read.
    at: Option<&'static str>,
}

impl Reader<'_> {
    /// The first step of the sequence at hand.
    fn first(&self) -> usize {
        self.sequences.last().map_or(0, |&(first, steps)| first + steps)
    }

    /// Where in the sequence the parser is.
    fn place_in_sequence(&self) -> String {
        match self.at {
            Some("inputs") => {
                let (step, feature) = (self.inputs.rows - self.first(), self.inputs.open());
                format!("step {step}, feature {feature} of `inputs` (counted from 0)")
            }
            Some("targets") => format!("step {} of `targets` (counted from 0)", self.answers.numbers.len() - self.first()),
            Some(key) => format!("`{key}`"),
            None => String::new(),
        }
    }

    /// Checks a sequence once its line is read.
    fn end_sequence(&mut self) -> Result<(), String> {
        let first = self.first();
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
        let Self { mut inputs, answers: Answered { mut classes, mut values, mut numbers, .. }, sequences, place, .. } = self;
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

impl<'de> DeserializeSeed<'de> for &mut Reader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence, as in {\"inputs\": [[0.5], [1]], \"target\": 3}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut inputs, mut targets) = (false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "inputs" if !std::mem::replace(&mut inputs, true) => {
                    self.at = Some("inputs");
                    map.next_value_seed(ReadRows(&mut self.inputs))?;
                }
                "target" | "targets" if !std::mem::replace(&mut targets, true) => {
                    let place = if key == "target" { Place::End } else { Place::EachStep };
                    if *self.place.get_or_insert(place) != place {
                        return Err(A::Error::custom("`target` and `targets` in one file: use the same in every line"));
                    }
                    self.at = Some(if place == Place::End { "target" } else { "targets" });
                    match place {
                        Place::End => map.next_value_seed(ReadTarget(&mut self.answers))?,
                        Place::EachStep => map.next_value_seed(ReadTargets(&mut self.answers))?,
                    }
                }
                "inputs" => {
                    return Err(A::Error::custom(
                        "the key `inputs` comes twice: a line is one sequence, so keep one of the two",
                    ));
                }
                "target" | "targets" => {
                    return Err(A::Error::custom(format!(
                        "the key `{key}` comes twice, or beside the other of `target` and `targets`: keep one"
                    )));
                }
                key => return Err(A::Error::custom(unknown_key(key))),
            }
            self.at = None;
        }
        match (inputs, targets) {
            (true, true) => Ok(()),
            (false, _) => Err(A::Error::custom("`inputs` is missing")),
            (true, false) => Err(A::Error::custom("`target` (at the end) or `targets` (at each step) is missing")),
        }
    }
}
