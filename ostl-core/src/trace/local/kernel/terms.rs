//! What a tile of traces is moved on by: places, planes of σ and C, and Σ_t A_t z_t.
//!
//! It is passed by value: behind a reference every store into the traces might change it, and it would be read anew after each.

#![allow(unsafe_code, reason = "the inner loop reads z unchecked, after one check")]

use super::layout::{COLUMNS, LaneTile, LaneWindow, Panel, Presynaptic, Shape};
use crate::linalg::dispatch::Instructions;
use crate::linalg::real::Real;
use crate::linalg::tile::{TILE, chunk};
use crate::linalg::vector::Lanes;
use crate::tape::width::WIDEST;

/// Where each stream's events of each column lie among the column's events.
pub(super) type Ranges = [[(usize, usize); COLUMNS]; WIDEST];

pub(super) const NO_EVENTS: Ranges = [[(0, 0); COLUMNS]; WIDEST];

/// One stream of the lane.
#[derive(Clone, Copy)]
pub(super) struct TracedStream {
    pub(super) stream: usize,
    /// Its trace is zero.
    pub(super) fresh: bool,
}

/// One lane's window and one tile of columns.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a, T: Real> {
    pub(super) window: LaneWindow<'a, T>,
    shape: Shape,
    /// Streams that the lane has room for.
    streams: usize,
    /// First column.
    first: usize,
    /// Rows of z of the step before the window.
    rows_before: usize,
    ranges: &'a Ranges,
}

impl<'a, T: Real> Terms<'a, T> {
    /// Of a tile; `ranges` is room for where its events are.
    #[inline(always)]
    pub(super) fn new<V>(tile: &LaneTile<'a, T, V>, ranges: &'a mut Ranges) -> Self {
        let LaneTile { shape, streams, first, columns, window, .. } = *tile;
        let active = window.active;
        assert!(
            window.fresh.len() == active && window.continues.len() == active && active <= WIDEST,
            "a flag for each stream"
        );
        match window.presynaptic {
            // What the unchecked reads below rely on.
            Presynaptic::Dense { now, rows } if window.steps > 0 && active > 0 => {
                let all = window.steps.checked_mul(active).and_then(|all| (all - 1).checked_mul(rows));
                let end = all.and_then(|before| before.checked_add(first)?.checked_add(columns));
                assert!(end.is_some_and(|end| end <= now.len()), "z of every step, stream and column");
            }
            Presynaptic::Sparse(events) => {
                for j in 0..columns {
                    let streams = events.of_row(first + j).stream;
                    let mut event = 0;
                    for (stream, ranges) in ranges.iter_mut().enumerate().take(active) {
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
        Self { window, shape, streams, first, rows_before: window.before.len() / active.max(1), ranges }
    }

    #[inline(always)]
    pub(super) fn panel(self, gate: usize, panel: usize) -> Panel {
        Panel { gate, panel, turn: (gate * self.shape.panels() + panel) % self.streams }
    }

    /// Place of a panel of one stream and state variable among the values; its columns follow one another.
    #[inline(always)]
    pub(super) fn place(self, variable: usize, at: Panel, stream: usize) -> usize {
        let panel = (variable * self.shape.gates + at.gate) * self.shape.panels() + at.panel;
        let turned = stream + at.turn;
        let turned = if turned >= self.streams { turned - self.streams } else { turned };
        (panel * self.streams + turned) * COLUMNS * TILE
    }

    /// A plane of 16 units of one stream, out of σ or C.
    #[inline(always)]
    pub(super) fn plane(self, planes: &'a [T], count: usize, index: usize, panel: usize, stream: usize) -> &'a [T; TILE] {
        chunk(planes, ((stream * count + index) * self.shape.panels() + panel) * TILE)
    }

    /// A of one panel and stream: 16 units for each step, of which the first is the one before the window.
    #[inline(always)]
    fn steps_of(self, variable: usize, at: Panel, stream: usize) -> &'a [[T; TILE]] {
        let (shape, length) = (self.shape, self.window.capacity + 1);
        let of_stream = stream * shape.states * shape.traced * shape.panels();
        let index = of_stream + (variable * shape.traced + shape.first_gate + at.gate) * shape.panels() + at.panel;
        let (steps, _) = self.window.influence[index * length * TILE..(index + 1) * length * TILE].as_chunks();
        &steps[..=self.window.steps]
    }

    /// z of the step before the window, where it is read.
    #[inline(always)]
    fn before(self, stream: usize, j: usize) -> T {
        self.window.before.get(stream * self.rows_before + self.first + j).copied().unwrap_or(T::zero())
    }

    /// Σ_t A_t z_t of one variable for `N` columns from `j` on.
    #[inline(always)]
    pub(super) fn sums<I: Instructions, const N: usize>(
        self,
        token: I,
        variable: usize,
        at: Panel,
        TracedStream { stream, fresh }: TracedStream,
        j: usize,
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
                        // SAFETY: `new` checked that there is a value for every step, stream and column.
                        let z = unsafe { *now.get_unchecked(step * self.window.active * rows + first + place) };
                        *sum = a.multiply_add(Lanes::splat(token, z), *sum);
                    }
                }
            }
            Presynaptic::Sparse(events) => {
                for (place, sum) in sums.iter_mut().enumerate() {
                    let (start, end) = self.ranges[stream][j + place];
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
}
