//! The part of y before the window that does not go through s: an immediate term of the step before.
//!
//! y_{t₀} = f(s_{t₀}, a_{t₀}), so what the window wants of y_{t₀} reaches s_{t₀} through ∂y/∂s (and the trace) and the
//! parameters through ∂y/∂a and z of that very step.

use crate::layer::Recurrent;
use crate::real::Real;
use crate::sweep::{LayerSweep, add_product};
use crate::window::Boundary;

/// Adds δ_{t₀} z_{t₀}ᵀ to the gradient, δ_{t₀} = (∂E/∂y_{t₀})·(∂y_{t₀}/∂a_{t₀}). A stream that was reset before the window's
/// first step wants nothing of y_{t₀}, so nothing flows there.
pub(crate) fn add_immediate<T: Real>(
    layer: &Recurrent<T>,
    boundary: &Boundary<T>,
    sweep: &LayerSweep<T>,
    live: usize,
    gradient: &mut [T],
) {
    let (n, m, gates) = (layer.units, layer.inputs, layer.gates());
    for (g, gate) in layer.dynamics.gates().iter().enumerate().filter(|(_, gate)| gate.drives_output) {
        for b in 0..live {
            let to_y = &sweep.to_output[b * n..(b + 1) * n];
            let dy_da = &boundary.dy_da[(b * gates + g) * n..][..n];
            if let Some(offset) = layer.constants[g] {
                add_product(&mut gradient[offset..offset + n], to_y, dy_da);
            }
            if gate.sums_input {
                let (rows, row) = (layer.x_gates.len() * n, (g - layer.x_gates.start) * n);
                let x = &boundary.inputs[b * m..(b + 1) * m];
                add_outer(&mut gradient[layer.w_range()], rows, row, to_y, dy_da, x);
            }
            if gate.sums_output {
                let (rows, row) = (layer.y_gates.len() * n, (g - layer.y_gates.start) * n);
                let y = &boundary.previous_output[b * n..(b + 1) * n];
                add_outer(&mut gradient[layer.h_range()], rows, row, to_y, dy_da, y);
            }
        }
    }
}

/// matrix[row.., j] += (to_y ⊙ dy_da) z_j.
fn add_outer<T: Real>(matrix: &mut [T], rows: usize, row: usize, to_y: &[T], dy_da: &[T], z: &[T]) {
    for (column, &z) in matrix.chunks_exact_mut(rows).zip(z) {
        for ((sum, &to_y), &dy_da) in column[row..].iter_mut().zip(to_y).zip(dy_da) {
            *sum += to_y * dy_da * z;
        }
    }
}

/// What the window wants of s_{t₀} when y_{t₀} is folded into it: ∂E/∂s at fixed y, plus ∂E/∂y·∂y/∂s. One column, `S·n`.
pub(crate) fn folded_signal<T: Real>(
    layer: &Recurrent<T>,
    boundary: &Boundary<T>,
    sweep: &LayerSweep<T>,
    b: usize,
    to: &mut [T],
) {
    let (n, rows) = (layer.units, layer.states() * layer.units);
    to.copy_from_slice(&sweep.to_state[b * rows..(b + 1) * rows]);
    for (v, plane) in to.chunks_exact_mut(n).enumerate() {
        add_product(plane, &sweep.to_output[b * n..(b + 1) * n], &boundary.dy_ds[b * rows + v * n..][..n]);
    }
}
