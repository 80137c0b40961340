//! The influence of a span's parameters on its states, advanced a window at a time (RTRL; Williams & Zipser 1989; Schmidhuber 1992).
//!
//! A *span* is a run of layers whose recurrent states are carried together: for `layer`, one recurrent layer and the stateless
//! layers just below it; for `network`, everything up to the topmost recurrent layer. With C carried variables and P parameters,
//! ε is C × P for each stream. Over a window of K steps one reverse sweep from all C variables at once ([`stream`]) gives
//! J = ∂v_end/∂v_start (C × C) and A_t = ∂v_end/∂a_t (C × gates·n), and then
//!
//! ```text
//! ε ← J ε + Σ_t A_t ⊗ z_t                                                  (2)
//! ```
//!
//! is one dense product a window (C²P) and one of inner size K, not a dense product a step. Where ε is dense it waits for several windows
//! ([`block`]): n³ a step whatever K, not n⁴.
//! What is kept of ε is the carry's choice: all of it ([`dense`]), the entries near a parameter ([`sparse`], SnAp-n), or a random
//! Kronecker product for each matrix ([`kronecker`], KF-RTRL).
//!
//! The carried variables of a layer are its s, into which y of the same step is folded (y = f(s, constants)), unless a gate that
//! drives the output sums signals (LSTM's output gate) and y is read again at the next step: then y = f(s, a) has a memory of its own beside s and
//! is carried too. Behind them come the filters of the layer's outputs. Layers only influence layers above, so parameters of layer k
//! keep the rows of layers k and above.

mod block;
mod dense;
mod fold;
mod kronecker;
mod span;
mod sparse;
mod stream;

use std::ops::Range;

use crate::cell::filter::Filter;
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::method::{Carry, Method, Update};
use crate::network::Network;
use crate::network::size::is_frozen;
use crate::record::Book;
use crate::refusal::ConfigError;
use crate::sweep::{StreamWalk, Transposed};
use crate::trace::Window;
use crate::trace::{carries_those_below, is_local};
use dense::{Dense, Settings};
use kronecker::Kronecker;
use rayon::prelude::*;
use span::{SpanLayer, StreamWindow, carried};
use sparse::Sparse;
use stream::Stream;

pub(crate) use block::BlockLength;
pub(crate) use fold::chunk_of;
pub(super) use span::{Block, StreamTape, blocks_of};
pub(crate) use span::{carries_output, has_before};
pub(crate) use sparse::{GROUPS, WIDTH};

/// The name of the block that begins at a parameter.
type BlockNames<'a> = dyn Fn(usize) -> String + 'a;

/// What is kept of the influence of every span.
#[derive(Clone, Debug)]
pub(crate) struct Influence<T: Real> {
    spans: Vec<Span<T>>,
}

/// A run of layers whose states are carried together.
#[derive(Clone, Debug)]
struct Span<T: Real> {
    /// Carried variables C.
    variables: usize,
    layers: Vec<SpanLayer>,
    streams: Vec<Stream<T>>,
    /// 1 for every step: what the constants are multiplied with.
    ones: Vec<T>,
    kept: Kept<T>,
}

/// What is kept of ε.
#[derive(Clone, Debug)]
enum Kept<T: Real> {
    Dense(Dense<T>),
    Sparse(Sparse<T>),
    Kronecker(Kronecker<T>),
}

/// The layers of each span. One in which nothing learns keeps nothing.
pub(crate) fn spans<T: Real>(network: &Network<T>, method: &Method) -> Vec<Range<usize>> {
    let recurrent: Vec<usize> = (0..network.depth()).filter(|&i| network.layers[i].recurrent().is_some()).collect();
    let mut ranges = Vec::new();
    match (method.carry, recurrent.last()) {
        (Carry::Network, Some(&top)) => ranges.push(0..top + 1),
        _ => {
            let mut first = 0;
            for index in recurrent {
                if !is_local(network, method, index) {
                    let with_those_below = carries_those_below(network, method, index);
                    ranges.push(if with_those_below { first } else { index }..index + 1);
                }
                first = index + 1;
            }
        }
    }
    ranges.retain(|range| !network.layers[range.clone()].iter().all(is_frozen));
    ranges
}

impl<T: Real> Influence<T> {
    /// The spans that a method's carry needs: for each recurrent layer whose units do not keep traces of their own one, with the
    /// stateless layers just below it where these are carried, or one for everything up to the topmost recurrent layer.
    pub(crate) fn new(
        network: &Network<T>,
        method: &Method,
        filters: &[Vec<Filter>],
        streams: usize,
        capacity: usize,
    ) -> Self {
        let ranges = spans(network, method);
        let span = |(place, range)| Span::new(network, method, filters, place, range, streams, capacity);
        Self { spans: ranges.into_iter().enumerate().map(span).collect() }
    }

    /// Keeps of every span what SnAp of this order keeps.
    #[cfg(test)]
    pub(crate) fn keep_pattern(&mut self, network: &Network<T>, order: usize, streams: usize, capacity: usize) {
        for span in &mut self.spans {
            let layer = network.layers[span.layers[0].index].recurrent().expect("a pattern is one of a recurrent layer");
            let a_unit = span.variables / layer.units;
            span.kept = Kept::Sparse(Sparse::new(layer, &span.layers[0], a_unit, order, streams, capacity));
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let bytes = self.spans.iter().map(|span| match &span.kept {
            Kept::Dense(dense) => dense.bytes(),
            Kept::Sparse(sparse) => sparse.values() * size_of::<T>(),
            Kept::Kronecker(kronecker) => kronecker.values() * size_of::<T>(),
        });
        bytes.sum()
    }

    /// What is kept, by name.
    pub(crate) fn pass(&mut self, names: &BlockNames<'_>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        for span in &mut self.spans {
            match &mut span.kept {
                Kept::Dense(dense) => dense.pass(&span.layers, book)?,
                Kept::Sparse(sparse) => sparse.pass(span.layers[0].index, book)?,
                Kept::Kronecker(kronecker) => kronecker.pass(names, &span.layers, book)?,
            }
        }
        Ok(())
    }

    /// Streams end although no window is open: what those that are not `fresh` still owe the gradient is added.
    pub(crate) fn flush(&mut self, fresh: &[bool], gradient: &mut [T]) {
        for span in &mut self.spans {
            if let Kept::Dense(dense) = &mut span.kept {
                dense.flush(&span.layers, fresh, gradient);
            }
        }
    }

    /// Moves ε to where the last window ended.
    pub(crate) fn catch_up(&mut self) {
        for span in &mut self.spans {
            if let Kept::Dense(dense) = &mut span.kept {
                dense.catch_up(&span.layers);
            }
        }
    }

    /// `transposed` is what brought the window's signals down.
    pub(crate) fn close(&mut self, window: &Window<'_, T>, transposed: &Transposed<T>, gradient: &mut [T]) {
        for span in &mut self.spans {
            span.close(window, transposed, gradient);
        }
    }
}

impl<T: Real> Span<T> {
    fn new(
        network: &Network<T>,
        method: &Method,
        filters: &[Vec<Filter>],
        place: usize,
        range: Range<usize>,
        streams: usize,
        capacity: usize,
    ) -> Self {
        let recurrent = |index: usize| network.layers[index].recurrent();
        let carried = |index: usize| recurrent(index).map_or(0, |layer| carried(layer, &filters[index]) * layer.units);
        let variables = range.clone().map(carried).sum();
        let mut first = 0;
        let mut layers = Vec::new();
        for index in range {
            layers.push(SpanLayer {
                index,
                units: network.layers[index].units(),
                first,
                carries_output: recurrent(index).is_some_and(carries_output),
                filters: filters[index].clone(),
                blocks: blocks_of(&network.layers[index]),
            });
            first += carried(index);
        }
        let stream = Stream::new(network, &layers, variables, capacity);
        let kept = match (method.carry, layers.last().and_then(|layer| recurrent(layer.index))) {
            (Carry::Snap(order), Some(layer)) => {
                let a_unit = variables / layer.units;
                Kept::Sparse(Sparse::new(layer, &layers[0], a_unit, order, streams, capacity))
            }
            (Carry::KfRtrl, _) => Kept::Kronecker(Kronecker::new(&layers, variables, streams, method.seed, place)),
            _ => {
                let defers = method.update == Update::Sequence;
                let settings = Settings { capacity, defers, block: method.block, format: method.trace };
                Kept::Dense(Dense::new(network, &layers, variables, streams, settings))
            }
        };
        Self { variables, layers, streams: vec![stream; streams], ones: vec![T::one(); capacity], kept }
    }

    fn close(&mut self, window: &Window<'_, T>, transposed: &Transposed<T>, gradient: &mut [T]) {
        let Window { network, lanes, continues, fresh, moment, may_defer, stays, .. } = *window;
        let layers = &self.layers;
        let variables = self.variables;
        let (mut active, mut work) = (0, 0);
        for lane in lanes.iter().filter(|lane| lane.tape.active > 0) {
            active = lane.first + lane.tape.active;
            work += lane.tape.columns() * variables * variables * variables;
        }
        // The lane of each stream and its place there: all lanes are as wide as the first, but perhaps the last.
        let width = lanes[0].tape.streams();
        let follow = |(stream, paths): (usize, &mut Stream<T>)| {
            let (lane, b) = (&lanes[stream / width], stream % width);
            if b >= lane.tape.active {
                return;
            }
            paths.read_signal(layers, network, lane, b);
            if continues[stream] {
                let first_layer = layers[0].index;
                paths.sweep(layers, &StreamWalk { network, transposed, tape: &lane.tape, stream: b, first_layer });
            }
        };
        let streams = &mut self.streams[..active];
        if is_worth_sharing(work) {
            streams.par_iter_mut().enumerate().for_each(follow);
        } else {
            streams.iter_mut().enumerate().for_each(follow);
        }
        let (streams, ones) = (&self.streams, &self.ones);
        let of = |stream: usize| {
            let (lane, in_lane) = (&lanes[stream / width], stream % width);
            (in_lane < lane.tape.active).then(|| StreamWindow {
                stream: StreamTape { tape: &lane.tape, b: in_lane, ones },
                paths: &streams[stream],
                variables,
                fresh: fresh[stream],
                may_defer,
                continues: continues[stream],
                stays,
                moment: moment.of(stream),
            })
        };
        match &mut self.kept {
            Kept::Dense(dense) => {
                for stream in 0..self.streams.len() {
                    match of(stream) {
                        Some(window) => dense.close(stream, layers, &window, gradient),
                        // It has ended without another step: what it owes is due.
                        None if !stays && !continues[stream] && !fresh[stream] => dense.read_out(stream, layers, gradient),
                        None => {}
                    }
                }
            }
            Kept::Kronecker(kronecker) => {
                (0..active).for_each(|stream| of(stream).iter().for_each(|w| kronecker.close(stream, layers, w, gradient)));
            }
            Kept::Sparse(sparse) => sparse.close(active, &layers[0], of, gradient),
        }
    }
}
