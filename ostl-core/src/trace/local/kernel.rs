//! One pass over a trace that every unit keeps for itself: read out, scaled and moved on at once.
//!
//! For one unit's parameters, ε ← C ε + Σ_t A_t z_t and gradient += σ·ε (the old ε). The sum over the K steps of a window is a
//! product of inner size K; it is formed in registers, tile by tile, and the tile of ε is loaded once, read out, scaled, added
//! to and stored. So at K = 1 a trace is read and written once a step, and from some K on the pass costs what the product costs.
//!
//! **Layout.** A block of parameters (rows of gates × units, columns of presynaptic signals) keeps its traces as
//! `[tile of 8 columns][lane][state variable][gate][panel of 16 units][stream][column][unit]`: the pass walks through memory in one
//! direction, and what all streams of a lane add to a tile of the gradient is summed in registers. Units are padded to whole panels and columns to whole tiles, with zeros that stay zeros. A_t and C
//! come in panels too ([`Paths`](crate::cell::dynamics::Paths)).
//!
//! **Events.** Where z is sparse the sum over steps has a term for each event only.
//!
//! The plain twin is `trace/equations.rs`: the two formulas with an index for everything.

use crate::linalg::dispatch::{Instructions, Job, dispatch};
use crate::linalg::real::Real;
use crate::linalg::stored::Stored;
use crate::linalg::tile::{TILE, load, store};
use crate::linalg::vector::{Lanes, prefetch_place};

mod layout;
mod many;
mod terms;

use layout::Panel;
pub(crate) use layout::{COLUMNS, LaneTile, LaneWindow, Presynaptic, Shape, TracePlace};
use terms::{Terms, TracedStream};

/// Tiles of a trace that are prefetched ahead of the one at hand: memory answers after some hundred nanoseconds.
const AHEAD: usize = 16;

/// Reads out and advances.
pub(crate) fn advance<T: Real, V: Stored<T>>(tile: LaneTile<'_, T, V>) {
    dispatch(tile);
}

impl<T: Real, V: Stored<T>> Job for LaneTile<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, token: I) {
        let mut ranges = terms::NO_EVENTS;
        let terms = Terms::new(&self, &mut ranges);
        // By themselves, and not behind a reference that what is stored might change.
        let Self { shape, values, gradient, columns, .. } = self;
        for gate in 0..shape.gates {
            for panel in 0..shape.panels() {
                let at = terms.panel(gate, panel);
                let mut target = Target { gradient, shape, at };
                // As many sums at once as fit into the registers.
                match shape.states {
                    1 => panel_of_one_state(token, terms, values, &mut target, columns),
                    2 if I::REGISTERS >= 32 => {
                        many::panel_of_states::<T, V, I, 2, 4>(token, terms, values, &mut target, columns);
                    }
                    2 => many::panel_of_states::<T, V, I, 2, 2>(token, terms, values, &mut target, columns),
                    3 if I::REGISTERS >= 32 => {
                        many::panel_of_states::<T, V, I, 3, 2>(token, terms, values, &mut target, columns);
                    }
                    3 => many::panel_of_states::<T, V, I, 3, 1>(token, terms, values, &mut target, columns),
                    _ => (0..columns).for_each(|j| many::column(token, terms, values, &mut target, j)),
                }
            }
        }
    }
}

/// Where a panel of units has its gradient.
struct Target<'a, T> {
    gradient: &'a mut [T],
    shape: Shape,
    at: Panel,
}

impl<T: Real> Target<'_, T> {
    /// Adds to the gradient of up to 16 units and one column.
    #[inline(always)]
    fn add<I: Instructions>(&mut self, token: I, j: usize, sum: T::Lanes<I>) {
        let (n, unit) = (self.shape.units, self.at.panel * TILE);
        let row = j * self.shape.gradient_rows + self.shape.first_row + self.at.gate * n + unit;
        let target = &mut self.gradient[row..row + TILE.min(n - unit)];
        // Straight to where it belongs: by way of an array of its own a whole panel would wait for what was just stored.
        if let Some(whole) = target.first_chunk_mut::<TILE>() {
            return T::Lanes::<I>::load(token, whole).add(sum).store(whole);
        }
        let gradient = T::Lanes::<I>::load(token, &load(target, 0));
        let mut moved = [T::zero(); TILE];
        gradient.add(sum).store(&mut moved);
        store(&moved, target, 0);
    }
}

/// The columns of a panel of units with one state variable.
#[inline(always)]
fn panel_of_one_state<T: Real, V: Stored<T>, I: Instructions>(
    token: I,
    terms: Terms<'_, T>,
    values: &mut [V],
    target: &mut Target<'_, T>,
    columns: usize,
) {
    let mut j = 0;
    while j < columns {
        let left = columns - j;
        if left >= 8 && I::REGISTERS >= 32 {
            columns_of_one_state::<T, V, I, 8>(token, terms, values, target, j);
            j += 8;
        } else if left >= 4 {
            columns_of_one_state::<T, V, I, 4>(token, terms, values, target, j);
            j += 4;
        } else {
            columns_of_one_state::<T, V, I, 1>(token, terms, values, target, j);
            j += 1;
        }
    }
}

/// gradient += σ ε summed over streams, ε ← c ε + Σ_t A_t z_t, for `N` columns of a cell with one state variable.
#[inline(always)]
fn columns_of_one_state<T: Real, V: Stored<T>, I: Instructions, const N: usize>(
    token: I,
    terms: Terms<'_, T>,
    values: &mut [V],
    target: &mut Target<'_, T>,
    j: usize,
) {
    let (window, at) = (terms.window, target.at);
    let mut read_out = [T::Lanes::<I>::splat(token, T::zero()); N];
    for (stream, (&fresh, &continues)) in window.fresh.iter().zip(window.continues).enumerate() {
        let start = terms.place(0, at, stream) + j * TILE;
        if !fresh {
            for column in 0..N {
                prefetch_place(values.as_ptr().wrapping_add(start + (AHEAD * COLUMNS + column) * TILE));
            }
        }
        let mut sums = [T::Lanes::<I>::splat(token, T::zero()); N];
        if continues {
            sums = terms.sums::<I, N>(token, 0, at, TracedStream { stream, fresh }, j);
        }
        let (values, _) = values[start..start + N * TILE].as_chunks_mut::<TILE>();
        if fresh {
            if continues {
                sums.into_iter().zip(values).for_each(|(sum, values)| V::store::<I>(sum, values));
            }
            continue;
        }
        let signal = T::Lanes::<I>::load(token, terms.plane(window.signal, 1, 0, at.panel, stream));
        let factor = T::Lanes::<I>::load(token, terms.plane(window.jacobian, 1, 0, at.panel, stream));
        for (place, values) in values.iter_mut().enumerate() {
            let old = V::load(token, values);
            read_out[place] = signal.multiply_add(old, read_out[place]);
            if continues {
                V::store::<I>(factor.multiply_add(old, sums[place]), values);
            }
        }
    }
    for (place, sum) in read_out.into_iter().enumerate() {
        target.add(token, j + place, sum);
    }
}

#[cfg(test)]
mod tests;
