//! The pass over the traces of cells with several state variables, or with filters behind them.

use super::layout::{COLUMNS, LaneTile, Panel, TracedStream};
use super::{AHEAD, Ranges};
use crate::cell::dynamics::MOST_VARIABLES;
use crate::linalg::dispatch::Instructions;
use crate::linalg::real::Real;
use crate::linalg::stored::Stored;
use crate::linalg::tile::{TILE, chunk, chunk_mut};
use crate::linalg::vector::{Lanes, prefetch};

impl<T: Real, V: Stored<T>> LaneTile<'_, T, V> {
    /// Gradient += Σ_v σ_v ε_v summed over streams, ε_v ← Σ_w C_vw ε_w + Σ_t A_v,t z_t.
    #[inline(always)]
    pub(super) fn columns_of_states<I: Instructions, const S: usize, const N: usize>(
        &mut self,
        token: I,
        at: Panel,
        j: usize,
        ranges: &Ranges,
    ) {
        let zero = T::Lanes::<I>::splat(token, T::zero());
        let mut read_out = [zero; N];
        for stream in 0..self.window.active {
            let (fresh, continues) = (self.window.fresh[stream], self.window.continues[stream]);
            let starts: [usize; S] = std::array::from_fn(|v| self.place(v, at, stream) + j * TILE);
            let mut old = [[zero; N]; S];
            for (v, old) in old.iter_mut().enumerate().take(if fresh { 0 } else { S }) {
                let signal = self.plane(self.window.signal, S, v, at.panel, stream);
                let signal = T::Lanes::<I>::load(token, signal);
                for (place, (old, read_out)) in old.iter_mut().zip(&mut read_out).enumerate() {
                    prefetch(self.values, starts[v] + (AHEAD * COLUMNS + place) * TILE);
                    *old = V::load(token, chunk(self.values, starts[v] + place * TILE));
                    *read_out = signal.multiply_add(*old, *read_out);
                }
            }
            for (v, &start) in starts.iter().enumerate().take(if continues { S } else { 0 }) {
                let mut sums = self.sums::<I, N>(token, v, at, TracedStream { stream, fresh }, j, ranges);
                for (w, old) in old.iter().enumerate().take(if fresh { 0 } else { S }) {
                    let factor = self.plane(self.window.jacobian, S * S, v * S + w, at.panel, stream);
                    let factor = T::Lanes::<I>::load(token, factor);
                    for (sum, &old) in sums.iter_mut().zip(old) {
                        *sum = factor.multiply_add(old, *sum);
                    }
                }
                let (values, _) = self.values[start..start + N * TILE].as_chunks_mut::<TILE>();
                for (sum, values) in sums.into_iter().zip(values) {
                    V::store::<I>(sum, values);
                }
            }
        }
        for (place, sum) in read_out.into_iter().enumerate() {
            self.add_to_gradient(token, at, j + place, sum);
        }
    }

    /// The same for one column of a cell with any number of them.
    #[inline(always)]
    pub(super) fn column_of_many_states<I: Instructions>(&mut self, token: I, at: Panel, j: usize, ranges: &Ranges) {
        let states = self.shape.states;
        let mut read_out = T::Lanes::<I>::splat(token, T::zero());
        for stream in 0..self.window.active {
            let (fresh, continues) = (self.window.fresh[stream], self.window.continues[stream]);
            let mut old = [T::Lanes::<I>::splat(token, T::zero()); MOST_VARIABLES];
            if !fresh {
                for (v, old) in old.iter_mut().enumerate().take(states) {
                    *old = V::load(token, chunk(self.values, self.place(v, at, stream) + j * TILE));
                    let signal = self.plane(self.window.signal, states, v, at.panel, stream);
                    read_out = T::Lanes::<I>::load(token, signal).multiply_add(*old, read_out);
                }
            }
            for v in 0..if continues { states } else { 0 } {
                let [mut sum] = self.sums::<I, 1>(token, v, at, TracedStream { stream, fresh }, j, ranges);
                for (w, &old) in old.iter().enumerate().take(if fresh { 0 } else { states }) {
                    let factor = self.plane(self.window.jacobian, states * states, v * states + w, at.panel, stream);
                    sum = T::Lanes::<I>::load(token, factor).multiply_add(old, sum);
                }
                let place = self.place(v, at, stream) + j * TILE;
                V::store::<I>(sum, chunk_mut(self.values, place));
            }
        }
        self.add_to_gradient(token, at, j, read_out);
    }
}
