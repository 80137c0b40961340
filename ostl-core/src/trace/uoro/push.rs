//! J v̂: tangents of the carried variables, taken forward through a window by its own partials.

use super::{Product, Room, UoroLayer};
use crate::linalg::product::{Assignment, columns, columns_mut, multiply, plain_operand};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::Recurrent;
use crate::tape::{LayerOnTape, RecurrentTape, Tape};

impl<T: Real> Product<T> {
    /// v̂ ← J v̂ for the stream at place `b` of the tape.
    pub(super) fn push(&mut self, layers: &[UoroLayer], network: &Network<T>, tape: &Tape<T>, b: usize) {
        for step in 0..tape.steps {
            let column = step * tape.active + b;
            for (place, at) in layers.iter().enumerate() {
                let (lower, rest) = self.layers.split_at_mut(place);
                let (below, room) = (lower.last().map(|room| room.output.as_slice()), &mut rest[0]);
                match LayerOnTape::new(&network.layers[at.index], &tape.layers[at.index]) {
                    LayerOnTape::Recurrent(layer, recurrent) => {
                        if !tape.not_reset[column] {
                            self.variables[at.state.start..at.output.end].fill(T::zero());
                        }
                        let (state, output) = self.variables[at.state.start..at.output.end].split_at_mut(at.state.len());
                        room.recurrent(layer, &network.parameters, recurrent, column, below, Carried { state, output });
                    }
                    LayerOnTape::Dense(layer, dense) => {
                        let (n, m) = (layer.units, layer.inputs);
                        let weights = &network.parameters[layer.w_range()];
                        affine(weights, n, m, below, Assignment::Replace, &mut room.output);
                        for (tangent, &y) in room.output.iter_mut().zip(&dense.output[column * n..]) {
                            *tangent *= layer.activation.derivative(y);
                        }
                    }
                }
            }
        }
    }
}

/// a = W x or a += W x, where the tangent of the network's inputs (no x) is zero.
fn affine<T: Real>(weights: &[T], rows: usize, inputs: usize, x: Option<&[T]>, assign: Assignment, a: &mut [T]) {
    match x {
        Some(x) if rows > 0 => multiply(
            assign,
            columns(weights, rows, inputs, rows),
            plain_operand(x, inputs, 1, inputs),
            columns_mut(a, rows, 1, rows),
        ),
        _ if assign == Assignment::Replace => a.fill(T::zero()),
        _ => {}
    }
}

/// Tangents of the variables that a layer carries.
struct Carried<'a, T> {
    state: &'a mut [T],
    /// Empty where y is not carried.
    output: &'a mut [T],
}

impl<T: Real> Room<T> {
    /// One step of a recurrent layer: s and (where it is carried) y move on, and y is left for the layer above.
    fn recurrent(
        &mut self,
        layer: &Recurrent<T>,
        parameters: &[T],
        tape: &RecurrentTape<T>,
        column: usize,
        below: Option<&[T]>,
        Carried { state, output }: Carried<'_, T>,
    ) {
        let (n, s, g) = (layer.units, layer.states(), layer.gates());
        let partials = tape.partials.column(column, [n, s, g]);
        self.activation.fill(T::zero());
        let rows = layer.x_rows();
        let weights = &parameters[layer.w_range()];
        affine(weights, rows.len(), layer.inputs, below, Assignment::Add, &mut self.activation[rows.clone()]);
        let rows = layer.y_rows();
        let previous = Some(&*output).filter(|output| !output.is_empty());
        affine(&parameters[layer.h_range()], rows.len(), n, previous, Assignment::Add, &mut self.activation[rows.clone()]);
        self.state.fill(T::zero());
        for (v, next) in self.state.chunks_exact_mut(n).enumerate() {
            for (w, previous) in state.chunks_exact(n).enumerate() {
                add_product(next, &partials.ds_ds[(v * s + w) * n..], previous);
            }
            if layer.dynamics.resets() {
                add_product(next, &partials.ds_dy[v * n..], output);
            }
            for (k, a) in
                self.activation.chunks_exact(n).enumerate().filter(|&(k, _)| layer.dynamics.gates()[k].drives_state)
            {
                add_product(next, &partials.ds_da[(v * g + k) * n..], a);
            }
        }
        self.output.fill(T::zero());
        for (v, state) in self.state.chunks_exact(n).enumerate() {
            add_product(&mut self.output, &partials.dy_ds[v * n..], state);
        }
        for (k, a) in self.activation.chunks_exact(n).enumerate().filter(|&(k, _)| layer.dynamics.gates()[k].drives_output) {
            add_product(&mut self.output, &partials.dy_da[k * n..], a);
        }
        state.copy_from_slice(&self.state);
        output.iter_mut().zip(&self.output).for_each(|(output, &moved)| *output = moved);
    }
}

/// x += y ⊙ z.
fn add_product<T: Real>(x: &mut [T], y: &[T], z: &[T]) {
    for ((x, &y), &z) in x.iter_mut().zip(y).zip(z) {
        *x += y * z;
    }
}
