//! Lists of lists of numbers, straight from JSON into one flat list.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::config::MOST;
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
pub(super) struct Answered {
    pub(super) classes: Vec<i32>,
    pub(super) values: Rows,
    /// For each place the number of its class or row, or [`NONE`].
    pub(super) numbers: Vec<u32>,
}

/// A finite number of single precision.
struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = f32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f32, D::Error> {
        deserializer.deserialize_f64(self)
    }
}

impl Visitor<'_> for Number {
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
}

impl Rows {
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
                Some(format!("{found} values where those before have {expected}: give all the same number"))
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
pub(super) struct ReadTarget<'a>(pub(super) &'a mut Answered);

impl<'de> DeserializeSeed<'de> for ReadTarget<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadTarget<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target: a class (0, 1, …), a list of values, or null for none")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.numbers.push(NONE);
        Ok(())
    }

    fn visit_u64<E: Error>(self, class: u64) -> Result<(), E> {
        if class >= MOST as u64 {
            return Err(E::custom(format!("class {class}, expected 0 to {}: number the classes from 0", MOST - 1)));
        }
        if self.0.values.rows > 0 {
            return Err(E::custom(format!("class {class} among values: give targets of one kind")));
        }
        self.0.numbers.push(self.0.classes.len() as u32);
        self.0.classes.push(class as i32);
        Ok(())
    }

    fn visit_i64<E: Error>(self, class: i64) -> Result<(), E> {
        Err(E::custom(format!(
            "class {class}, expected one from 0: number the classes from 0, with null where there is no target"
        )))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        Err(E::custom(format!(
            "{number} as a target, expected a class or a list of values: write [{number}] if it is a value"
        )))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        let Answered { classes, values, numbers } = self.0;
        if !classes.is_empty() {
            return Err(A::Error::custom("values among classes: give targets of one kind"));
        }
        numbers.push(values.rows as u32);
        values.row(list)
    }
}

/// Reads a list of targets.
pub(super) struct ReadTargets<'a>(pub(super) &'a mut Answered);

impl<'de> DeserializeSeed<'de> for ReadTargets<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ReadTargets<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of targets, one for each step, as in [0, 1, null]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(ReadTarget(&mut *self.0))?.is_some() {}
        Ok(())
    }
}
