//! What traces take, carry by carry: as `accumulate.rs` and the files of `trace/` allocate it.

use std::ops::Range;

use super::Sizing;
use crate::accumulate::Plan;
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::method::{Carry, TraceFormat};
use crate::network::layer::{Layer, Recurrent};
use crate::network::size::{BlockSize, blocks_of, parameters_of};
use crate::refusal::{Count, count};
use crate::trace::local::kernel::COLUMNS;
use crate::trace::{GROUPS, Reach, WIDTH, carries_output, is_local, parameters_of_unit, spans};

/// Values that a unit's pattern takes besides its lists, about, and a group of units besides its buffers.
const PATTERN: usize = 16;
/// See there.
const GROUP: usize = 64;

/// Bytes of traces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TraceBytes {
    /// The traces themselves.
    pub(super) kept: Count,
    /// What they are read out and moved on with.
    pub(super) beside: Count,
}

impl<T: Real> Sizing<'_, T> {
    pub(super) fn traces(&self) -> TraceBytes {
        let mut found = self.local();
        // One flag a stream.
        found.beside += count(self.streams);
        let beyond = match self.method.carry_in_use() {
            Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl => self.influence(),
            Carry::Presynaptic => self.presynaptic(),
            Carry::Uoro => self.uoro(),
            _ => TraceBytes::default(),
        };
        found.kept += beyond.kept * size_of::<T>();
        found.beside += beyond.beside * size_of::<T>();
        found
    }

    /// Bytes of the traces that units keep for themselves, and of the plan.
    fn local(&self) -> TraceBytes {
        let value = match self.method.trace {
            TraceFormat::Full => size_of::<T>(),
            TraceFormat::Bf16 => 2,
        };
        let mut found = TraceBytes::default();
        for (index, layer) in self.network.layers.iter().enumerate() {
            let traced = layer.recurrent().filter(|_| is_local(self.network, self.method, index));
            let of_units = traced.map(|layer| (self.traced_gates(index, layer), layer.states() + self.filters[index].len()));
            for block in blocks_of(layer) {
                let BlockSize { rows, columns, gates: [first, end] } = block;
                let gates =
                    of_units.as_ref().map(|(gates, v)| (gates.iter().filter(|&&g| (first..end).contains(&g)).count(), v));
                let gates = gates.filter(|&(gates, _)| gates > 0);
                found.beside += Plan::bytes(rows, columns, gates.is_some());
                if let Some((gates, &v)) = gates {
                    let tiles = columns.groups_of(COLUMNS) * self.streams;
                    let of_a_tile = count(layer.units()).in_groups_of(TILE) * gates * v * COLUMNS;
                    found.kept += tiles * of_a_tile * value + tiles * COLUMNS;
                }
            }
        }
        found
    }

    /// Values of the influence of spans.
    fn influence(&self) -> TraceBytes {
        let mut found = TraceBytes::default();
        for range in spans(self.network, self.method) {
            let of_span = self.span(range);
            found.kept += of_span.kept;
            found.beside += of_span.beside;
        }
        found
    }

    fn span(&self, range: Range<usize>) -> TraceBytes {
        let layers = &self.network.layers;
        let carried = |index: usize| {
            let own = |layer: &Recurrent<T>| layer.states() + usize::from(carries_output(layer));
            layers[index].recurrent().map_or(Count(0), |layer| count(layer.units) * (own(layer) + self.filters[index].len()))
        };
        let variables: Count = range.clone().map(carried).sum();
        // J and σ, and for each layer adjoints and A.
        let mut stream = variables * variables + variables;
        let mut kept = Count(0);
        let mut most = Count(0);
        let mut most_rows = Count(0);
        // Of a layer's parameters only the variables of itself and of the layers above.
        let mut c = variables;
        for index in range.clone() {
            let layer = &layers[index];
            let n = count(layer.units());
            let (s, g) = layer.recurrent().map_or((0, 1), |layer| (layer.states(), layer.gates()));
            stream += c * n * (2 * s + 1) + c * n * g * (count(self.capacity) + 1) + c * g;
            if layer.dropout().is_some() {
                stream += c * layer.inputs();
            }
            let blocks = blocks_of(layer);
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
                    kept +=
                        blocks.iter().map(|block| c * block.rows * block.columns).sum::<Count>() * (count(self.streams) + 1)
                }
            }
            c = Count(c.0.saturating_sub(carried(index).0));
        }
        TraceBytes { kept: kept + most, beside: stream * self.streams + most_rows + self.capacity }
    }

    /// Values that SnAp-n keeps for one stream of a layer with so many variables a unit, and where it moves them on; and what the lists of units
    /// reached and heard take, about.
    fn sparse(&self, layer: &Recurrent<T>, order: usize, variables: u64) -> (TraceBytes, Count) {
        let n = layer.units;
        let variables = usize::try_from(variables).unwrap_or(usize::MAX);
        // For each unit how many it reaches, how many it hears, and its parameters.
        let units: Box<dyn Iterator<Item = [Count; 3]>> = match &layer.connections {
            // Through a dense H every unit reaches every other.
            None => {
                let heard = if layer.y_gates.is_empty() { Count(0) } else { count(n) };
                let parameters = count(layer.x_gates.len()) * layer.inputs
                    + heard * layer.y_gates.len()
                    + layer.constants.iter().flatten().count();
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
                found.beside += most + most * most + most * WIDTH + most * layer.gates() * self.capacity;
                found.beside += most_heard * self.capacity + GROUP;
                (most, most_heard) = (Count(0), Count(0));
            }
        }
        (found, patterns)
    }

    fn presynaptic(&self) -> TraceBytes {
        let mut found = TraceBytes::default();
        for layer in self.network.layers.iter().filter_map(Layer::recurrent).filter(|layer| layer.leak_of_inputs().is_some())
        {
            let hears_outputs = layer.y_gates == layer.x_gates;
            let outputs = if hears_outputs { count(layer.units) } else { Count(0) };
            found.kept += (count(layer.inputs) + outputs + 1) * self.streams;
            found.beside += count(layer.units) * self.streams;
        }
        found
    }

    fn uoro(&self) -> TraceBytes {
        let (mut variables, mut parameters, mut room) = (Count(0), Count(0), Count(0));
        for layer in self.network.layers.iter().take(self.network.first_of_top()) {
            let n = count(layer.units());
            let rows = n * layer.recurrent().map_or(1, Recurrent::gates);
            let states = layer.recurrent().map_or(Count(0), |layer| n * layer.states());
            let heard = layer.recurrent().is_some_and(|layer| !layer.y_gates.is_empty() || layer.dynamics.resets());
            variables += states + if heard { n } else { Count(0) };
            parameters += parameters_of(layer);
            room += rows + states * 2 + n * 3 + rows * self.capacity;
        }
        TraceBytes { kept: (parameters + variables * 2) * self.streams, beside: (room + 1) * self.streams + self.capacity }
    }
}
