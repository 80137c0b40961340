//! A stack of layers and a readout, with all parameters in one vector.

pub(crate) mod activity;
mod builder;
pub(crate) mod connections;
pub(crate) mod dropout;
pub(crate) mod initialize;
pub(crate) mod layer;
mod named;
mod outline;
pub(crate) mod plan;
pub(crate) mod rates;
pub(crate) mod size;
mod tie;

use std::borrow::Cow;
use std::sync::Arc;

use nalgebra::{DMatrixView, DMatrixViewMut};

use crate::linalg::real::Real;
use crate::network::connections::Connections;
use crate::network::layer::Layer;
use crate::network::rates::RatedRange;
use crate::refusal::ConfigError;

pub use builder::NetworkBuilder;
use plan::NetworkPlan;
pub(crate) use tie::Tie;

/// A named matrix among the parameters of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// Layer it belongs to, from 0; the readout is the last.
    pub layer: usize,
    /// `"W"` (inputs), `"H"` (previous outputs), `"b"` (constants of gates that also sum signals), or the name of a gate that is a
    /// learnable constant only (`"threshold"`, `"decay"`).
    pub name: &'static str,
    /// Rows: gates × units, gate-major.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Where it starts in [`Network::parameters`]; stored column by column.
    pub offset: usize,
}

impl Block {
    /// The block's place among the parameters.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.rows * self.columns
    }
}

/// Any stack of recurrent and stateless dense layers, then a readout: dense, or of units that leak.
#[derive(Clone)]
pub struct Network<T> {
    pub(crate) layers: Vec<Layer<T>>,
    blocks: Vec<Block>,
    pub(crate) parameters: Vec<T>,
    /// Inputs come as lists of events.
    pub(crate) reads_events: bool,
    /// The readout shares its weights with the embedding.
    pub(crate) tied: Option<Tie>,
    /// The parameters that are not frozen, and how fast they learn.
    pub(crate) learned: Vec<RatedRange>,
    /// How it was built; empty for one that is only sized.
    plan: Arc<NetworkPlan>,
}

impl<T: Real> std::fmt::Debug for Network<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Network<{}>({})", T::NAME, self.description())
    }
}

impl<T: Real> Network<T> {
    /// Layers by their sizes alone, without parameters: for working out what they would take.
    pub(crate) fn of_layers(layers: Vec<Layer<T>>, reads_events: bool) -> Self {
        let plan = Arc::new(NetworkBuilder::<T>::new(0).plan());
        Self { layers, blocks: Vec::new(), parameters: Vec::new(), reads_events, tied: None, learned: Vec::new(), plan }
    }

    /// Starts a network of `inputs` inputs.
    pub fn builder(inputs: usize) -> NetworkBuilder<T> {
        NetworkBuilder::new(inputs)
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs()
    }

    /// Number of outputs of the readout.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, Layer::units)
    }

    /// Number of layers, the readout included.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// The first of the stateless layers on top of all recurrent ones: from there on a step's outputs matter to that step alone.
    pub(crate) fn first_of_top(&self) -> usize {
        self.layers.iter().rposition(|layer| layer.recurrent().is_some()).map_or(0, |last| last + 1)
    }

    /// Whether activity adds to the error.
    pub(crate) fn has_activity_terms(&self) -> bool {
        let terms = self.layers.iter().filter_map(Layer::recurrent).map(|layer| layer.activity);
        terms.into_iter().any(|terms| terms.rate.is_some() || terms.voltage.is_some())
    }

    /// Name of a layer: its cell's or its activation's; the readout is `"readout"`.
    ///
    /// # Panics
    /// If there is no such layer.
    #[track_caller]
    pub fn layer_name(&self, layer: usize) -> &'static str {
        if layer + 1 == self.layers.len() { "readout" } else { self.layers[layer].name() }
    }

    /// All parameters.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// All parameters, to be changed. What is written to connections that a [sparse](NetworkBuilder::density) H does not have stands for
    /// nothing: a learner sets it to zero before it goes on, and [`prune`](Self::prune) does so at once.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// Which connections a layer's H has, if it does not have them all.
    ///
    /// # Panics
    /// If there is no such layer.
    #[track_caller]
    pub fn connections(&self, layer: usize) -> Option<&Connections> {
        self.layers[layer].recurrent()?.connections.as_deref()
    }

    /// Sets connections that do not exist to zero, and a readout's weights that are tied to the embedding's to those.
    #[inline(never)]
    pub fn prune(&mut self) {
        self.copy_tied();
        let mut parameters = std::mem::take(&mut self.parameters);
        self.apply_mask(&mut parameters);
        self.parameters = parameters;
    }

    /// The network as it counts, [pruned](Self::prune).
    pub(crate) fn pruned(&self) -> Cow<'_, Self> {
        let is_sparse = self.layers.iter().filter_map(Layer::recurrent).any(|layer| layer.connections.is_some());
        if !is_sparse && self.tied.is_none() {
            return Cow::Borrowed(self);
        }
        let mut network = self.clone();
        network.prune();
        Cow::Owned(network)
    }

    /// Sets everything that belongs to connections that do not exist to zero, in values laid out as (the first of) the parameters.
    pub(crate) fn apply_mask(&self, values: &mut [T]) {
        for layer in self.layers.iter().filter_map(Layer::recurrent) {
            if let Some(connections) = &layer.connections {
                connections.apply_mask(layer.y_gates.len(), &mut values[layer.h_range()]);
            }
        }
    }

    /// The named matrices that the parameters are made of, in order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    #[track_caller]
    fn find(&self, layer: usize, name: &str) -> &Block {
        let found = self.blocks.iter().find(|block| block.layer == layer && block.name == name);
        found.unwrap_or_else(|| panic!("no block {name} in layer {layer} of {}", self.description()))
    }

    /// One named matrix.
    ///
    /// # Panics
    /// If the layer has no such block.
    #[track_caller]
    pub fn block(&self, layer: usize, name: &str) -> DMatrixView<'_, T> {
        let block = self.find(layer, name);
        DMatrixView::from_slice(&self.parameters[block.range()], block.rows, block.columns)
    }

    /// One named matrix, to be changed.
    ///
    /// # Panics
    /// If the layer has no such block.
    #[track_caller]
    pub fn block_mut(&mut self, layer: usize, name: &str) -> DMatrixViewMut<'_, T> {
        let block = self.find(layer, name).clone();
        DMatrixViewMut::from_slice(&mut self.parameters[block.range()], block.rows, block.columns)
    }

    /// The architecture in a line: `88 > ssnu 150 recurrent > readout 88`. Two networks with the same line have the same parameters,
    /// and where H is sparse (`recurrent 10 % (7c01d3f2)`) the same connections.
    #[inline(never)]
    pub fn description(&self) -> String {
        let mut line = self.inputs().to_string();
        if self.tied.is_some() {
            line += " tied";
        }
        for (index, layer) in self.layers.iter().enumerate() {
            line += &format!(" > {} {}", self.layer_name(index), layer.units());
            if let Layer::Recurrent(layer) = layer {
                if index + 1 == self.layers.len() {
                    line += &format!(" {}", layer.dynamics.name());
                }
                if !layer.y_gates.is_empty() {
                    line += " recurrent";
                    if let Some(connections) = &layer.connections {
                        line += &format!(" {connections}");
                    }
                }
                for (gate, constant) in layer.dynamics.gates().iter().zip(&layer.constants) {
                    if constant.is_some() && gate.is_constant() {
                        line += &format!(" {}", gate.name);
                    }
                }
            }
        }
        line
    }

    /// Whether every recurrent layer's output is a differentiable function of its state, and none leaves out a reset on purpose,
    /// so that finite differences apply.
    pub fn is_smooth(&self) -> bool {
        let mut recurrent = self.layers.iter().filter_map(Layer::recurrent);
        recurrent.all(|layer| layer.dynamics.is_smooth() && !layer.dynamics.detaches_reset())
    }

    /// Whether a layer's units spike: its output is no differentiable function of its state, and its partial derivatives have a stand-in.
    ///
    /// # Panics
    /// If there is no such layer.
    #[track_caller]
    pub fn spikes(&self, layer: usize) -> bool {
        self.layers[layer].recurrent().is_some_and(|layer| !layer.dynamics.is_smooth())
    }

    /// Takes over parameters from a network of the same architecture, whatever its scalar.
    ///
    /// # Errors
    /// If their number differs.
    pub fn copy_parameters<U: Real>(&mut self, from: &[U]) -> Result<(), ConfigError> {
        if from.len() != self.parameters.len() {
            return Err(ConfigError::ParameterCount { found: from.len(), expected: self.parameters.len() });
        }
        for (to, from) in self.parameters.iter_mut().zip(from) {
            *to = T::from_f64(from.to_f64());
        }
        self.prune();
        Ok(())
    }
}
