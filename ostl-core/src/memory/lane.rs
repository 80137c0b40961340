//! What lanes take: tapes, sweeps, and what traces need of a window. As `window.rs`, `sweep.rs` and `trace/local.rs` allocate it.

use super::Sizing;
use crate::cell::filter::Source;
use crate::lane::Lanes;
use crate::learner::EVALUATION_STEPS;
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::method::{Carry, Update};
use crate::network::layer::{Layer, Recurrent};
use crate::refusal::{Count, count};
use crate::sweep::Sweep;
use crate::tape::width::width;
use crate::tape::{Lists, Tape};
use crate::trace::local::kernel::SLOTS;
use crate::trace::{carries_output, hears_itself, is_local};

impl<T: Real> Sizing<'_, T> {
    /// Bytes of all lanes, and of what lies beside them for each stream.
    pub(super) fn lanes(&self) -> Count {
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

    /// Bytes of an evaluation's tape.
    pub(super) fn evaluation(&self) -> Count {
        let lists = if self.network.reads_events { Lists::AllInputs } else { Lists::Sparse };
        Tape::bytes(self.network, self.streams, EVALUATION_STEPS, lists)
    }

    fn lane(&self, streams: usize, lists: Lists) -> Count {
        Tape::bytes(self.network, streams, self.capacity, lists)
            + Sweep::bytes(self.network, &self.filters, self.method, streams, self.capacity)
            + self.paths(streams)
    }

    fn paths(&self, streams: usize) -> Count {
        let carry = self.method.carry_in_use();
        let mut values = count(streams);
        for (index, layer) in self.network.layers.iter().enumerate() {
            let Layer::Recurrent(layer) = layer else { continue };
            let drives = layer.dynamics.gates().iter().any(|gate| gate.drives_output);
            let edge = count(layer.units) * layer.gates() * usize::from(drives) * streams;
            let filters = &self.filters[index];
            if is_local(self.network, self.method, index) {
                values += self.traced_paths(index, layer) * streams;
                if hears_itself(self.network, self.method, index) {
                    values += count(layer.units) * layer.y_gates.len();
                }
                if filters.iter().all(|filter| filter.source != Source::Itself) {
                    values += edge;
                }
                continue;
            }
            let is_carried = matches!(carry, Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl);
            let keeps_nothing = matches!(carry, Carry::None | Carry::Uoro);
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
        let slots = if self.method.update == Update::Sequence && v == 1 { SLOTS } else { 1 };
        let traced = self.traced_gates(index, layer).len();
        let by_step = if v == 1 { n * traced * self.capacity } else { Count(0) };
        n * (v + v * v) * slots + n * v * traced * (count(self.capacity) + 1) + by_step
    }

    /// The gates whose influence lasts.
    pub(super) fn traced_gates(&self, index: usize, layer: &Recurrent<T>) -> Vec<usize> {
        let heard = !self.filters[index].is_empty() || hears_itself(self.network, self.method, index);
        (0..layer.gates()).filter(|&g| layer.is_traced(g, heard)).collect()
    }
}
