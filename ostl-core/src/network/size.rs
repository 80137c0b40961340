//! What layers take by their sizes alone: parameters, the tables of a sparse H, and whether this machine has the memory for the weights.

use super::Network;
use super::layer::Layer;
use crate::linalg::real::Real;
use crate::refusal::{Count, Counted, Fits, MemoryNeed, Part, TooLarge, can_have, count};

impl<T: Real> Network<T> {
    /// Bytes that the weights take, of layers that may not be laid out yet.
    pub(crate) fn weight_bytes(layers: &[Layer<T>]) -> Count {
        let parameters: Count = layers.iter().map(parameters_of).sum();
        parameters * size_of::<T>()
    }
}

/// Parameters of a layer.
pub(crate) fn parameters_of<T: Real>(layer: &Layer<T>) -> Count {
    blocks_of(layer).into_iter().map(|block| block.rows * block.columns).sum()
}

/// A block of parameters by its size alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockSize {
    pub(crate) name: &'static str,
    pub(crate) rows: Count,
    pub(crate) columns: Count,
    /// The gates that it feeds: first and last plus one; of a stateless layer none.
    pub(crate) gates: [usize; 2],
}

/// The blocks of a layer, in the order of its parameters.
pub(crate) fn blocks_of<T: Real>(layer: &Layer<T>) -> Vec<BlockSize> {
    let n = count(layer.units());
    let block = |name: &'static str, gates: [usize; 2], columns: usize| BlockSize {
        name,
        rows: n * (gates[1] - gates[0]),
        columns: count(columns),
        gates,
    };
    let mut blocks = match layer {
        Layer::Dense(layer) => {
            let all = |name, columns: usize| BlockSize { name, rows: n, columns: count(columns), gates: [0, 0] };
            vec![all("W", layer.inputs), all("b", usize::from(layer.b.is_some()))]
        }
        Layer::Recurrent(layer) => {
            let range = |gates: &std::ops::Range<usize>| [gates.start, gates.end];
            let has_constants = (0..layer.gates()).filter(|&g| layer.constants[g].is_some());
            let constants = has_constants.map(|g| block(layer.constants_name(g), [g, g + 1], 1));
            let w = block("W", range(&layer.x_gates), layer.inputs);
            [w, block("H", range(&layer.y_gates), layer.units)].into_iter().chain(constants).collect()
        }
    };
    blocks.retain(|block| block.rows * block.columns > Count(0));
    blocks
}

/// The blocks of a layer that are not frozen.
pub(crate) fn learned_blocks_of<T: Real>(layer: &Layer<T>) -> Vec<BlockSize> {
    let mut blocks = blocks_of(layer);
    blocks.retain(|block| layer.rates().learns(block.name));
    blocks
}

/// Whether no block of the layer learns.
pub(crate) fn is_frozen<T: Real>(layer: &Layer<T>) -> bool {
    learned_blocks_of(layer).is_empty()
}

/// Bytes of the tables of connections that a sparse H has.
pub(crate) fn connections<T: Real>(layers: &[Layer<T>]) -> Count {
    let sparse = layers.iter().filter_map(Layer::recurrent).filter(|layer| layer.connections.is_some());
    sparse.map(|layer| count(layer.units) * layer.units).sum()
}

/// The layer with the most parameters, if possible not the readout, whose size is the task's.
pub(crate) fn layer_of_most<T: Real>(layers: &[Layer<T>]) -> usize {
    let hidden = &layers[..(layers.len() - 1).max(1)];
    (0..hidden.len()).max_by_key(|&index| parameters_of(&layers[index])).unwrap_or(0)
}

/// The same layers, one of them with `units` units.
pub(crate) fn with_units<T: Real>(layers: &[Layer<T>], index: usize, units: usize) -> Vec<Layer<T>> {
    let mut layers = layers.to_vec();
    match &mut layers[index] {
        Layer::Recurrent(layer) => (layer.units, layer.connections) = (units, None),
        Layer::Dense(layer) => layer.units = units,
    }
    match layers.get_mut(index + 1) {
        Some(Layer::Recurrent(layer)) => layer.inputs = units,
        Some(Layer::Dense(layer)) => layer.inputs = units,
        None => {}
    }
    layers
}

/// Whether the machine has the memory for the weights of these layers, `drawn` bytes more while they are drawn, and as many again: a network
/// without room for its gradient is of no use.
///
/// # Errors
/// The layer that takes most, how much it is, and what would fit.
pub(crate) fn check_weights<T: Real>(
    layers: &[Layer<T>],
    drawn: impl Fn(&[Layer<T>]) -> Count,
) -> Result<(), Box<TooLarge>> {
    let bytes = |layers: &[Layer<T>]| Network::weight_bytes(layers) + connections(layers) + drawn(layers);
    let weights = bytes(layers).0;
    let limit = match can_have(weights) {
        Ok(()) => return Ok(()),
        Err(available) => available,
    };
    let layer = layer_of_most(layers);
    let most = layers[layer].units();
    let (mut fitting, mut failing) = (0, most);
    while failing - fitting > 1 {
        let middle = fitting + (failing - fitting) / 2;
        if bytes(&with_units(layers, layer, middle)).0 <= limit { fitting = middle } else { failing = middle }
    }
    let parts =
        (fitting > 0).then(|| (Part::Units { layer }, fitting.to_string(), bytes(&with_units(layers, layer, fitting)).0));
    Err(Box::new(TooLarge {
        part: Part::Units { layer },
        value: most.to_string(),
        need: MemoryNeed { weights, ..MemoryNeed::default() },
        beside: 0,
        limit,
        counted: Counted::All,
        fits: Fits { parts: parts.into_iter().collect() },
    }))
}
