//! A network by its sizes alone, before any of it is allocated: whether the machine has the memory for it.

use std::sync::Arc;

use super::Network;
use super::builder::{NetworkBuilder, Planned};
use super::size::{check_weights, parameters_of};
use crate::cell::dynamics::LayerDynamics;
use crate::linalg::real::Real;
use crate::network::activity::Activity;
use crate::network::connections::Connections;
use crate::network::dropout::Dropout;
use crate::network::layer::{Activation, Dense, Layer, Recurrent};
use crate::network::rates::LearningRates;
use crate::refusal::{ConfigError, Count, TooLarge, count};

impl<T: Real> NetworkBuilder<T> {
    /// Whether this machine has the memory for the weights of the layers so far and of a stateless readout of `readout` outputs, if there is to be
    /// one; nothing is allocated for it. Building checks the same.
    ///
    /// # Errors
    /// The layer that takes most, how much it is, and what would fit.
    #[inline(never)]
    pub fn check_weights(&self, readout: Option<usize>) -> Result<(), Box<TooLarge>> {
        check_weights(&self.outline(readout, false).layers, |layers| self.on_the_way(layers))
    }

    /// The parameters that there will be, if the machine has the memory for them.
    pub(super) fn check_size(&self) -> Result<usize, ConfigError> {
        if u32::try_from(self.inputs).is_err() {
            return Err(ConfigError::out_of_range("inputs", self.inputs, format!("at most {}", u32::MAX)));
        }
        self.check_weights(None)?;
        Ok(self.outline(None, false).layers.iter().map(parameters_of).sum::<Count>().size())
    }

    /// The network by its sizes alone, with the connections of sparse layers if these are requested.
    pub(crate) fn outline(&self, readout: Option<usize>, connections: bool) -> Network<T> {
        let mut layers = Vec::new();
        let mut inputs = self.inputs;
        let readout = readout.map(|outputs| Planned::Dense(outputs, Activation::Identity));
        for (index, planned) in self.layers.iter().chain(&readout).enumerate() {
            let rate = self.dropout.get(index).copied().unwrap_or(0.0);
            let mut layer = planned.shape(inputs, (rate > 0.0).then(|| Dropout::new(rate, self.seed, index)));
            if let (Planned::Recurrent { density, units, .. }, Layer::Recurrent(layer)) = (planned, &mut layer)
                && connections
                && *density < 1.0
            {
                layer.connections = Some(Arc::new(Connections::draw(*units, *density, self.seed, index)));
            }
            *layer.rates_mut() = self.rates_of(index);
            inputs = layer.units();
            layers.push(layer);
        }
        Network::of_layers(layers, self.reads_events)
    }

    /// Bytes that drawing the weights takes besides, one matrix at a time, and those of the connections of sparse layers, of these sizes.
    fn on_the_way(&self, layers: &[Layer<T>]) -> Count {
        let mut most = Count(0);
        let mut connections = Count(0);
        for (planned, layer) in self.layers.iter().zip(layers) {
            let n = count(layer.units());
            most = most.max(self.input_weights.bytes(n, count(layer.inputs())));
            if let (Planned::Recurrent { density, .. }, Layer::Recurrent(layer)) = (planned, layer) {
                if !layer.y_gates.is_empty() {
                    most = most.max(self.recurrent_weights.bytes(n, n));
                }
                if *density < 1.0 {
                    connections += n * n;
                }
            }
        }
        most + connections
    }
}

impl<T: Real> Planned<T> {
    /// The layer by its sizes alone.
    fn shape(&self, inputs: usize, dropout: Option<Dropout>) -> Layer<T> {
        let dense = |units: usize, activation: Activation, b: Option<usize>| {
            Layer::Dense(Dense { inputs, units, activation, w: 0, b, dropout, rates: LearningRates::default() })
        };
        match self {
            Planned::Recurrent { dynamics, units, activity, .. } => {
                Layer::Recurrent(Recurrent { activity: *activity, dropout, ..recurrent(dynamics, inputs, *units) })
            }
            Planned::Dense(units, activation) => dense(*units, *activation, Some(0)),
            Planned::Embedding(units) => dense(*units, Activation::Identity, None),
        }
    }
}

/// A recurrent layer by its sizes alone: where its parameters lie is not said yet.
pub(super) fn recurrent<T: Real>(dynamics: &Arc<dyn LayerDynamics<T>>, inputs: usize, units: usize) -> Recurrent<T> {
    let gates = dynamics.gates();
    let run = |sums: &dyn Fn(usize) -> bool| {
        let start = (0..gates.len()).find(|&g| sums(g)).unwrap_or(0);
        start..start + (0..gates.len()).filter(|&g| sums(g)).count()
    };
    Recurrent {
        dynamics: dynamics.clone(),
        inputs,
        units,
        x_gates: run(&|g| gates[g].sums_input),
        y_gates: run(&|g| gates[g].sums_output),
        w: 0,
        h: 0,
        constants: gates.iter().map(|gate| gate.sums_one.then_some(0)).collect(),
        activity: Activity::default(),
        connections: None,
        dropout: None,
        rates: LearningRates::default(),
    }
}
