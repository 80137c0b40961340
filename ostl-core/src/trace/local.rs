//! The `local` carry: each unit keeps its own parameters' influence on its own state (OSTL "without H"; Bohnstingl et al. 2022).
//!
//! Per unit, ε ← C ε + Σ_t A_t z_tᵀ with C = ∂s_end/∂s_start an S × S block and A_t = ∂s_end/∂a_t, both without any path through
//! H or other layers. So the whole advance is one scaling of the trace by rows and one product of inner size K: the trace is
//! read and written once a window. Exact where H is absent or diagonal and no recurrent layer lies above; parameters of stateless
//! layers *below* a recurrent layer have no trace here, and only their influence inside the window counts.
//!
//! Threads share out columns of the trace, and samples follow in order within a column: the bits do not depend on their number.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::immediate::{add_immediate, folded_signal};
use super::{Closing, Signal};
use crate::kernel::product::{Into, columns, columns_mut, multiply, transposed_operand};
use crate::kernel::share::is_worth_sharing;
use crate::layer::{Layer, Recurrent};
use crate::network::Network;
use crate::real::Real;
use crate::sweep::{add_product, set_product};
use crate::window::{LayerTape, RecurrentTape};

/// Values of a trace that one sample's column block holds: a few times the first-level cache's worth is already too many.
const BLOCK_VALUES: usize = 6 * 1024;

/// Traces of every recurrent layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Local<T: Real> {
    layers: Vec<Option<LayerTrace<T>>>,
}

/// Traces of one recurrent layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
struct LayerTrace<T: Real> {
    /// The gates whose influence on s lasts.
    traced: Vec<usize>,
    blocks: Vec<BlockTrace<T>>,
    paths: Vec<Paths<T>>,
    /// 1 for every step: what the constants are multiplied with.
    ones: Vec<T>,
}

/// The trace of one block of parameters, `[column][stream][variable][gate][unit]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
struct BlockTrace<T: Real> {
    signal: Signal,
    /// Places in `LayerTrace::traced`.
    gates: Range<usize>,
    /// The block's rows in the gradient, and the row where the first traced gate starts.
    gradient: Range<usize>,
    gradient_rows: usize,
    first_row: usize,
    values: Vec<T>,
}

/// Per stream: how s at the window's end depends, inside the unit, on what came before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
struct Paths<T: Real> {
    /// σ: what the window wants of s at its start, `S·n`.
    signal: Vec<T>,
    /// C, planes (end variable, start variable): `S·S·n`.
    jacobian: Vec<T>,
    /// A, columns of `S·(traced gates)·n`: first the step before the window (through its y), then the window's steps.
    influence: Vec<T>,
    /// Adjoints of s and y on the way back: `S·n` twice and `n`.
    to_state: Vec<T>,
    to_earlier: Vec<T>,
    to_output: Vec<T>,
}

impl<T: Real> Local<T> {
    pub(crate) fn new(network: &Network<T>, streams: usize, capacity: usize) -> Self {
        let layers =
            network.layers.iter().map(|layer| layer.recurrent().map(|layer| LayerTrace::new(layer, streams, capacity)));
        Self { layers: layers.collect() }
    }

    pub(crate) fn bytes(&self) -> usize {
        let values: usize =
            self.layers.iter().flatten().flat_map(|layer| &layer.blocks).map(|block| block.values.len()).sum();
        values * size_of::<T>()
    }

    pub(crate) fn close(&mut self, closing: &Closing<'_, T>, gradient: &mut [T]) {
        for (index, trace) in self.layers.iter_mut().enumerate() {
            let (Some(trace), Layer::Recurrent(layer), LayerTape::Recurrent(tape)) =
                (trace, &closing.network.layers[index], &closing.tape.layers[index])
            else {
                continue;
            };
            trace.close(layer, tape, closing, index, gradient);
        }
    }
}

impl<T: Real> LayerTrace<T> {
    fn new(layer: &Recurrent<T>, streams: usize, capacity: usize) -> Self {
        let (n, s) = (layer.units, layer.states());
        let traced: Vec<usize> = (0..layer.gates()).filter(|&g| layer.is_traced(g)).collect();
        let mut blocks = Vec::new();
        let mut add = |signal, of: &dyn Fn(usize) -> bool, gradient: Range<usize>, columns: usize, first_gate: usize| {
            let start = traced.iter().position(|&g| of(g)).unwrap_or(0);
            let gates = start..start + traced.iter().filter(|&&g| of(g)).count();
            if gates.is_empty() {
                return;
            }
            let first_row = (traced[gates.start] - first_gate) * n;
            let values = vec![T::zero(); columns * streams * s * gates.len() * n];
            let gradient_rows = gradient.len() / columns;
            blocks.push(BlockTrace { signal, gates, gradient, gradient_rows, first_row, values });
        };
        add(Signal::Input, &|g| layer.x_gates.contains(&g), layer.w_range(), layer.inputs, layer.x_gates.start);
        add(Signal::Output, &|g| layer.y_gates.contains(&g), layer.h_range(), n, layer.y_gates.start);
        for (g, offset) in layer.constants.iter().enumerate() {
            if let Some(offset) = *offset {
                add(Signal::One, &|other| other == g, offset..offset + n, 1, g);
            }
        }
        let zeros = |count: usize| vec![T::zero(); count];
        let paths = Paths {
            signal: zeros(s * n),
            jacobian: zeros(s * s * n),
            influence: zeros((capacity + 1) * s * traced.len() * n),
            to_state: zeros(s * n),
            to_earlier: zeros(s * n),
            to_output: zeros(n),
        };
        Self { traced, blocks, paths: vec![paths; streams], ones: vec![T::one(); capacity] }
    }

    fn close(
        &mut self,
        layer: &Recurrent<T>,
        tape: &RecurrentTape<T>,
        closing: &Closing<'_, T>,
        index: usize,
        gradient: &mut [T],
    ) {
        let live = closing.tape.live;
        let sweep = &closing.sweep.layers[index];
        add_immediate(layer, &tape.boundary, sweep, live, gradient);
        let (traced, steps) = (&self.traced, closing.tape.steps);
        let follow = |(b, paths): (usize, &mut Paths<T>)| {
            folded_signal(layer, &tape.boundary, sweep, b, &mut paths.signal);
            if closing.continues[b] {
                paths.sweep(layer, traced, tape, &closing.tape.goes_on, steps, live, b);
            }
        };
        let paths = &mut self.paths[..live];
        if is_worth_sharing(live * steps * traced.len() * layer.states() * layer.states() * layer.units) {
            paths.par_iter_mut().enumerate().for_each(follow);
        } else {
            paths.iter_mut().enumerate().for_each(follow);
        }
        for block in &mut self.blocks {
            let z = match block.signal {
                Signal::Input => Presynaptic {
                    now: closing.tape.below(index),
                    before: &tape.boundary.inputs,
                    rows: layer.inputs,
                    shared: false,
                },
                Signal::Output => Presynaptic {
                    now: &tape.previous_output,
                    before: &tape.boundary.previous_output,
                    rows: layer.units,
                    shared: false,
                },
                Signal::One => Presynaptic { now: &self.ones, before: &self.ones, rows: 1, shared: true },
            };
            let gradient = &mut gradient[block.gradient.clone()];
            block.close(layer, &self.traced, &self.paths, z, closing, gradient);
        }
    }
}

impl<T: Real> Paths<T> {
    /// One reverse sweep inside the units from each state variable at the window's end.
    #[allow(clippy::too_many_arguments, reason = "one stream of one layer's tape")]
    fn sweep(
        &mut self,
        layer: &Recurrent<T>,
        traced: &[usize],
        tape: &RecurrentTape<T>,
        goes_on: &[bool],
        steps: usize,
        live: usize,
        b: usize,
    ) {
        let (n, s, gates) = (layer.units, layer.states(), layer.gates());
        let (rows, resets) = (s * traced.len() * n, layer.dynamics.resets());
        let p = &tape.partials;
        for end in 0..s {
            self.to_output.fill(T::zero());
            self.to_state.fill(T::zero());
            self.to_state[end * n..(end + 1) * n].fill(T::one());
            for step in (0..steps).rev() {
                let at = (step * live + b) * n;
                for (v, to_s) in self.to_state.chunks_exact_mut(n).enumerate() {
                    add_product(to_s, &self.to_output, &p.dy_ds[at * s + v * n..][..n]);
                }
                for (k, &g) in traced.iter().enumerate() {
                    let influence = &mut self.influence[(step + 1) * rows + (end * traced.len() + k) * n..][..n];
                    set_product(influence, &self.to_output, &p.dy_da[at * gates + g * n..][..n]);
                    for (v, to_s) in self.to_state.chunks_exact(n).enumerate() {
                        add_product(influence, to_s, &p.ds_da[at * s * gates + (v * gates + g) * n..][..n]);
                    }
                }
                self.to_output.fill(T::zero());
                self.to_earlier.fill(T::zero());
                if goes_on[step * live + b] {
                    for (v, to_s) in self.to_state.chunks_exact(n).enumerate() {
                        for (w, earlier) in self.to_earlier.chunks_exact_mut(n).enumerate() {
                            add_product(earlier, to_s, &p.ds_ds[at * s * s + (v * s + w) * n..][..n]);
                        }
                        if resets {
                            add_product(&mut self.to_output, to_s, &p.ds_dy[at * s + v * n..][..n]);
                        }
                    }
                }
                std::mem::swap(&mut self.to_state, &mut self.to_earlier);
            }
            // y of the step before is folded into its s and its pre-activations.
            for (w, to_s) in self.to_state.chunks_exact(n).enumerate() {
                let jacobian = &mut self.jacobian[(end * s + w) * n..][..n];
                jacobian.copy_from_slice(to_s);
                add_product(jacobian, &self.to_output, &tape.boundary.dy_ds[(b * s + w) * n..][..n]);
            }
            for (k, &g) in traced.iter().enumerate() {
                let influence = &mut self.influence[(end * traced.len() + k) * n..][..n];
                set_product(influence, &self.to_output, &tape.boundary.dy_da[(b * gates + g) * n..][..n]);
            }
        }
    }
}

/// The signals z that a block of parameters is multiplied with, over the window and at the step before it.
#[derive(Clone, Copy)]
struct Presynaptic<'a, T> {
    now: &'a [T],
    before: &'a [T],
    rows: usize,
    /// The same for every stream (the constant 1).
    shared: bool,
}

impl<T: Real> BlockTrace<T> {
    fn close(
        &mut self,
        layer: &Recurrent<T>,
        traced: &[usize],
        paths: &[Paths<T>],
        z: Presynaptic<'_, T>,
        closing: &Closing<'_, T>,
        gradient: &mut [T],
    ) {
        let (n, s) = (layer.units, layer.states());
        let rows = s * self.gates.len() * n;
        let streams = paths.len();
        let reaches_back =
            layer.dynamics.resets() && self.gates.clone().any(|k| layer.dynamics.gates()[traced[k]].drives_output);
        let width = (BLOCK_VALUES / rows).max(8);
        let part = Part {
            n,
            s,
            gates: self.gates.len(),
            first_gate: self.gates.start,
            traced: traced.len(),
            streams,
            gradient_rows: self.gradient_rows,
            first_row: self.first_row,
            reaches_back,
        };
        let live = closing.tape.live;
        let (trace_chunk, gradient_chunk) = (width * streams * rows, width * self.gradient_rows);
        let close = |(block, (values, gradient)): (usize, (&mut [T], &mut [T]))| {
            for (b, paths) in paths.iter().enumerate().take(live) {
                part.close(values, gradient, paths, z, closing, b, block * width);
            }
        };
        if is_worth_sharing(self.values.len() / streams * live * (closing.tape.steps + 2)) {
            let blocks = self.values.par_chunks_mut(trace_chunk).zip(gradient.par_chunks_mut(gradient_chunk));
            blocks.enumerate().for_each(close);
        } else {
            self.values.chunks_mut(trace_chunk).zip(gradient.chunks_mut(gradient_chunk)).enumerate().for_each(close);
        }
    }
}

/// The shape of a block's trace, for one block of columns.
struct Part {
    n: usize,
    s: usize,
    gates: usize,
    first_gate: usize,
    traced: usize,
    streams: usize,
    gradient_rows: usize,
    first_row: usize,
    reaches_back: bool,
}

impl Part {
    /// Reads out and advances one stream's trace in one block of columns.
    #[allow(clippy::too_many_arguments, reason = "one stream in one block of columns")]
    fn close<T: Real>(
        &self,
        values: &mut [T],
        gradient: &mut [T],
        paths: &Paths<T>,
        z: Presynaptic<'_, T>,
        closing: &Closing<'_, T>,
        b: usize,
        first_column: usize,
    ) {
        let rows = self.s * self.gates * self.n;
        let (fresh, continues) = (closing.fresh[b], closing.continues[b]);
        let stride = self.streams * rows;
        if !fresh {
            for (trace, gradient) in values.chunks_exact_mut(stride).zip(gradient.chunks_exact_mut(self.gradient_rows)) {
                let trace = &mut trace[b * rows..(b + 1) * rows];
                self.read_out(trace, &mut gradient[self.first_row..], &paths.signal);
                if continues {
                    self.scale(trace, &paths.jacobian);
                }
            }
        }
        if !continues {
            return;
        }
        let columns_here = values.len() / stride;
        let influence_rows = self.s * self.traced * self.n;
        let block_rows = self.gates * self.n;
        let (steps, live) = (closing.tape.steps, closing.tape.live);
        let (stream, step_stride) = if z.shared { (0, 1) } else { (b * z.rows, live * z.rows) };
        for v in 0..self.s {
            let row = (v * self.traced + self.first_gate) * self.n;
            let into = if fresh { Into::Replace } else { Into::Add };
            let target = b * rows + v * block_rows;
            multiply(
                into,
                columns(&paths.influence[influence_rows + row..], block_rows, steps, influence_rows),
                transposed_operand(&z.now[stream + first_column..], steps, columns_here, step_stride),
                columns_mut(&mut values[target..], block_rows, columns_here, stride),
            );
            if self.reaches_back && !fresh {
                let influence = &paths.influence[row..row + block_rows];
                for (j, trace) in values.chunks_exact_mut(stride).enumerate() {
                    let z = z.before[stream + first_column + j];
                    for (e, &a) in trace[target..target + block_rows].iter_mut().zip(influence) {
                        *e += a * z;
                    }
                }
            }
        }
    }

    /// gradient += σ ⊙ ε, summed over the state variables.
    #[inline(always)]
    fn read_out<T: Real>(&self, trace: &[T], gradient: &mut [T], signal: &[T]) {
        for (v, trace) in trace.chunks_exact(self.gates * self.n).enumerate() {
            for (gradient, trace) in gradient.chunks_mut(self.n).zip(trace.chunks_exact(self.n)) {
                add_product(gradient, trace, &signal[v * self.n..(v + 1) * self.n]);
            }
        }
    }

    /// ε ← C ε, unit by unit.
    #[inline(always)]
    fn scale<T: Real>(&self, trace: &mut [T], jacobian: &[T]) {
        if self.s == 1 {
            for trace in trace.chunks_exact_mut(self.n) {
                for (e, &c) in trace.iter_mut().zip(jacobian) {
                    *e *= c;
                }
            }
            return;
        }
        for g in 0..self.gates {
            for i in 0..self.n {
                let mut moved = [T::zero(); crate::dynamics::MOST_STATES];
                for (v, moved) in moved.iter_mut().enumerate().take(self.s) {
                    for w in 0..self.s {
                        *moved += jacobian[(v * self.s + w) * self.n + i] * trace[(w * self.gates + g) * self.n + i];
                    }
                }
                for (v, &moved) in moved.iter().enumerate().take(self.s) {
                    trace[(v * self.gates + g) * self.n + i] = moved;
                }
            }
        }
    }
}
