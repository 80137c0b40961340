//! `ostl.Network`: layers, heads and weights, in double precision until a learner takes them over in its own.

use std::sync::Mutex;

use ostl_cells::ready;
use ostl_core::{Network as CoreNetwork, NetworkBuilder, NetworkPlan};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;
use serde_json::Value;

use crate::arrays::Scalar;
use crate::errors::{guarded, of_config, refuse};
use crate::layers::NetworkSpec;
use crate::losses::{HeadSpec, heads};
use crate::records::{to_dict, weights_of_dict};

/// How a network is described: layer by layer, or by the plan that one was built by.
#[derive(Deserialize)]
#[serde(untagged)]
enum Described {
    Plan { plan: Box<NetworkPlan>, heads: Vec<HeadSpec> },
    Layers { network: NetworkSpec, heads: Vec<HeadSpec> },
}

/// A network's layers and weights.
#[pyclass(frozen, subclass, module = "ostl._ostl")]
pub(crate) struct Network {
    network: Mutex<CoreNetwork<f64>>,
    heads: Vec<HeadSpec>,
}

impl Network {
    /// The network in a learner's scalar, with its heads.
    pub(crate) fn take<T: Scalar>(&self, py: Python<'_>) -> PyResult<(CoreNetwork<T>, &[HeadSpec])> {
        guarded(py, &self.network, |network| {
            let mut own = of_plan::<T>(network.plan())?;
            own.copy_parameters(network.parameters()).map_err(of_config)?;
            Ok((own, self.heads.as_slice()))
        })
    }
}

/// A network like the one that the plan was taken from.
pub(crate) fn of_plan<T: Scalar>(plan: &NetworkPlan) -> PyResult<CoreNetwork<T>> {
    NetworkBuilder::of_plan(plan, &ready).and_then(NetworkBuilder::finish).map_err(of_config)
}

/// What a network is made again from, weights aside.
pub(crate) fn description<T: Scalar>(network: &CoreNetwork<T>, heads: &[HeadSpec]) -> PyResult<String> {
    let plan = serde_json::to_value(network.plan());
    let heads = serde_json::to_value(heads);
    match (plan, heads) {
        (Ok(plan), Ok(heads)) => Ok(serde_json::json!({ "plan": plan, "heads": heads }).to_string()),
        (Err(error), _) | (_, Err(error)) => Err(refuse("network", error)),
    }
}

#[pymethods]
impl Network {
    /// From a JSON description.
    #[new]
    fn new(description: &str) -> PyResult<Self> {
        // Apart from the choice, so that the message is about the part that is wrong.
        let value: Value = serde_json::from_str(description).map_err(|error| refuse("network", error))?;
        let is_plan = value.get("plan").is_some();
        let described = match is_plan {
            true => serde_json::from_value(value).map_err(|error| refuse("network", error))?,
            false => {
                let part = |key: &str| value.get(key).cloned().unwrap_or_default();
                let network = serde_json::from_value(part("network")).map_err(|error| refuse("network", error))?;
                let heads = serde_json::from_value(part("heads")).map_err(|error| refuse("heads", error))?;
                Described::Layers { network, heads }
            }
        };
        let (network, specs) = match described {
            Described::Plan { plan, heads } => (of_plan(&plan)?, heads),
            Described::Layers { network, heads } => (network.build::<f64>()?, heads),
        };
        if !specs.is_empty() {
            heads::<f64>(&specs).map_err(of_config)?;
        }
        Ok(Self { network: Mutex::new(network), heads: specs })
    }

    /// The architecture in a line.
    #[getter]
    fn description(&self, py: Python<'_>) -> PyResult<String> {
        guarded(py, &self.network, |network| Ok(network.description()))
    }

    /// What the network is made again from, weights aside.
    fn _described(&self, py: Python<'_>) -> PyResult<String> {
        guarded(py, &self.network, |network| description(network, &self.heads))
    }

    /// Number of inputs, outputs, layers and parameters.
    fn _sizes(&self, py: Python<'_>) -> PyResult<(usize, usize, usize, usize)> {
        let sizes =
            |network: &CoreNetwork<f64>| (network.inputs(), network.outputs(), network.depth(), network.parameters().len());
        guarded(py, &self.network, |network| Ok(sizes(network)))
    }

    /// Whether inputs may be given as whole numbers that name the one input which is 1.
    #[getter]
    fn reads_events(&self, py: Python<'_>) -> PyResult<bool> {
        guarded(py, &self.network, |network| Ok(network.plan().events))
    }

    /// The weights by name, `layers.0.W` as rows and columns, in double precision.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(py, &self.network, |network| to_dict(py, &network.weights()))
    }

    /// Takes weights over by name, of either precision.
    fn load_parameters(&self, py: Python<'_>, parameters: &Bound<'_, PyDict>) -> PyResult<()> {
        let record = weights_of_dict::<f64>("parameters", parameters)?;
        guarded(py, &self.network, |network| network.set_weights(&record).map_err(of_config))
    }

    /// The gates that a block's rows belong to, one after the other.
    fn block_gates(&self, py: Python<'_>, layer: usize, block: &str) -> PyResult<Vec<&'static str>> {
        guarded(py, &self.network, |network| Ok(network.block_gates(layer, block)))
    }
}
