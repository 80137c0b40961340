//! Layers as Python describes them, in the words of a configuration, and the network that they make.

use ostl_cells::CellConfig;
use ostl_core::{Activation, Activity, Initialization, Network, NetworkBuilder, Real};
use pyo3::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use crate::errors::{of_cell, of_config, refuse};

/// A network to be built.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkSpec {
    inputs: usize,
    seed: u64,
    input_weights: Initialization,
    recurrent_weights: Initialization,
    events: bool,
    tied: bool,
    /// From the input upwards, the readout last.
    layers: Vec<Map<String, Value>>,
}

/// Factors to the learning rate, of a whole layer or of some of its blocks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scale {
    Layer(f64),
    Blocks(BTreeMap<String, f64>),
}

/// What is frozen: a whole layer or not, or some of its blocks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Frozen {
    Layer(bool),
    Blocks(Vec<String>),
}

impl NetworkSpec {
    /// The network with its starting weights.
    pub(crate) fn build<T: Real>(&self) -> PyResult<Network<T>> {
        let mut builder =
            Network::builder(self.inputs).seed(self.seed).initialization(self.input_weights, self.recurrent_weights);
        if self.events {
            builder = builder.events();
        }
        if self.tied {
            builder = builder.tied();
        }
        for (index, layer) in self.layers.iter().enumerate() {
            builder = add(builder, index, layer.clone())?;
        }
        builder.finish().map_err(of_config)
    }
}

/// Puts a layer on top of a network.
fn add<T: Real>(mut builder: NetworkBuilder<T>, index: usize, mut layer: Map<String, Value>) -> PyResult<NetworkBuilder<T>> {
    let units: usize = needed(&mut layer, index, "units")?;
    if let Some(dropout) = taken(&mut layer, index, "dropout")? {
        builder = builder.dropout(dropout);
    }
    let scale: Option<Scale> = taken(&mut layer, index, "learning_rate_scale")?;
    let frozen: Option<Frozen> = taken(&mut layer, index, "frozen")?;
    if let Some(activation) = taken::<Activation>(&mut layer, index, "dense")? {
        builder = builder.dense(units, activation);
    } else if taken::<bool>(&mut layer, index, "embedding")? == Some(true) {
        builder = builder.embedding(units);
    } else {
        let activity: Option<Activity> = taken(&mut layer, index, "activity")?;
        let density: Option<f64> = taken(&mut layer, index, "density")?;
        let cell: CellConfig = serde_json::from_value(Value::Object(layer)).map_err(|error| at(index, error))?;
        builder = cell.add_to(builder, units).map_err(|error| of_cell(index, &error))?;
        builder = builder.activity(activity.unwrap_or_default());
        if let Some(density) = density {
            builder = builder.density(density);
        }
    }
    builder = match scale {
        None => builder,
        Some(Scale::Layer(scale)) => builder.learning_rate_scale(scale),
        Some(Scale::Blocks(of)) => {
            of.iter().fold(builder, |builder, (name, &scale)| builder.block_learning_rate_scale(name, scale))
        }
    };
    Ok(match frozen {
        None | Some(Frozen::Layer(false)) => builder,
        Some(Frozen::Layer(true)) => builder.frozen(),
        Some(Frozen::Blocks(names)) => names.iter().fold(builder, |builder, name| builder.frozen_block(name)),
    })
}

/// The value of an option, taken out.
fn taken<V: DeserializeOwned>(layer: &mut Map<String, Value>, index: usize, key: &str) -> PyResult<Option<V>> {
    let value = layer.remove(key).map(serde_json::from_value).transpose();
    value.map_err(|error| refuse(&format!("layers[{index}].{key}"), error))
}

fn needed<V: DeserializeOwned>(layer: &mut Map<String, Value>, index: usize, key: &str) -> PyResult<V> {
    taken(layer, index, key)?.ok_or_else(|| refuse(&format!("layers[{index}].{key}"), "missing"))
}

fn at(index: usize, error: serde_json::Error) -> PyErr {
    refuse(&format!("layers[{index}]"), error)
}
