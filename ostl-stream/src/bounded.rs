//! A bounded number of slots for keys.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::error::StreamError;
use crate::number::count;

/// The slot that a key has got.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slot {
    /// The one it had.
    Known(usize),
    /// One that no key has.
    New(usize),
    /// One that another key lost by this. What was kept there has to be reset.
    Lost {
        /// The slot.
        slot: usize,
        /// The key that had it.
        key: String,
    },
}

impl Slot {
    /// Its number, from 0 to capacity − 1.
    pub fn number(&self) -> usize {
        match self {
            Self::Known(slot) | Self::New(slot) | Self::Lost { slot, .. } => *slot,
        }
    }

    /// Whether the key had no slot before, so that what is kept there has to start anew.
    pub fn is_fresh(&self) -> bool {
        !matches!(self, Self::Known(_))
    }
}

/// Keys, each with a slot of its own, numbered from 0 to capacity − 1. Where there is no slot left, the key that was used least recently
/// loses its own. For states of many streams side by side: one a sensor, say.
///
/// [`slot`](Self::slot) takes constant time on average. Keys may be of any length; where they come from outside, the caller bounds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Slots {
    capacity: usize,
    slots: HashMap<String, usize>,
    /// Of each slot that was ever given out, its key and when that was used last; `None` where it was released.
    holders: Vec<Option<Holder>>,
    /// Slots that were released.
    free: Vec<usize>,
    /// Every use: which slot, and when. Those that are not the slot's last are passed over. No longer than twice the slots, and some.
    uses: VecDeque<(usize, u64)>,
    now: u64,
    given_up: u64,
}

#[derive(Clone, Debug)]
struct Holder {
    key: String,
    used: u64,
}

impl Slots {
    /// All slots free.
    ///
    /// # Errors
    /// If the capacity is 0.
    pub fn new(capacity: usize) -> Result<Self, StreamError> {
        StreamError::unless(capacity > 0, "capacity", capacity as f64, "at least 1")?;
        let (slots, holders, free, uses) = (HashMap::new(), Vec::new(), Vec::new(), VecDeque::new());
        Ok(Self { capacity, slots, holders, free, uses, now: 0, given_up: 0 })
    }

    /// The key's slot, which is the most recently used now. A new key gets the slot that was released last, else the first that was never
    /// given out, else that of the key that was used least recently.
    pub fn slot(&mut self, key: &str) -> Slot {
        if let Some(&slot) = self.slots.get(key) {
            self.touch(slot);
            return Slot::Known(slot);
        }
        let (slot, lost) = if let Some(slot) = self.free.pop() {
            (slot, None)
        } else if self.holders.len() < self.capacity {
            self.holders.push(None);
            (self.holders.len() - 1, None)
        } else {
            // There is always one: every slot has a holder, and its last use stands in the list.
            let slot = self.least_recent().unwrap_or(0);
            (slot, self.holders[slot].take().map(|holder| holder.key))
        };
        if let Some(lost) = &lost {
            self.slots.remove(lost);
            count(&mut self.given_up);
        }
        self.slots.insert(key.to_owned(), slot);
        self.holders[slot] = Some(Holder { key: key.to_owned(), used: 0 });
        self.touch(slot);
        lost.map_or(Slot::New(slot), |key| Slot::Lost { slot, key })
    }

    /// The key's slot, without its being used by that.
    pub fn get(&self, key: &str) -> Option<usize> {
        self.slots.get(key).copied()
    }

    /// The key that has a slot.
    pub fn key(&self, slot: usize) -> Option<&str> {
        self.holders.get(slot)?.as_ref().map(|holder| holder.key.as_str())
    }

    /// Takes the key's slot back, which is free then.
    pub fn release(&mut self, key: &str) -> Option<usize> {
        let slot = self.slots.remove(key)?;
        self.holders[slot] = None;
        self.free.push(slot);
        Some(slot)
    }

    /// Keys and their slots, the least recently used first.
    pub fn by_use(&self) -> impl Iterator<Item = (&str, usize)> {
        self.uses.iter().filter_map(|&(slot, used)| {
            let holder = self.holders[slot].as_ref().filter(|holder| holder.used == used)?;
            Some((holder.key.as_str(), slot))
        })
    }

    /// Number of slots.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Number of keys that have one.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no key has one.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How often a key lost its slot to another.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    fn touch(&mut self, slot: usize) {
        self.now += 1;
        if let Some(holder) = &mut self.holders[slot] {
            holder.used = self.now;
        }
        self.uses.push_back((slot, self.now));
        if self.uses.len() > 2 * self.holders.len() + 16 {
            let Self { uses, holders, .. } = self;
            uses.retain(|&(slot, used)| holders[slot].as_ref().is_some_and(|holder| holder.used == used));
        }
    }

    fn least_recent(&mut self) -> Option<usize> {
        loop {
            let (slot, used) = self.uses.pop_front()?;
            if self.holders[slot].as_ref().is_some_and(|holder| holder.used == used) {
                return Some(slot);
            }
        }
    }
}

/// How [`Slots`] are saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    capacity: usize,
    /// The least recently used first.
    keys: Vec<(String, usize)>,
    free: Vec<usize>,
    given_up: u64,
}

impl From<Slots> for Saved {
    fn from(slots: Slots) -> Self {
        let keys = slots.by_use().map(|(key, slot)| (key.to_owned(), slot)).collect();
        Self { capacity: slots.capacity, keys, free: slots.free, given_up: slots.given_up }
    }
}

impl TryFrom<Saved> for Slots {
    type Error = StreamError;

    fn try_from(saved: Saved) -> Result<Self, StreamError> {
        let mut slots = Self::new(saved.capacity)?;
        let given_out = saved.keys.len() + saved.free.len();
        let wrong = |reason: String| Err(StreamError::Saved { reason });
        if given_out > saved.capacity {
            return wrong(format!("{given_out} slots of {} were given out", saved.capacity));
        }
        // So many were given out: they are the first ones, each once.
        let mut met = vec![false; given_out];
        for &slot in saved.keys.iter().map(|(_, slot)| slot).chain(&saved.free) {
            match met.get_mut(slot) {
                Some(met) if !*met => *met = true,
                _ => return wrong(format!("slot {slot} is there twice, or is none of the first {given_out}")),
            }
        }
        slots.holders.resize(given_out, None);
        for (key, slot) in saved.keys {
            if slots.slots.insert(key.clone(), slot).is_some() {
                return wrong(format!("the key {key:?} has two slots"));
            }
            slots.holders[slot] = Some(Holder { key, used: 0 });
            slots.touch(slot);
        }
        Ok(Self { free: saved.free, given_up: saved.given_up, ..slots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_loses_its_slot() {
        let mut slots = Slots::new(2).unwrap();
        assert_eq!((slots.slot("a"), slots.slot("b"), slots.slot("a")), (Slot::New(0), Slot::New(1), Slot::Known(0)));
        assert_eq!(slots.slot("c"), Slot::Lost { slot: 1, key: "b".into() });
        assert_eq!((slots.get("b"), slots.get("c"), slots.key(1), slots.key(2)), (None, Some(1), Some("c"), None));
        assert_eq!((slots.release("a"), slots.release("a"), slots.len()), (Some(0), None, 1));
        assert_eq!(slots.slot("d"), Slot::New(0));
        assert_eq!((slots.given_up(), slots.by_use().collect::<Vec<_>>()), (1, vec![("c", 1), ("d", 0)]));
        assert!(Slots::new(0).is_err());
    }

    #[test]
    fn memory_does_not_grow_with_uses() {
        let mut slots = Slots::new(8).unwrap();
        for row in 0..1_000_000u64 {
            slots.slot(&(row * row % 11).to_string());
            assert!(slots.uses.len() <= 33 && slots.holders.len() <= 8 && slots.slots.len() <= 8);
        }
    }

    #[test]
    fn saved_states_that_cannot_be() {
        let read = |keys: &str, free: &str| {
            let text = format!(r#"{{"capacity":3,"keys":{keys},"free":{free},"given_up":0}}"#);
            serde_json::from_str::<Slots>(&text).map_err(|error| error.to_string())
        };
        assert_eq!(read(r#"[["a",1],["b",0]]"#, "[2]").unwrap().len(), 2);
        for (keys, free) in [
            (r#"[["a",1],["a",0]]"#, "[]"),
            (r#"[["a",0],["b",0]]"#, "[]"),
            (r#"[["a",0]]"#, "[0]"),
            (r#"[["a",2]]"#, "[]"),
            (r#"[["a",0],["b",1]]"#, "[2,3]"),
        ] {
            assert!(read(keys, free).unwrap_err().contains("cannot be"), "{keys} {free}");
        }
    }
}
