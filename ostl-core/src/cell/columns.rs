//! Values, partials and adjoints of the units of a layer as they lie: columns, each of them planes.
//!
//! A column of `G·n` pre-activations holds gate 0 of all n units, then gate 1, …; partials likewise, `ds_da` as planes (variable, gate) with
//! the gate running fastest.

use std::ops::Range;

use crate::cell::filter::Filter;

/// Columns (streams at one step), side by side, of previous values and pre-activations of a layer of n units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitColumns<'a, T> {
    /// s_{t-1}: `S·n × columns`.
    pub(crate) state: &'a [T],
    /// y_{t-1}: `n × columns`.
    pub(crate) output: &'a [T],
    /// a_t: `G·n × columns`. Constants are those of the units, the same in every column.
    pub(crate) activation: &'a [T],
}

/// Where a step leaves s_t (`S·n`) and y_t (`n`).
#[derive(Debug)]
pub(crate) struct UnitColumnsMut<'a, T> {
    /// s_t: `S·n × columns`.
    pub(crate) state: &'a mut [T],
    /// y_t: `n × columns`.
    pub(crate) output: &'a mut [T],
}

/// Where a linearised step leaves the five partials of n units, as planes.
#[derive(Debug)]
pub(crate) struct PartialsColumnsMut<'a, T> {
    /// `S·S·n`, plane (new variable, previous variable).
    pub(crate) ds_ds: &'a mut [T],
    /// `S·n`.
    pub(crate) ds_dy: &'a mut [T],
    /// `S·G·n`, plane (variable, gate).
    pub(crate) ds_da: &'a mut [T],
    /// `S·n`.
    pub(crate) dy_ds: &'a mut [T],
    /// `G·n`.
    pub(crate) dy_da: &'a mut [T],
}

/// The five partials of one column of n units, as planes; see [`PartialsColumnsMut`]. Planes that the cell's gates say are zero are
/// not to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartialsColumn<'a, T> {
    /// `S·S·n`.
    pub(crate) ds_ds: &'a [T],
    /// `S·n`.
    pub(crate) ds_dy: &'a [T],
    /// `S·G·n`.
    pub(crate) ds_da: &'a [T],
    /// `S·n`.
    pub(crate) dy_ds: &'a [T],
    /// `G·n`.
    pub(crate) dy_da: &'a [T],
}

/// One step back through a column of units.
#[derive(Debug)]
pub(crate) struct ReverseColumn<'a, T> {
    /// Units that are walked, whole tiles: the adjoints of others are zero and stay so.
    pub(crate) units: Range<usize>,
    /// Partials of the step.
    pub(crate) partials: PartialsColumn<'a, T>,
    /// Whether the step went on from the one before (it was not reset).
    pub(crate) not_reset: bool,
    /// ∂E/∂y_t as the layers above send it: `n`.
    pub(crate) signal: &'a [T],
    /// ∂E/∂s_t as later steps send it; becomes that of s_{t-1}: `S·n`.
    pub(crate) to_state: &'a mut [T],
    /// ∂E/∂y_t as later steps send it; becomes that of y_{t-1}, as far as it stays inside the unit: `n`.
    pub(crate) to_output: &'a mut [T],
    /// δ_t = ∂E/∂a_t, left here: `G·n`.
    pub(crate) delta: &'a mut [T],
}

/// The partials of all streams over a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartialsColumns<'a, T> {
    pub(crate) partials: PartialsColumn<'a, T>,
    /// Whether the column went on from the step before.
    pub(crate) not_reset: &'a [bool],
    /// Units n.
    pub(crate) units: usize,
    /// Steps of the window.
    pub(crate) steps: usize,
    /// Streams side by side: the column of step t is t·active + stream.
    pub(crate) active: usize,
}

impl<'a, T> PartialsColumns<'a, T> {
    /// Those of one column.
    #[inline(always)]
    pub(crate) fn column(&self, column: usize, states: usize, gates: usize) -> PartialsColumn<'a, T> {
        let at = column * self.units;
        let plane = |planes: &'a [T], count: usize| &planes[at * count..(at + self.units) * count];
        let p = &self.partials;
        PartialsColumn {
            ds_ds: plane(p.ds_ds, states * states),
            ds_dy: plane(p.ds_dy, states),
            ds_da: plane(p.ds_da, states * gates),
            dy_ds: plane(p.dy_ds, states),
            dy_da: plane(p.dy_da, gates),
        }
    }
}

/// The partials of one stream over a window and at the step before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartialsWindow<'a, T> {
    /// Those of all streams.
    pub(crate) all: PartialsColumns<'a, T>,
    /// Which of them.
    pub(crate) stream: usize,
    /// `dy_ds` and `dy_da` of the step before the window, of this stream; the others are empty.
    pub(crate) before: PartialsColumn<'a, T>,
}

impl<'a, T> PartialsWindow<'a, T> {
    /// The partials of one step.
    #[inline(always)]
    pub(crate) fn column(&self, step: usize, states: usize, gates: usize) -> PartialsColumn<'a, T> {
        self.all.column(step * self.all.active + self.stream, states, gates)
    }
}

/// Where the paths of one stream through a window are left: how s at its end depends, inside the unit, on what came before.
#[derive(Debug)]
pub(crate) struct Paths<'a, T> {
    /// The gates whose influence on s lasts.
    pub(crate) traced: &'a [usize],
    /// Leaky sums of the outputs, which count as further variables behind the S of s.
    pub(crate) filters: &'a [Filter],
    /// For each gate that sums outputs, each unit's own connection in H: planes of `n`; empty where that path is left out.
    pub(crate) own: &'a [T],
    /// Most steps of a window.
    pub(crate) capacity: usize,
    /// C = ∂v_end/∂v_start of v = (s, filters), planes (end variable, start variable), each padded to whole panels of 16 units.
    pub(crate) jacobian: &'a mut [T],
    /// A_t = ∂v_end/∂a_t in panels `[end variable][traced gate][panel of 16 units][capacity + 1]`; in each the step before the
    /// window comes first.
    pub(crate) influence: &'a mut [T],
}

/// The edges between the windows of a block: what each window asks of its start comes in there, and what that asks of earlier steps is
/// added to their δ. Stream after stream within a window's start, as the sweep leaves it.
#[derive(Debug)]
pub(crate) struct Across<'a, T> {
    /// Leaky sums of the outputs with their adjoints: `n × active` a window.
    pub(crate) filters: &'a mut [(Filter, Vec<T>)],
    /// As in [`Paths`].
    pub(crate) own: &'a [T],
    /// Steps of each window but the last, which may have fewer.
    pub(crate) cut: usize,
    /// ∂E/∂s before each window, of that window alone: `S·n × active` a window. Of the first: becomes that of all windows.
    pub(crate) to_state: &'a mut [T],
    /// ∂E/∂y before each window: `n × active` a window; likewise.
    pub(crate) to_output: &'a mut [T],
    /// Room for the adjoints on the way: s, y and filters, `(S + 1 + filters)·n × active`.
    pub(crate) adjoints: &'a mut [T],
    /// δ of all columns: `G·n × columns`.
    pub(crate) delta: &'a mut [T],
}
