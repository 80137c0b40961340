//! `ostl.Engine`: the gradient alone, for whoever has the error and the update.

use std::sync::Mutex;

use ostl_core::{Engine as Core, Method, Signal};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Scalar, Values, floats, rows};
use crate::errors::{guarded, of_config, of_engine, refuse};
use crate::inputs::Step;
use crate::learner::{by_block, inside, per_output};
use crate::network::Network;
use crate::records::{to_dict, weights_of};

enum Either {
    Single(Box<Core<f32>>),
    Double(Box<Core<f64>>),
}

macro_rules! both {
    ($either:expr, $engine:ident => $result:expr) => {
        match $either {
            Either::Single($engine) => $result,
            Either::Double($engine) => $result,
        }
    };
}

/// A network's gradient, carried forward in time.
#[pyclass(frozen, subclass, module = "ostl._ostl")]
pub(crate) struct Engine {
    engine: Mutex<Either>,
    dtype: &'static str,
    streams: usize,
}

fn build<T: Scalar>(py: Python<'_>, network: &Network, method: Method, streams: usize) -> PyResult<Box<Core<T>>> {
    let (network, _) = network.take::<T>(py)?;
    Core::new(network, method, streams).map(Box::new).map_err(of_config)
}

fn predict<'py, T: Scalar>(py: Python<'py>, engine: &mut Core<T>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let (streams, network) = (engine.streams(), engine.network());
    let (outputs, readout) = (network.outputs(), network.depth() - 1);
    let (step, is_flat) = Step::read(x, [streams, network.inputs()], network.plan().events)?;
    let values = step.slice()?;
    py.detach(|| engine.predict(values).map(|_| ())).map_err(|error| of_engine("x", error))?;
    rows(py, is_flat, [streams, outputs], |stream| engine.output(readout, stream).unwrap_or_default())
}

fn learn<T: Scalar>(
    py: Python<'_>,
    engine: &mut Core<T>,
    dy: Option<&Bound<'_, PyAny>>,
    target: Option<&Bound<'_, PyAny>>,
) -> PyResult<bool> {
    let shape = [engine.streams(), engine.network().outputs()];
    let error = dy.map(|given| per_output::<T>("dy", given, shape)).transpose()?;
    let target = target.map(|given| per_output::<T>("target", given, shape)).transpose()?;
    let error = error.as_ref().map(Values::slice).transpose()?;
    let target = target.as_ref().map(Values::slice).transpose()?;
    let signal = |stream: usize| {
        let range = stream * shape[1]..(stream + 1) * shape[1];
        error.map(|error| Signal { error: &error[range.clone()], target: target.map(|target| &target[range]) })
    };
    let signals: Vec<_> = (0..shape[0]).map(signal).collect();
    py.detach(|| engine.learn(&signals)).map_err(|error| of_engine("dy", error))
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, network: &Bound<'_, Network>, method: &str, streams: usize, dtype: &str) -> PyResult<Self> {
        let method: Method = serde_json::from_str(method).map_err(|error| refuse("method", error))?;
        let (engine, dtype) = match dtype {
            "float32" => (Either::Single(build(py, network.get(), method, streams)?), f32::DTYPE),
            "float64" => (Either::Double(build(py, network.get(), method, streams)?), f64::DTYPE),
            other => return Err(refuse("dtype", format!("expected float32 or float64, found {other}"))),
        };
        Ok(Self { engine: Mutex::new(engine), dtype, streams })
    }

    /// `"float32"` or `"float64"`.
    #[getter]
    fn dtype(&self) -> &'static str {
        self.dtype
    }

    /// Streams side by side.
    #[getter]
    fn streams(&self) -> usize {
        self.streams
    }

    /// One step of every stream.
    fn predict<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, &self.engine, |either| both!(either, engine => predict(py, engine, x)))
    }

    /// ∂E/∂y of the step just predicted, or nothing; whether this closed a window.
    #[pyo3(signature = (dy, *, target=None))]
    fn learn(&self, py: Python<'_>, dy: Option<&Bound<'_, PyAny>>, target: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        guarded(py, &self.engine, |either| both!(either, engine => learn(py, engine, dy, target)))
    }

    /// ∂E/∂y of a hidden layer at the step just predicted.
    #[pyo3(signature = (layer, dy, *, stream=0))]
    fn signal_hidden(&self, py: Python<'_>, layer: usize, dy: &Bound<'_, PyAny>, stream: usize) -> PyResult<()> {
        self.check_stream(stream)?;
        guarded(py, &self.engine, |either| {
            both!(either, engine => {
                let error = floats("dy", dy)?;
                engine.signal_hidden(layer, stream, error.slice()?).map_err(|error| of_engine("dy", error))
            })
        })
    }

    /// The gradient gathered since it was last cleared, by name.
    fn gradient<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(
            py,
            &self.engine,
            |either| both!(either, engine => by_block(py, &engine.gradient().map_err(|error| of_engine("gradient", error))?)),
        )
    }

    /// The gradient is zero from here on.
    fn clear_gradient(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, &self.engine, |either| {
            both!(either, engine => engine.clear_gradient());
            Ok(())
        })
    }

    /// The weights by name.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, &self.engine, |either| both!(either, engine => to_dict(py, &engine.network().weights())))
    }

    /// Takes weights over by name.
    fn load_parameters(&self, py: Python<'_>, parameters: &Bound<'_, PyDict>) -> PyResult<()> {
        guarded(py, &self.engine, |either| {
            both!(either, engine => {
                let record = weights_of(engine.network(), parameters)?;
                engine.network_mut().set_weights(&record).map_err(of_config)
            })
        })
    }

    /// A stream, or every one, starts anew at its next step.
    #[pyo3(signature = (stream=None))]
    fn reset(&self, py: Python<'_>, stream: Option<usize>) -> PyResult<()> {
        stream.map_or(Ok(()), |stream| self.check_stream(stream))?;
        let streams = stream.map_or(0..self.streams, |stream| stream..stream + 1);
        guarded(py, &self.engine, |either| {
            both!(either, engine => streams.for_each(|stream| engine.reset(stream)));
            Ok(())
        })
    }

    /// The streams end here: an unfinished window is closed, and every stream starts anew.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, &self.engine, |either| {
            both!(either, engine => py.detach(|| engine.finish()));
            Ok(())
        })
    }

    /// s of a recurrent layer: streams × variables × units.
    fn state<'py>(&self, py: Python<'py>, layer: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        guarded(py, &self.engine, |either| both!(either, engine => inside::state(py, engine, layer)))
    }

    /// y of a recurrent layer or of the readout: streams × units.
    fn output<'py>(&self, py: Python<'py>, layer: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        guarded(py, &self.engine, |either| both!(either, engine => inside::output(py, engine, layer)))
    }

    /// The eligibility traces by name.
    fn traces<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, &self.engine, |either| both!(either, engine => inside::traces(py, engine)))
    }
}

impl Engine {
    fn check_stream(&self, stream: usize) -> PyResult<()> {
        if stream < self.streams {
            return Ok(());
        }
        Err(PyIndexError::new_err(format!("stream: expected 0 to {}, found {stream}", self.streams - 1)))
    }
}
