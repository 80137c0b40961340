//! The pass over the traces of cells with several state variables, or with filters behind them.

use super::layout::COLUMNS;
use super::terms::{Terms, TracedStream};
use super::{AHEAD, Target};
use crate::cell::dynamics::MOST_VARIABLES;
use crate::linalg::dispatch::Instructions;
use crate::linalg::real::Real;
use crate::linalg::stored::Stored;
use crate::linalg::tile::{TILE, chunk, chunk_mut};
use crate::linalg::vector::{Lanes, prefetch_place};

/// The columns of a panel of units with `S` variables, `N` at a time.
#[inline(always)]
pub(super) fn panel_of_states<T: Real, V: Stored<T>, I: Instructions, const S: usize, const N: usize>(
    token: I,
    terms: Terms<'_, T>,
    values: &mut [V],
    target: &mut Target<'_, T>,
    columns: usize,
) {
    let whole = columns / N * N;
    for j in (0..whole).step_by(N) {
        columns_of_states::<T, V, I, S, N>(token, terms, values, target, j);
    }
    for j in whole..columns {
        columns_of_states::<T, V, I, S, 1>(token, terms, values, target, j);
    }
}

/// Gradient += Σ_v σ_v ε_v summed over streams, ε_v ← Σ_w C_vw ε_w + Σ_t A_v,t z_t.
#[inline(always)]
fn columns_of_states<T: Real, V: Stored<T>, I: Instructions, const S: usize, const N: usize>(
    token: I,
    terms: Terms<'_, T>,
    values: &mut [V],
    target: &mut Target<'_, T>,
    j: usize,
) {
    let (window, at) = (terms.window, target.at);
    let zero = T::Lanes::<I>::splat(token, T::zero());
    let mut read_out = [zero; N];
    for (stream, (&fresh, &continues)) in window.fresh.iter().zip(window.continues).enumerate() {
        let starts: [usize; S] = std::array::from_fn(|v| terms.place(v, at, stream) + j * TILE);
        let mut old = [[zero; N]; S];
        for (v, old) in old.iter_mut().enumerate().take(if fresh { 0 } else { S }) {
            let signal = T::Lanes::<I>::load(token, terms.plane(window.signal, S, v, at.panel, stream));
            for (place, (old, read_out)) in old.iter_mut().zip(&mut read_out).enumerate() {
                prefetch_place(values.as_ptr().wrapping_add(starts[v] + (AHEAD * COLUMNS + place) * TILE));
                *old = V::load(token, chunk(values, starts[v] + place * TILE));
                *read_out = signal.multiply_add(*old, *read_out);
            }
        }
        for (v, &start) in starts.iter().enumerate().take(if continues { S } else { 0 }) {
            let mut sums = terms.sums::<I, N>(token, v, at, TracedStream { stream, fresh }, j);
            for (w, old) in old.iter().enumerate().take(if fresh { 0 } else { S }) {
                let factor = terms.plane(window.jacobian, S * S, v * S + w, at.panel, stream);
                let factor = T::Lanes::<I>::load(token, factor);
                for (sum, &old) in sums.iter_mut().zip(old) {
                    *sum = factor.multiply_add(old, *sum);
                }
            }
            let (values, _) = values[start..start + N * TILE].as_chunks_mut::<TILE>();
            sums.into_iter().zip(values).for_each(|(sum, values)| V::store::<I>(sum, values));
        }
    }
    for (place, sum) in read_out.into_iter().enumerate() {
        target.add(token, j + place, sum);
    }
}

/// The same for one column of a cell with any number of them.
#[inline(always)]
pub(super) fn column<T: Real, V: Stored<T>, I: Instructions>(
    token: I,
    terms: Terms<'_, T>,
    values: &mut [V],
    target: &mut Target<'_, T>,
    j: usize,
) {
    let (window, at, states) = (terms.window, target.at, target.shape.states);
    let mut read_out = T::Lanes::<I>::splat(token, T::zero());
    for (stream, (&fresh, &continues)) in window.fresh.iter().zip(window.continues).enumerate() {
        let mut old = [T::Lanes::<I>::splat(token, T::zero()); MOST_VARIABLES];
        if !fresh {
            for (v, old) in old.iter_mut().enumerate().take(states) {
                *old = V::load(token, chunk(values, terms.place(v, at, stream) + j * TILE));
                let signal = terms.plane(window.signal, states, v, at.panel, stream);
                read_out = T::Lanes::<I>::load(token, signal).multiply_add(*old, read_out);
            }
        }
        for v in 0..if continues { states } else { 0 } {
            let [mut sum] = terms.sums::<I, 1>(token, v, at, TracedStream { stream, fresh }, j);
            for (w, &old) in old.iter().enumerate().take(if fresh { 0 } else { states }) {
                let factor = terms.plane(window.jacobian, states * states, v * states + w, at.panel, stream);
                sum = T::Lanes::<I>::load(token, factor).multiply_add(old, sum);
            }
            V::store::<I>(sum, chunk_mut(values, terms.place(v, at, stream) + j * TILE));
        }
    }
    target.add(token, j, read_out);
}
