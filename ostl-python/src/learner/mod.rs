//! `ostl.Learner`: the methods that Python sees. What each does lies in a file beside this one, for learners of either scalar.

mod audit;
mod batches;
pub(crate) mod inside;
mod many;
mod saved;
mod steps;

pub(crate) use steps::{by_block, per_output};

use std::path::PathBuf;
use std::sync::Mutex;

use ostl_core::{Learner as Core, Method, OptimizerSettings};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde::Deserialize;

use crate::arrays::Scalar;
use crate::errors::{guarded, of_config, of_learn, refuse};
use crate::losses::{LossSpec, Made, heads};
use crate::network::Network;
use crate::records::{of_dict, to_dict, weights_of};
use crate::score::Score;

/// How a learner is described beside its network.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    loss: Option<LossSpec>,
    method: Method,
    optimizer: OptimizerSettings,
    streams: usize,
    dtype: String,
}

/// A learner of either scalar.
enum Either {
    Single(Box<Core<f32>>),
    Double(Box<Core<f64>>),
}

/// The same of both scalars.
macro_rules! both {
    ($either:expr, $learner:ident => $result:expr) => {
        match $either {
            Either::Single($learner) => $result,
            Either::Double($learner) => $result,
        }
    };
}

/// A network that learns online.
#[pyclass(frozen, subclass, module = "ostl._ostl")]
pub(crate) struct Learner {
    learner: Mutex<Either>,
    dtype: &'static str,
    streams: usize,
}

impl Learner {
    fn of(either: Either) -> Self {
        let (dtype, streams) = both!(&either, learner => (name_of(learner), learner.streams()));
        Self { learner: Mutex::new(either), dtype, streams }
    }

    fn stream(&self, stream: usize) -> PyResult<usize> {
        if stream < self.streams {
            return Ok(stream);
        }
        Err(PyIndexError::new_err(format!("stream: expected 0 to {}, found {stream}", self.streams - 1)))
    }
}

fn name_of<T: Scalar>(_: &Core<T>) -> &'static str {
    T::DTYPE
}

fn build<T: Scalar>(py: Python<'_>, network: &Network, settings: &Settings) -> PyResult<Box<Core<T>>> {
    let Settings { loss, method, optimizer, streams, .. } = settings;
    let (network, specs) = network.take::<T>(py)?;
    let learner = match (loss, specs) {
        (Some(_), [_, ..]) => return Err(refuse("loss", "left out where the network has heads: each has its own")),
        (None, []) => return Err(refuse("loss", "missing, and the network has no heads with losses of their own")),
        (None, specs) => Core::with_heads(network, heads(specs).map_err(of_config)?, *method, *optimizer, *streams),
        (Some(loss), []) => match loss.make().map_err(of_config)? {
            Made::Objective(objective) => Core::new(network, objective, *method, *optimizer, *streams),
            Made::Other(loss) => Core::with_loss(network, loss, *method, *optimizer, *streams),
        },
    };
    learner.map(Box::new).map_err(of_config)
}

#[pymethods]
impl Learner {
    /// From a network and a JSON description, from the bytes of a checkpoint, or from a file with one.
    #[new]
    #[pyo3(signature = (network=None, settings=None, checkpoint=None, path=None))]
    fn new(
        py: Python<'_>,
        network: Option<&Bound<'_, Network>>,
        settings: Option<&str>,
        checkpoint: Option<&[u8]>,
        path: Option<PathBuf>,
    ) -> PyResult<Self> {
        if let (Some(network), Some(settings)) = (network, settings) {
            let settings: Settings = serde_json::from_str(settings).map_err(|error| refuse("settings", error))?;
            let network = network.get();
            return Ok(Self::of(match settings.dtype.as_str() {
                "float32" => Either::Single(build(py, network, &settings)?),
                "float64" => Either::Double(build(py, network, &settings)?),
                other => return Err(refuse("dtype", format!("expected float32 or float64, found {other}"))),
            }));
        }
        Ok(Self::of(saved::made(py, checkpoint, path)?))
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

    /// One step of every stream: inputs in, outputs out.
    fn predict<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, &self.learner, |either| both!(either, learner => steps::predict(py, learner, x)))
    }

    /// Learns from the targets of the step just predicted.
    #[pyo3(signature = (y, *, weight=None))]
    fn learn(&self, py: Python<'_>, y: &Bound<'_, PyAny>, weight: Option<&Bound<'_, PyAny>>) -> PyResult<Score> {
        guarded(py, &self.learner, |either| both!(either, learner => steps::learn(py, learner, y, weight)))
    }

    /// Learns from ∂E/∂y of the step just predicted, given from outside in the place of the loss.
    #[pyo3(signature = (dy, *, target=None))]
    fn backward(&self, py: Python<'_>, dy: &Bound<'_, PyAny>, target: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        guarded(py, &self.learner, |either| both!(either, learner => steps::backward(py, learner, dy, target)))
    }

    /// ∂E/∂y of a hidden layer at the step just predicted, beside what comes from above.
    #[pyo3(signature = (layer, dy, *, stream=0))]
    fn signal_hidden(&self, py: Python<'_>, layer: usize, dy: &Bound<'_, PyAny>, stream: usize) -> PyResult<()> {
        let stream = self.stream(stream)?;
        guarded(py, &self.learner, |either| both!(either, learner => steps::signal_hidden(learner, layer, stream, dy)))
    }

    /// A whole stream in one call, predicted and learned step by step.
    #[pyo3(signature = (xs, ys, *, mask=None, weights=None, resets=None))]
    fn learn_many<'py>(
        &self,
        py: Python<'py>,
        xs: &Bound<'py, PyAny>,
        ys: &Bound<'py, PyAny>,
        mask: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
        resets: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Score)> {
        let beside = many::Beside { mask, weights, resets };
        guarded(py, &self.learner, |either| both!(either, learner => many::learn_many(py, learner, xs, ys, &beside)))
    }

    /// Learns from whole sequences, or, of the other kinds of work, evaluates them, finds their gradient or shows their outputs.
    #[pyo3(signature = (work, inputs, targets, lengths, mask, weights, resets))]
    #[allow(clippy::too_many_arguments, reason = "what a batch is made of, each by its name")]
    fn _batch<'py>(
        &self,
        py: Python<'py>,
        work: &str,
        inputs: &Bound<'py, PyAny>,
        targets: Option<&Bound<'py, PyAny>>,
        lengths: Option<&Bound<'py, PyAny>>,
        mask: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
        resets: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = batches::Given { inputs, targets, lengths, mask, weights, resets };
        guarded(py, &self.learner, |either| both!(either, learner => batches::work(py, learner, work, &given)))
    }

    /// The gradient of a batch beside BPTT's.
    #[pyo3(signature = (inputs, targets, lengths, mask, weights, resets))]
    #[allow(clippy::too_many_arguments, reason = "what a batch is made of, each by its name")]
    fn _audit<'py>(
        &self,
        py: Python<'py>,
        inputs: &Bound<'py, PyAny>,
        targets: Option<&Bound<'py, PyAny>>,
        lengths: Option<&Bound<'py, PyAny>>,
        mask: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
        resets: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let given = batches::Given { inputs, targets, lengths, mask, weights, resets };
        guarded(py, &self.learner, |either| both!(either, learner => audit::audit(py, learner, &given)))
    }

    /// The score of each head in the last call that returned the score of all.
    fn head_scores(&self, py: Python<'_>) -> PyResult<Vec<(String, Score)>> {
        let scores = |either: &mut Either| both!(either, learner => learner.head_scores().map(|(name, score)| (name.to_owned(), score.into())).collect());
        guarded(py, &self.learner, |either| Ok(scores(either)))
    }

    /// What each method promises of each block.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, &self.learner, |either| both!(either, learner => audit::claims(py, learner)))
    }

    /// The gradient gathered since the last update.
    fn _gathered<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, &self.learner, |either| both!(either, learner => steps::gathered(py, learner)))
    }

    /// A stream, or every one, starts anew at its next step.
    #[pyo3(signature = (stream=None))]
    fn reset(&self, py: Python<'_>, stream: Option<usize>) -> PyResult<()> {
        let streams = match stream {
            Some(stream) => self.stream(stream)?..stream + 1,
            None => 0..self.streams,
        };
        guarded(py, &self.learner, |either| {
            both!(either, learner => streams.for_each(|stream| learner.reset(stream)));
            Ok(())
        })
    }

    /// The streams end here: learns from an unfinished window, and starts every stream anew.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        guarded(
            py,
            &self.learner,
            |either| both!(either, learner => py.detach(|| learner.finish()).map_err(|error| of_learn("finish", error))),
        )
    }

    /// s of a recurrent layer: streams × variables × units.
    fn state<'py>(&self, py: Python<'py>, layer: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        guarded(py, &self.learner, |either| both!(either, learner => inside::state(py, learner.engine(), layer)))
    }

    /// y of a recurrent layer or of the readout: streams × units.
    fn output<'py>(&self, py: Python<'py>, layer: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        guarded(py, &self.learner, |either| both!(either, learner => inside::output(py, learner.engine(), layer)))
    }

    /// The eligibility traces by name.
    fn traces<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, &self.learner, |either| both!(either, learner => inside::traces(py, learner.engine())))
    }

    /// The weights by name.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, &self.learner, |either| both!(either, learner => to_dict(py, &learner.network().weights())))
    }

    /// Takes weights over by name.
    fn load_parameters(&self, py: Python<'_>, parameters: &Bound<'_, PyDict>) -> PyResult<()> {
        guarded(py, &self.learner, |either| {
            both!(either, learner => {
                let record = weights_of(learner.network(), parameters)?;
                learner.network_mut().set_weights(&record).map_err(of_config)
            })
        })
    }

    /// Everything that it takes to go on bit for bit, by name.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let record = guarded(py, &self.learner, |either| Ok(both!(either, learner => py.detach(|| learner.save()))))?;
        to_dict(py, &record)
    }

    /// Takes over what another learner's `state_dict` gave.
    fn load_state_dict(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let record = of_dict("state", state)?;
        guarded(
            py,
            &self.learner,
            |either| both!(either, learner => py.detach(|| learner.restore(record)).map_err(of_config)),
        )
    }

    /// Writes a checkpoint, as the program does.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        guarded(py, &self.learner, |either| both!(either, learner => saved::write(py, learner, &path)))
    }

    /// The bytes of a checkpoint.
    fn _checkpoint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = guarded(py, &self.learner, |either| Ok(both!(either, learner => saved::encoded(py, learner))))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// What its network is made again from, and the weights.
    fn _described<'py>(&self, py: Python<'py>) -> PyResult<(String, Bound<'py, PyDict>)> {
        guarded(py, &self.learner, |either| both!(either, learner => saved::described(py, learner)))
    }

    /// The method, the optimiser and the loss, as JSON.
    fn _settings(&self, py: Python<'_>) -> PyResult<(String, String, Option<String>)> {
        guarded(py, &self.learner, |either| both!(either, learner => saved::settings(learner)))
    }

    /// The learning rate in force.
    #[getter]
    fn learning_rate(&self, py: Python<'_>) -> PyResult<f64> {
        guarded(py, &self.learner, |either| Ok(both!(either, learner => learner.optimizer().learning_rate())))
    }

    #[setter]
    fn set_learning_rate(&self, py: Python<'_>, rate: f64) -> PyResult<()> {
        guarded(py, &self.learner, |either| both!(either, learner => learner.set_learning_rate(rate).map_err(of_config)))
    }

    /// The clipping in force.
    #[getter]
    fn clip_norm(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        guarded(py, &self.learner, |either| Ok(both!(either, learner => learner.optimizer().clip_norm())))
    }

    #[setter]
    fn set_clip_norm(&self, py: Python<'_>, norm: Option<f64>) -> PyResult<()> {
        guarded(py, &self.learner, |either| both!(either, learner => learner.set_clip_norm(norm).map_err(of_config)))
    }

    /// Whether it only predicts.
    #[getter]
    fn frozen(&self, py: Python<'_>) -> PyResult<bool> {
        guarded(py, &self.learner, |either| Ok(both!(either, learner => learner.is_frozen())))
    }

    #[setter]
    fn set_frozen(&self, py: Python<'_>, frozen: bool) -> PyResult<()> {
        guarded(
            py,
            &self.learner,
            |either| both!(either, learner => learner.set_frozen(frozen).map_err(|error| of_learn("frozen", error))),
        )
    }

    /// Updates made so far.
    #[getter]
    fn updates(&self, py: Python<'_>) -> PyResult<u64> {
        guarded(py, &self.learner, |either| Ok(both!(either, learner => learner.optimizer().updates())))
    }

    /// Steps taken since the beginning.
    #[getter]
    fn steps_seen(&self, py: Python<'_>) -> PyResult<u64> {
        guarded(py, &self.learner, |either| Ok(both!(either, learner => learner.steps_seen())))
    }

    /// Bytes that the eligibility traces take.
    #[getter]
    fn trace_bytes(&self, py: Python<'_>) -> PyResult<usize> {
        guarded(py, &self.learner, |either| Ok(both!(either, learner => learner.trace_bytes())))
    }
}
