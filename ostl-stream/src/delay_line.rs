//! What waits for its label.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::error::StreamError;
use crate::number::count;

/// Things whose label comes a fixed number of rows later: the label in row t belongs to what was put in at row t − delay.
///
/// Holds as many as the delay at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayLine<T> {
    delay: usize,
    waiting: VecDeque<T>,
}

impl<T> DelayLine<T> {
    /// An empty one with a delay in rows. With a delay of 0 everything comes out as it goes in.
    pub fn new(delay: usize) -> Self {
        Self { delay, waiting: VecDeque::new() }
    }

    /// Puts in what belongs to this row, and takes out what this row's label belongs to: what was put in `delay` rows before. `None` in
    /// the first rows, whose label belongs to nothing that was put in.
    pub fn push(&mut self, item: T) -> Option<T> {
        self.waiting.push_back(item);
        if self.waiting.len() > self.delay { self.waiting.pop_front() } else { None }
    }

    /// The delay in rows.
    pub fn delay(&self) -> usize {
        self.delay
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Forgets all that wait, as after a gap in the stream.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// Things whose label comes at some later time, with the id of what it belongs to.
///
/// No more than a capacity wait at a time: then the one that waited longest is given up. What was given up, and labels whose id nothing
/// waits for, are counted. Putting in and taking out take a time that grows with the logarithm of how many wait. Ids may be of any length;
/// where they come from outside, the caller bounds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved<T>", into = "Saved<T>", bound(serialize = "T: Clone + Serialize"))]
pub struct DelayById<T> {
    capacity: usize,
    /// In the order in which they came.
    waiting: BTreeMap<u64, (String, T)>,
    places: HashMap<String, u64>,
    next: u64,
    given_up: u64,
    unknown: u64,
}

impl<T> DelayById<T> {
    /// An empty one.
    ///
    /// # Errors
    /// If the capacity is 0.
    pub fn new(capacity: usize) -> Result<Self, StreamError> {
        StreamError::unless(capacity > 0, "capacity", capacity as f64, "at least 1")?;
        Ok(Self { capacity, waiting: BTreeMap::new(), places: HashMap::new(), next: 0, given_up: 0, unknown: 0 })
    }

    /// Puts in what waits for the label of `id`. Gives back what is given up for it with its id: what waited under the same id, or, where
    /// there is no room, what waited longest.
    pub fn push(&mut self, id: impl Into<String>, item: T) -> Option<(String, T)> {
        let id = id.into();
        let lost = match self.places.remove(&id) {
            Some(place) => self.waiting.remove(&place),
            None if self.waiting.len() >= self.capacity => self.waiting.pop_first().map(|(_, oldest)| oldest),
            None => None,
        };
        if let Some((lost, _)) = &lost {
            self.places.remove(lost);
            count(&mut self.given_up);
        }
        self.places.insert(id.clone(), self.next);
        self.waiting.insert(self.next, (id, item));
        self.next = self.next.wrapping_add(1);
        lost
    }

    /// Takes out what waits for the label of `id`; where nothing does, that is counted.
    pub fn take(&mut self, id: &str) -> Option<T> {
        let found = self.places.remove(id).and_then(|place| self.waiting.remove(&place));
        if found.is_none() {
            count(&mut self.unknown);
        }
        found.map(|(_, item)| item)
    }

    /// How many may wait at a time.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many were given up before their label came.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// How many labels came with an id that nothing waited for.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }
}

/// How a [`DelayById`] is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Saved<T> {
    capacity: usize,
    /// The one that waited longest comes first.
    waiting: Vec<(String, T)>,
    given_up: u64,
    unknown: u64,
}

impl<T> From<DelayById<T>> for Saved<T> {
    fn from(line: DelayById<T>) -> Self {
        let DelayById { capacity, waiting, given_up, unknown, .. } = line;
        Self { capacity, waiting: waiting.into_values().collect(), given_up, unknown }
    }
}

impl<T> TryFrom<Saved<T>> for DelayById<T> {
    type Error = StreamError;

    fn try_from(saved: Saved<T>) -> Result<Self, StreamError> {
        let mut line = Self::new(saved.capacity)?;
        for (id, item) in saved.waiting {
            if let Some((id, _)) = line.push(id, item) {
                let reason = format!("more wait than there is room for, or {id:?} waits twice");
                return Err(StreamError::Saved { reason });
            }
        }
        Ok(Self { given_up: saved.given_up, unknown: saved.unknown, ..line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_rows() {
        let mut line = DelayLine::new(2);
        assert_eq!([1, 2, 3, 4].map(|row| line.push(row)), [None, None, Some(1), Some(2)]);
        assert_eq!((line.len(), line.delay()), (2, 2));
        line.clear();
        assert!(line.is_empty() && line.push(5).is_none());
        assert_eq!(DelayLine::new(0).push(7), Some(7));
    }

    #[test]
    fn by_id() {
        let mut line = DelayById::new(2).unwrap();
        assert_eq!(line.push("a", 1), None);
        assert_eq!(line.push("b", 2), None);
        assert_eq!(line.push("c", 3), Some(("a".into(), 1)));
        assert_eq!((line.take("a"), line.take("c"), line.take("c")), (None, Some(3), None));
        assert_eq!(line.push("b", 4), Some(("b".into(), 2)));
        assert_eq!((line.take("b"), line.len(), line.given_up(), line.unknown()), (Some(4), 0, 2, 2));
        assert!(DelayById::<u8>::new(0).is_err());
    }

    #[test]
    fn saved_states_that_cannot_be() {
        let read = |text: &str| serde_json::from_str::<DelayById<u8>>(text).map_err(|error| error.to_string());
        let text = |waiting: &str| format!(r#"{{"capacity":2,"waiting":{waiting},"given_up":0,"unknown":0}}"#);
        assert_eq!(read(&text(r#"[["a",1],["b",2]]"#)).unwrap().len(), 2);
        assert!(read(&text(r#"[["a",1],["a",2]]"#)).unwrap_err().contains("\"a\" waits twice"));
        assert!(read(&text(r#"[["a",1],["b",2],["c",3]]"#)).unwrap_err().contains("room"));
    }
}
