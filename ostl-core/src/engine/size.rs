//! What lanes and traces take together, before they are there.

use crate::engine::accumulate::Plan;
use crate::engine::lanes::Lanes;
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::method::{Carry, TraceFormat};
use crate::network::size::{BlockSize, learned_blocks_of};
use crate::refusal::{Count, count};
use crate::sweep::Sweep;
use crate::tape::width::width;
use crate::tape::{Lists, Tape};
use crate::trace::local::kernel::COLUMNS;
use crate::trace::{Sizing, TraceBytes, is_local};

impl<T: Real> Sizing<'_, T> {
    /// Bytes of all lanes, and of what lies beside them for each stream.
    pub(crate) fn lanes(&self) -> Count {
        let width = width(self.streams).max(1);
        let lists = Lanes::lists(self.network, self.method);
        let full = self.lane(width, lists) * (self.streams / width);
        let rest = match self.streams % width {
            0 => Count(0),
            rest => self.lane(rest, lists),
        };
        // The readout of the last step, and three truth values a stream.
        full + rest + count(self.streams) * self.network.outputs() * size_of::<T>() + count(self.streams) * 3
    }

    fn lane(&self, streams: usize, lists: Lists) -> Count {
        Tape::bytes(self.network, streams, self.capacity, lists)
            + Sweep::bytes(self.network, &self.filters, self.method, streams, (self.capacity, self.on_tape.cuts))
            + self.paths(streams)
    }

    /// Bytes of the traces, and of what windows take whatever their length and for each of their steps.
    pub(crate) fn traces_and_windows(&self) -> [usize; 2] {
        let traces = self.traces();
        [traces.kept.size(), (self.lanes() + traces.beside).size()]
    }

    /// Bytes of the traces.
    pub(crate) fn traces(&self) -> TraceBytes {
        let mut found = self.local();
        // One flag a stream.
        found.beside += count(self.streams);
        let beyond = match self.method.carry_in_use() {
            Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl => self.influence(),
            Carry::Presynaptic => self.presynaptic(),
            Carry::Uoro(vectors) | Carry::LocalUoro(vectors) => self.uoro(vectors),
            _ => TraceBytes::default(),
        };
        found.kept += beyond.kept * size_of::<T>() + beyond.rounded * size_of::<u16>();
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
            for block in learned_blocks_of(layer) {
                let BlockSize { rows, columns, gates: [first, end], .. } = block;
                let gates =
                    of_units.as_ref().map(|(gates, v)| (gates.iter().filter(|&&g| (first..end).contains(&g)).count(), v));
                let gates = gates.filter(|&(gates, _)| gates > 0);
                found.beside += Plan::bytes(rows, columns, gates.is_some());
                if let Some((gates, &v)) = gates {
                    let tiles = columns.groups_of(COLUMNS) * self.streams;
                    let of_a_tile = count(layer.units()).in_groups_of(TILE) * gates * v * COLUMNS;
                    found.kept += tiles * of_a_tile * value;
                }
            }
        }
        found
    }
}
