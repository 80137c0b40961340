//! The whole influence matrix, for [`Carry::Layer`](crate::Carry::Layer) and [`Carry::Network`](crate::Carry::Network).
//!
//! For one stream of C variables and P parameters: C·P values, and C·P more shared by all streams where the next ε is built. A [block](super::block) of
//! L steps takes C²·P multiply–adds for Q ε (C·(C − F)·P where the last F variables are filters), C·P·L for Σ B_t ⊗ z_t, and for each of its windows C·P to
//! read ε out, besides the walks back over the block. In sixteen bits ε takes half the room and half the time to be read; it is rounded once a block.

use super::block::{BlockLength, Room, StepBlock};
use super::fold::{BLOCK_VALUES, Filters, Moved, scratch};
use super::span::{SpanLayer, StreamWindow};
use crate::linalg::bf16::Bf16;
use crate::linalg::dot::{dot, dot_rounded};
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::method::TraceFormat;
use crate::network::Network;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use rayon::prelude::*;

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

/// The influence of one layer's parameters, stream by stream.
#[derive(Clone, Debug)]
struct DenseLayer<T: Real> {
    /// ε: for each stream `[block][column][row][variable]`, variables from the layer's first on.
    values: Vec<Values<T>>,
    /// Where the next ε of a stream is built; then the two change places. Of rounded values some columns at a time.
    next: Vec<T>,
}

/// How ε is kept.
#[derive(Clone, Debug)]
enum Values<T> {
    Full(Vec<T>),
    Rounded(Vec<Bf16>),
}

/// What a method says of it.
pub(super) struct Settings {
    /// Most steps of a window.
    pub(super) capacity: usize,
    /// σ may wait until a sequence ends.
    pub(super) defers: bool,
    /// Steps of a block, if they are not chosen here.
    pub(super) block: Option<usize>,
    pub(super) format: TraceFormat,
}

impl<T: Real> Dense<T> {
    pub(super) fn new(
        network: &Network<T>,
        layers: &[SpanLayer],
        variables: usize,
        streams: usize,
        Settings { capacity, defers, block, format }: Settings,
    ) -> Self {
        let kept = |layer: &SpanLayer| {
            let values = (variables - layer.first) * layer.parameters();
            match format {
                TraceFormat::Full => (Values::Full(vec![T::zero(); values]), values),
                TraceFormat::Bf16 => {
                    (Values::Rounded(vec![Bf16::default(); values]), scratch(layer, variables - layer.first))
                }
            }
        };
        let parameters = layers.iter().map(SpanLayer::parameters).sum();
        let rows = layers.iter().map(|layer| network.layers[layer.index].activations()).sum();
        let size = BlockLength::of([variables, parameters, rows], capacity, block);
        let blocks = (0..streams).map(|_| StepBlock::new(network, layers, variables, size)).collect();
        let room = Room::new(network, layers, variables, size);
        let filters = layers
            .last()
            .map_or(Filters { units: 0, count: 0 }, |layer| Filters { units: layer.units, count: layer.filters.len() });
        let layers = layers
            .iter()
            .map(kept)
            .map(|(values, next)| DenseLayer { values: vec![values; streams], next: vec![T::zero(); next] });
        Self { layers: layers.collect(), blocks, room, filters, defers }
    }

    /// Bytes of all that is kept.
    pub(super) fn bytes(&self) -> usize {
        let of = |layer: &DenseLayer<T>| {
            layer.values.iter().map(Values::bytes).sum::<usize>() + size_of_val(layer.next.as_slice())
        };
        self.layers.iter().map(of).sum()
    }

    /// ε by name: `[stream][parameter of the layer][variable]`, and what the block holds.
    pub(super) fn pass(&mut self, layers: &[SpanLayer], book: &mut Book<'_>) -> Result<(), ConfigError> {
        for (layer, kept) in layers.iter().zip(&mut self.layers) {
            let (streams, parameters) = (kept.values.len(), layer.parameters());
            for (stream, values) in kept.values.iter_mut().enumerate() {
                let lane = Streams { first: stream, count: 1, all: streams };
                let name = format!("traces.layers.{}.influence", layer.index);
                let shape = |values: usize| [parameters, values / parameters.max(1)];
                match values {
                    Values::Full(values) => book.streams(&name, lane, &shape(values.len()), values)?,
                    Values::Rounded(values) => book.streams(&name, lane, &shape(values.len()), values)?,
                }
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
        } else if !window.stream.tape.is_without_error() {
            block.add_signal(&window.paths.signal);
        }
        let waits = (window.continues || window.stays) && self.defers && window.may_defer;
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
    pub(super) fn read_out(&mut self, stream: usize, layers: &[SpanLayer], gradient: &mut [T]) {
        let block = &mut self.blocks[stream];
        if !block.has_signal {
            return;
        }
        let signal = block.read_out(layers, &mut self.room, gradient);
        if !block.starts_here {
            for (layer, kept) in layers.iter().zip(&self.layers) {
                let signal = &signal[layer.first..];
                match &kept.values[stream] {
                    Values::Full(values) => read_out(layer, values, signal, dot, gradient),
                    Values::Rounded(values) => read_out(layer, values, signal, dot_rounded, gradient),
                }
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
            match &mut kept.values[stream] {
                Values::Full(values) => {
                    moved.advance(layer, values, &mut kept.next);
                    std::mem::swap(values, &mut kept.next);
                }
                Values::Rounded(values) => moved.advance_rounded(layer, values, &mut kept.next),
            }
        }
        block.fold();
    }
}

impl<T> Values<T> {
    fn bytes(&self) -> usize {
        match self {
            Values::Full(values) => size_of_val(values.as_slice()),
            Values::Rounded(values) => size_of_val(values.as_slice()),
        }
    }
}

/// gradient += σ·ε.
fn read_out<T: Real, V: Sync>(
    layer: &SpanLayer,
    values: &[V],
    signal: &[T],
    dot: impl Fn(&[T], &[V]) -> T + Sync,
    gradient: &mut [T],
) {
    let variables = signal.len();
    for block in &layer.blocks {
        let values = &values[block.offset * variables..][..block.gradient.len() * variables];
        let sums = &mut gradient[block.gradient.clone()];
        let add = |(sum, influence): (&mut T, &[V])| *sum += dot(signal, influence);
        if is_worth_sharing(values.len()) {
            let sums = sums.par_iter_mut().with_min_len((BLOCK_VALUES / variables).max(1));
            sums.zip(values.par_chunks_exact(variables)).for_each(add);
        } else {
            sums.iter_mut().zip(values.chunks_exact(variables)).for_each(add);
        }
    }
}
