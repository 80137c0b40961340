//! A whole stream in one call: each step predicted before it is learned, without the interpreter in between.

use std::ops::Range;

use ostl_core::{Head, LearnError, Learner, Score as CoreScore, Target, TargetKind, Weighted};
use pyo3::prelude::*;

use crate::arrays::{Scalar, Values, array, floats, integers, is_integer, truths, written, wrong_shape};
use crate::errors::{of_learn, refuse};
use crate::inputs::input;
use crate::score::Score;
use crate::targets::{check_names, class, part};

/// What stands beside inputs and targets.
pub(super) struct Beside<'a, 'py> {
    pub(super) mask: Option<&'a Bound<'py, PyAny>>,
    pub(super) weights: Option<&'a Bound<'py, PyAny>>,
    pub(super) resets: Option<&'a Bound<'py, PyAny>>,
}

/// The targets of a head, a column for each step and stream.
enum Column<'py, T: Scalar> {
    Nothing,
    Classes(Vec<Option<usize>>),
    Values(Values<'py, T>),
}

/// The inputs of all steps.
enum Inputs<'py, T: Scalar> {
    Dense(Values<'py, T>),
    /// The one input of each step and stream that is 1.
    Events(Vec<usize>),
}

pub(super) fn learn_many<'py, T: Scalar>(
    py: Python<'py>,
    learner: &mut Learner<T>,
    xs: &Bound<'py, PyAny>,
    ys: &Bound<'py, PyAny>,
    beside: &Beside<'_, 'py>,
) -> PyResult<(Bound<'py, PyAny>, Score)> {
    let (streams, inputs, outputs) = (learner.streams(), learner.network().inputs(), learner.network().outputs());
    let (inputs_of, steps, is_flat) = read_inputs::<T>(xs, [streams, inputs], learner.network().plan().events)?;
    let heads = learner.heads().clone();
    let columns = read_targets(ys, &heads.iter().collect::<Vec<_>>(), [steps, streams])?;
    let by_step = |name: &str, shape: &[usize]| {
        let fits = shape == [steps, streams] || streams == 1 && shape == [steps];
        let expected = || format!("{} (steps, streams)", written(&[steps, streams]));
        if fits { Ok(()) } else { Err(wrong_shape(name, &expected(), shape)) }
    };
    let flags = |name: &str, given: Option<&Bound<'py, PyAny>>| {
        let values = given.map(|given| truths(name, given)).transpose()?;
        values.as_ref().map_or(Ok(()), |values| by_step(name, values.shape()))?;
        Ok::<_, PyErr>(values)
    };
    let (mask, resets) = (flags("mask", beside.mask)?, flags("resets", beside.resets)?);
    let weights = beside.weights.map(|given| floats::<T>("weights", given)).transpose()?;
    if let Some(weights) = &weights {
        by_step("weights", weights.shape())?;
        if let Some(weight) = weights.slice()?.iter().find(|weight| !weight.is_finite() || **weight < T::zero()) {
            return Err(refuse("weights", format!("expected finite numbers of at least 0, found {weight:?}")));
        }
    }
    let mask = mask.as_ref().map(Values::slice).transpose()?;
    let resets = resets.as_ref().map(Values::slice).transpose()?;
    let weights = weights.as_ref().map(Values::slice).transpose()?;
    let dense = match &inputs_of {
        Inputs::Dense(values) => Some(values.slice()?),
        Inputs::Events(_) => None,
    };
    let mut values_of: Vec<Option<&[T]>> = Vec::with_capacity(columns.len());
    for column in &columns {
        values_of.push(if let Column::Values(values) = column { Some(values.slice()?) } else { None });
    }
    check_finite(dense, "xs", inputs, None)?;
    for (head, values) in heads.iter().zip(&values_of) {
        check_finite(*values, "ys", head.outputs(), mask)?;
    }
    let classes_of: Vec<Option<&[Option<usize>]>> = columns
        .iter()
        .map(|column| if let Column::Classes(classes) = column { Some(classes.as_slice()) } else { None })
        .collect();
    let events = match &inputs_of {
        Inputs::Events(events) => events.as_slice(),
        Inputs::Dense(_) => &[],
    };
    let sizes = heads.iter().map(Head::outputs).collect();
    let stream = Stream {
        dense,
        events,
        classes: classes_of,
        values: values_of,
        sizes,
        mask,
        weights,
        resets,
        streams,
        inputs,
        outputs,
    };
    let mut predictions = vec![T::zero(); steps * streams * outputs];
    let mut score = CoreScore::default();
    for first in (0..steps).step_by(STEPS_AT_ONCE) {
        // Whoever wants to end a long stream can, here.
        py.check_signals()?;
        let part = first..steps.min(first + STEPS_AT_ONCE);
        let learned = py.detach(|| stream.learn(learner, part, &mut predictions));
        score += learned.map_err(|(step, error)| of_learn(&format!("step {step} of the call"), error))?;
    }
    let shape = if is_flat { vec![steps, outputs] } else { vec![steps, streams, outputs] };
    Ok((array(py, &shape, predictions)?, score.into()))
}

/// Steps between two looks at whether the call is to end.
const STEPS_AT_ONCE: usize = 4096;

/// Everything that was given, checked: a column for each step and stream.
struct Stream<'a, T> {
    dense: Option<&'a [T]>,
    /// In the place of dense inputs, the one of each column that is 1.
    events: &'a [usize],
    /// Of each head, if it has such.
    classes: Vec<Option<&'a [Option<usize>]>>,
    /// Of each head, if it has such.
    values: Vec<Option<&'a [T]>>,
    /// Outputs of each head.
    sizes: Vec<usize>,
    mask: Option<&'a [bool]>,
    weights: Option<&'a [T]>,
    resets: Option<&'a [bool]>,
    streams: usize,
    inputs: usize,
    outputs: usize,
}

impl<T: Scalar> Stream<'_, T> {
    /// Predicts and learns some of the steps; the step at which something broke, if it did.
    fn learn(
        &self,
        learner: &mut Learner<T>,
        steps: Range<usize>,
        predictions: &mut [T],
    ) -> Result<CoreScore, (usize, LearnError)> {
        let Self { streams, inputs, outputs, .. } = *self;
        let mut score = CoreScore::default();
        let mut scratch = vec![T::zero(); if self.dense.is_some() { 0 } else { streams * inputs }];
        let mut rows: Vec<Vec<Option<Weighted<'_, T>>>> = vec![Vec::with_capacity(self.sizes.len()); streams];
        for step in steps {
            let first = step * streams;
            if let Some(resets) = self.resets {
                (0..streams).filter(|stream| resets[first + stream]).for_each(|stream| learner.reset(stream));
            }
            let x = match self.dense {
                Some(values) => &values[first * inputs..(first + streams) * inputs],
                None => {
                    scratch.fill(T::zero());
                    (0..streams).for_each(|stream| scratch[stream * inputs + self.events[first + stream]] = T::one());
                    &scratch
                }
            };
            let said = learner.predict(x).map_err(|error| (step, error))?;
            predictions[first * outputs..].iter_mut().zip(said.iter()).for_each(|(to, &from)| *to = from);
            for (stream, row) in rows.iter_mut().enumerate() {
                row.clear();
                row.extend((0..self.sizes.len()).map(|head| self.target(head, first + stream)));
            }
            score += learner.learn_heads_weighted(&rows).map_err(|error| (step, error))?;
        }
        Ok(score)
    }

    /// What a head should have said in a column.
    fn target(&self, head: usize, column: usize) -> Option<Weighted<'_, T>> {
        if self.mask.is_some_and(|mask| !mask[column]) {
            return None;
        }
        let size = self.sizes[head];
        let target = match (self.classes[head], self.values[head]) {
            (Some(classes), _) => Target::Class(classes[column]?),
            (None, Some(values)) => Target::Values(&values[column * size..(column + 1) * size]),
            (None, None) => return None,
        };
        Some(Weighted { target, weight: self.weights.map_or(T::one(), |weights| weights[column]) })
    }
}

/// Inputs, the number of steps, and whether there was no dimension for streams.
fn read_inputs<'py, T: Scalar>(
    xs: &Bound<'py, PyAny>,
    [streams, inputs]: [usize; 2],
    reads_events: bool,
) -> PyResult<(Inputs<'py, T>, usize, bool)> {
    if reads_events && is_integer(xs) {
        let events = integers("xs", xs)?;
        match *events.shape() {
            [steps, of] if of == streams => return Ok((read_events(&events, inputs)?, steps, false)),
            [steps] if streams == 1 => return Ok((read_events(&events, inputs)?, steps, true)),
            _ => {}
        }
    }
    let values = floats::<T>("xs", xs)?;
    let (steps, is_flat) = match *values.shape() {
        [steps, of, m] if of == streams && m == inputs => (steps, false),
        [steps, m] if streams == 1 && m == inputs => (steps, true),
        _ => {
            let short = if streams == 1 { format!(" or (steps, {inputs})") } else { String::new() };
            let expected = format!("(steps, {streams}, {inputs}){short} (steps, streams, inputs)");
            return Err(wrong_shape("xs", &expected, values.shape()));
        }
    };
    Ok((Inputs::Dense(values), steps, is_flat))
}

fn read_events<'py, T: Scalar>(events: &Values<'py, i64>, inputs: usize) -> PyResult<Inputs<'py, T>> {
    let read = events.slice()?.iter().map(|&event| input("xs", event, inputs));
    Ok(Inputs::Events(read.collect::<PyResult<_>>()?))
}

fn read_targets<'py, T: Scalar>(
    ys: &Bound<'py, PyAny>,
    heads: &[&Head<T>],
    [steps, streams]: [usize; 2],
) -> PyResult<Vec<Column<'py, T>>> {
    let names: Vec<&str> = heads.iter().map(|head| head.name()).collect();
    if names != [""] {
        check_names("ys", Some(ys), &names)?;
    }
    heads.iter().map(|head| read_column(ys, head, [steps, streams])).collect()
}

fn read_column<'py, T: Scalar>(
    ys: &Bound<'py, PyAny>,
    head: &Head<T>,
    [steps, streams]: [usize; 2],
) -> PyResult<Column<'py, T>> {
    let Some(given) = part("ys", Some(ys), head)? else { return Ok(Column::Nothing) };
    let outputs = head.outputs();
    if head.loss().target_kind() == TargetKind::Classes {
        let values = integers("ys", &given)?;
        if !(values.shape() == [steps, streams] || streams == 1 && values.shape() == [steps]) {
            let expected = format!("{} (steps, streams), classes", written(&[steps, streams]));
            return Err(wrong_shape("ys", &expected, values.shape()));
        }
        let classes = values.slice()?.iter().map(|&value| class("ys", value, outputs)).collect::<PyResult<_>>()?;
        return Ok(Column::Classes(classes));
    }
    let values = floats::<T>("ys", &given)?;
    let shape = values.shape();
    let fits = shape == [steps, streams, outputs]
        || streams == 1 && shape == [steps, outputs]
        || outputs == 1 && shape == [steps, streams]
        || streams * outputs == 1 && shape == [steps];
    if fits {
        return Ok(Column::Values(values));
    }
    Err(wrong_shape("ys", &format!("{} (steps, streams, outputs)", written(&[steps, streams, outputs])), shape))
}

/// Everything is looked at before anything is learned.
fn check_finite<T: Scalar>(values: Option<&[T]>, argument: &str, width: usize, mask: Option<&[bool]>) -> PyResult<()> {
    let Some(values) = values else { return Ok(()) };
    let counts = |index: usize| mask.is_none_or(|mask| mask[index / width]);
    match values.iter().enumerate().find(|(index, value)| !value.is_finite() && counts(*index)) {
        Some((index, value)) => {
            let (column, place) = (index / width, index % width);
            Err(refuse(argument, format!("expected finite numbers, found {value:?} at row {column}, column {place}")))
        }
        None => Ok(()),
    }
}
