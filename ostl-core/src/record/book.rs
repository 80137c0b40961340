//! Values by name, one way or the other: the same list of names saves a learner and restores it, so that the two cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Record, Values};
use crate::refusal::ConfigError;

/// The streams of a lane among all streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    /// Its first.
    pub(crate) first: usize,
    /// How many it has.
    pub(crate) count: usize,
    /// How many there are in all lanes together.
    pub(crate) all: usize,
}

/// Passes values into a record, or out of it.
pub(crate) struct Book<'r> {
    entries: &'r mut BTreeMap<String, Entry>,
    /// Names that were read, where values pass out of the record.
    read: Option<BTreeSet<String>>,
}

/// Where what stands at an index of the array lies in the values at hand.
type Place<'a> = &'a dyn Fn(usize) -> usize;

impl<'r> Book<'r> {
    /// Values pass into the record.
    pub(crate) fn saving(record: &'r mut Record) -> Self {
        Self { entries: &mut record.entries, read: None }
    }

    /// Values pass out of the record.
    pub(crate) fn restoring(record: &'r mut Record) -> Self {
        Self { entries: &mut record.entries, read: Some(BTreeSet::new()) }
    }

    /// Whether values pass out of the record.
    pub(crate) fn restores(&self) -> bool {
        self.read.is_some()
    }

    /// Whether the record has such an entry.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// How many steps an array of some steps has.
    pub(crate) fn steps_held(&self, name: &str) -> Option<usize> {
        self.entries.get(name)?.shape.first().copied()
    }

    /// Refuses a record in which there is more than was read.
    pub(crate) fn finish(self) -> Result<(), ConfigError> {
        let Some(read) = self.read else { return Ok(()) };
        match self.entries.keys().find(|name| !read.contains(*name)) {
            Some(name) => Err(refused(name, "there", "nothing of this name: this learner has no such part")),
            None => Ok(()),
        }
    }

    /// An array that lies as it is named.
    pub(crate) fn array<V: Copy + 'static>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &mut [V],
    ) -> Result<(), ConfigError> {
        self.placed(name, shape, values, &|index| index)
    }

    /// An array that lies otherwise than it is named.
    pub(crate) fn placed<V: Copy + 'static>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &mut [V],
        place: Place<'_>,
    ) -> Result<(), ConfigError> {
        let count = shape.iter().product();
        if self.restores() {
            let found = self.found::<V>(name, shape)?;
            found.iter().enumerate().for_each(|(index, &value)| values[place(index)] = value);
        } else {
            let values = (0..count).map(|index| values[place(index)]).collect();
            self.entries.insert(name.to_owned(), Entry { shape: shape.to_vec(), values: Values::of::<V>(values) });
        }
        Ok(())
    }

    /// One lane's part of an array of some steps of all streams, `[step][stream]` and then `tail`, of which the lane has `[step][stream of the
    /// lane]`.
    pub(crate) fn steps<V: Copy + Default + 'static>(
        &mut self,
        name: &str,
        (lane, steps): (Streams, usize),
        tail: &[usize],
        values: &mut [V],
    ) -> Result<(), ConfigError> {
        let mut shape = vec![steps, lane.all];
        shape.extend(tail);
        self.part(name, lane, (steps, &shape), values)
    }

    /// One lane's part of an array of all streams, `[stream]` and then `tail`.
    pub(crate) fn streams<V: Copy + Default + 'static>(
        &mut self,
        name: &str,
        lane: Streams,
        tail: &[usize],
        values: &mut [V],
    ) -> Result<(), ConfigError> {
        let mut shape = vec![lane.all];
        shape.extend(tail);
        self.part(name, lane, (1, &shape), values)
    }

    fn part<V: Copy + Default + 'static>(
        &mut self,
        name: &str,
        lane: Streams,
        (steps, shape): (usize, &[usize]),
        values: &mut [V],
    ) -> Result<(), ConfigError> {
        let count: usize = shape.iter().product();
        let rows = count / (steps * lane.all).max(1);
        let places = (0..steps).map(|step| {
            let (of_all, own) = ((step * lane.all + lane.first) * rows, step * lane.count * rows);
            (of_all..of_all + lane.count * rows, own..own + lane.count * rows)
        });
        if self.restores() {
            let found = self.found::<V>(name, shape)?;
            places.for_each(|(of_all, own)| values[own].copy_from_slice(&found[of_all]));
            return Ok(());
        }
        let new = || Entry { shape: shape.to_vec(), values: Values::of(vec![V::default(); count]) };
        let entry = self.entries.entry(name.to_owned()).or_insert_with(new);
        if let Some(all) = entry.values.as_mut_slice::<V>() {
            places.for_each(|(of_all, own)| all[of_all].copy_from_slice(&values[own]));
        }
        Ok(())
    }

    /// A list as long as it happens to be.
    pub(crate) fn list<V: Copy + 'static>(&mut self, name: &str, values: &mut Vec<V>) -> Result<(), ConfigError> {
        if !self.restores() {
            return self.array(name, &[values.len()], values.clone().as_mut_slice());
        }
        let length = match self.entries.get(name).map(|entry| entry.shape.as_slice()) {
            Some([length]) => *length,
            _ => 0,
        };
        let found = self.found::<V>(name, &[length])?.to_vec();
        *values = found;
        Ok(())
    }

    /// A number that is no larger than `most`.
    pub(crate) fn number(&mut self, name: &str, value: &mut u64, most: u64) -> Result<(), ConfigError> {
        self.array(name, &[], std::slice::from_mut(value))?;
        if self.restores() && *value > most {
            return Err(refused(name, &value.to_string(), &format!("at most {most}")));
        }
        Ok(())
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str, text: &mut String) -> Result<(), ConfigError> {
        if let Some(read) = &mut self.read {
            read.insert(name.to_owned());
        } else {
            self.entries.insert(name.to_owned(), Entry::text(text.clone()));
        }
        match self.entries.get(name).map(|entry| &entry.values) {
            Some(Values::Text(found)) => text.clone_from(found),
            Some(other) => return Err(refused(name, &format!("an array of {}", other.kind()), "a text")),
            None => return Err(refused(name, "missing", "a text")),
        }
        Ok(())
    }

    /// A text that nothing depends on where it stands beside a learner that is there.
    pub(crate) fn remark(&mut self, name: &str, own: Option<String>) {
        match (&mut self.read, own) {
            (Some(read), _) => drop(read.insert(name.to_owned())),
            (None, Some(text)) => {
                self.entries.insert(name.to_owned(), Entry::text(text));
            }
            (None, None) => {}
        }
    }

    /// A text that must be the same.
    pub(crate) fn same_text(&mut self, name: &str, own: &str) -> Result<(), ConfigError> {
        let mut text = own.to_owned();
        self.text(name, &mut text)?;
        if text == own { Ok(()) } else { Err(refused(name, &text, own)) }
    }

    /// What the record has under a name, if it has this shape and values of this type.
    fn found<V: 'static>(&mut self, name: &str, shape: &[usize]) -> Result<&[V], ConfigError> {
        if let Some(read) = &mut self.read {
            read.insert(name.to_owned());
        }
        let wanted = || format!("values of shape {shape:?} in the precision of this learner");
        let Some(entry) = self.entries.get(name) else { return Err(refused(name, "missing", &wanted())) };
        match entry.values.as_slice::<V>() {
            Some(values) if entry.shape == shape && values.len() == shape.iter().product::<usize>() => Ok(values),
            _ => Err(refused(name, &format!("{} of shape {:?}", entry.values.kind(), entry.shape), &wanted())),
        }
    }
}

/// An entry that does not fit.
pub(crate) fn refused(name: &str, found: &str, allowed: &str) -> ConfigError {
    ConfigError::out_of_range(format!("saved {name}"), found, allowed)
}
