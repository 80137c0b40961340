//! The whole influence matrix, for [`Carry::Layer`](crate::Carry::Layer) and [`Carry::Network`](crate::Carry::Network).
//!
//! For one stream of C variables and P parameters: C·P values, and C·P more shared by all streams where the next ε is built. A window of
//! K steps takes C²·P multiply–adds for J ε (C·(C − F)·P where the last F variables are filters), C·P·K for Σ A_t ⊗ z_t and C·P to read out.

use super::span::{FiltersBehind, SpanLayer, StreamWindow};
use crate::linalg::dot::dot;
use crate::linalg::product::{Assignment, columns, columns_mut, multiply, plain_operand};
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use crate::tape::events::Signal;
use rayon::prelude::*;

/// Values of a trace handled at a time: a column block stays in the second-level cache.
const BLOCK_VALUES: usize = 64 * 1024;

/// ε of a span's layers.
#[derive(Clone, Debug)]
pub(super) struct Dense<T: Real> {
    layers: Vec<DenseLayer<T>>,
}

/// The influence of one layer's parameters, stream by stream.
#[derive(Clone, Debug)]
struct DenseLayer<T: Real> {
    /// ε: for each stream `[block][column][row][variable]`, variables from the layer's first on.
    values: Vec<Vec<T>>,
    /// Where the next ε of a stream is built; then the two change places.
    next: Vec<T>,
}

impl<T: Real> Dense<T> {
    pub(super) fn new(layers: &[SpanLayer], variables: usize, streams: usize) -> Self {
        let zeros = |layer: &SpanLayer| vec![T::zero(); (variables - layer.first) * layer.parameters()];
        let layers = layers.iter().map(|layer| DenseLayer { values: vec![zeros(layer); streams], next: zeros(layer) });
        Self { layers: layers.collect() }
    }

    /// Values kept.
    pub(super) fn values(&self) -> usize {
        self.layers.iter().map(|layer| layer.values.iter().map(Vec::len).sum::<usize>() + layer.next.len()).sum()
    }

    /// ε by name: `[stream][parameter of the layer][variable]`.
    pub(super) fn pass(&mut self, layers: &[SpanLayer], book: &mut Book<'_>) -> Result<(), ConfigError> {
        for (layer, kept) in layers.iter().zip(&mut self.layers) {
            let (streams, parameters) = (kept.values.len(), layer.parameters());
            for (stream, values) in kept.values.iter_mut().enumerate() {
                let variables = values.len() / parameters.max(1);
                let lane = Streams { first: stream, count: 1, all: streams };
                book.streams(&format!("traces.layers.{}.influence", layer.index), lane, &[parameters, variables], values)?;
            }
        }
        Ok(())
    }

    /// Reads ε out and moves it on for one stream.
    pub(super) fn close(&mut self, stream: usize, layers: &[SpanLayer], window: &StreamWindow<'_, T>, gradient: &mut [T]) {
        for (place, (layer, kept)) in layers.iter().zip(&mut self.layers).enumerate() {
            if !window.fresh {
                read_out(layer, &kept.values[stream], &window.paths.signal[layer.first..], gradient);
            }
            if window.continues {
                advance(layer, place, window, window.filters_behind(layers), &kept.values[stream], &mut kept.next);
                std::mem::swap(&mut kept.values[stream], &mut kept.next);
            }
        }
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

/// next = J ε + Σ_t A_t ⊗ z_t. The filters behind, the last variables, only lead on to themselves, each filter's times one factor: of
/// their columns of J nothing is multiplied.
fn advance<T: Real>(
    layer: &SpanLayer,
    place: usize,
    window: &StreamWindow<'_, T>,
    behind: FiltersBehind<'_, T>,
    values: &[T],
    next: &mut [T],
) {
    let (steps, fresh) = (window.stream.tape.steps, window.fresh);
    let filtered = behind.units * behind.filters.len();
    let c = window.variables - layer.first;
    let stride = window.influence_stride(place);
    for block in &layer.blocks {
        let range = block.offset * c..(block.offset + block.gradient.len()) * c;
        let (now, next) = (&values[range.clone()], &mut next[range]);
        let height = block.rows.len() * c;
        let influence = &window.paths.layers[place].influence[stride + block.rows.start * c..];
        // At least as many columns as the product's tile is wide: A is read once for all of them.
        let width = (BLOCK_VALUES / height).max(8);
        let length = now.len();
        let move_on = |(chunk, (next, now)): (usize, (&mut [T], &[T]))| {
            let columns_here = next.len() / height;
            if !fresh {
                multiply(
                    Assignment::Replace,
                    columns(window.jacobian(layer.first), c, c - filtered, window.variables),
                    plain_operand(now, c - filtered, next.len() / c, c),
                    columns_mut(next, c, next.len() / c, c),
                );
                if filtered > 0 {
                    let units = behind.units;
                    for (next, now) in next.chunks_exact_mut(c).zip(now.chunks_exact(c)) {
                        let filters =
                            next[c - filtered..].chunks_exact_mut(units).zip(now[c - filtered..].chunks_exact(units));
                        for ((next, now), filter) in filters.zip(behind.filters) {
                            next.iter_mut().zip(now).for_each(|(next, &now)| *next += filter.kept * now);
                        }
                    }
                }
            }
            multiply(
                if fresh { Assignment::Replace } else { Assignment::Add },
                columns(influence, height, steps, stride),
                block.signal_of(window.stream, layer.index, chunk * width..chunk * width + columns_here),
                columns_mut(next, height, columns_here, height),
            );
            if block.signal == Signal::One && !fresh {
                let before = window.influence(layer, place, 0, block.rows.clone());
                for (e, &a) in next.iter_mut().zip(before) {
                    *e += a;
                }
            }
        };
        if is_worth_sharing(length * (c + steps)) {
            next.par_chunks_mut(width * height).zip(now.par_chunks(width * height)).enumerate().for_each(move_on);
        } else {
            next.chunks_mut(width * height).zip(now.chunks(width * height)).enumerate().for_each(move_on);
        }
    }
}
