//! A walk through a value that can be serialised: every number and length with its place, and nothing is written.
//!
//! What a checkpoint must not hold ([`first_not_finite`]) and whether a saved state has the form of a fresh one
//! (`learner/likeness.rs`) are two visitors of the same walk.

use std::fmt;

use serde::{Serialize, Serializer, ser};

use crate::linalg::bf16::Bf16;

/// What looks at the values that a walk passes.
pub(crate) trait Visitor {
    /// A floating-point number.
    fn float(&mut self, place: &Place, value: f64) -> Result<(), Stop>;
    /// A whole number, or a truth value as 0 or 1.
    fn number(&mut self, _: &Place, _: i128) -> Result<(), Stop> {
        Ok(())
    }
    /// A sequence or text of so many elements begins.
    fn length(&mut self, _: &Place, _: usize) -> Result<(), Stop> {
        Ok(())
    }
    /// Of several alternatives it is this one; for what may be missing 1 says that it is there.
    fn choice(&mut self, _: &Place, _: u32) -> Result<(), Stop> {
        Ok(())
    }
    /// The walk comes to a field of a struct; whether it is to go in.
    fn enters(&mut self, _of: &'static str, _field: &'static str) -> bool {
        true
    }
    /// It has been there.
    fn leaves(&mut self, _of: &'static str, _field: &'static str) {}
}

/// Where a walk is: `learner.streaming.lanes[0].outputs[3]`.
#[derive(Debug, Default)]
pub(crate) struct Place(Vec<Step>);

#[derive(Debug)]
enum Step {
    Field(&'static str),
    Element(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if place == 0 => write!(f, "{name}")?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A visitor has seen what it looked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Stop {
    /// Where.
    pub(crate) place: String,
    /// What it is, and for some visitors what it should be.
    pub(crate) found: String,
}

impl Stop {
    pub(crate) fn at(place: &Place, found: impl fmt::Display) -> Self {
        Self { place: place.to_string(), found: found.to_string() }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.place, self.found)
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self { place: "the value".into(), found: message.to_string() }
    }
}

/// Shows a visitor all that a value holds, in order, until it has seen enough.
pub(crate) fn walk<V: Visitor>(value: &(impl Serialize + ?Sized), visitor: &mut V) -> Result<(), Stop> {
    value.serialize(&mut Walk { visitor, place: Place::default(), is_bf16: false })
}

/// The first number, in the order of fields, that is infinite or no number at all.
pub(crate) fn first_not_finite(value: &(impl Serialize + ?Sized)) -> Option<Stop> {
    struct Finite;
    impl Visitor for Finite {
        #[inline]
        fn float(&mut self, place: &Place, value: f64) -> Result<(), Stop> {
            if value.is_finite() { Ok(()) } else { Err(Stop::at(place, value)) }
        }
    }
    walk(value, &mut Finite).err()
}

struct Walk<'a, V> {
    visitor: &'a mut V,
    place: Place,
    /// The next number is the upper half of an `f32`.
    is_bf16: bool,
}

/// The inside of something that has parts.
struct Parts<'w, 'a, V> {
    walk: &'w mut Walk<'a, V>,
    /// The struct whose fields these are.
    of: &'static str,
    /// The elements are numbered.
    is_numbered: bool,
}

impl<'w, 'a, V: Visitor> Parts<'w, 'a, V> {
    fn numbered(walk: &'w mut Walk<'a, V>) -> Self {
        walk.place.0.push(Step::Element(0));
        Self { walk, of: "", is_numbered: true }
    }

    fn named(walk: &'w mut Walk<'a, V>, of: &'static str) -> Self {
        Self { walk, of, is_numbered: false }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        value.serialize(&mut *self.walk)?;
        if let Some(Step::Element(index)) = self.walk.place.0.last_mut() {
            *index += 1;
        }
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
        if self.walk.visitor.enters(self.of, name) {
            self.walk.place.0.push(Step::Field(name));
            value.serialize(&mut *self.walk)?;
            self.walk.place.0.pop();
        }
        self.walk.visitor.leaves(self.of, name);
        Ok(())
    }

    fn finish(self) -> Result<(), Stop> {
        if self.is_numbered {
            self.walk.place.0.pop();
        }
        Ok(())
    }
}

/// Methods that show the visitor a number.
macro_rules! numbers {
    ($($method:ident: $type:ty => $see:ident as $shown:ty),* $(,)?) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), Stop> {
                self.visitor.$see(&self.place, <$shown>::from(value))
            }
        )*
    };
}

impl<'w, 'a, V: Visitor> Serializer for &'w mut Walk<'a, V> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Parts<'w, 'a, V>;
    type SerializeTuple = Parts<'w, 'a, V>;
    type SerializeTupleStruct = Parts<'w, 'a, V>;
    type SerializeTupleVariant = Parts<'w, 'a, V>;
    type SerializeMap = Parts<'w, 'a, V>;
    type SerializeStruct = Parts<'w, 'a, V>;
    type SerializeStructVariant = Parts<'w, 'a, V>;

    numbers! {
        serialize_bool: bool => number as i128,
        serialize_i8: i8 => number as i128,
        serialize_i16: i16 => number as i128,
        serialize_i32: i32 => number as i128,
        serialize_i64: i64 => number as i128,
        serialize_i128: i128 => number as i128,
        serialize_u8: u8 => number as i128,
        serialize_u32: u32 => number as i128,
        serialize_u64: u64 => number as i128,
        serialize_f32: f32 => float as f64,
        serialize_f64: f64 => float as f64,
    }

    fn serialize_u16(self, value: u16) -> Result<(), Stop> {
        if std::mem::take(&mut self.is_bf16) {
            return self.visitor.float(&self.place, f64::from(Bf16::of_bits(value).to_f32()));
        }
        self.visitor.number(&self.place, value.into())
    }

    fn serialize_char(self, value: char) -> Result<(), Stop> {
        self.visitor.number(&self.place, u32::from(value).into())
    }

    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.visitor.length(&self.place, value.len())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        self.visitor.length(&self.place, value.len())
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.visitor.choice(&self.place, 0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        self.visitor.choice(&self.place, 1)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Stop> {
        self.visitor.choice(&self.place, index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Stop> {
        self.is_bf16 = name == Bf16::NAME;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.visitor.choice(&self.place, index)?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'w, 'a, V>, Stop> {
        self.visitor.length(&self.place, length.unwrap_or(0))?;
        Ok(Parts::numbered(self))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'w, 'a, V>, Stop> {
        Ok(Parts::numbered(self))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'w, 'a, V>, Stop> {
        Ok(Parts::numbered(self))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'w, 'a, V>, Stop> {
        self.visitor.choice(&self.place, index)?;
        Ok(Parts::numbered(self))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Parts<'w, 'a, V>, Stop> {
        self.visitor.length(&self.place, length.unwrap_or(0))?;
        Ok(Parts::numbered(self))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'w, 'a, V>, Stop> {
        Ok(Parts::named(self, name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'w, 'a, V>, Stop> {
        self.visitor.choice(&self.place, index)?;
        Ok(Parts::named(self, name))
    }
}

/// The same for everything whose parts follow one another.
macro_rules! parts {
    ($($trait:ident: $method:ident),* $(,)?) => {
        $(
            impl<V: Visitor> ser::$trait for Parts<'_, '_, V> {
                type Ok = ();
                type Error = Stop;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                    self.element(value)
                }

                fn end(self) -> Result<(), Stop> {
                    self.finish()
                }
            }
        )*
    };
}

parts! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// The same for everything whose parts have names.
macro_rules! fields {
    ($($trait:ident),* $(,)?) => {
        $(
            impl<V: Visitor> ser::$trait for Parts<'_, '_, V> {
                type Ok = ();
                type Error = Stop;

                fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
                    self.field(name, value)
                }

                fn end(self) -> Result<(), Stop> {
                    self.finish()
                }
            }
        )*
    };
}

fields! { SerializeStruct, SerializeStructVariant }

impl<V: Visitor> ser::SerializeMap for Parts<'_, '_, V> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        key.serialize(&mut *self.walk)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.element(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Default, Serialize)]
    struct Outer {
        name: String,
        inner: Vec<Inner>,
        map: BTreeMap<u8, f32>,
        pair: (u8, f64),
        halves: Vec<Bf16>,
        sixteen_bits: u16,
    }

    #[derive(Default, Serialize)]
    enum Inner {
        #[default]
        Nothing,
        Value(f64),
        Values {
            some: Option<Vec<f32>>,
        },
    }

    #[test]
    fn the_first_number_that_is_none_is_found_with_its_place() {
        let sound = || Outer {
            inner: vec![Inner::Nothing, Inner::Value(-1e300), Inner::Values { some: Some(vec![0.0, f32::MAX]) }],
            map: [(3, 1.0), (4, 2.0)].into(),
            halves: vec![Bf16::default(); 3],
            // As the upper half of an f32 this would be no number.
            sixteen_bits: u16::MAX,
            ..Outer::default()
        };
        assert_eq!(first_not_finite(&sound()), None);
        let found = |change: &dyn Fn(&mut Outer)| {
            let mut outer = sound();
            change(&mut outer);
            first_not_finite(&outer).map(|stop| stop.to_string()).unwrap_or_default()
        };
        assert_eq!(found(&|outer| outer.inner[1] = Inner::Value(f64::NAN)), "inner[1] is NaN");
        let infinite = |outer: &mut Outer| outer.inner[2] = Inner::Values { some: Some(vec![0.0, f32::INFINITY]) };
        assert_eq!(found(&infinite), "inner[2].some[1] is inf");
        assert_eq!(found(&|outer| outer.map = [(3, 1.0), (4, f32::NAN)].into()), "map[1] is NaN");
        assert_eq!(found(&|outer| outer.pair.1 = f64::NEG_INFINITY), "pair[1] is -inf");
        assert_eq!(found(&|outer| outer.halves[2] = Bf16::of_bits(0x7F80)), "halves[2] is inf");
    }
}
