//! The walk back through time that every reverse sweep is: one step of one layer, for N adjoint columns side by side.
//!
//! ```text
//! δ_t = adjoint of a_t, from those of s_t and y_t;  those of s_{t-1} and y_{t-1} inside the units      (the cell's kernel)
//! adjoint of y_{t-1} += Hᵀ δ_t,   adjoint of the layer below's y_t = Wᵀ δ_t                              (products)
//! ```
//!
//! The window's own sweep has one column per stream, each with the partials of its stream, and takes a layer through all steps before it goes
//! down ([`Sweep::run`](super::Sweep::run)). The adjoints for traces are of a single stream, whose partials all columns share: a column for each
//! carried variable at the window's end, or a single column of random signs. They go down at every step ([`StreamWalk`]), so that the
//! signals between layers take room for one step of these columns, not for K.

use crate::cell::dynamics::ReverseColumn;
use crate::linalg::product::Assignment;
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};
use crate::sweep::Transposed;
use crate::sweep::transposed::ThroughH;
use crate::sweep::turned::{Right, Turned};
use crate::tape::{LayerOnTape, PartialPlanes, Tape};

/// A recurrent layer on its way back.
pub(super) struct Walk<'a, T: Real> {
    pub(super) layer: &'a Recurrent<T>,
    pub(super) partials: &'a PartialPlanes<T>,
    /// Whether a column of the tape went on from the step before.
    pub(super) not_reset: &'a [bool],
    /// Hᵀ, `n × (y gates)·n`.
    pub(super) transposed_h: Turned<'a, T>,
}

/// Which columns of the tape the adjoint columns of a step belong to.
#[derive(Clone, Copy)]
pub(super) enum TapeColumns {
    /// One each, from this one on.
    From(usize),
    /// The same for all.
    Shared(usize),
}

/// N adjoint columns at one step.
pub(super) struct StepAdjoints<'a, T> {
    /// Of s_t as later steps send it; becomes that of s_{t-1}: `S·n × N`.
    pub(super) to_state: &'a mut [T],
    /// Of y_t as later steps send it; becomes that of y_{t-1}: `n × N`.
    pub(super) to_output: &'a mut [T],
    /// Of y_t as the layers above send it: `n × N`.
    pub(super) signal: &'a [T],
    /// δ_t, left here: `G·n × N`.
    pub(super) delta: &'a mut [T],
}

impl TapeColumns {
    fn of(self, index: usize) -> usize {
        match self {
            TapeColumns::From(first) => first + index,
            TapeColumns::Shared(column) => column,
        }
    }
}

impl<T: Real> Walk<'_, T> {
    /// One step back.
    pub(super) fn step(&self, at: TapeColumns, through_h: ThroughH, adjoints: StepAdjoints<'_, T>) {
        let Self { layer, partials, not_reset, transposed_h } = *self;
        let StepAdjoints { to_state, to_output, signal, delta } = adjoints;
        let (n, s, g) = (layer.units, layer.states(), layer.gates());
        let count = to_output.len() / n;
        for index in 0..count {
            let column = at.of(index);
            let mut units = 0..n;
            if through_h == ThroughH::OwnUnit {
                // Only the tile of that unit has anything to say.
                let first = index % n / TILE * TILE;
                units = first..n.min(first + TILE);
                delta[index * g * n..(index + 1) * g * n].fill(T::zero());
            }
            layer.dynamics.reverse(ReverseColumn {
                units,
                partials: partials.column(column, [n, s, g]),
                not_reset: not_reset[column],
                signal: &signal[index * n..(index + 1) * n],
                to_state: &mut to_state[index * s * n..(index + 1) * s * n],
                to_output: &mut to_output[index * n..(index + 1) * n],
                delta: &mut delta[index * g * n..(index + 1) * g * n],
            });
        }
        if layer.y_gates.is_empty() {
            return;
        }
        // Hᵀδ for all columns; where the stream was reset it must not flow, so it is taken back out.
        let rows = layer.y_rows();
        let delta = &delta[rows.start..];
        match through_h {
            ThroughH::All => {
                let delta = Right { values: delta, rows: rows.len(), stride: g * n, count };
                transposed_h.multiply(Assignment::Add, delta, to_output);
            }
            ThroughH::OwnUnit => {
                for (index, to_output) in to_output.chunks_exact_mut(n).enumerate() {
                    for row in (index % n..rows.len()).step_by(n) {
                        transposed_h.add_column(row, rows.len(), delta[index * g * n + row], to_output);
                    }
                }
            }
            ThroughH::Itself => {
                for (index, to_output) in to_output.chunks_exact_mut(n).enumerate() {
                    for row in 0..rows.len() {
                        let own = transposed_h.at(row % n, row, [n, rows.len()]);
                        to_output[row % n] += own * delta[index * g * n + row];
                    }
                }
            }
            ThroughH::None => {}
        }
        for index in (0..count).filter(|&index| !not_reset[at.of(index)]) {
            to_output[index * n..(index + 1) * n].fill(T::zero());
        }
    }
}

/// The signal for the layer below, `m × N`: Wᵀδ, or what stands in Wᵀ's place times δ, the δ of the layer `from`.
pub(super) fn send_down<T: Real>(down: Turned<'_, T>, from: &Layer<T>, delta: &[T], signal: &mut [T]) {
    let (rows, stride) = (from.x_rows(), from.activations());
    if rows.is_empty() || signal.is_empty() {
        return signal.fill(T::zero());
    }
    let count = signal.len() / (down.len() / rows.len());
    let delta = Right { values: &delta[rows.start..], rows: rows.len(), stride, count };
    down.multiply(Assignment::Replace, delta, signal);
}

/// One stream's adjoint columns in one layer, at the step at hand.
#[derive(Clone, Debug)]
pub(crate) struct LayerAdjoints<T: Real> {
    /// Of s: `S·n × columns`.
    pub(crate) to_state: Vec<T>,
    /// Of y, from later steps: `n × columns`; empty for a stateless layer.
    pub(crate) to_output: Vec<T>,
    /// Of y, from the layer above: `n × columns`.
    signal: Vec<T>,
    /// Of a: `G·n × columns`.
    pub(crate) delta: Vec<T>,
}

impl<T: Real> LayerAdjoints<T> {
    pub(crate) fn new(layer: &Layer<T>, columns: usize) -> Self {
        let zeros = |rows: usize| vec![T::zero(); rows * columns];
        let (s, y) = layer.recurrent().map_or((0, 0), |layer| (layer.states() * layer.units, layer.units));
        Self { to_state: zeros(s), to_output: zeros(y), signal: zeros(layer.units()), delta: zeros(layer.activations()) }
    }

    /// Adjoints of zero.
    pub(crate) fn clear(&mut self) {
        self.to_state.fill(T::zero());
        self.to_output.fill(T::zero());
        self.signal.fill(T::zero());
    }
}

/// The walk of one stream back through a run of layers, step by step.
pub(crate) struct StreamWalk<'a, T: Real> {
    pub(crate) network: &'a Network<T>,
    pub(crate) transposed: &'a Transposed<T>,
    pub(crate) tape: &'a Tape<T>,
    /// The stream's place on the tape.
    pub(crate) stream: usize,
    /// The lowest of the layers.
    pub(crate) first_layer: usize,
}

impl<T: Real> StreamWalk<'_, T> {
    /// One step back through all layers, the topmost first. A lower layer's columns end with those of the layer above; it may have more,
    /// which no signal from above reaches. `at_top` says how far the topmost layer's δ reaches through H.
    pub(crate) fn step(&self, step: usize, at_top: ThroughH, layers: &mut [LayerAdjoints<T>]) {
        let Self { network, transposed, tape, stream, first_layer } = *self;
        let column = step * tape.active + stream;
        for place in (0..layers.len()).rev() {
            let index = first_layer + place;
            let through_h = if place + 1 == layers.len() { at_top } else { ThroughH::All };
            let (lower, rest) = layers.split_at_mut(place);
            let LayerAdjoints { to_state, to_output, signal, delta } = &mut rest[0];
            let layer = &network.layers[index];
            let (down, h) = (transposed.down(network, index), transposed.h(network, index));
            match LayerOnTape::new(layer, &tape.layers[index]) {
                LayerOnTape::Recurrent(layer, recurrent) => {
                    let walk = Walk { layer, partials: &recurrent.partials, not_reset: &tape.not_reset, transposed_h: h };
                    walk.step(TapeColumns::Shared(column), through_h, StepAdjoints { to_state, to_output, signal, delta });
                }
                LayerOnTape::Dense(layer, dense) => {
                    let outputs = &dense.output[column * layer.units..(column + 1) * layer.units];
                    delta.copy_from_slice(signal);
                    delta.chunks_exact_mut(layer.units).for_each(|delta| layer.activation.through(outputs, delta));
                }
            }
            if let Some(below) = lower.last_mut() {
                let m = layer.inputs();
                let all = below.signal.len();
                let signal = &mut below.signal[all - delta.len() / layer.activations() * m..];
                send_down(down, layer, delta, signal);
                if let Some(masks) = tape.masks(index) {
                    let mask = &masks[column * m..(column + 1) * m];
                    for signal in signal.chunks_exact_mut(m) {
                        signal.iter_mut().zip(mask).for_each(|(signal, &mask)| *signal *= mask);
                    }
                }
            }
        }
    }
}
