//! The whole influence matrix, for [`Carry::Layer`](crate::Carry::Layer) and [`Carry::Network`](crate::Carry::Network).
//!
//! For one stream of C variables and P parameters: C·P values, and C·P more shared by all streams where the next ε is built. A [block](super::block) of
//! L steps takes C²·P multiply–adds for Q ε (C·(C − F)·P where the last F variables are filters), C·P·L for Σ B_t ⊗ z_t, and for each of its windows C·P to
//! read ε out, besides the walks back over the block.

use std::ops::Range;

use super::block::{BlockLength, LayerBlock, Room, StepBlock};
use super::span::{SpanLayer, StreamWindow};
use crate::linalg::dot::dot;
use crate::linalg::product::{Assignment, columns, columns_mut, multiply, plain_operand, transposed_operand};
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::linalg::tiny::flush_tiny;
use crate::network::Network;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use rayon::prelude::*;

/// Values of a trace handled at a time: a column block stays in the second-level cache.
const BLOCK_VALUES: usize = 64 * 1024;

/// ε of a span's layers, and the steps that have not been moved into it.
#[derive(Clone, Debug)]
pub(super) struct Dense<T: Real> {
    layers: Vec<DenseLayer<T>>,
    blocks: Vec<StepBlock<T>>,
    room: Room<T>,
    /// Filters behind the span's last layer: the last variables.
    filters: Filters,
    /// The gradient is not asked for before a sequence ends.
    defers: bool,
}

/// Filters among the carried variables: each unit's only lead on to themselves.
#[derive(Clone, Copy, Debug)]
struct Filters {
    units: usize,
    count: usize,
}

/// The influence of one layer's parameters, stream by stream.
#[derive(Clone, Debug)]
struct DenseLayer<T: Real> {
    /// ε: for each stream `[block][column][row][variable]`, variables from the layer's first on.
    values: Vec<Vec<T>>,
    /// Where the next ε of a stream is built; then the two change places.
    next: Vec<T>,
}

/// What a method says of it.
pub(super) struct Settings {
    /// Most steps of a window.
    pub(super) capacity: usize,
    /// σ may wait until a sequence ends.
    pub(super) defers: bool,
    /// Steps of a block, if they are not chosen here.
    pub(super) block: Option<usize>,
}

impl<T: Real> Dense<T> {
    pub(super) fn new(
        network: &Network<T>,
        layers: &[SpanLayer],
        variables: usize,
        streams: usize,
        Settings { capacity, defers, block }: Settings,
    ) -> Self {
        let zeros = |layer: &SpanLayer| vec![T::zero(); (variables - layer.first) * layer.parameters()];
        let parameters = layers.iter().map(SpanLayer::parameters).sum();
        let rows = layers.iter().map(|layer| network.layers[layer.index].activations()).sum();
        let size = BlockLength::of([variables, parameters, rows], capacity, block);
        let blocks = (0..streams).map(|_| StepBlock::new(network, layers, variables, size)).collect();
        let room = Room::new(network, layers, variables, size);
        let filters = layers
            .last()
            .map_or(Filters { units: 0, count: 0 }, |layer| Filters { units: layer.units, count: layer.filters.len() });
        let layers = layers.iter().map(|layer| DenseLayer { values: vec![zeros(layer); streams], next: zeros(layer) });
        Self { layers: layers.collect(), blocks, room, filters, defers }
    }

    /// Values kept.
    pub(super) fn values(&self) -> usize {
        self.layers.iter().map(|layer| layer.values.iter().map(Vec::len).sum::<usize>() + layer.next.len()).sum()
    }

    /// ε by name: `[stream][parameter of the layer][variable]`, and what the block holds.
    pub(super) fn pass(&mut self, layers: &[SpanLayer], book: &mut Book<'_>) -> Result<(), ConfigError> {
        for (layer, kept) in layers.iter().zip(&mut self.layers) {
            let (streams, parameters) = (kept.values.len(), layer.parameters());
            for (stream, values) in kept.values.iter_mut().enumerate() {
                let variables = values.len() / parameters.max(1);
                let lane = Streams { first: stream, count: 1, all: streams };
                book.streams(&format!("traces.layers.{}.influence", layer.index), lane, &[parameters, variables], values)?;
            }
        }
        for (stream, block) in self.blocks.iter_mut().enumerate() {
            block.pass(&format!("block.{stream}"), layers, book)?;
        }
        Ok(())
    }

    /// Moves ε to where the last window ended.
    pub(super) fn catch_up(&mut self, layers: &[SpanLayer]) {
        for stream in 0..self.blocks.len() {
            if !self.blocks[stream].windows.is_empty() {
                self.fold(stream, layers);
            }
        }
    }

    /// Reads the window's σ out, or keeps it for later, and takes the window into the block, for one stream.
    pub(super) fn close(&mut self, stream: usize, layers: &[SpanLayer], window: &StreamWindow<'_, T>, gradient: &mut [T]) {
        let block = &mut self.blocks[stream];
        if window.fresh {
            block.restart();
        } else {
            block.add_signal(&window.paths.signal);
        }
        let waits = window.continues && self.defers && window.may_defer;
        if !waits {
            self.read_out(stream, layers, gradient);
        }
        if window.continues {
            self.blocks[stream].push(layers, window);
            if self.blocks[stream].is_full() {
                self.read_out(stream, layers, gradient);
                self.fold(stream, layers);
            }
        }
    }

    /// Adds to the gradient what streams that are not `fresh` still owe it.
    pub(super) fn flush(&mut self, layers: &[SpanLayer], fresh: &[bool], gradient: &mut [T]) {
        let owing = (0..self.blocks.len()).filter(|&stream| !fresh[stream]);
        owing.for_each(|stream| self.read_out(stream, layers, gradient));
    }

    /// Equation (1).
    fn read_out(&mut self, stream: usize, layers: &[SpanLayer], gradient: &mut [T]) {
        let block = &mut self.blocks[stream];
        if !block.has_signal {
            return;
        }
        let signal = block.read_out(layers, &mut self.room, gradient);
        if !block.starts_here {
            for (layer, kept) in layers.iter().zip(&self.layers) {
                read_out(layer, &kept.values[stream], &signal[layer.first..], gradient);
            }
        }
    }

    /// Equation (2).
    fn fold(&mut self, stream: usize, layers: &[SpanLayer]) {
        let block = &mut self.blocks[stream];
        let chain = block.chain(layers, &mut self.room);
        let variables = block.variables;
        for ((layer, kept), of_block) in layers.iter().zip(&mut self.layers).zip(&block.layers) {
            let moved = Moved {
                chain: &chain[layer.first * variables + layer.first..],
                stride: variables,
                height: variables - layer.first,
                block: of_block,
                fresh: block.starts_here,
                filters: self.filters,
            };
            moved.advance(layer, &kept.values[stream], &mut kept.next);
            std::mem::swap(&mut kept.values[stream], &mut kept.next);
        }
        block.fold();
    }
}

/// gradient += σ·ε.
fn read_out<T: Real>(layer: &SpanLayer, values: &[T], signal: &[T], gradient: &mut [T]) {
    let variables = signal.len();
    for block in &layer.blocks {
        let values = &values[block.offset * variables..][..block.gradient.len() * variables];
        let sums = &mut gradient[block.gradient.clone()];
        let add = |(sum, influence): (&mut T, &[T])| *sum += dot(signal, influence);
        if is_worth_sharing(values.len()) {
            let sums = sums.par_iter_mut().with_min_len((BLOCK_VALUES / variables).max(1));
            sums.zip(values.par_chunks_exact(variables)).for_each(add);
        } else {
            sums.iter_mut().zip(values.chunks_exact(variables)).for_each(add);
        }
    }
}

/// What a block does to one layer's ε.
struct Moved<'a, T: Real> {
    /// Q from the layer's first variable on.
    chain: &'a [T],
    stride: usize,
    /// Variables from there on.
    height: usize,
    /// B and z.
    block: &'a LayerBlock<T>,
    /// ε is zero.
    fresh: bool,
    filters: Filters,
}

impl<T: Real> Moved<'_, T> {
    /// next = Q ε + Σ_t B_t ⊗ z_t. The filters behind, the last variables, only lead on to themselves, each times one factor: of their columns of Q
    /// nothing is multiplied.
    fn advance(&self, layer: &SpanLayer, values: &[T], next: &mut [T]) {
        let (c, steps) = (self.height, self.block.all());
        for block in &layer.blocks {
            let range = block.offset * c..(block.offset + block.gradient.len()) * c;
            let (now, next) = (&values[range.clone()], &mut next[range]);
            let height = block.rows.len() * c;
            let influence = &self.block.influence[block.rows.start * c..];
            // At least as many columns as the product's tile is wide: B is read once for all of them.
            let width = (BLOCK_VALUES / height).max(8);
            let length = now.len();
            let move_on = |(chunk, (next, now)): (usize, (&mut [T], &[T]))| {
                if !self.fresh {
                    self.lead_on(now, next);
                }
                let here = chunk * width..chunk * width + next.len() / height;
                let z = &self.block.z(block.signal)[here.start..];
                multiply(
                    if self.fresh { Assignment::Replace } else { Assignment::Add },
                    columns(influence, height, steps, self.block.entry()),
                    transposed_operand(z, steps, here.len(), block.columns),
                    columns_mut(next, height, here.len(), height),
                );
                // What no input has reached for long has decayed to next to nothing.
                flush_tiny(next);
            };
            if is_worth_sharing(length * (c + steps)) {
                next.par_chunks_mut(width * height).zip(now.par_chunks(width * height)).enumerate().for_each(move_on);
            } else {
                next.chunks_mut(width * height).zip(now.chunks(width * height)).enumerate().for_each(move_on);
            }
        }
    }

    /// next = Q ε of some parameters.
    fn lead_on(&self, now: &[T], next: &mut [T]) {
        let (c, Filters { units, count }) = (self.height, self.filters);
        let filtered = units * count;
        multiply(
            Assignment::Replace,
            columns(self.chain, c, c - filtered, self.stride),
            plain_operand(now, c - filtered, next.len() / c, c),
            columns_mut(next, c, next.len() / c, c),
        );
        let places = |filter: usize| -> Range<usize> { c - filtered + filter * units..c - filtered + (filter + 1) * units };
        for filter in 0..count {
            // On the diagonal of Q, the same for all units.
            let first = places(filter).start;
            let factor = self.chain[first * self.stride + first];
            for (next, now) in next.chunks_exact_mut(c).zip(now.chunks_exact(c)) {
                let values = next[places(filter)].iter_mut().zip(&now[places(filter)]);
                values.for_each(|(next, &now)| *next += factor * now);
            }
        }
    }
}
