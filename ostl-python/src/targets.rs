//! Targets as Python gives them for one step: a class or values for each stream, or nothing.

use ostl_core::{Head, Target, TargetKind, Weighted};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyTuple};

use crate::arrays::{Scalar, Values, floats, integers, written, wrong_shape};
use crate::errors::refuse;

/// The targets of one head for every stream.
pub(crate) enum OfHead<'py, T: Scalar> {
    Nothing,
    Classes(Vec<Option<usize>>),
    /// One row a stream.
    Values(Values<'py, T>),
    /// A row for some of the streams.
    Rows(Vec<Option<Values<'py, T>>>),
}

impl<'py, T: Scalar> OfHead<'py, T> {
    /// What was given for a head, of `streams` streams.
    pub(crate) fn read(argument: &str, given: Option<&Bound<'py, PyAny>>, head: &Head<T>, streams: usize) -> PyResult<Self> {
        let Some(given) = given.filter(|given| !given.is_none()) else { return Ok(Self::Nothing) };
        match head.loss().target_kind() {
            TargetKind::Classes => Ok(Self::Classes(classes(argument, given, streams, head.outputs())?)),
            TargetKind::Values => values(argument, given, streams, head.outputs()),
        }
    }

    /// The target of a stream.
    pub(crate) fn of(&self, stream: usize, outputs: usize) -> PyResult<Option<Target<'_, T>>> {
        Ok(match self {
            Self::Nothing => None,
            Self::Classes(classes) => classes[stream].map(Target::Class),
            Self::Values(values) => Some(Target::Values(&values.slice()?[stream * outputs..(stream + 1) * outputs])),
            Self::Rows(rows) => match &rows[stream] {
                Some(row) => Some(Target::Values(row.slice()?)),
                None => None,
            },
        })
    }
}

/// A class; −1 for none.
pub(crate) fn class(argument: &str, value: i64, outputs: usize) -> PyResult<Option<usize>> {
    match usize::try_from(value) {
        Ok(class) if class < outputs => Ok(Some(class)),
        Err(_) if value == -1 => Ok(None),
        _ => Err(refuse(argument, format!("expected a class below {outputs}, or -1 or None for no target, found {value}"))),
    }
}

fn classes(argument: &str, given: &Bound<'_, PyAny>, streams: usize, outputs: usize) -> PyResult<Vec<Option<usize>>> {
    if given.is_instance_of::<PyInt>() && streams == 1 {
        return Ok(vec![class(argument, given.extract()?, outputs)?]);
    }
    if let Some(items) = listed(given)
        && items.iter().any(|item| item.is_none())
    {
        check_count(argument, items.len(), streams)?;
        let read = |item: &Bound<'_, PyAny>| match item.is_none() {
            true => Ok(None),
            false => {
                let value: i64 = item
                    .extract()
                    .map_err(|_| refuse(argument, format!("expected a class below {outputs} or None, found {item}")))?;
                class(argument, value, outputs)
            }
        };
        return items.iter().map(read).collect();
    }
    let array = integers(argument, given)?;
    let fits = array.shape() == [streams] || streams == 1 && array.shape().is_empty();
    if !fits {
        return Err(wrong_shape(argument, &format!("{} (a class for each stream)", written(&[streams])), array.shape()));
    }
    array.slice()?.iter().map(|&value| class(argument, value, outputs)).collect()
}

fn values<'py, T: Scalar>(
    argument: &str,
    given: &Bound<'py, PyAny>,
    streams: usize,
    outputs: usize,
) -> PyResult<OfHead<'py, T>> {
    if let Some(items) = listed(given)
        && items.iter().any(|item| item.is_none())
    {
        check_count(argument, items.len(), streams)?;
        let row = |item: &Bound<'py, PyAny>| {
            if item.is_none() {
                return Ok(None);
            }
            let row = floats::<T>(argument, item)?;
            let fits = row.shape() == [outputs] || outputs == 1 && row.shape().is_empty();
            if fits { Ok(Some(row)) } else { Err(wrong_shape(argument, &written(&[outputs]), row.shape())) }
        };
        return Ok(OfHead::Rows(items.iter().map(row).collect::<PyResult<_>>()?));
    }
    let array = floats::<T>(argument, given)?;
    let shape = array.shape();
    let fits = shape == [streams, outputs]
        || streams == 1 && shape == [outputs]
        || outputs == 1 && shape == [streams]
        || streams * outputs == 1 && shape.is_empty();
    if fits {
        return Ok(OfHead::Values(array));
    }
    let short = if streams == 1 { format!(" or {}", written(&[outputs])) } else { String::new() };
    Err(wrong_shape(argument, &format!("{}{short} (streams, outputs)", written(&[streams, outputs])), shape))
}

fn listed<'py>(given: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    match given.cast::<PyList>() {
        Ok(list) => Some(list.iter().collect()),
        Err(_) => given.cast::<PyTuple>().ok().map(|tuple| tuple.iter().collect()),
    }
}

fn check_count(argument: &str, found: usize, streams: usize) -> PyResult<()> {
    if found == streams {
        return Ok(());
    }
    Err(refuse(argument, format!("expected {streams} entries, one for each stream, found {found}")))
}

/// The part of `given` that is a head's: all of it where the readout is one as a whole, else what a dictionary has under the head's name.
pub(crate) fn part<'py, T: Scalar>(
    argument: &str,
    given: Option<&Bound<'py, PyAny>>,
    head: &Head<T>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(given) = given.filter(|given| !given.is_none()) else { return Ok(None) };
    if head.name().is_empty() {
        return Ok(Some(given.clone()));
    }
    match given.cast::<PyDict>() {
        Ok(dict) => dict.get_item(head.name()),
        Err(_) => Err(refuse(argument, format!("expected a dict with a target for each head, found {}", given.get_type()))),
    }
}

/// Refuses names that no head has.
pub(crate) fn check_names(argument: &str, given: Option<&Bound<'_, PyAny>>, known: &[&str]) -> PyResult<()> {
    let Some(dict) = given.and_then(|given| given.cast::<PyDict>().ok()) else { return Ok(()) };
    for key in dict.keys() {
        let name = key.to_string();
        if !known.contains(&name.as_str()) {
            return Err(refuse(argument, format!("no head {name:?}, expected {}", known.join(", "))));
        }
    }
    Ok(())
}

/// A target with its stream's weight.
pub(crate) fn weighted<'a, T: Scalar>(
    target: Option<Target<'a, T>>,
    weights: Option<&[T]>,
    stream: usize,
) -> Option<Weighted<'a, T>> {
    target.map(|target| Weighted { target, weight: weights.map_or(T::one(), |weights| weights[stream]) })
}
