//! The sums over a window of equation (1), part by part of the parameters: Σ_t δ_t z_tᵀ, and where units keep traces of their own,
//! these are read out and moved on while the part's gradient is at hand.
//!
//! A part is a run of columns of one block of parameters, and so a run of the parameter vector; threads share out parts. Within a
//! part everything is summed lane after lane, stream after stream, so results do not depend on the threads.

use std::ops::Range;

use crate::linalg::gather::{gather, sum_columns};
use crate::linalg::product::{Assignment, columns, columns_mut, multiply, transposed_operand};
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::linalg::stored::Stored;
use crate::network::Network;
use crate::network::layer::Layer;
use crate::refusal::Count;
use crate::tape::LayerTape;
use crate::tape::events::{Events, Signal};
use crate::trace::local::kernel::{self, COLUMNS, LaneTile, LaneWindow, Presynaptic, Shape};
use crate::trace::{Lane, LanePaths, PathsView, Window};

/// Values of the gradient in a part, about: it stays in the second-level cache while streams pass by.
const PART_VALUES: usize = 128 * 1024;
/// Columns of a part at most, so that there are parts enough to share.
const PART_COLUMNS: usize = 64;

/// Rows from which a block without a trace counts as tall.
const TALL: usize = 4096;

/// All parameters that learn, cut into parts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(super) parts: Vec<Part>,
    /// Values of all traces.
    pub(crate) trace_values: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) layer: usize,
    signal: Signal,
    /// Rows of a that the block feeds.
    rows: Range<usize>,
    pub(super) columns: Range<usize>,
    pub(super) parameters: Range<usize>,
    pub(super) trace: Option<Shape>,
    pub(super) values: Range<usize>,
}

/// What units that keep traces of their own keep.
#[derive(Clone, Copy)]
pub(crate) struct Traced {
    /// Number of filters of the layer's outputs.
    pub(crate) filters: usize,
    /// The unit's own connection in H counts as its own.
    pub(crate) reads_own_output: bool,
}

impl Plan {
    /// Parts for a network, of the parameters that are not frozen; `traced` says of each layer what traces its units keep, if they do.
    pub(crate) fn new<T: Real>(network: &Network<T>, streams: usize, traced: impl Fn(usize) -> Option<Traced>) -> Self {
        let mut plan = Self { parts: Vec::new(), trace_values: 0 };
        for (index, layer) in network.layers.iter().enumerate() {
            let rates = layer.rates();
            let learned = |block: &str, range: Range<usize>| if rates.learns(block) { range } else { 0..0 };
            match layer {
                Layer::Dense(layer) => {
                    plan.add(index, Signal::Input, 0..layer.units, learned("W", layer.w_range()), None, streams);
                    plan.add(index, Signal::One, 0..layer.units, learned("b", layer.b_range()), None, streams);
                }
                Layer::Recurrent(recurrent) => {
                    let n = recurrent.units;
                    let traced = traced(index);
                    let filters = traced.map_or(0, |traced| traced.filters);
                    let is_heard = filters > 0 || traced.is_some_and(|traced| traced.reads_own_output);
                    let all: Vec<usize> = (0..recurrent.gates()).filter(|&g| recurrent.is_traced(g, is_heard)).collect();
                    let shape = |gates: Range<usize>| {
                        traced?;
                        let first_gate = all.iter().position(|g| gates.contains(g))?;
                        Some(Shape {
                            units: n,
                            states: recurrent.states() + filters,
                            gates: all.iter().filter(|g| gates.contains(g)).count(),
                            first_gate,
                            traced: all.len(),
                            gradient_rows: gates.len() * n,
                            first_row: (all[first_gate] - gates.start) * n,
                        })
                    };
                    let (x, y) = (shape(recurrent.x_gates.clone()), shape(recurrent.y_gates.clone()));
                    let (w, h) = (learned("W", recurrent.w_range()), learned("H", recurrent.h_range()));
                    plan.add(index, Signal::Input, recurrent.x_rows(), w, x, streams);
                    plan.add(index, Signal::Output, recurrent.y_rows(), h, y, streams);
                    let mut constants: Vec<_> =
                        recurrent.constants.iter().enumerate().filter_map(|(g, offset)| Some((g, (*offset)?))).collect();
                    constants.sort_by_key(|&(_, offset)| offset);
                    for (g, offset) in constants {
                        let constants = learned(recurrent.constants_name(g), offset..offset + n);
                        plan.add(index, Signal::One, g * n..(g + 1) * n, constants, shape(g..g + 1), streams);
                    }
                }
            }
        }
        plan
    }

    fn add(
        &mut self,
        layer: usize,
        signal: Signal,
        rows: Range<usize>,
        parameters: Range<usize>,
        trace: Option<Shape>,
        streams: usize,
    ) {
        if parameters.is_empty() {
            return;
        }
        let all = parameters.len() / rows.len();
        let width = Self::width(rows.len(), trace.is_some());
        for first in (0..all).step_by(width) {
            let columns = first..all.min(first + width);
            let tile_values = trace.map_or(0, |shape| shape.tile_values() * streams);
            let values = self.trace_values..self.trace_values + columns.len().div_ceil(COLUMNS) * tile_values;
            self.trace_values = values.end;
            let start = parameters.start;
            let parameters = start + columns.start * rows.len()..start + columns.end * rows.len();
            self.parts.push(Part { layer, signal, rows: rows.clone(), columns, parameters, trace, values });
        }
    }

    /// Columns of a part of a block of `rows` rows.
    fn width(rows: usize, is_traced: bool) -> usize {
        match is_traced {
            // A tall product reads δ again for every part, and no trace passes by that would have to stay in the cache.
            false if rows > TALL => PART_COLUMNS,
            _ => (PART_VALUES / rows.max(1) / COLUMNS * COLUMNS).clamp(COLUMNS, PART_COLUMNS),
        }
    }

    /// Bytes that a block of parameters takes in a plan.
    pub(crate) fn bytes(rows: Count, columns: Count, is_traced: bool) -> Count {
        columns.groups_of(Self::width(rows.size(), is_traced)) * size_of::<Part>()
    }

    /// gradient += Σ_t δ_t z_tᵀ, and traces read out and moved on.
    pub(crate) fn run<T: Real, V: Stored<T>>(&self, window: Window<'_, T>, gradient: &mut [T], values: &mut [V]) {
        let streams = window.lanes.iter().map(|lane| lane.tape.active).sum::<usize>();
        let columns = window.lanes.iter().map(|lane| lane.tape.columns()).sum::<usize>();
        let work = gradient.len() * columns + if values.is_empty() { 0 } else { gradient.len() * (columns + 2 * streams) };
        let first = self.parts.first().map_or(0, |part| part.parameters.start);
        run(&self.parts, window, &mut gradient[first..], values, is_worth_sharing(work));
    }
}

/// Parts in order, halved for as long as there are two: the parameter vector and the traces are halved with them.
fn run<T: Real, V: Stored<T>>(parts: &[Part], window: Window<'_, T>, gradient: &mut [T], values: &mut [V], shared: bool) {
    match parts {
        [] => {}
        [part] => part.close(window, &mut gradient[..part.parameters.len()], values),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            let (left_gradient, right_gradient) =
                gradient.split_at_mut(right[0].parameters.start - left[0].parameters.start);
            let (left_values, right_values) = values.split_at_mut(right[0].values.start - left[0].values.start);
            if shared {
                rayon::join(
                    || run(left, window, left_gradient, left_values, shared),
                    || run(right, window, right_gradient, right_values, shared),
                );
            } else {
                run(left, window, left_gradient, left_values, shared);
                run(right, window, right_gradient, right_values, shared);
            }
        }
    }
}

/// z over a window, its rows, and its events if it is sparse.
type WindowSignal<'a, T> = (&'a [T], usize, Option<&'a Events<T>>);

impl Part {
    fn close<T: Real, V: Stored<T>>(&self, window: Window<'_, T>, gradient: &mut [T], values: &mut [V]) {
        let has_columns = |lane: &Lane<T>| lane.tape.columns() > 0;
        for (lane, paths) in window.each_lane().filter(|(lane, _)| has_columns(lane) && !lane.tape.is_without_error()) {
            self.add_spatial(window.network, lane, gradient);
            self.add_edge(window.network, (lane, paths), gradient);
        }
        let Some(shape) = self.trace.filter(|_| !values.is_empty()) else { return };
        let size = shape.tile_values();
        let of_tile = self.values.len() / self.columns.len().div_ceil(COLUMNS);
        let tiles = values.chunks_mut(of_tile).zip(gradient.chunks_mut(COLUMNS * self.rows.len()));
        for (tile, (values, gradient)) in tiles.enumerate() {
            for (lane, paths) in window.each_lane().filter(|(lane, _)| has_columns(lane)) {
                let all = lane.first..lane.first + lane.tape.streams();
                kernel::advance(LaneTile {
                    shape,
                    values: &mut values[all.start * size..all.end * size],
                    streams: all.len(),
                    columns: gradient.len() / self.rows.len(),
                    gradient,
                    first: self.columns.start + tile * COLUMNS,
                    window: self.window_of(&window, lane, paths),
                });
            }
        }
    }

    /// δ, the rows of this block.
    fn delta<'a, T: Real>(&self, lane: &'a Lane<T>) -> &'a [T] {
        &lane.sweep.delta(&lane.tape, self.layer)[self.rows.start..]
    }

    /// gradient += Σ_t δ_t z_tᵀ of one lane: a product of inner size (steps × streams), or one column per event.
    fn add_spatial<T: Real>(&self, network: &Network<T>, lane: &Lane<T>, gradient: &mut [T]) {
        let (rows, stride) = (self.rows.len(), network.layers[self.layer].activations());
        let (delta, width) = (self.delta(lane), lane.tape.columns());
        let first = lane.tape.first_column(network, self.layer);
        let Some((values, all, events)) = self.signal_of(network, lane) else {
            return sum_columns(gradient, &delta[first * stride..], stride, width - first);
        };
        if let Some(events) = events {
            for (column, gradient) in self.columns.clone().zip(gradient.chunks_exact_mut(rows)) {
                let row = events.of_row(column);
                gather(gradient, delta, stride, row.column, row.value);
            }
            return;
        }
        multiply(
            Assignment::Add,
            columns(&delta[first * stride..], rows, width - first, stride),
            transposed_operand(&values[first * all + self.columns.start..], width - first, self.columns.len(), all),
            columns_mut(gradient, rows, self.columns.len(), rows),
        );
    }

    /// The part of y before the window that does not go through s: δ of the step before, times z of that very step.
    fn add_edge<T: Real>(&self, network: &Network<T>, (lane, paths): (&Lane<T>, &LanePaths<T>), gradient: &mut [T]) {
        let Some(edge) = paths.edge(self.layer) else { return };
        let (Some(layer), LayerTape::Recurrent(tape)) =
            (network.layers[self.layer].recurrent(), &lane.tape.layers[self.layer])
        else {
            return;
        };
        let (rows, n, active) = (self.rows.len(), layer.units, lane.tape.active);
        let stride = layer.gates() * n;
        let (z, all) = match self.signal {
            Signal::Input => (&tape.boundary.inputs, layer.inputs),
            Signal::Output => (&tape.boundary.previous_output, n),
            Signal::One => return sum_columns(gradient, &edge[self.rows.start..], stride, active),
        };
        // Only gates that drive the output have an edge: a run of rows.
        let gates = layer.dynamics.gates();
        let driving = |row: &usize| gates[row / n].drives_output;
        let Some(first) = self.rows.clone().step_by(n).find(driving) else { return };
        let last = self.rows.clone().step_by(n).rfind(driving).unwrap_or(first);
        let height = last + n - first;
        multiply(
            Assignment::Add,
            columns(&edge[first..], height, active, stride),
            transposed_operand(&z[self.columns.start..], active, self.columns.len(), all),
            columns_mut(&mut gradient[first - self.rows.start..], height, self.columns.len(), rows),
        );
    }

    /// What the block is multiplied with; nothing for the constant 1.
    fn signal_of<'a, T: Real>(&self, network: &Network<T>, lane: &'a Lane<T>) -> Option<WindowSignal<'a, T>> {
        let layer = &network.layers[self.layer];
        match (self.signal, &lane.tape.layers[self.layer]) {
            (Signal::Input, _) => Some((lane.tape.below(self.layer), layer.inputs(), lane.tape.events_below(self.layer))),
            (Signal::Output, LayerTape::Recurrent(tape)) => {
                Some((&tape.previous_output, layer.units(), tape.sparse_previous()))
            }
            _ => None,
        }
    }

    /// What a lane's window does to the block's traces.
    fn window_of<'a, T: Real>(
        &self,
        window: &Window<'a, T>,
        lane: &'a Lane<T>,
        paths: &'a LanePaths<T>,
    ) -> LaneWindow<'a, T> {
        let network = window.network;
        let mut before: &[T] = &[];
        if let (Some(layer), LayerTape::Recurrent(tape)) =
            (network.layers[self.layer].recurrent(), &lane.tape.layers[self.layer])
        {
            let gates = self.rows.clone().step_by(layer.units).map(|row| layer.dynamics.gates()[row / layer.units]);
            if (layer.dynamics.resets() || paths.reads_own_output(self.layer))
                && gates.into_iter().any(|gate| gate.drives_output)
            {
                before = match self.signal {
                    Signal::Input => &tape.boundary.inputs[..layer.inputs * lane.tape.active],
                    Signal::Output => &tape.boundary.previous_output[..layer.units * lane.tape.active],
                    Signal::One => paths.ones(lane.tape.active),
                };
            }
        }
        let capacity = paths.capacity();
        let PathsView { signal, jacobian, influence } = paths.of(self.layer);
        let presynaptic = match self.signal_of(network, lane) {
            Some((_, _, Some(events))) => Presynaptic::Sparse(events),
            Some((now, rows, None)) => Presynaptic::Dense { now, rows },
            None => Presynaptic::One,
        };
        let streams = lane.first..lane.first + lane.tape.active;
        LaneWindow {
            signal,
            jacobian,
            influence,
            capacity,
            presynaptic,
            before,
            steps: lane.tape.steps,
            active: lane.tape.active,
            fresh: &window.fresh[streams.clone()],
            continues: &window.continues[streams],
        }
    }
}
