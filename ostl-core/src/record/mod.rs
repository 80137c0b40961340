//! Named arrays: what a learner consists of, in the words of whoever looks at it, and independent of how it lies in memory.
//!
//! A [`Record`] is what [`Learner::save`](crate::Learner::save) gives, what a [checkpoint](crate::checkpoint) holds and what
//! [`Learner::restore`](crate::Learner::restore) takes. Weights are there as `layers.0.W`, moments as `optimizer.first.layers.0.W`, states as
//! `states.layers.0.s`; docs/checkpoints.md lists all names and shapes. Arrays are in C order: the last index runs fastest.

mod book;

use std::any::Any;
use std::collections::BTreeMap;

use crate::linalg::bf16::Bf16;

pub(crate) use book::{Book, Streams, refused};

/// Arrays and texts by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub(crate) entries: BTreeMap<String, Entry>,
}

/// An array, or a text of one dimension.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// The values of an array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bf16(Vec<Bf16>),
    U8(Vec<u8>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Bool(Vec<bool>),
    Text(String),
}

/// What a piece of code makes of the values, whatever their type.
macro_rules! of_each {
    ($values:expr, $inner:ident => $result:expr) => {
        match $values {
            Values::F32($inner) => $result,
            Values::F64($inner) => $result,
            Values::Bf16($inner) => $result,
            Values::U8($inner) => $result,
            Values::U32($inner) => $result,
            Values::U64($inner) => $result,
            Values::Bool($inner) => $result,
            Values::Text($inner) => $result,
        }
    };
}

impl Entry {
    /// A text.
    pub(crate) fn text(text: String) -> Self {
        Self { shape: vec![text.len()], values: Values::Text(text) }
    }
}

impl Values {
    /// Of one of the types that arrays have.
    ///
    /// # Panics
    /// If it is of another.
    #[track_caller]
    pub(crate) fn of<V: 'static>(values: Vec<V>) -> Self {
        let mut values: Box<dyn Any> = Box::new(values);
        macro_rules! try_each {
            ($($kind:ident: $scalar:ty),*) => {
                $(match values.downcast::<Vec<$scalar>>() {
                    Ok(values) => return Values::$kind(*values),
                    Err(others) => values = others,
                })*
            };
        }
        try_each!(F32: f32, F64: f64, Bf16: Bf16, U8: u8, U32: u32, U64: u64, Bool: bool);
        panic!("arrays of {} are not kept: {}", std::any::type_name::<V>(), values.is::<Vec<V>>());
    }

    /// The values, if they are of this type.
    pub(crate) fn as_slice<V: 'static>(&self) -> Option<&[V]> {
        let values: &dyn Any = of_each!(self, values => values);
        values.downcast_ref::<Vec<V>>().map(Vec::as_slice)
    }

    /// The same, to be written.
    fn as_mut_slice<V: 'static>(&mut self) -> Option<&mut [V]> {
        let values: &mut dyn Any = of_each!(self, values => values);
        values.downcast_mut::<Vec<V>>().map(Vec::as_mut_slice)
    }

    /// What kind of values they are, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Values::F32(_) => "f32",
            Values::F64(_) => "f64",
            Values::Bf16(_) => "bf16",
            Values::U8(_) => "u8",
            Values::U32(_) => "u32",
            Values::U64(_) => "u64",
            Values::Bool(_) => "bool",
            Values::Text(_) => "text",
        }
    }

    /// The first value that is infinite or NaN: its place, and what it is.
    fn first_not_finite(&self) -> Option<(usize, f64)> {
        let (place, value) = match self {
            Values::F32(values) => {
                values.iter().enumerate().find(|(_, v)| !v.is_finite()).map(|(i, v)| (i, f64::from(*v)))?
            }
            Values::F64(values) => values.iter().enumerate().find(|(_, v)| !v.is_finite()).map(|(i, v)| (i, *v))?,
            Values::Bf16(values) => {
                let wide = values.iter().map(|value| value.to_f32()).enumerate();
                wide.into_iter().find(|(_, v)| !v.is_finite()).map(|(i, v)| (i, f64::from(v)))?
            }
            _ => return None,
        };
        Some((place, value))
    }
}

/// A number in a record that is infinite or NaN.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotFinite {
    /// Name and index.
    pub(crate) place: String,
    /// `inf`, `-inf` or `NaN`.
    pub(crate) value: String,
}

impl Record {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of all entries, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The shape of an array; of a text its number of bytes.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// The kind of an entry's values: `f32`, `f64`, `bf16`, `u8`, `u32`, `u64`, `bool` or `text`.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&'static str> {
        self.entries.get(name).map(|entry| entry.values.kind())
    }

    /// The values of an array, in C order, if it is there and its values are of this type.
    #[must_use]
    pub fn values<V: 'static>(&self, name: &str) -> Option<&[V]> {
        self.entries.get(name)?.values.as_slice()
    }

    /// The same, to be changed.
    #[must_use]
    pub fn values_mut<V: 'static>(&mut self, name: &str) -> Option<&mut [V]> {
        self.entries.get_mut(name)?.values.as_mut_slice()
    }

    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match &self.entries.get(name)?.values {
            Values::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Puts a text in, in place of what has this name.
    pub fn put_text(&mut self, name: &str, text: impl Into<String>) {
        self.entries.insert(name.to_owned(), Entry::text(text.into()));
    }

    /// Puts an array of `f32`, `f64`, `u8`, `u32`, `u64` or `bool` in, in place of what has this name.
    ///
    /// # Panics
    /// If the values are of another type, or not as many as the shape says.
    #[track_caller]
    pub fn put<V: 'static>(&mut self, name: &str, shape: &[usize], values: Vec<V>) {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "`{name}` has the shape {shape:?}");
        self.entries.insert(name.to_owned(), Entry { shape: shape.to_vec(), values: Values::of(values) });
    }

    /// The bits of an array of bfloat16, the upper sixteen of an `f32` each, in C order; traces [in sixteen bits](crate::TraceFormat) are such.
    #[must_use]
    pub fn bf16_bits(&self, name: &str) -> Option<Vec<u16>> {
        let values: &[Bf16] = self.values(name)?;
        Some(values.iter().map(|value| value.to_bits()).collect())
    }

    /// Puts an array of bfloat16 in by its bits, in place of what has this name.
    ///
    /// # Panics
    /// If there are not as many as the shape says.
    #[track_caller]
    pub fn put_bf16_bits(&mut self, name: &str, shape: &[usize], bits: &[u16]) {
        self.put(name, shape, bits.iter().map(|&bits| Bf16::of_bits(bits)).collect::<Vec<_>>());
    }

    /// Puts all entries of another record in, with `prefix` before their names.
    pub fn put_all(&mut self, prefix: &str, other: Record) {
        self.entries.extend(other.entries.into_iter().map(|(name, entry)| (format!("{prefix}{name}"), entry)));
    }

    /// Takes all entries out whose names begin with `prefix`, and leaves it off.
    pub fn take_all(&mut self, prefix: &str) -> Record {
        let mut taken = self.entries.split_off(prefix);
        let beyond = taken.keys().find(|name| !name.starts_with(prefix)).cloned();
        if let Some(beyond) = beyond {
            self.entries.append(&mut taken.split_off(&beyond));
        }
        Record { entries: taken.into_iter().map(|(name, entry)| (name[prefix.len()..].to_owned(), entry)).collect() }
    }

    /// Takes an entry out. Says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.entries.remove(name).is_some()
    }

    /// The first number that is infinite or NaN.
    pub(crate) fn first_not_finite(&self) -> Option<NotFinite> {
        self.entries.iter().find_map(|(name, entry)| {
            let (mut place, value) = entry.values.first_not_finite()?;
            let mut index = String::new();
            for &length in entry.shape.iter().rev() {
                index = format!("[{}]{index}", place % length.max(1));
                place /= length.max(1);
            }
            Some(NotFinite { place: format!("{name}{index}"), value: value.to_string() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_by_its_name_and_type() {
        let mut record = Record::new();
        record.put("a", &[2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
        record.put("b", &[], vec![7_u64]);
        record.put_text("c", "word");
        assert_eq!(record.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(record.values::<f32>("a").unwrap()[4], 5.0);
        assert!(record.values::<f64>("a").is_none() && record.values::<u8>("c").is_none());
        assert_eq!((record.shape("a").unwrap(), record.kind("b").unwrap()), ([2, 3].as_slice(), "u64"));
        assert_eq!((record.text("c"), record.text("a"), record.shape("c")), (Some("word"), None, Some([4].as_slice())));
        assert!(record.first_not_finite().is_none());
        record.values_mut::<f32>("a").unwrap()[4] = f32::NEG_INFINITY;
        let found = record.first_not_finite().unwrap();
        assert_eq!((found.place.as_str(), found.value.as_str()), ("a[1][1]", "-inf"));
        let mut outer = Record::new();
        outer.put_text("own", "");
        outer.put_all("inner.", record.clone());
        assert_eq!(outer.names().collect::<Vec<_>>(), ["inner.a", "inner.b", "inner.c", "own"]);
        assert_eq!(outer.take_all("inner."), record);
        assert_eq!(outer.names().collect::<Vec<_>>(), ["own"]);
        assert!(record.remove("a") && !record.remove("a") && record.shape("a").is_none());
    }

    #[test]
    fn sixteen_bits_go_in_and_come_out() {
        let mut record = Record::new();
        // 1, −2.5, a denormal, the largest and −0.
        let bits = [0x3f80, 0xc020, 0x0001, 0x7f7f, 0x8000];
        record.put_bf16_bits("a", &[5], &bits);
        assert_eq!((record.kind("a"), record.bf16_bits("a")), (Some("bf16"), Some(bits.to_vec())));
        record.put("b", &[1], vec![1.0_f32]);
        assert_eq!(record.bf16_bits("b"), None);
    }
}
