//! The reverse sweep over one window: δ_t = ∂E/∂a_t for its steps, the spatial part Σ_t δ_t z_tᵀ of equation (1), and what the
//! window's error wants of the state it started from.

use serde::{Deserialize, Serialize};

use crate::kernel::product::{Into, columns, columns_mut, multiply_shared, plain_operand, transposed_operand};
use crate::layer::{Dense, Layer, Recurrent};
use crate::network::Network;
use crate::real::Real;
use crate::window::{LayerTape, RecurrentTape, Tape};

/// Adjoints of one layer's carried values, and the transposed weights that bring signals down.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct LayerSweep<T: Real> {
    /// ∂E/∂s before the window's first step, at fixed y: `S·n × live`.
    pub(crate) to_state: Vec<T>,
    /// ∂E/∂y before the window's first step: `n × live`.
    pub(crate) to_output: Vec<T>,
    /// ∂E/∂y of the layer as the layers above send it: `n × columns`.
    pub(crate) signal: Vec<T>,
    /// Wᵀ: `m × (x gates)·n`; empty in the first layer, whose inputs nobody asks about.
    transposed_w: Vec<T>,
    /// Hᵀ: `n × (y gates)·n`.
    pub(crate) transposed_h: Vec<T>,
    /// Total adjoint of s at the step at hand, one column: `S·n`.
    column: Vec<T>,
}

/// Buffers of the reverse sweep.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Sweep<T: Real> {
    pub(crate) layers: Vec<LayerSweep<T>>,
    streams: usize,
    capacity: usize,
}

impl<T: Real> Sweep<T> {
    pub(crate) fn new(network: &Network<T>, streams: usize, capacity: usize) -> Self {
        let layers = network.layers.iter().enumerate().map(|(index, layer)| {
            let zeros = |count: usize| vec![T::zero(); count];
            let w = if index == 0 { 0 } else { layer.inputs() };
            match layer {
                Layer::Recurrent(layer) => LayerSweep {
                    to_state: zeros(layer.states() * layer.units * streams),
                    to_output: zeros(layer.units * streams),
                    signal: Vec::new(),
                    transposed_w: zeros(w * layer.x_gates.len() * layer.units),
                    transposed_h: zeros(layer.h_range().len()),
                    column: zeros(layer.states() * layer.units),
                },
                Layer::Dense(layer) => LayerSweep { transposed_w: zeros(w * layer.units), ..LayerSweep::default() },
            }
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

    /// Sweeps back over the window from the learning signals at the readout, adds Σ_t δ_t z_tᵀ to the gradient and leaves the
    /// adjoints of the state the window started from.
    pub(crate) fn run(&mut self, network: &Network<T>, tape: &mut Tape<T>, gradient: &mut [T]) {
        for index in (0..network.layers.len()).rev() {
            let width = tape.columns();
            let layer = &network.layers[index];
            let (lower, rest) = self.layers.split_at_mut(index);
            let sweep = &mut rest[0];
            match (layer, &mut tape.layers[index]) {
                (Layer::Dense(layer), LayerTape::Dense(dense)) => {
                    let used = width * layer.units;
                    for ((delta, &y), &signal) in dense.delta[..used].iter_mut().zip(&dense.output).zip(&sweep.signal) {
                        *delta = signal * layer.activation.derivative(y);
                    }
                }
                (Layer::Recurrent(layer), LayerTape::Recurrent(recurrent)) => {
                    transpose(&network.parameters[layer.h_range()], layer.y_rows().len(), &mut sweep.transposed_h);
                    reverse(layer, recurrent, sweep, &tape.goes_on, tape.live, tape.steps);
                }
                _ => unreachable!("tape and network are built together"),
            }
            accumulate(layer, tape, index, gradient);
            if let Some(below) = lower.last_mut() {
                let (rows, place, w) = match layer {
                    Layer::Dense(layer) => (layer.units, 0..layer.units, layer.w_range()),
                    Layer::Recurrent(layer) => (layer.gates() * layer.units, layer.x_rows(), layer.w_range()),
                };
                let (m, summed) = (layer.inputs(), place.len());
                transpose(&network.parameters[w], summed, &mut sweep.transposed_w);
                if summed == 0 {
                    below.signal[..m * width].fill(T::zero());
                    continue;
                }
                multiply_shared(
                    Into::Replace,
                    columns(&sweep.transposed_w, m, summed, m),
                    plain_operand(&tape.layers[index].delta()[place.start..], summed, width, rows),
                    columns_mut(&mut below.signal, m, width, m),
                );
            }
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

/// x += y ⊙ z.
#[inline(always)]
pub(crate) fn add_product<T: Real>(x: &mut [T], y: &[T], z: &[T]) {
    for ((x, &y), &z) in x.iter_mut().zip(y).zip(z) {
        *x += y * z;
    }
}

/// x = y ⊙ z.
#[inline(always)]
pub(crate) fn set_product<T: Real>(x: &mut [T], y: &[T], z: &[T]) {
    for ((x, &y), &z) in x.iter_mut().zip(y).zip(z) {
        *x = y * z;
    }
}

/// δ_t for the layer's steps, last first, from the signals above and from later steps.
fn reverse<T: Real>(
    layer: &Recurrent<T>,
    tape: &mut RecurrentTape<T>,
    sweep: &mut LayerSweep<T>,
    goes_on: &[bool],
    live: usize,
    steps: usize,
) {
    let (n, s, g) = (layer.units, layer.states(), layer.gates());
    let resets = layer.dynamics.resets();
    let gates = layer.dynamics.gates();
    let partials = &tape.partials;
    sweep.to_state[..s * n * live].fill(T::zero());
    sweep.to_output[..n * live].fill(T::zero());
    for step in (0..steps).rev() {
        let first = step * live;
        for b in 0..live {
            let at = (first + b) * n;
            let to_y = &mut sweep.to_output[b * n..(b + 1) * n];
            for (y, &signal) in to_y.iter_mut().zip(&sweep.signal[at..at + n]) {
                *y += signal;
            }
            let to_s = &mut sweep.column;
            to_s.copy_from_slice(&sweep.to_state[b * s * n..(b + 1) * s * n]);
            for (v, to_s) in to_s.chunks_exact_mut(n).enumerate() {
                add_product(to_s, to_y, &partials.dy_ds[at * s + v * n..][..n]);
            }
            for (k, gate) in gates.iter().enumerate() {
                let delta = &mut tape.activation[at * g + k * n..][..n];
                if gate.drives_output {
                    set_product(delta, to_y, &partials.dy_da[at * g + k * n..][..n]);
                } else {
                    delta.fill(T::zero());
                }
                if gate.drives_state {
                    for (v, to_s) in to_s.chunks_exact(n).enumerate() {
                        add_product(delta, to_s, &partials.ds_da[at * s * g + (v * g + k) * n..][..n]);
                    }
                }
            }
            to_y.fill(T::zero());
            let to_previous = &mut sweep.to_state[b * s * n..(b + 1) * s * n];
            to_previous.fill(T::zero());
            if goes_on[first + b] {
                for (v, to_s) in to_s.chunks_exact(n).enumerate() {
                    for (w, to_previous) in to_previous.chunks_exact_mut(n).enumerate() {
                        add_product(to_previous, to_s, &partials.ds_ds[at * s * s + (v * s + w) * n..][..n]);
                    }
                    if resets {
                        add_product(to_y, to_s, &partials.ds_dy[at * s + v * n..][..n]);
                    }
                }
            }
        }
        if !layer.y_gates.is_empty() {
            // Hᵀδ for all streams; for a stream that was reset it must not flow, so it is taken back out.
            let rows = layer.y_rows();
            multiply_shared(
                Into::Add,
                columns(&sweep.transposed_h, n, rows.len(), n),
                plain_operand(&tape.activation[first * g * n + rows.start..], rows.len(), live, g * n),
                columns_mut(&mut sweep.to_output, n, live, n),
            );
            for b in (0..live).filter(|b| !goes_on[first + b]) {
                sweep.to_output[b * n..(b + 1) * n].fill(T::zero());
            }
        }
    }
}

/// gradient += Σ_t δ_t z_tᵀ for one layer: matrix products of inner size (steps × streams).
fn accumulate<T: Real>(layer: &Layer<T>, tape: &Tape<T>, index: usize, gradient: &mut [T]) {
    let width = tape.columns();
    let below = tape.below(index);
    let delta = tape.layers[index].delta();
    match (layer, &tape.layers[index]) {
        (Layer::Recurrent(layer), LayerTape::Recurrent(recurrent)) => {
            let (n, m, g) = (layer.units, layer.inputs, layer.gates());
            if !layer.x_gates.is_empty() {
                add_outer(
                    &delta[layer.x_rows().start..],
                    layer.x_rows().len(),
                    g * n,
                    below,
                    m,
                    width,
                    &mut gradient[layer.w_range()],
                );
            }
            if !layer.y_gates.is_empty() {
                let previous = &recurrent.previous_output;
                add_outer(
                    &delta[layer.y_rows().start..],
                    layer.y_rows().len(),
                    g * n,
                    previous,
                    n,
                    width,
                    &mut gradient[layer.h_range()],
                );
            }
            for (k, offset) in layer.constants.iter().enumerate() {
                if let Some(offset) = *offset {
                    let sums = &mut gradient[offset..offset + n];
                    for column in delta[..width * g * n].chunks_exact(g * n) {
                        add(sums, &column[k * n..(k + 1) * n]);
                    }
                }
            }
        }
        (Layer::Dense(Dense { inputs, units, .. }), _) => {
            let Layer::Dense(dense) = layer else { return };
            add_outer(delta, *units, *units, below, *inputs, width, &mut gradient[dense.w_range()]);
            for column in delta[..width * units].chunks_exact(*units) {
                add(&mut gradient[dense.b_range()], column);
            }
        }
        _ => unreachable!("tape and network are built together"),
    }
}

/// x += y.
#[inline(always)]
pub(crate) fn add<T: Real>(x: &mut [T], y: &[T]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// sum += Σ over columns of left column ⊗ right column.
#[allow(clippy::too_many_arguments, reason = "two operands with their shapes, and where the sum goes")]
fn add_outer<T: Real>(
    left: &[T],
    rows: usize,
    left_stride: usize,
    right: &[T],
    right_rows: usize,
    width: usize,
    sum: &mut [T],
) {
    multiply_shared(
        Into::Add,
        columns(left, rows, width, left_stride),
        transposed_operand(right, width, right_rows, right_rows),
        columns_mut(sum, rows, right_rows, rows),
    );
}
