//! Values of a column of words, numbered as they come.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::StreamError;
use crate::number::count;

/// The different values that a column had so far, numbered from 0 in the order in which they came, up to a limit. For one-hot columns,
/// and for classes that are words.
///
/// Numbers never change. Values may be of any length; where they come from outside, the caller bounds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Categories {
    limit: usize,
    values: Vec<String>,
    numbers: HashMap<String, usize>,
    beyond: u64,
}

impl Categories {
    /// None so far, and at most `limit` of them.
    pub fn new(limit: usize) -> Self {
        Self { limit, values: Vec::new(), numbers: HashMap::new(), beyond: 0 }
    }

    /// The value's number; a new value gets the next one. `None`, and counted, where there are as many as the limit already.
    pub fn number(&mut self, value: &str) -> Option<usize> {
        if let Some(&number) = self.numbers.get(value) {
            return Some(number);
        }
        let number = self.values.len();
        if number >= self.limit {
            count(&mut self.beyond);
            return None;
        }
        self.values.push(value.to_owned());
        self.numbers.insert(value.to_owned(), number);
        Some(number)
    }

    /// The value's number, if it has one.
    pub fn get(&self, value: &str) -> Option<usize> {
        self.numbers.get(value).copied()
    }

    /// The value of a number.
    pub fn value(&self, number: usize) -> Option<&str> {
        self.values.get(number).map(String::as_str)
    }

    /// All values, in the order of their numbers.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many there may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How often a value got no number because of the limit.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }
}

/// How [`Categories`] are saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    limit: usize,
    values: Vec<String>,
    beyond: u64,
}

impl From<Categories> for Saved {
    fn from(Categories { limit, values, beyond, .. }: Categories) -> Self {
        Self { limit, values, beyond }
    }
}

impl TryFrom<Saved> for Categories {
    type Error = StreamError;

    fn try_from(saved: Saved) -> Result<Self, StreamError> {
        let mut categories = Self::new(saved.limit);
        for (number, value) in saved.values.into_iter().enumerate() {
            if categories.number(&value) != Some(number) {
                let reason = format!("the value {value:?} is there twice, or beyond the limit of {}", saved.limit);
                return Err(StreamError::Saved { reason });
            }
        }
        Ok(Self { beyond: saved.beyond, ..categories })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_as_they_come_up_to_the_limit() {
        let mut categories = Categories::new(2);
        assert_eq!(
            ["x", "y", "x", "z", "y", ""].map(|value| categories.number(value)),
            [Some(0), Some(1), Some(0), None, Some(1), None]
        );
        assert_eq!((categories.get("z"), categories.get("y"), categories.value(0)), (None, Some(1), Some("x")));
        assert_eq!((categories.value(2), categories.len(), categories.beyond()), (None, 2, 2));
        assert_eq!(categories.values().collect::<Vec<_>>(), ["x", "y"]);
        let text = serde_json::to_string(&categories).unwrap();
        assert_eq!(serde_json::from_str::<Categories>(&text).unwrap(), categories);
        for wrong in [text.replace("\"y\"", "\"x\""), text.replace("\"limit\":2", "\"limit\":1")] {
            assert!(serde_json::from_str::<Categories>(&wrong).unwrap_err().to_string().contains("cannot be"));
        }
    }
}
