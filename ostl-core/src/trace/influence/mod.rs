//! The `layer` and `network` carries: the whole influence matrix of a span of layers (RTRL; Williams & Zipser 1989), advanced a
//! window at a time (Schmidhuber 1992).
//!
//! A *span* is a run of layers whose recurrent states are carried together: for `layer`, one recurrent layer and the stateless
//! layers just below it; for `network`, everything up to the topmost recurrent layer. With C carried variables and P parameters,
//! ε is C × P for each stream. Over a window of K steps one reverse sweep from all C variables at once gives J = ∂v_end/∂v_start
//! (C × C) and A_t = ∂v_end/∂a_t (C × gates·n), and then
//!
//! ```text
//! ε ← J ε + Σ_t A_t ⊗ z_t                                                  (2)
//! ```
//!
//! is one dense product a window (C²P) and one of inner size K, not a dense product a step: at K = n that is n³ a step, not n⁴.
//!
//! The carried variables of a layer are its s, into which y of the same step is folded (y = f(s, constants)), unless a gate that
//! drives the output sums signals (LSTM's output gate) and y is heard again: then y = f(s, a) has a memory of its own beside s and
//! is carried too. Behind them come the filters that listen to the layer. Layers only influence layers above, so parameters of layer k keep the rows of layers k and above.

mod stream;

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::accumulate::Window;
use crate::kernel::dot::dot;
use crate::kernel::product::{Into, Strided, columns, columns_mut, multiply, plain_operand, transposed_operand};
use crate::kernel::share::is_worth_sharing;
use crate::layer::{Layer, Recurrent};
use crate::network::Network;
use crate::presynaptic::Signal;
use crate::real::Real;
use crate::trace::Filter;
use crate::window::{LayerTape, RecurrentTape, Tape};
use stream::{LayerPaths, Stream};

/// Values of a trace handled at a time: a column block stays in the second-level cache.
const BLOCK_VALUES: usize = 64 * 1024;

/// Influence matrices of every span.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Influence<T: Real> {
    spans: Vec<Span<T>>,
}

/// A run of layers whose states are carried together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
struct Span<T: Real> {
    /// Carried variables C.
    variables: usize,
    layers: Vec<SpanLayer<T>>,
    streams: Vec<Stream<T>>,
    /// 1 for every step: what the constants are multiplied with.
    ones: Vec<T>,
}

/// One layer of a span and the influence of its parameters, stream by stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
struct SpanLayer<T: Real> {
    index: usize,
    /// First carried variable that this layer can influence; for a recurrent layer its own first variable.
    first: usize,
    /// y is carried beside s.
    carries_output: bool,
    /// What listens to y, carried behind the layer's other variables.
    filters: Vec<Filter>,
    blocks: Vec<Block>,
    /// ε: for each stream `[block][column][row][variable]`, variables `first..C`.
    values: Vec<Vec<T>>,
    /// Where the next ε of a stream is built; then the two change places.
    next: Vec<T>,
}

/// A block of parameters: which of a layer's rows of a it feeds, and where it lies.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Block {
    signal: Signal,
    /// Rows of a that it feeds.
    rows: Range<usize>,
    columns: usize,
    /// Place among all parameters.
    gradient: Range<usize>,
    /// First column in ε.
    offset: usize,
}

impl<T: Real> Influence<T> {
    /// One span for each recurrent layer, with the stateless layers just below it, but for layers whose units keep traces of their own.
    pub(crate) fn per_layer(
        network: &Network<T>,
        filters: &[Vec<Filter>],
        is_local: impl Fn(usize) -> bool,
        streams: usize,
        capacity: usize,
    ) -> Self {
        let mut spans = Vec::new();
        let mut first = 0;
        for (index, layer) in network.layers.iter().enumerate() {
            if layer.recurrent().is_some() {
                if !is_local(index) {
                    spans.push(Span::new(network, filters, first..index + 1, streams, capacity));
                }
                first = index + 1;
            }
        }
        Self { spans }
    }

    /// One span for everything up to the topmost recurrent layer.
    pub(crate) fn of_network(network: &Network<T>, filters: &[Vec<Filter>], streams: usize, capacity: usize) -> Self {
        let top = network.layers.iter().rposition(|layer| layer.recurrent().is_some());
        let span = |top: usize| Span::new(network, filters, 0..top + 1, streams, capacity);
        Self { spans: top.map(span).into_iter().collect() }
    }

    pub(crate) fn bytes(&self) -> usize {
        let layers = self.spans.iter().flat_map(|span| &span.layers);
        layers.map(|layer| layer.values.iter().map(Vec::len).sum::<usize>() + layer.next.len()).sum::<usize>()
            * size_of::<T>()
    }

    pub(crate) fn close(&mut self, window: &Window<'_, T>, gradient: &mut [T]) {
        for span in &mut self.spans {
            span.close(window, gradient);
        }
    }
}

/// Whether a layer's y has a memory of its own and is carried beside s.
pub(super) fn carries_output<T: Real>(layer: &Recurrent<T>) -> bool {
    layer.output_has_memory() && (!layer.y_gates.is_empty() || layer.dynamics.resets())
}

/// The variables that a layer carries for each unit.
fn carried<T: Real>(layer: &Recurrent<T>, filters: &[Filter]) -> usize {
    layer.states() + usize::from(carries_output(layer)) + filters.len()
}

impl<T: Real> Span<T> {
    fn new(network: &Network<T>, filters: &[Vec<Filter>], range: Range<usize>, streams: usize, capacity: usize) -> Self {
        let recurrent = |index: usize| network.layers[index].recurrent();
        let carried = |index: usize| recurrent(index).map_or(0, |layer| carried(layer, &filters[index]) * layer.units);
        let variables = range.clone().map(carried).sum();
        let mut first = 0;
        let mut layers = Vec::new();
        for index in range {
            let blocks = blocks_of(&network.layers[index]);
            let parameters: usize = blocks.iter().map(|block| block.gradient.len()).sum();
            let size = (variables - first) * parameters;
            let carries_output = recurrent(index).is_some_and(carries_output);
            layers.push(SpanLayer {
                index,
                first,
                carries_output,
                filters: filters[index].clone(),
                blocks,
                values: vec![vec![T::zero(); size]; streams],
                next: vec![T::zero(); size],
            });
            first += carried(index);
        }
        let paths = layers.iter().map(|layer| {
            let (c, n) = (variables - layer.first, network.layers[layer.index].units());
            let zeros = |count: usize| vec![T::zero(); count];
            let (s, g) = recurrent(layer.index).map_or((0, 1), |layer| (layer.states(), layer.gates()));
            LayerPaths {
                to_state: zeros(c * s * n),
                to_earlier: zeros(c * s * n),
                to_output: zeros(c * n),
                influence: zeros((capacity + 1) * c * g * n),
                shares: vec![(T::zero(), T::zero()); layer.filters.len()],
            }
        });
        let stream = Stream {
            signal: vec![T::zero(); variables],
            jacobian: vec![T::zero(); variables * variables],
            layers: paths.collect(),
        };
        Self { variables, layers, streams: vec![stream; streams], ones: vec![T::one(); capacity] }
    }

    fn close(&mut self, window: &Window<'_, T>, gradient: &mut [T]) {
        let Window { network, lanes, continues, fresh } = *window;
        let layers = &self.layers;
        let variables = self.variables;
        let (mut live, mut work) = (0, 0);
        for lane in lanes.iter().filter(|lane| lane.tape.live > 0) {
            live = lane.first + lane.tape.live;
            work += lane.tape.columns() * variables * variables * variables;
        }
        // The lane of each stream and its place there: all lanes are as wide as the first, but perhaps the last.
        let width = lanes[0].tape.streams();
        let follow = |(stream, paths): (usize, &mut Stream<T>)| {
            let (lane, b) = (&lanes[stream / width], stream % width);
            if b >= lane.tape.live {
                return;
            }
            paths.read_signal(layers, network, lane, b);
            if continues[stream] {
                paths.sweep(layers, variables, network, &lane.tape, b);
            }
        };
        let streams = &mut self.streams[..live];
        if is_worth_sharing(work) {
            streams.par_iter_mut().enumerate().for_each(follow);
        } else {
            streams.iter_mut().enumerate().for_each(follow);
        }
        for (b, stream) in self.streams.iter().enumerate().take(live) {
            let (lane, place_in_lane) = (&lanes[b / width], b % width);
            if place_in_lane >= lane.tape.live {
                continue;
            }
            for (place, layer) in self.layers.iter_mut().enumerate() {
                if !fresh[b] {
                    layer.read_out(b, &stream.signal[layer.first..], gradient);
                }
                if continues[b] {
                    let from = (&lane.tape, place_in_lane);
                    layer.advance(b, fresh[b], stream, place, self.variables, from, &self.ones);
                }
            }
        }
    }
}

/// A layer's recurrent face, if it is recurrent.
fn recurrent_at<'a, T: Real>(
    network: &'a Network<T>,
    tape: &'a Tape<T>,
    index: usize,
) -> Option<(&'a Recurrent<T>, &'a RecurrentTape<T>)> {
    match (&network.layers[index], &tape.layers[index]) {
        (Layer::Recurrent(layer), LayerTape::Recurrent(tape)) => Some((layer, tape)),
        _ => None,
    }
}

fn blocks_of<T: Real>(layer: &Layer<T>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut offset = 0;
    let mut add = |signal, rows: Range<usize>, columns: usize, gradient: Range<usize>| {
        if !gradient.is_empty() {
            let length = gradient.len();
            blocks.push(Block { signal, rows, columns, gradient, offset });
            offset += length;
        }
    };
    match layer {
        Layer::Dense(layer) => {
            add(Signal::Input, 0..layer.units, layer.inputs, layer.w_range());
            add(Signal::One, 0..layer.units, 1, layer.b_range());
        }
        Layer::Recurrent(layer) => {
            let n = layer.units;
            add(Signal::Input, layer.x_rows(), layer.inputs, layer.w_range());
            add(Signal::Output, layer.y_rows(), n, layer.h_range());
            for (g, offset) in layer.constants.iter().enumerate() {
                if let Some(offset) = *offset {
                    add(Signal::One, g * n..(g + 1) * n, 1, offset..offset + n);
                }
            }
        }
    }
    blocks
}

impl<T: Real> SpanLayer<T> {
    /// The first variable of the filters, counted from the layer's own first.
    fn first_filter(&self, layer: &Recurrent<T>) -> usize {
        (layer.states() + usize::from(self.carries_output)) * layer.units
    }

    /// gradient += σ·ε for one stream.
    fn read_out(&self, b: usize, signal: &[T], gradient: &mut [T]) {
        let variables = signal.len();
        for block in &self.blocks {
            let values = &self.values[b][block.offset * variables..][..block.gradient.len() * variables];
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

    /// ε ← J ε + Σ_t A_t ⊗ z_t for one stream.
    #[allow(clippy::too_many_arguments, reason = "one stream of one layer")]
    fn advance(
        &mut self,
        b: usize,
        fresh: bool,
        stream: &Stream<T>,
        place: usize,
        variables: usize,
        (tape, in_lane): (&Tape<T>, usize),
        ones: &[T],
    ) {
        let c = variables - self.first;
        let paths = &stream.layers[place];
        let rows_of_a = paths.influence.len() / c / (ones.len() + 1);
        let jacobian = &stream.jacobian[self.first * variables + self.first..];
        for block in &self.blocks {
            let place = block.offset * c..(block.offset + block.gradient.len()) * c;
            let (now, next) = (&self.values[b][place.clone()], &mut self.next[place]);
            let height = block.rows.len() * c;
            // At least as many columns as the product's tile is wide: A is read once for all of them.
            let width = (BLOCK_VALUES / height).max(8);
            let length = now.len();
            let move_on = |(chunk, (next, now)): (usize, (&mut [T], &[T]))| {
                let columns_here = next.len() / height;
                if !fresh {
                    multiply(
                        Into::Replace,
                        columns(jacobian, c, c, variables),
                        plain_operand(now, c, next.len() / c, c),
                        columns_mut(next, c, next.len() / c, c),
                    );
                }
                multiply(
                    if fresh { Into::Replace } else { Into::Add },
                    columns(&paths.influence[(rows_of_a + block.rows.start) * c..], height, tape.steps, rows_of_a * c),
                    block.signal_of(tape, self.index, in_lane, chunk * width, columns_here, ones),
                    columns_mut(next, height, columns_here, height),
                );
                if block.signal == Signal::One && !fresh {
                    let before = &paths.influence[block.rows.start * c..block.rows.end * c];
                    for (e, &a) in next.iter_mut().zip(before) {
                        *e += a;
                    }
                }
            };
            if is_worth_sharing(length * (c + tape.steps)) {
                next.par_chunks_mut(width * height).zip(now.par_chunks(width * height)).enumerate().for_each(move_on);
            } else {
                next.chunks_mut(width * height).zip(now.chunks(width * height)).enumerate().for_each(move_on);
            }
        }
        std::mem::swap(&mut self.values[b], &mut self.next);
    }
}

impl Block {
    /// z over the window for one stream, steps × columns.
    fn signal_of<'a, T: Real>(
        &self,
        tape: &'a Tape<T>,
        index: usize,
        b: usize,
        first: usize,
        count: usize,
        ones: &'a [T],
    ) -> Strided<'a, T> {
        let of = |data: &'a [T]| {
            transposed_operand(&data[b * self.columns + first..], tape.steps, count, tape.live * self.columns)
        };
        match (self.signal, &tape.layers[index]) {
            (Signal::Input, _) => of(tape.below(index)),
            (Signal::Output, LayerTape::Recurrent(tape)) => of(&tape.previous_output),
            _ => transposed_operand(ones, tape.steps, 1, 1),
        }
    }
}
