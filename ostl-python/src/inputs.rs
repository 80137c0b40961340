//! The inputs of one step: numbers for each stream, or, where a network reads events, the one input of each stream that is 1.

use pyo3::prelude::*;

use crate::arrays::{Scalar, Values, floats, integers, is_integer, written, wrong_shape};
use crate::errors::refuse;

/// A step's inputs, stream after stream.
pub(crate) enum Step<'py, T: Scalar> {
    Borrowed(Values<'py, T>),
    Made(Vec<T>),
}

impl<'py, T: Scalar> Step<'py, T> {
    /// Reads a step of `streams × inputs`. Says whether it was given without a dimension for streams.
    pub(crate) fn read(
        given: &Bound<'py, PyAny>,
        [streams, inputs]: [usize; 2],
        reads_events: bool,
    ) -> PyResult<(Self, bool)> {
        if reads_events && is_integer(given) {
            let events = integers("x", given)?;
            let shape = events.shape();
            if shape == [streams] || streams == 1 && shape.is_empty() {
                return Ok((Self::Made(one_hot(events.slice()?, inputs)?), shape.is_empty()));
            }
        }
        let values = floats::<T>("x", given)?;
        let shape = values.shape();
        let is_flat = streams == 1 && shape == [inputs] || streams * inputs == 1 && shape.is_empty();
        if !(is_flat || shape == [streams, inputs]) {
            let short = if streams == 1 { format!(" or {}", written(&[inputs])) } else { String::new() };
            return Err(wrong_shape("x", &format!("{}{short} (streams, inputs)", written(&[streams, inputs])), shape));
        }
        Ok((Self::Borrowed(values), is_flat))
    }

    pub(crate) fn slice(&self) -> PyResult<&[T]> {
        match self {
            Self::Borrowed(values) => values.slice(),
            Self::Made(values) => Ok(values),
        }
    }
}

/// Rows that are 0 but for one input.
fn one_hot<T: Scalar>(events: &[i64], inputs: usize) -> PyResult<Vec<T>> {
    let mut values = vec![T::zero(); events.len() * inputs];
    for (stream, &event) in events.iter().enumerate() {
        values[stream * inputs + input("x", event, inputs)?] = T::one();
    }
    Ok(values)
}

/// The number of an input that exists.
pub(crate) fn input(argument: &str, event: i64, inputs: usize) -> PyResult<usize> {
    let index = usize::try_from(event).ok().filter(|&index| index < inputs);
    index.ok_or_else(|| refuse(argument, format!("expected the number of an input, 0 to {}, found {event}", inputs - 1)))
}
