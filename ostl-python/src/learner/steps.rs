//! One step: predict, learn from a target or from an error given from outside.

use ostl_core::{Head, Learner, Signal, Weighted};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Scalar, Values, floats, rows, written, wrong_shape};
use crate::errors::{of_engine, of_learn, refuse};
use crate::inputs::Step;
use crate::score::Score;
use crate::targets::{OfHead, check_names, part, weighted};

pub(super) fn predict<'py, T: Scalar>(
    py: Python<'py>,
    learner: &mut Learner<T>,
    x: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let streams = learner.streams();
    let (inputs, outputs) = (learner.network().inputs(), learner.network().outputs());
    let (step, is_flat) = Step::read(x, [streams, inputs], learner.network().plan().events)?;
    let values = step.slice()?;
    py.detach(|| learner.predict(values).map(|_| ())).map_err(|error| of_learn("x", error))?;
    let (engine, readout) = (learner.engine(), learner.network().depth() - 1);
    rows(py, is_flat, [streams, outputs], |stream| engine.output(readout, stream).unwrap_or_default())
}

pub(super) fn learn<T: Scalar>(
    py: Python<'_>,
    learner: &mut Learner<T>,
    y: &Bound<'_, PyAny>,
    weight: Option<&Bound<'_, PyAny>>,
) -> PyResult<Score> {
    let streams = learner.streams();
    let weights = weight.map(|given| per_stream::<T>("weight", given, streams)).transpose()?;
    let weights = weights.as_ref().map(Values::slice).transpose()?;
    let heads = learner.heads();
    let is_whole = heads.iter().len() == 1 && heads.iter().all(|head| head.name().is_empty());
    if is_whole {
        // What streams mostly have: nothing is asked that need not be.
        let Some(head) = heads.iter().next() else { return Err(refuse("y", "there is no head")) };
        let outputs = head.outputs();
        let given = OfHead::<T>::read("y", Some(y), head, streams)?;
        let target = |stream: usize| Ok(weighted(given.of(stream, outputs)?, weights, stream));
        let score = if streams == 1 {
            let targets = [target(0)?];
            py.detach(|| learner.learn_weighted(&targets))
        } else {
            let targets = (0..streams).map(target).collect::<PyResult<Vec<_>>>()?;
            py.detach(|| learner.learn_weighted(&targets))
        };
        return score.map(Score::from).map_err(|error| of_learn("y", error));
    }
    let names: Vec<&str> = heads.iter().map(Head::name).collect();
    check_names("y", Some(y), &names)?;
    let mut given = Vec::with_capacity(names.len());
    for head in heads.iter() {
        let argument = format!("y[{:?}]", head.name());
        given.push((head.outputs(), OfHead::<T>::read(&argument, part("y", Some(y), head)?.as_ref(), head, streams)?));
    }
    let mut targets: Vec<Vec<Option<Weighted<'_, T>>>> = Vec::with_capacity(streams);
    for stream in 0..streams {
        let row = given.iter().map(|(outputs, of)| Ok(weighted(of.of(stream, *outputs)?, weights, stream)));
        targets.push(row.collect::<PyResult<_>>()?);
    }
    let score = py.detach(|| learner.learn_heads_weighted(&targets));
    score.map(Score::from).map_err(|error| of_learn("y", error))
}

pub(super) fn backward<T: Scalar>(
    py: Python<'_>,
    learner: &mut Learner<T>,
    dy: &Bound<'_, PyAny>,
    target: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let (streams, outputs) = (learner.streams(), learner.network().outputs());
    let error = per_output::<T>("dy", dy, [streams, outputs])?;
    let target = target.map(|given| per_output::<T>("target", given, [streams, outputs])).transpose()?;
    let (error, target) = (error.slice()?, target.as_ref().map(Values::slice).transpose()?);
    let signal = |stream: usize| {
        let range = stream * outputs..(stream + 1) * outputs;
        Some(Signal { error: &error[range.clone()], target: target.map(|target| &target[range]) })
    };
    let signals: Vec<_> = (0..streams).map(signal).collect();
    py.detach(|| learner.learn_signals(&signals)).map_err(|error| of_learn("dy", error))
}

pub(super) fn signal_hidden<T: Scalar>(
    learner: &mut Learner<T>,
    layer: usize,
    stream: usize,
    dy: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let error = floats::<T>("dy", dy)?;
    learner.signal_hidden(layer, stream, error.slice()?).map_err(|error| of_engine("dy", error))
}

pub(super) fn gathered<'py, T: Scalar>(py: Python<'py>, learner: &mut Learner<T>) -> PyResult<Bound<'py, PyDict>> {
    by_block(py, &learner.gathered().map_err(|error| of_learn("gradient", error))?)
}

/// A gradient by the names of its blocks, each as rows and columns.
pub(crate) fn by_block<'py, T: Scalar>(
    py: Python<'py>,
    gradient: &ostl_core::Gradient<'_, T>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (block, values) in gradient.blocks() {
        dict.set_item(format!("layers.{}.{}", block.layer, block.name), block_array(py, block, values)?)?;
    }
    Ok(dict)
}

/// A block's values, which lie column by column, as rows.
pub(super) fn block_array<'py, T: Scalar>(
    py: Python<'py>,
    block: &ostl_core::Block,
    values: &[T],
) -> PyResult<Bound<'py, PyAny>> {
    let by_rows = (0..block.rows).flat_map(|row| values.iter().skip(row).step_by(block.rows).copied());
    crate::arrays::array(py, &[block.rows, block.columns], by_rows.collect())
}

fn per_stream<'py, T: Scalar>(argument: &str, given: &Bound<'py, PyAny>, streams: usize) -> PyResult<Values<'py, T>> {
    let values = floats::<T>(argument, given)?;
    let fits = values.shape() == [streams] || streams == 1 && values.shape().is_empty();
    if !fits {
        return Err(wrong_shape(argument, &format!("{} (one for each stream)", written(&[streams])), values.shape()));
    }
    match values.slice()?.iter().find(|weight| !weight.is_finite() || **weight < T::zero()) {
        Some(weight) => Err(refuse(argument, format!("expected finite numbers of at least 0, found {weight:?}"))),
        None => Ok(values),
    }
}

pub(crate) fn per_output<'py, T: Scalar>(
    argument: &str,
    given: &Bound<'py, PyAny>,
    [streams, outputs]: [usize; 2],
) -> PyResult<Values<'py, T>> {
    let values = floats::<T>(argument, given)?;
    let shape = values.shape();
    let fits =
        shape == [streams, outputs] || streams == 1 && shape == [outputs] || streams * outputs == 1 && shape.is_empty();
    if fits {
        return Ok(values);
    }
    Err(wrong_shape(argument, &format!("{} (streams, outputs)", written(&[streams, outputs])), shape))
}
