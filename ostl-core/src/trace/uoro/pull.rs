//! νᵀ Σ_t A_t ⊗ z_t: a reverse sweep through a window from ν at its end, and no learning signal.
//!
//! δ stays in rooms of its own; of the window's tape only what the forward pass left is read.

use super::{PlacedBlock, Product, UoroLayer};
use crate::linalg::dot::dot;
use crate::linalg::product::{Assignment, columns, columns_mut, multiply};
use crate::linalg::real::Real;
use crate::sweep::{StreamWalk, ThroughH};
use crate::trace::influence::StreamTape;

impl<T: Real> Product<T> {
    /// δ of every step for the walk's stream.
    pub(super) fn pull(&mut self, layers: &[UoroLayer], walk: &StreamWalk<'_, T>) {
        for (at, adjoints) in layers.iter().zip(&mut self.adjoints) {
            adjoints.clear();
            adjoints.to_state.copy_from_slice(&self.signs[at.state.clone()]);
            adjoints.to_output[..at.output.len()].copy_from_slice(&self.signs[at.output.clone()]);
        }
        for step in (0..walk.tape.steps).rev() {
            walk.step(step, ThroughH::All, &mut self.adjoints);
            for (room, adjoints) in self.layers.iter_mut().zip(&self.adjoints) {
                let rows = adjoints.delta.len();
                room.delta[step * rows..(step + 1) * rows].copy_from_slice(&adjoints.delta);
            }
        }
    }

    /// ‖Σ_t δ_t z_tᵀ‖, from the scalar products of steps: Σ (δ_t·δ_u)(z_t·z_u).
    pub(super) fn pulled_norm(&self, layers: &[UoroLayer], stream: StreamTape<'_, T>) -> T {
        let mut sum = T::zero();
        for (at, room) in layers.iter().zip(&self.layers) {
            let all = room.activation.len();
            for PlacedBlock { block, .. } in &at.blocks {
                let delta = |step: usize| &room.delta[step * all..][block.rows.clone()];
                let z = |step: usize| block.signal_at(stream, at.index, step);
                for t in 0..stream.tape.steps {
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
    pub(super) fn add_pulled(&mut self, layers: &[UoroLayer], stream: StreamTape<'_, T>, scale: T) {
        for (at, room) in layers.iter().zip(&mut self.layers) {
            let (all, steps) = (room.activation.len(), stream.tape.steps);
            room.delta[..all * steps].iter_mut().for_each(|delta| *delta *= scale);
            for PlacedBlock { block, place } in &at.blocks {
                let rows = block.rows.len();
                multiply(
                    Assignment::Add,
                    columns(&room.delta[block.rows.start..], rows, steps, all),
                    block.signal_of(stream, at.index, 0..block.columns),
                    columns_mut(&mut self.parameters[place.clone()], rows, block.columns, rows),
                );
            }
        }
    }
}
