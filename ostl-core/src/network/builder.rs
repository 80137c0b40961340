//! Building a network layer by layer, and drawing its starting weights.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::outline::recurrent;
use super::{Block, Network, Tie};
use crate::cell::Cell;
use crate::cell::dynamics::{Dynamics, LayerDynamics, dynamics_of};
use crate::linalg::processor::instructions;
use crate::linalg::real::Real;
use crate::network::activity::Activity;
use crate::network::connections::Connections;
use crate::network::dropout::Dropout;
use crate::network::initialize::Initialization;
use crate::network::layer::{Activation, Dense, Layer, Recurrent};
use crate::network::rates::LearningRates;
use crate::refusal::ConfigError;

/// A layer as it is to be.
pub(super) enum Planned<T> {
    Recurrent { dynamics: Arc<dyn LayerDynamics<T>>, units: usize, density: f64, activity: Activity },
    Dense(usize, Activation),
    Embedding(usize),
}

/// Collects the layers of a [`Network`].
#[must_use]
pub struct NetworkBuilder<T> {
    pub(super) inputs: usize,
    pub(super) seed: u64,
    pub(super) input_weights: Initialization,
    pub(super) recurrent_weights: Initialization,
    pub(super) layers: Vec<Planned<T>>,
    /// A density was given where there is no H.
    stray_density: Option<f64>,
    /// For each layer so far the dropout of its inputs, and that of the next one.
    pub(super) dropout: Vec<f64>,
    /// For each layer up to the last that has any, factors to the learning rate.
    pub(super) rates: Vec<LearningRates>,
    pub(super) reads_events: bool,
    pub(super) tied: bool,
}

impl<T: Real> NetworkBuilder<T> {
    /// No layers yet.
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            inputs,
            seed: 0,
            input_weights: Initialization::Glorot,
            recurrent_weights: Initialization::Orthogonal,
            layers: Vec::new(),
            stray_density: None,
            dropout: vec![0.0],
            rates: Vec::new(),
            reads_events: false,
            tied: false,
        }
    }

    /// Seed of the starting weights (default 0).
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How W and H start (default: Glorot and orthogonal).
    pub fn initialization(mut self, input: Initialization, recurrent: Initialization) -> Self {
        self.input_weights = input;
        self.recurrent_weights = recurrent;
        self
    }

    /// Adds a recurrent layer of `units` like units.
    ///
    /// # Panics
    /// If the cell's gates break the rules of [`Gate`](crate::Gate).
    #[track_caller]
    pub fn recurrent<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C, units: usize) -> Self {
        self.recurrent_dynamics(dynamics_of(cell), units)
    }

    /// Adds a recurrent layer of `units` like units, given by their [dynamics](crate::dynamics_of).
    pub fn recurrent_dynamics(mut self, dynamics: Dynamics<T>, units: usize) -> Self {
        self.layers.push(Planned::Recurrent { dynamics: dynamics.0, units, density: 1.0, activity: Activity::default() });
        self
    }

    /// What the activity of the recurrent layer just added adds to the error ([`Activity`]).
    ///
    /// # Panics
    /// If the last layer added is not a recurrent one.
    #[track_caller]
    pub fn activity(mut self, terms: Activity) -> Self {
        match self.layers.last_mut() {
            Some(Planned::Recurrent { activity, .. }) => *activity = terms,
            _ => panic!("activity terms belong to a recurrent layer, and the last layer added is not one"),
        }
        self
    }

    /// Makes H of the recurrent layer added last sparse: each connection from unit to unit, those from a unit to itself like any other, exists
    /// with this probability, for all gates together; which do follows from the seed. The others are zero and stay zero. Weights that
    /// exist start as they would in a dense H.
    pub fn density(mut self, fraction: f64) -> Self {
        match self.layers.last_mut() {
            Some(Planned::Recurrent { dynamics, density, .. }) if dynamics.gates().iter().any(|gate| gate.sums_output) => {
                *density = fraction;
            }
            _ => self.stray_density = Some(fraction),
        }
        self
    }

    /// Adds a stateless dense layer.
    pub fn dense(mut self, units: usize, activation: Activation) -> Self {
        self.layers.push(Planned::Dense(units, activation));
        self
    }

    /// Adds an embedding as the first layer: a vector of `units` values for each input, which for inputs that are one event a step, of
    /// value 1, is a look-up in a table. It has no constants and starts uniform with variance 1/`units`. A vector that no event has touched
    /// since the last update gets no gradient and is left alone by it, moments included, as PyTorch's `SparseAdam` does; with plain
    /// gradient descent that is what a dense update does, with moments or weight decay it is not.
    pub fn embedding(mut self, units: usize) -> Self {
        self.layers.push(Planned::Embedding(units));
        self.events()
    }

    /// Inputs come as lists of events ([`SequenceBatch::sparse`](crate::SequenceBatch::sparse)), or can be listed: the forward pass takes a
    /// column of weights an event, and with the carries `none` and `local` no dense input is kept at all.
    pub fn events(mut self) -> Self {
        self.reads_events = true;
        self
    }

    /// While learning, what the layer that is added next reads from the layer below is left out with this probability, and scaled up by
    /// 1/(1 − `rate`) otherwise: dropout on the connections between layers, never on H (Srivastava et al. 2014; Zaremba et al. 2014). Every
    /// step and stream has a mask of its own, drawn from the network's seed and the number of steps that the learner has seen. Predictions
    /// of a [frozen](crate::Learner::set_frozen) learner and evaluations have none.
    pub fn dropout(mut self, rate: f64) -> Self {
        self.dropout.resize(self.layers.len() + 1, 0.0);
        self.dropout[self.layers.len()] = rate;
        self
    }

    /// The readout's weights are those of the embedding, transposed (Press and Wolf 2017): as many outputs as inputs, and the topmost
    /// layer as wide as the embedding.
    pub fn tied(mut self) -> Self {
        self.tied = true;
        self
    }

    /// Adds the readout, a dense layer without activation, and draws the starting weights.
    ///
    /// # Errors
    /// If some layer, the input or the readout has no units, a density is not in 0 … 1 or was given where there is no H, or the environment
    /// names [instructions](crate::instructions) that do not exist.
    #[inline(never)]
    pub fn readout(mut self, outputs: usize) -> Result<Network<T>, ConfigError> {
        self.layers.push(Planned::Dense(outputs, Activation::Identity));
        self.build()
    }

    /// Adds the readout, a layer of these units whose outputs y are the logits, and draws the starting weights: a leaky readout with
    /// units that only leak (the κ of Bellec et al. 2020).
    ///
    /// # Errors
    /// If some layer, the input or the readout has no units.
    ///
    /// # Panics
    /// If the cell's gates break the rules of [`Gate`](crate::Gate).
    #[track_caller]
    pub fn readout_of<C: Cell<S, G>, const S: usize, const G: usize>(
        self,
        cell: C,
        outputs: usize,
    ) -> Result<Network<T>, ConfigError> {
        self.recurrent(cell, outputs).finish()
    }

    /// Draws the starting weights of a network whose readout is the last layer that was added.
    ///
    /// # Errors
    /// If some layer or the input has no units, an activity term is out of range, or there is no layer.
    #[inline(never)]
    pub fn finish(self) -> Result<Network<T>, ConfigError> {
        if self.layers.is_empty() {
            return Err(ConfigError::out_of_range("layers", 0, "at least 1: the readout"));
        }
        self.build()
    }

    #[inline(never)]
    fn build(self) -> Result<Network<T>, ConfigError> {
        // Whoever says which instructions to use means it.
        instructions()?;
        let positive = |field: String, value: usize| {
            if value == 0 { Err(ConfigError::out_of_range(field, value, "at least 1")) } else { Ok(value) }
        };
        if let Some(density) = self.stray_density {
            return Err(ConfigError::out_of_range("density", density, "left out: the layer before it has no H"));
        }
        let mut inputs = positive("inputs".into(), self.inputs)?;
        let mut network = Network::of_layers(Vec::new(), self.reads_events);
        network.plan = Arc::new(self.plan());
        network.parameters.reserve_exact(self.check_size()?);
        for (index, planned) in self.layers.iter().enumerate() {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(index as u64);
            let rate = self.dropout.get(index).copied().unwrap_or(0.0);
            if !(0.0..1.0).contains(&rate) {
                return Err(ConfigError::out_of_range(
                    format!("dropout of layer {index}"),
                    rate,
                    "at least 0 and less than 1",
                ));
            }
            if rate > 0.0 && index == 0 && self.reads_events {
                let allowed = "0: the first layer reads events, which are not left out";
                return Err(ConfigError::out_of_range("dropout of layer 0", rate, allowed));
            }
            let dropout = (rate > 0.0).then(|| Dropout::new(rate, self.seed, index));
            let mut layer = match planned {
                Planned::Recurrent { dynamics, units, density, activity } => {
                    activity.validate()?;
                    let units = positive(format!("units of layer {index}"), *units)?;
                    if !(0.0..=1.0).contains(density) {
                        return Err(ConfigError::out_of_range(format!("density of layer {index}"), density, "in 0 … 1"));
                    }
                    let connections = (*density < 1.0).then(|| Connections::draw(units, *density, self.seed, index));
                    let layer = network.add_recurrent(
                        index,
                        dynamics,
                        inputs,
                        units,
                        [self.input_weights, self.recurrent_weights],
                        &mut random,
                    );
                    let connections = connections.map(Arc::new);
                    Layer::Recurrent(Recurrent { activity: *activity, connections, dropout, ..layer })
                }
                Planned::Dense(units, activation) => {
                    let units = positive(format!("units of layer {index}"), *units)?;
                    let layer = network.add_dense(index, *activation, inputs, units, self.input_weights, &mut random);
                    Layer::Dense(Dense { dropout, ..layer })
                }
                Planned::Embedding(units) => {
                    if index > 0 {
                        return Err(ConfigError::out_of_range("embedding", format!("layer {index}"), "the first layer"));
                    }
                    let units = positive(format!("units of layer {index}"), *units)?;
                    let w = network.add_weights(index, "W", [1, units, inputs], Initialization::Embedding, &mut random);
                    let (activation, rates) = (Activation::Identity, LearningRates::default());
                    Layer::Dense(Dense { inputs, units, activation, w, b: None, dropout, rates })
                }
            };
            *layer.rates_mut() = self.rates_of(index);
            layer.rates().check(index, &layer)?;
            inputs = layer.units();
            network.layers.push(layer);
        }
        if self.tied {
            network.tied = Some(network.tie_readout()?);
        }
        network.learned = network.learned();
        network.prune();
        Ok(network)
    }
}

impl<T: Real> Network<T> {
    /// Where the weights lie that embedding and readout share.
    fn tie_readout(&self) -> Result<Tie, ConfigError> {
        let refuse = |allowed: String| Err(ConfigError::out_of_range("tied", true, allowed));
        let Some(embedding) = self.layers[0].embedding() else {
            return refuse("false: the first layer is not an embedding".into());
        };
        match self.layers.last() {
            Some(Layer::Dense(readout)) if !readout.is_embedding() => {
                if (readout.units, readout.inputs) != (embedding.inputs, embedding.units) {
                    return refuse(format!(
                        "false, or a readout of {} outputs below which lies a layer of {} units: here it has {} and {}",
                        embedding.inputs, embedding.units, readout.units, readout.inputs
                    ));
                }
                let [below, above] = [embedding.rates.of("W"), readout.rates.of("W")];
                if below != above {
                    return refuse(format!(
                        "false, or the same learning rate for W in both places: the embedding's factor is {below}, the readout's {above}"
                    ));
                }
                Ok(Tie { embedding: embedding.w_range(), readout: readout.w_range(), units: embedding.units })
            }
            _ => refuse("false: the readout is no dense layer of its own".into()),
        }
    }

    /// Adds a block of `gates` matrices of `units × columns` and draws each.
    fn add_weights(
        &mut self,
        layer: usize,
        name: &'static str,
        [gates, units, columns]: [usize; 3],
        initialization: Initialization,
        random: &mut ChaCha8Rng,
    ) -> usize {
        let offset = self.parameters.len();
        if gates == 0 {
            return offset;
        }
        let rows = gates * units;
        self.parameters.resize(offset + rows * columns, T::zero());
        for gate in 0..gates {
            let values = &mut self.parameters[offset + gate * units..];
            initialization
                .draw(units, columns, random, |row, column, value| values[column * rows + row] = T::from_f64(value));
        }
        self.blocks.push(Block { layer, name, rows: gates * units, columns, offset });
        offset
    }

    fn add_constants(&mut self, layer: usize, name: &'static str, values: impl Iterator<Item = f64>) -> usize {
        let offset = self.parameters.len();
        self.parameters.extend(values.map(T::from_f64));
        self.blocks.push(Block { layer, name, rows: self.parameters.len() - offset, columns: 1, offset });
        offset
    }

    /// A recurrent layer without activity terms and dropout, whose H is dense: its parameters with their starting values.
    fn add_recurrent(
        &mut self,
        index: usize,
        dynamics: &Arc<dyn LayerDynamics<T>>,
        inputs: usize,
        units: usize,
        [input_weights, recurrent_weights]: [Initialization; 2],
        random: &mut ChaCha8Rng,
    ) -> Recurrent<T> {
        let mut layer = recurrent(dynamics, inputs, units);
        let gates = dynamics.gates();
        layer.w = self.add_weights(index, "W", [layer.x_gates.len(), units, inputs], input_weights, random);
        layer.h = self.add_weights(index, "H", [layer.y_gates.len(), units, units], recurrent_weights, random);
        let initial = |g: usize| (0..units).map(move |unit| dynamics.initial_constant_of(g, unit, units));
        let shared: Vec<usize> = (0..gates.len()).filter(|&g| gates[g].sums_one && !gates[g].is_constant()).collect();
        if !shared.is_empty() {
            let offset = self.add_constants(index, "b", shared.iter().flat_map(|&g| initial(g)));
            for (place, &g) in shared.iter().enumerate() {
                layer.constants[g] = Some(offset + place * units);
            }
        }
        for g in (0..gates.len()).filter(|&g| gates[g].sums_one && gates[g].is_constant()) {
            layer.constants[g] = Some(self.add_constants(index, gates[g].name, initial(g)));
        }
        layer
    }

    /// A dense layer without dropout.
    fn add_dense(
        &mut self,
        index: usize,
        activation: Activation,
        inputs: usize,
        units: usize,
        initialization: Initialization,
        random: &mut ChaCha8Rng,
    ) -> Dense {
        let w = self.add_weights(index, "W", [1, units, inputs], initialization, random);
        let b = Some(self.add_constants(index, "b", std::iter::repeat_n(0.0, units)));
        Dense { inputs, units, activation, w, b, dropout: None, rates: LearningRates::default() }
    }
}
