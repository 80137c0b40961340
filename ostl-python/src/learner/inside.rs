//! Looking inside: states, outputs and traces.

use ostl_core::Engine;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Scalar, array};
use crate::records::to_dict;

pub(crate) fn state<'py, T: Scalar>(
    py: Python<'py>,
    engine: &Engine<T>,
    layer: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    check_layer(engine, layer)?;
    let units = engine.network().plan().layers[layer].units;
    let streams: Option<Vec<&[T]>> = (0..engine.streams()).map(|stream| engine.state(layer, stream)).collect();
    let Some(streams) = streams else { return Ok(None) };
    let shape = [streams.len(), streams[0].len() / units, units];
    array(py, &shape, streams.concat()).map(Some)
}

pub(crate) fn output<'py, T: Scalar>(
    py: Python<'py>,
    engine: &Engine<T>,
    layer: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    check_layer(engine, layer)?;
    let streams: Option<Vec<&[T]>> = (0..engine.streams()).map(|stream| engine.output(layer, stream)).collect();
    let Some(streams) = streams else { return Ok(None) };
    array(py, &[streams.len(), streams[0].len()], streams.concat()).map(Some)
}

pub(crate) fn traces<'py, T: Scalar>(py: Python<'py>, engine: &Engine<T>) -> PyResult<Bound<'py, PyDict>> {
    let traces = py.detach(|| engine.traces());
    to_dict(py, &traces)
}

fn check_layer<T: Scalar>(engine: &Engine<T>, layer: usize) -> PyResult<()> {
    let depth = engine.network().depth();
    if layer < depth {
        return Ok(());
    }
    Err(PyIndexError::new_err(format!("layer: expected 0 to {}, the readout, found {layer}", depth - 1)))
}
