//! Lists of lists of numbers, straight from JSON into one flat list.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::config::MOST;
use super::counted;
use super::json_defects::is_not_finite;
use super::part::NONE;

/// Rows of equal width, end to end.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) values: Vec<f32>,
    /// Values in a row; 0 until the first has been read.
    pub(super) width: usize,
    pub(super) rows: usize,
}

/// Targets, each a class, a row of values or none.
#[derive(Debug, Default)]
pub(super) struct Answered<'n> {
    /// The names of classes, where they have any.
    names: Option<&'n [String]>,
    pub(super) classes: Vec<i32>,
    pub(super) values: Rows,
    /// For each place the number of its class or row, or [`NONE`].
    pub(super) numbers: Vec<u32>,
}

impl<'n> Answered<'n> {
    /// No targets yet; classes may be given by these names.
    pub(super) fn of(names: Option<&'n [String]>) -> Self {
        Self { names, ..Self::default() }
    }

    fn class<E: Error>(&mut self, class: usize) -> Result<(), E> {
        if class >= MOST {
            return Err(E::custom(format!("class {class}, expected 0 to {}: number the classes from 0", MOST - 1)));
        }
        if self.values.rows > 0 {
            return Err(E::custom(format!("class {class} among values: give targets of one kind")));
        }
        self.numbers.push(self.classes.len() as u32);
        self.classes.push(class as i32);
        Ok(())
    }
}

/// A finite number of single precision.
struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = f32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f32, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Number {
    type Value = f32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f32, E> {
        let single = number as f32;
        if single.is_finite() { Ok(single) } else { Err(E::custom(format!("{number} is too large for single precision"))) }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f32, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f32, E> {
        self.visit_f64(number as f64)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<f32, E> {
        Ok(f32::from(truth))
    }

    fn visit_unit<E: Error>(self) -> Result<f32, E> {
        Err(E::custom(
            "null in place of a number (a missing value?), and every number must be there: fill it in or remove the sequence",
        ))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f32, E> {
        let shown: String = text.chars().take(40).collect();
        let advice = if is_not_finite(text) {
            "every number must be finite: remove or replace it"
        } else {
            "write numbers without quotes"
        };
        Err(E::custom(format!("the text {shown:?} in place of a number: {advice}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<f32, A::Error> {
        Err(A::Error::custom(
            "a list in place of a number, expected the values of a step as in [[0.5, 1], [0, 2]]; one sequence a line, and not all of them in one",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<f32, A::Error> {
        Err(A::Error::custom("an object in place of a number, expected the values of a step as in [[0.5, 1], [0, 2]]"))
    }
}

impl Rows {
    /// Values read of a row that is not at its end.
    pub(super) fn open(&self) -> usize {
        self.values.len() - self.rows * self.width
    }

    /// Adds a row.
    fn row<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        let start = self.values.len();
        while let Some(value) = list.next_element_seed(Number)? {
            self.values.push(value);
        }
        let width = self.values.len() - start;
        let wrong = match (width, self.width) {
            (0, _) => Some("an empty list of values, expected at least one".to_owned()),
            (found, expected) if expected > 0 && found != expected => {
                Some(format!("{} where those before have {expected}: give all the same number", counted(found, "value")))
            }
            _ => None,
        };
        match wrong {
            Some(problem) => Err(A::Error::custom(problem)),
            None => {
                self.width = width;
                self.rows += 1;
                Ok(())
            }
        }
    }
}

/// Reads a row into rows.
struct Row<'r>(&'r mut Rows);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of the values of a step, as in [0.5, 1]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.row(list)
    }
}

/// Reads a list of rows into rows.
pub(super) struct ReadRows<'r>(pub(super) &'r mut Rows);

impl<'de> DeserializeSeed<'de> for ReadRows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ReadRows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of steps, each a list of values, as in [[0.5, 1], [0, 2]]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Row(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// Reads one target.
pub(super) struct ReadTarget<'a, 'n>(pub(super) &'a mut Answered<'n>);

impl<'de> DeserializeSeed<'de> for ReadTarget<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadTarget<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target: a class (0, 1, …), a list of values, or null for none")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.numbers.push(NONE);
        Ok(())
    }

    fn visit_u64<E: Error>(self, class: u64) -> Result<(), E> {
        self.0.class(usize::try_from(class).unwrap_or(usize::MAX))
    }

    fn visit_i64<E: Error>(self, class: i64) -> Result<(), E> {
        Err(E::custom(format!(
            "class {class}, expected one from 0: number the classes from 0, with null where there is no target"
        )))
    }

    fn visit_bool<E: Error>(self, class: bool) -> Result<(), E> {
        self.0.class(usize::from(class))
    }

    /// 2.0 is class 2, as tables that once held a gap write it.
    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        if number.fract() != 0.0 {
            return Err(E::custom(format!(
                "{number} as a target, expected a class (a whole number from 0) or a list of values: write [{number}] if it is a value"
            )));
        }
        if number < 0.0 { self.visit_i64(number as i64) } else { self.0.class(number as usize) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let shown: String = text.chars().take(40).collect();
        let Some(names) = self.0.names else {
            return Err(E::custom(format!(
                "the text {shown:?} as a target, expected a class: number the classes from 0, or list their names in classes.json beside the file"
            )));
        };
        match names.iter().position(|name| name == text) {
            Some(class) => self.0.class(class),
            None => Err(E::custom(format!("{shown:?} is not the name of a class (there are {})", listed(names)))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("an object as a target, expected a class, a list of values, or null for none"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        let Answered { classes, values, numbers, .. } = self.0;
        if !classes.is_empty() {
            return Err(A::Error::custom("values among classes: give targets of one kind"));
        }
        let number = values.rows as u32;
        values.row(list)?;
        numbers.push(number);
        Ok(())
    }
}

/// Some names, for a message.
fn listed(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
    format!("{}{}", shown.join(", "), if names.len() > 8 { ", …" } else { "" })
}

/// Reads a list of targets.
pub(super) struct ReadTargets<'a, 'n>(pub(super) &'a mut Answered<'n>);

impl<'de> DeserializeSeed<'de> for ReadTargets<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ReadTargets<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of targets, one for each step, as in [0, 1, null]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(ReadTarget(&mut *self.0))?.is_some() {}
        Ok(())
    }
}
