//! The reverse sweep over one window: δ_t = ∂E/∂a_t for its steps, and what the window's error wants of the state it started from.

use serde::{Deserialize, Serialize};

use crate::dynamics::ReverseColumn;
use crate::kernel::product::{Into, columns, columns_mut, multiply_shared, plain_operand};
use crate::layer::{Layer, Recurrent};
use crate::network::Network;
use crate::real::Real;
use crate::window::{LayerTape, RecurrentTape, Tape};

/// Adjoints of one layer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct LayerSweep<T: Real> {
    /// ∂E/∂s before the window's first step, at fixed y: `S·n × live`.
    pub(crate) to_state: Vec<T>,
    /// ∂E/∂y before the window's first step: `n × live`.
    pub(crate) to_output: Vec<T>,
    /// ∂E/∂y of the layer as the layers above send it: `n × columns`; for a stateless layer, δ after the sweep.
    pub(crate) signal: Vec<T>,
}

/// Buffers of the reverse sweep.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Sweep<T: Real> {
    pub(crate) layers: Vec<LayerSweep<T>>,
    streams: usize,
    capacity: usize,
}

/// The transposed weights that bring signals down, made once for as long as the weights stay the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Transposed<T: Real> {
    /// Wᵀ and Hᵀ of each layer: `m × (x gates)·n`, empty in the first layer, whose inputs nobody asks about; and `n × (y gates)·n`.
    layers: Vec<(Vec<T>, Vec<T>)>,
    is_current: bool,
}

impl<T: Real> Transposed<T> {
    pub(crate) fn new(network: &Network<T>) -> Self {
        let layers = network.layers.iter().enumerate().map(|(index, layer)| {
            let w = if index == 0 { 0 } else { layer.w_range().len() };
            let h = layer.recurrent().map_or(0, |layer| layer.h_range().len());
            (vec![T::zero(); w], vec![T::zero(); h])
        });
        Self { layers: layers.collect(), is_current: false }
    }

    /// A placeholder.
    pub(crate) fn nothing() -> Self {
        Self { layers: Vec::new(), is_current: false }
    }

    /// The weights have changed.
    pub(crate) fn forget(&mut self) {
        self.is_current = false;
    }

    /// Follows the weights.
    pub(crate) fn update(&mut self, network: &Network<T>) {
        if std::mem::replace(&mut self.is_current, true) {
            return;
        }
        for (layer, (w, h)) in network.layers.iter().zip(&mut self.layers) {
            transpose(&network.parameters[layer.w_range()], layer.x_rows().len(), w);
            if let Layer::Recurrent(layer) = layer {
                transpose(&network.parameters[layer.h_range()], layer.y_rows().len(), h);
            }
        }
    }
}

impl<T: Real> Sweep<T> {
    pub(crate) fn new(network: &Network<T>, streams: usize, capacity: usize) -> Self {
        let zeros = |count: usize| vec![T::zero(); count];
        let layers = network.layers.iter().map(|layer| match layer {
            Layer::Recurrent(layer) => LayerSweep {
                to_state: zeros(layer.states() * layer.units * streams),
                to_output: zeros(layer.units * streams),
                signal: Vec::new(),
            },
            Layer::Dense(_) => LayerSweep::default(),
        });
        let mut sweep = Self { layers: layers.collect(), streams, capacity: 0 };
        sweep.reserve(network, capacity);
        sweep
    }

    /// Makes room for windows of so many steps.
    pub(crate) fn reserve(&mut self, network: &Network<T>, steps: usize) {
        if steps > self.capacity {
            self.capacity = steps;
            for (layer, sweep) in network.layers.iter().zip(&mut self.layers) {
                sweep.signal.resize(layer.units() * steps * self.streams, T::zero());
            }
        }
    }

    /// The readout's learning signal ∂E/∂logits, to be filled in by the loss: `outputs × columns`.
    pub(crate) fn readout_signal(&mut self) -> &mut [T] {
        self.layers.last_mut().map_or(&mut [], |top| &mut top.signal)
    }

    /// δ = ∂E/∂a of a layer, once the sweep has been there.
    pub(crate) fn delta<'a>(&'a self, tape: &'a Tape<T>, index: usize) -> &'a [T] {
        match &tape.layers[index] {
            LayerTape::Recurrent(tape) => &tape.activation,
            LayerTape::Dense(_) => &self.layers[index].signal,
        }
    }

    /// Sweeps back over the window from the learning signals at the readout and leaves δ, and the adjoints of the state that the
    /// window started from.
    pub(crate) fn run(&mut self, network: &Network<T>, transposed: &Transposed<T>, tape: &mut Tape<T>) {
        let width = tape.columns();
        for index in (0..network.layers.len()).rev() {
            let layer = &network.layers[index];
            let (w, h) = &transposed.layers[index];
            let sweep = &mut self.layers[index];
            match (layer, &mut tape.layers[index]) {
                (Layer::Dense(layer), LayerTape::Dense(dense)) => {
                    layer.activation.through(&dense.output, &mut sweep.signal[..width * layer.units]);
                }
                (Layer::Recurrent(layer), LayerTape::Recurrent(recurrent)) => {
                    reverse(layer, h, recurrent, sweep, &tape.goes_on, tape.live, tape.steps);
                }
                _ => unreachable!("tape and network are built together"),
            }
            let Some(below) = index.checked_sub(1) else { return };
            let (m, rows, place) = (layer.inputs(), layer.activations(), layer.x_rows());
            let (lower, upper) = self.layers.split_at_mut(index);
            let signal = &mut lower[below].signal;
            if place.is_empty() {
                signal[..m * width].fill(T::zero());
                continue;
            }
            let delta = match &tape.layers[index] {
                LayerTape::Recurrent(tape) => &tape.activation,
                LayerTape::Dense(_) => &upper[0].signal,
            };
            multiply_shared(
                Into::Replace,
                columns(w, m, place.len(), m),
                plain_operand(&delta[place.start..], place.len(), width, rows),
                columns_mut(signal, m, width, m),
            );
        }
    }
}

/// Writes the transpose of a matrix of `rows` rows. Nothing is written where nobody will read (`to` is empty).
fn transpose<T: Real>(from: &[T], rows: usize, to: &mut [T]) {
    if to.is_empty() {
        return;
    }
    let columns = from.len() / rows;
    // Blocks of 16 × 16, so that neither side strides through the cache.
    for j in (0..columns).step_by(16) {
        for i in (0..rows).step_by(16) {
            for (column, source) in from.chunks_exact(rows).enumerate().skip(j).take(16) {
                for row in i..rows.min(i + 16) {
                    to[row * columns + column] = source[row];
                }
            }
        }
    }
}

/// δ_t for the layer's steps, last first, from the signals above and from later steps.
fn reverse<T: Real>(
    layer: &Recurrent<T>,
    transposed_h: &[T],
    tape: &mut RecurrentTape<T>,
    sweep: &mut LayerSweep<T>,
    goes_on: &[bool],
    live: usize,
    steps: usize,
) {
    let (n, s, g) = (layer.units, layer.states(), layer.gates());
    sweep.to_state[..s * n * live].fill(T::zero());
    sweep.to_output[..n * live].fill(T::zero());
    for step in (0..steps).rev() {
        let first = step * live;
        for b in 0..live {
            let column = first + b;
            layer.dynamics.reverse(ReverseColumn {
                partials: tape.partials.column(column, [n, s, g]),
                goes_on: goes_on[column],
                signal: &sweep.signal[column * n..(column + 1) * n],
                to_state: &mut sweep.to_state[b * s * n..(b + 1) * s * n],
                to_output: &mut sweep.to_output[b * n..(b + 1) * n],
                delta: &mut tape.activation[column * g * n..(column + 1) * g * n],
            });
        }
        if !layer.y_gates.is_empty() {
            // Hᵀδ for all streams; for a stream that was reset it must not flow, so it is taken back out.
            let rows = layer.y_rows();
            multiply_shared(
                Into::Add,
                columns(transposed_h, n, rows.len(), n),
                plain_operand(&tape.activation[first * g * n + rows.start..], rows.len(), live, g * n),
                columns_mut(&mut sweep.to_output, n, live, n),
            );
            for b in (0..live).filter(|b| !goes_on[first + b]) {
                sweep.to_output[b * n..(b + 1) * n].fill(T::zero());
            }
        }
    }
}
