//! νᵀ Σ_t A_t ⊗ z_t: a reverse sweep through a window from ν at its end, and no learning signal.
//!
//! δ stays in rooms of its own; of the window's tape only what the forward pass left is read.

use super::{Product, UoroLayer};
use crate::cell::dynamics::ReverseColumn;
use crate::linalg::dot::dot;
use crate::linalg::product::{Into, columns, columns_mut, multiply};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};
use crate::tape::{LayerTape, RecurrentTape, Tape};

impl<T: Real> Product<T> {
    /// δ of every step for the stream at place `b` of the tape.
    pub(super) fn pull(&mut self, layers: &[UoroLayer], network: &Network<T>, tape: &Tape<T>, b: usize) {
        for (at, room) in layers.iter().zip(&mut self.layers) {
            room.to_state.copy_from_slice(&self.signs[at.state.clone()]);
            room.to_output.fill(T::zero());
            room.to_output[..at.output.len()].copy_from_slice(&self.signs[at.output.clone()]);
        }
        for step in (0..tape.steps).rev() {
            let column = step * tape.live + b;
            if let Some(top) = self.layers.last_mut() {
                top.from_above.fill(T::zero());
            }
            for (place, at) in layers.iter().enumerate().rev() {
                let (lower, rest) = self.layers.split_at_mut(place);
                let room = &mut rest[0];
                let layer = &network.layers[at.index];
                let rows = layer.activations();
                let delta = &mut room.delta[step * rows..(step + 1) * rows];
                match (layer, &tape.layers[at.index]) {
                    (Layer::Recurrent(layer), LayerTape::Recurrent(recurrent)) => {
                        let goes_on = tape.goes_on[column];
                        let adjoints = (&mut room.to_state[..], &mut room.to_output[..]);
                        reverse(layer, &network.parameters, recurrent, column, goes_on, &room.from_above, adjoints, delta);
                    }
                    (Layer::Dense(layer), LayerTape::Dense(dense)) => {
                        let outputs = &dense.output[column * layer.units..];
                        for ((delta, &adjoint), &y) in delta.iter_mut().zip(&room.from_above).zip(outputs) {
                            *delta = adjoint * layer.activation.derivative(y);
                        }
                    }
                    _ => unreachable!("tape and network are built together"),
                }
                if let Some(below) = lower.last_mut() {
                    below.from_above.fill(T::zero());
                    add_transposed(&network.parameters[layer.w_range()], &delta[layer.x_rows()], &mut below.from_above);
                }
            }
        }
    }

    /// ‖Σ_t δ_t z_tᵀ‖, from the scalar products of steps: Σ (δ_t·δ_u)(z_t·z_u).
    pub(super) fn pulled_norm(&self, layers: &[UoroLayer], tape: &Tape<T>, b: usize, ones: &[T]) -> T {
        let mut sum = T::zero();
        for (at, room) in layers.iter().zip(&self.layers) {
            let all = room.activation.len();
            for block in &at.blocks {
                let delta = |step: usize| &room.delta[step * all..][block.rows.clone()];
                let z = |step: usize| block.signal_at(tape, b, ones, at.index, step);
                for t in 0..tape.steps {
                    for u in 0..t {
                        let twice = dot(delta(t), delta(u)) * dot(z(t), z(u));
                        sum += twice + twice;
                    }
                    sum += dot(delta(t), delta(t)) * dot(z(t), z(t));
                }
            }
        }
        sum.at_least(T::zero()).sqrt()
    }

    /// θ̂ += scale · Σ_t δ_t z_tᵀ; δ is scaled for good.
    pub(super) fn add_pulled(&mut self, layers: &[UoroLayer], tape: &Tape<T>, b: usize, ones: &[T], scale: T) {
        for (at, room) in layers.iter().zip(&mut self.layers) {
            let (all, steps) = (room.activation.len(), tape.steps);
            room.delta[..all * steps].iter_mut().for_each(|delta| *delta *= scale);
            for block in &at.blocks {
                let rows = block.rows.len();
                multiply(
                    Into::Add,
                    columns(&room.delta[block.rows.start..], rows, steps, all),
                    block.signal_of(tape, b, ones, at.index, 0, block.columns),
                    columns_mut(&mut self.parameters[block.gradient.clone()], rows, block.columns, rows),
                );
            }
        }
    }
}

/// One step back through a recurrent layer: δ of the step, and the adjoints of the step before.
#[allow(clippy::too_many_arguments, reason = "one column of one layer's tape, and its adjoints")]
fn reverse<T: Real>(
    layer: &Recurrent<T>,
    parameters: &[T],
    tape: &RecurrentTape<T>,
    column: usize,
    goes_on: bool,
    signal: &[T],
    (to_state, to_output): (&mut [T], &mut [T]),
    delta: &mut [T],
) {
    let partials = tape.partials.column(column, [layer.units, layer.states(), layer.gates()]);
    let step = ReverseColumn { partials, goes_on, signal, to_state, to_output: &mut *to_output, delta: &mut *delta };
    layer.dynamics.reverse(step);
    if goes_on && !layer.y_gates.is_empty() {
        add_transposed(&parameters[layer.h_range()], &delta[layer.y_rows()], to_output);
    }
}

/// x += Wᵀ δ.
fn add_transposed<T: Real>(weights: &[T], delta: &[T], x: &mut [T]) {
    if !delta.is_empty() {
        for (x, column) in x.iter_mut().zip(weights.chunks_exact(delta.len())) {
            *x += dot(column, delta);
        }
    }
}
