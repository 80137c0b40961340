//! What traces take, carry by carry: before they are there: as the files beside this one allocate it.

use std::ops::Range;

use crate::cell::filter::{Filter, Source};
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::method::{Carry, Method, TraceFormat, Window};
use crate::network::Network;
use crate::network::layer::{Layer, Recurrent};
use crate::network::size::{BlockSize, is_frozen, learned_blocks_of};
use crate::refusal::{Count, count};
use crate::sweep::LayerAdjoints;
use crate::trace::influence::{BlockLength, GROUPS, WIDTH, carries_output, chunk_of, has_before, spans};
use crate::trace::presynaptic::presynaptic_traces;
use crate::trace::reach::parameters_of_unit;
use crate::trace::uoro::keeps_all;
use crate::trace::{OnTape, Reach, filters, is_local, reads_own_output};

/// Values that a unit's pattern takes besides its lists, about, and a group of units besides its buffers.
const PATTERN: usize = 16;
/// See there.
const GROUP: usize = 64;
/// Values that a random product takes besides its vectors for each layer, about.
const PRODUCT: usize = 64;

/// Bytes of traces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TraceBytes {
    /// The traces themselves.
    pub(crate) kept: Count,
    /// What they are read out and moved on with.
    pub(crate) beside: Count,
    /// Of values, not bytes: those traces that are kept in sixteen bits.
    pub(crate) rounded: Count,
}

/// A network, a method and how it is run: what every size follows from.
pub(crate) struct Sizing<'a, T: Real> {
    pub(crate) network: &'a Network<T>,
    pub(crate) method: &'a Method,
    pub(crate) filters: Vec<Vec<Filter>>,
    pub(crate) streams: usize,
    /// Most steps on the tape.
    pub(crate) capacity: usize,
    /// Most steps that traces move on over at a time.
    moved: usize,
    pub(crate) on_tape: OnTape,
}

impl<'a, T: Real> Sizing<'a, T> {
    pub(crate) fn new(network: &'a Network<T>, method: &'a Method, streams: usize, longest: usize) -> Self {
        let filters = filters(network, method);
        let on_tape = OnTape::of(network, method, &filters, streams);
        // A tape of several windows grows as steps come, as one of a sequence does.
        let capacity = match (on_tape.steps, on_tape.cuts.every) {
            (Some(steps), None) => steps,
            (Some(steps), Some(every)) => longest.clamp(every, steps),
            (None, _) => longest.max(1),
        };
        let moved = match method.window {
            Window::Rolling { every, .. } => every.min(capacity),
            _ => capacity,
        };
        Self { network, method, filters, streams, capacity, moved, on_tape }
    }
}

impl<T: Real> Sizing<'_, T> {
    /// Steps from one pass over the traces to the next, where they are passed over at all.
    pub(crate) fn block_steps(&self) -> Option<usize> {
        let Window::Steps(window) = self.method.window else { return None };
        if self.on_tape.cuts.every.is_some() {
            return self.on_tape.steps;
        }
        if !matches!(self.method.carry, Carry::Layer | Carry::Network) {
            return Some(window);
        }
        let of_span = |range: Range<usize>| {
            let variables = self.variables(range.clone());
            self.dense(range).length(variables, (self.moved, self.method.block)).windows * window
        };
        spans(self.network, self.method).into_iter().map(of_span).min().or(Some(window))
    }

    /// The layers of a span of which all the influence is kept.
    fn dense(&self, range: Range<usize>) -> BlockSizes {
        let (mut dense, mut c) = (BlockSizes::default(), self.variables(range.clone()));
        for index in range {
            let layer = &self.network.layers[index];
            dense.add(layer, &learned_blocks_of(layer), c);
            c = Count(c.0.saturating_sub(self.carried(index).0));
        }
        dense
    }

    /// Variables that a layer's influence is kept on.
    fn carried(&self, index: usize) -> Count {
        let own = |layer: &Recurrent<T>| layer.states() + usize::from(carries_output(layer));
        let of_layer = |layer: &Recurrent<T>| count(layer.units) * (own(layer) + self.filters[index].len());
        self.network.layers[index].recurrent().map_or(Count(0), of_layer)
    }

    /// Those of a span.
    fn variables(&self, range: Range<usize>) -> Count {
        range.map(|index| self.carried(index)).sum()
    }

    /// Bytes of what a lane of `streams` streams finds out about a window for the traces.
    pub(crate) fn paths(&self, streams: usize) -> Count {
        let carry = self.method.carry_in_use();
        let mut values = count(streams);
        for (index, layer) in self.network.layers.iter().enumerate() {
            let Layer::Recurrent(layer) = layer else { continue };
            if is_frozen(&self.network.layers[index]) {
                continue;
            }
            let drives = layer.dynamics.gates().iter().any(|gate| gate.drives_output);
            let edge = count(layer.units) * layer.gates() * usize::from(drives) * streams;
            let filters = &self.filters[index];
            if is_local(self.network, self.method, index) {
                values += self.traced_paths(index, layer) * streams;
                if reads_own_output(self.network, self.method, index) {
                    values += count(layer.units) * layer.y_gates.len();
                }
                if filters.iter().all(|filter| filter.source != Source::Itself) {
                    values += edge;
                }
                continue;
            }
            let is_carried = matches!(carry, Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl);
            let keeps_nothing = matches!(carry, Carry::None | Carry::Uoro(_));
            if !(keeps_nothing || is_carried && carries_output(layer)) {
                values += edge;
            }
        }
        values * size_of::<T>()
    }

    /// Values of σ, C and A of a stream for a trace that each unit keeps for itself.
    fn traced_paths(&self, index: usize, layer: &Recurrent<T>) -> Count {
        let n = count(layer.units).in_groups_of(TILE);
        let v = layer.states() + self.filters[index].len();
        let traced = self.traced_gates(index, layer).len();
        let adjoints = count(layer.units) * (v + 1);
        n * (v + v * v) + n * v * traced * (count(self.moved) + 1) + adjoints
    }

    /// The gates whose influence lasts.
    pub(crate) fn traced_gates(&self, index: usize, layer: &Recurrent<T>) -> Vec<usize> {
        let heard = !self.filters[index].is_empty() || reads_own_output(self.network, self.method, index);
        (0..layer.gates()).filter(|&g| layer.is_traced(g, heard)).collect()
    }

    /// Values of the influence of spans.
    pub(crate) fn influence(&self) -> TraceBytes {
        let mut found = TraceBytes::default();
        for range in spans(self.network, self.method) {
            let of_span = self.span(range);
            found.kept += of_span.kept;
            found.beside += of_span.beside;
            found.rounded += of_span.rounded;
        }
        found
    }

    fn span(&self, range: Range<usize>) -> TraceBytes {
        let layers = &self.network.layers;
        let variables = self.variables(range.clone());
        // J and σ, and for each layer adjoints and A.
        let mut stream = variables * variables + variables;
        let (mut kept, mut rounded) = (Count(0), Count(0));
        let mut most = Count(0);
        let mut most_rows = Count(0);
        let is_dense = !matches!(self.method.carry, Carry::KfRtrl | Carry::Snap(_));
        let dense = if is_dense { self.dense(range.clone()) } else { BlockSizes::default() };
        // Of a layer's parameters only the variables of itself and of the layers above.
        let mut c = variables;
        for index in range.clone() {
            let layer = &layers[index];
            let n = count(layer.units());
            let gates = layer.recurrent().map_or(1, Recurrent::gates);
            stream += LayerAdjoints::values(layer, c) + c * n * gates * (count(self.moved) + 1);
            let blocks = learned_blocks_of(layer);
            match self.method.carry {
                Carry::KfRtrl => {
                    kept += blocks.iter().map(|block| c * block.rows + block.columns).sum::<Count>() * self.streams;
                    most = blocks.iter().map(|block| c * block.rows).fold(most, Count::max);
                    most_rows = blocks.iter().map(|block| block.rows).fold(most_rows, Count::max);
                }
                Carry::Snap(order) => {
                    if let Some(layer) = layer.recurrent() {
                        let (found, patterns) = self.sparse(layer, order, variables.0 / n.0.max(1));
                        most_rows += patterns;
                        kept += found.kept * self.streams;
                        stream += found.beside;
                    }
                }
                _ => {
                    let values = blocks.iter().map(|block| c * block.rows * block.columns).sum::<Count>();
                    if self.method.trace == TraceFormat::Full {
                        kept += values * (count(self.streams) + 1);
                    } else {
                        rounded += values * self.streams;
                        let chunk = |block: &BlockSize| count(chunk_of((c * block.rows).size(), block.columns.size()));
                        kept += blocks.iter().map(chunk).fold(Count(0), Count::max) * 2;
                    }
                }
            }
            c = Count(c.0.saturating_sub(self.carried(index).0));
        }
        let dense = dense.values(variables, (self.moved, self.method.block));
        TraceBytes {
            kept: kept + most,
            beside: (stream + dense.a_stream) * self.streams + dense.shared + most_rows + self.moved,
            rounded,
        }
    }

    /// Values that SnAp-n keeps for one stream of a layer with `variables` variables a unit, and where it moves them on; and what the lists of units
    /// reached and received from take, about.
    fn sparse(&self, layer: &Recurrent<T>, order: usize, variables: u64) -> (TraceBytes, Count) {
        let n = layer.units;
        let variables = usize::try_from(variables).unwrap_or(usize::MAX);
        // For each unit how many it reaches, how many it receives input from, and its parameters.
        let units: Box<dyn Iterator<Item = [Count; 3]>> = match &layer.connections {
            // Through a dense H every unit reaches every other.
            None => {
                let heard = if layer.y_gates.is_empty() { Count(0) } else { count(n) };
                let [of_inputs, a_connection, constants] = layer.learned_by_a_unit();
                let parameters = heard * a_connection + of_inputs + constants;
                let reached = if order > 1 && !layer.y_gates.is_empty() { count(n) } else { Count(1) };
                Box::new(std::iter::repeat_n([reached, heard, parameters], n))
            }
            Some(_) => {
                let reach = Reach::new(layer, order);
                let of = |(unit, reached): (usize, Vec<u32>)| {
                    let (heard, parameters) = parameters_of_unit(layer, unit);
                    [count(reached.len()), count(heard), count(parameters)]
                };
                Box::new(reach.units.into_iter().enumerate().map(of).collect::<Vec<_>>().into_iter())
            }
        };
        let width = n.div_ceil(GROUPS);
        let (mut found, mut patterns) = (TraceBytes::default(), Count(0));
        let mut place = 0;
        let (mut most, mut most_heard) = (Count(0), Count(0));
        for [reached, heard, parameters] in units {
            found.kept += reached * parameters * variables + parameters;
            patterns += reached + heard + PATTERN;
            most = most.max(reached * variables);
            most_heard = most_heard.max(heard);
            place += 1;
            if place % width == 0 || place == n {
                found.beside += most + most * most + most * WIDTH + most * layer.gates() * self.moved;
                found.beside += most_heard * self.moved + GROUP;
                (most, most_heard) = (Count(0), Count(0));
            }
        }
        (found, patterns)
    }

    /// Values of presynaptic traces.
    pub(crate) fn presynaptic(&self) -> TraceBytes {
        let mut found = TraceBytes::default();
        let learn = self.network.layers.iter().filter(|layer| !is_frozen(layer)).filter_map(Layer::recurrent);
        for layer in learn.filter(|layer| layer.leak_of_inputs().is_some()) {
            let values: Count = presynaptic_traces(layer).into_iter().map(count).sum();
            found.kept += values * self.streams;
            found.beside += count(layer.units) * self.streams;
        }
        found
    }

    /// Values of the random products.
    pub(crate) fn uoro(&self, vectors: usize) -> TraceBytes {
        let (mut variables, mut parameters, mut room) = (Count(0), Count(0), Count(0));
        // Of what is not estimated: σ, the edge and g.
        let is_rest = matches!(self.method.carry, Carry::LocalUoro(_));
        let (mut rest, mut most_states, mut all, mut sums) = (Count(0), Count(0), Count(0), Count(0));
        for (index, layer) in self.network.layers.iter().enumerate().take(self.network.first_of_top()) {
            let n = count(layer.units());
            let rows = n * layer.recurrent().map_or(1, Recurrent::gates);
            let states = layer.recurrent().map_or(Count(0), |layer| n * layer.states());
            let heard = layer.recurrent().is_some_and(|layer| !layer.y_gates.is_empty() || layer.dynamics.resets());
            variables += states + if heard { n } else { Count(0) };
            let is_kept = is_rest && keeps_all(self.network, index);
            if !is_kept {
                let blocks = learned_blocks_of(layer).into_iter();
                parameters += blocks.map(|block| block.rows * block.columns).sum::<Count>();
            }
            room += rows + states + n + rows * self.moved + LayerAdjoints::values(layer, Count(1)) + PRODUCT;
            if is_rest
                && !is_kept
                && let Some(recurrent) = layer.recurrent()
            {
                rest += n.in_groups_of(TILE) * recurrent.states() + rows;
                most_states = most_states.max(states);
            }
            all += match layer {
                Layer::Dense(layer) => count(layer.w_range().len()) + layer.b_range().len(),
                Layer::Recurrent(layer) => {
                    let constants = count(layer.units) * layer.constants.iter().flatten().count();
                    count(layer.w_range().len()) + layer.h_range().len() + constants
                }
            };
            // Up to the last layer of which anything is estimated.
            if !is_kept && !is_frozen(layer) {
                sums = all;
            }
        }
        if is_rest {
            room += rest + most_states + sums;
        }
        TraceBytes {
            kept: (parameters + variables * 2) * (count(self.streams) * vectors),
            beside: (room + 1) * (count(self.streams) * vectors) + self.moved,
            ..TraceBytes::default()
        }
    }
}

/// What a block of steps takes beside a dense influence: by the sizes of its layers.
#[derive(Default)]
struct BlockSizes {
    parameters: Count,
    rows: Count,
    layers: Vec<LayerSizes>,
}

struct LayerSizes {
    /// Rows of a, and variables from the layer's first on.
    rows: Count,
    variables: Count,
    /// Values of z a step.
    inputs: Count,
    has_before: bool,
}

/// Values for each stream, and those that streams share.
struct BlockValues {
    a_stream: Count,
    shared: Count,
}

impl BlockSizes {
    fn add<T: Real>(&mut self, layer: &Layer<T>, blocks: &[BlockSize], variables: Count) {
        let rows = count(layer.activations());
        let has = |name: &str| usize::from(blocks.iter().any(|block| block.name == name));
        let inputs = count(layer.inputs()) * has("W") + count(layer.units()) * has("H") + 1;
        self.parameters += blocks.iter().map(|block| block.rows * block.columns).sum::<Count>();
        self.rows += rows;
        self.layers.push(LayerSizes { rows, variables, inputs, has_before: has_before(layer) });
    }

    fn length(&self, variables: Count, (capacity, block): (usize, Option<usize>)) -> BlockLength {
        BlockLength::of([variables, self.parameters, self.rows].map(Count::size), capacity, block)
    }

    fn values(self, variables: Count, (capacity, block): (usize, Option<usize>)) -> BlockValues {
        if self.layers.is_empty() {
            return BlockValues { a_stream: Count(0), shared: Count(0) };
        }
        let length = self.length(variables, (capacity, block));
        let square = variables * variables;
        let mut a_stream = variables * (length.windows + 1) + square * length.windows;
        let mut shared = variables * 2 + square + square * usize::from(length.windows > 1);
        let mut most = Count(0);
        for LayerSizes { rows, variables, inputs, has_before } in self.layers {
            let entries = length.entries(has_before);
            a_stream += (rows * variables + inputs) * entries;
            shared += rows * entries;
            most = most.max(rows * variables);
        }
        if length.windows > 1 {
            shared += most * (count(capacity) + 1);
        }
        BlockValues { a_stream, shared }
    }
}
