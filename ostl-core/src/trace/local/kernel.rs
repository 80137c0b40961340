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

#![allow(unsafe_code, reason = "the inner loop reads z unchecked, after one check")]

use crate::linalg::dispatch::{Instructions, Job, dispatch};
use crate::linalg::real::Real;
use crate::linalg::stored::Stored;
use crate::linalg::tile::{TILE, chunk, chunk_mut, load, store};
use crate::linalg::vector::{Lanes, prefetch};
use crate::tape::width::WIDEST;

mod layout;
mod many;

pub(crate) use layout::{COLUMNS, LaneTile, LaneWindow, Presynaptic, Shape, TracePlace};
use layout::{Panel, TracedStream};

/// Tiles of a trace that are prefetched ahead of the one at hand: memory answers after some hundred nanoseconds.
const AHEAD: usize = 3;

/// Reads out and advances.
pub(crate) fn advance<T: Real, V: Stored<T>>(tile: LaneTile<'_, T, V>) {
    dispatch(tile);
}

/// Where each stream's events of each column lie among the column's events.
type Ranges = [[(usize, usize); COLUMNS]; WIDEST];

impl<T: Real, V: Stored<T>> Job for LaneTile<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(mut self, token: I) {
        let ranges = self.ranges();
        for gate in 0..self.shape.gates {
            for panel in 0..self.shape.panels() {
                let at = self.panel(gate, panel);
                // As many sums at once as fit into the registers.
                match self.shape.states {
                    1 => self.panel_of_one_state(token, at, &ranges),
                    2 if I::REGISTERS >= 32 => self.panel_of_states::<I, 2, 4>(token, at, &ranges),
                    2 => self.panel_of_states::<I, 2, 2>(token, at, &ranges),
                    3 if I::REGISTERS >= 32 => self.panel_of_states::<I, 3, 2>(token, at, &ranges),
                    3 => self.panel_of_states::<I, 3, 1>(token, at, &ranges),
                    _ => (0..self.columns).for_each(|j| self.column_of_many_states(token, at, j, &ranges)),
                }
            }
        }
    }
}

impl<T: Real, V: Stored<T>> LaneTile<'_, T, V> {
    /// The columns of a panel of units with one state variable.
    #[inline(always)]
    fn panel_of_one_state<I: Instructions>(&mut self, token: I, at: Panel, ranges: &Ranges) {
        let mut j = 0;
        while j < self.columns {
            let left = self.columns - j;
            if left >= 8 && I::REGISTERS >= 32 {
                self.columns_of_one_state::<I, 8>(token, at, j, ranges);
                j += 8;
            } else if left >= 4 {
                self.columns_of_one_state::<I, 4>(token, at, j, ranges);
                j += 4;
            } else {
                self.columns_of_one_state::<I, 1>(token, at, j, ranges);
                j += 1;
            }
        }
    }

    /// The columns of a panel of units with `S`, `N` at a time.
    #[inline(always)]
    fn panel_of_states<I: Instructions, const S: usize, const N: usize>(&mut self, token: I, at: Panel, ranges: &Ranges) {
        let whole = self.columns / N * N;
        for j in (0..whole).step_by(N) {
            self.columns_of_states::<I, S, N>(token, at, j, ranges);
        }
        for j in whole..self.columns {
            self.columns_of_states::<I, S, 1>(token, at, j, ranges);
        }
    }

    /// Finds each stream's events of each column.
    #[inline(always)]
    fn ranges(&self) -> Ranges {
        let mut ranges = [[(0, 0); COLUMNS]; WIDEST];
        match self.window.presynaptic {
            // What the unchecked reads below rely on.
            Presynaptic::Dense { now, rows } if self.window.steps > 0 && self.window.active > 0 => {
                let columns =
                    self.window.steps.checked_mul(self.window.active).and_then(|columns| (columns - 1).checked_mul(rows));
                let end = columns.and_then(|before| before.checked_add(self.first)?.checked_add(self.columns));
                assert!(end.is_some_and(|end| end <= now.len()), "z of every step, stream and column");
            }
            Presynaptic::Sparse(events) => {
                for j in 0..self.columns {
                    let streams = events.of_row(self.first + j).stream;
                    let mut event = 0;
                    for (stream, ranges) in ranges.iter_mut().enumerate().take(self.window.active) {
                        let start = event;
                        while streams.get(event) == Some(&(stream as u32)) {
                            event += 1;
                        }
                        ranges[j] = (start, event);
                    }
                }
            }
            _ => {}
        }
        ranges
    }

    #[inline(always)]
    fn panel(&self, gate: usize, panel: usize) -> Panel {
        Panel { gate, panel, turn: (gate * self.shape.panels() + panel) % self.streams }
    }

    /// Place of a panel of one stream and state variable among the values; its columns follow one another.
    #[inline(always)]
    fn place(&self, variable: usize, at: Panel, stream: usize) -> usize {
        let panel = (variable * self.shape.gates + at.gate) * self.shape.panels() + at.panel;
        let turned = stream + at.turn;
        let turned = if turned >= self.streams { turned - self.streams } else { turned };
        (panel * self.streams + turned) * COLUMNS * TILE
    }

    /// A of one panel and stream: 16 units for each step, of which the first is the one before the window.
    #[inline(always)]
    fn steps_of(&self, variable: usize, at: Panel, stream: usize) -> &[[T; TILE]] {
        let (shape, length) = (&self.shape, self.window.capacity + 1);
        let of_stream = stream * shape.states * shape.traced * shape.panels();
        let index = of_stream + (variable * shape.traced + shape.first_gate + at.gate) * shape.panels() + at.panel;
        let (steps, _) = self.window.influence[index * length * TILE..(index + 1) * length * TILE].as_chunks();
        &steps[..=self.window.steps]
    }

    /// A plane of 16 units of one stream, out of σ or C.
    #[inline(always)]
    fn plane<'b>(&self, planes: &'b [T], count: usize, index: usize, panel: usize, stream: usize) -> &'b [T; TILE] {
        chunk(planes, ((stream * count + index) * self.shape.panels() + panel) * TILE)
    }

    /// z of the step before the window, where it is read.
    #[inline(always)]
    fn before(&self, stream: usize, j: usize) -> T {
        let rows = self.window.before.len() / self.window.active;
        self.window.before.get(stream * rows + self.first + j).copied().unwrap_or(T::zero())
    }

    /// Σ_t A_t z_t of one variable for `N` columns from `j` on.
    #[inline(always)]
    fn sums<I: Instructions, const N: usize>(
        &self,
        token: I,
        variable: usize,
        at: Panel,
        TracedStream { stream, fresh }: TracedStream,
        j: usize,
        ranges: &Ranges,
    ) -> [T::Lanes<I>; N] {
        let steps = self.steps_of(variable, at, stream);
        let mut sums = [T::Lanes::<I>::splat(token, T::zero()); N];
        if !fresh && !self.window.before.is_empty() {
            let before = T::Lanes::<I>::load(token, &steps[0]);
            for (place, sum) in sums.iter_mut().enumerate() {
                *sum = before.multiply(Lanes::splat(token, self.before(stream, j + place)));
            }
        }
        match self.window.presynaptic {
            Presynaptic::Dense { now, rows } => {
                let first = stream * rows + self.first + j;
                for (step, a) in steps[1..].iter().enumerate() {
                    let a = T::Lanes::<I>::load(token, a);
                    for (place, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: `ranges` checked that there is a value for every step, stream and column.
                        let z = unsafe { *now.get_unchecked(step * self.window.active * rows + first + place) };
                        *sum = a.multiply_add(Lanes::splat(token, z), *sum);
                    }
                }
            }
            Presynaptic::Sparse(events) => {
                for (place, sum) in sums.iter_mut().enumerate() {
                    let (start, end) = ranges[stream][j + place];
                    if start < end {
                        let row = events.of_row(self.first + j + place);
                        for event in start..end {
                            let a = T::Lanes::<I>::load(token, &steps[row.step[event] as usize + 1]);
                            *sum = a.multiply_add(Lanes::splat(token, row.value[event]), *sum);
                        }
                    }
                }
            }
            Presynaptic::One => {
                for a in &steps[1..] {
                    sums[0] = sums[0].add(Lanes::load(token, a));
                }
            }
        }
        sums
    }

    /// gradient += σ ε summed over streams, ε ← c ε + Σ_t A_t z_t, for `N` columns of a cell with one state variable.
    #[inline(always)]
    fn columns_of_one_state<I: Instructions, const N: usize>(&mut self, token: I, at: Panel, j: usize, ranges: &Ranges) {
        let mut read_out = [T::Lanes::<I>::splat(token, T::zero()); N];
        for stream in 0..self.window.active {
            let (fresh, continues) = (self.window.fresh[stream], self.window.continues[stream]);
            let start = self.place(0, at, stream) + j * TILE;
            if !fresh && self.window.steps > 2 {
                for column in 0..N {
                    prefetch(self.values, start + AHEAD * COLUMNS * TILE + column * TILE);
                }
            }
            let mut sums = [T::Lanes::<I>::splat(token, T::zero()); N];
            if continues {
                sums = self.sums::<I, N>(token, 0, at, TracedStream { stream, fresh }, j, ranges);
            }
            if fresh {
                if continues {
                    for (place, sum) in sums.into_iter().enumerate() {
                        V::store::<I>(sum, chunk_mut(self.values, start + place * TILE));
                    }
                }
                continue;
            }
            let signal = T::Lanes::<I>::load(token, self.plane(self.window.signal, 1, 0, at.panel, stream));
            let factor = T::Lanes::<I>::load(token, self.plane(self.window.jacobian, 1, 0, at.panel, stream));
            let (values, _) = self.values[start..start + N * TILE].as_chunks_mut::<TILE>();
            for (place, values) in values.iter_mut().enumerate() {
                let old = V::load(token, values);
                read_out[place] = signal.multiply_add(old, read_out[place]);
                if continues {
                    V::store::<I>(factor.multiply_add(old, sums[place]), values);
                }
            }
        }
        for (place, sum) in read_out.into_iter().enumerate() {
            self.add_to_gradient(token, at, j + place, sum);
        }
    }

    /// Adds to the gradient of up to 16 units and one column.
    #[inline(always)]
    fn add_to_gradient<I: Instructions>(&mut self, token: I, at: Panel, j: usize, sum: T::Lanes<I>) {
        let n = self.shape.units;
        let unit = at.panel * TILE;
        let row = j * self.shape.gradient_rows + self.shape.first_row + at.gate * n + unit;
        let target = &mut self.gradient[row..row + TILE.min(n - unit)];
        let gradient = T::Lanes::<I>::load(token, &load(target, 0));
        let mut moved = [T::zero(); TILE];
        gradient.add(sum).store(&mut moved);
        store(&moved, target, 0);
    }
}

#[cfg(test)]
mod tests;
