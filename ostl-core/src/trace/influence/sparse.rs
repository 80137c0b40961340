//! The influence of each unit's parameters on the units that it reaches: SnAp-n (Menick et al. 2020, arXiv 2006.07232, § 3).
//!
//! R(j) holds the units that unit j reaches over at most n − 1 connections of H. Of ε only the rows of R(j) are kept for parameters of
//! unit j, and only connections of H that exist have a column at all:
//!
//! ```text
//! ε_j ← J[R(j), R(j)] ε_j + Σ_t A_t[R(j), rows of j] ⊗ z_t
//! ```
//!
//! with J and A over the whole window, so that within a window nothing is left out. Parameters of stateless layers below are not carried.
//! For one stream, r = |R(j)|, V variables a unit and p parameters of it: V·r·p values a unit (n·V·r·p in all), and a window of K steps
//! takes (V·r)²·p multiply–adds for J ε and V·r·p·(K + 1) for the rest, each in dense products of gathered values. To these comes the sweep
//! that finds J and A ([`stream`](super::stream)): n²·V·G at K = 1, n³·V·G a further step. Measured with n = 128 tanh units, 64 inputs and a
//! tenth of H's connections (r = 14), one stream: order 2 keeps 0.57 MB and takes 0.54 ms a step at K = 1, 0.14 ms at K = 16, where the
//! whole influence takes 25 MB, 8 ms and 1.2 ms.
//!
//! As published the mask falls on ε after the step that is read out; here σ reads ε at the window's start through all of J, one hop
//! further.

use std::ops::Range;

use super::span::{Block, SpanLayer, StreamWindow};
use crate::linalg::dot::dot;
use crate::linalg::product::{Assignment, columns, columns_mut, multiply, plain_operand};
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::network::layer::Recurrent;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use crate::tape::events::Signal;
use crate::trace::reach::{Reach, heard};
use rayon::prelude::*;

/// Units of a stream are cut into this many groups, for threads to share.
pub(crate) const GROUPS: usize = 8;
/// Columns of ε that are moved on at a time.
pub(crate) const WIDTH: usize = 64;

/// ε of one recurrent layer's own parameters.
#[derive(Clone, Debug)]
pub(super) struct Sparse<T: Real> {
    units: usize,
    /// Variables a unit: planes of `units`.
    variables: usize,
    patterns: Vec<Pattern>,
    /// Stream after stream.
    groups: Vec<Group<T>>,
    groups_a_stream: usize,
}

/// What is kept for the parameters of one unit.
#[derive(Clone, Debug)]
struct Pattern {
    /// R(j), in order.
    reached: Vec<u32>,
    /// Units whose outputs it receives.
    heard: Vec<u32>,
    parameters: usize,
}

/// Some units of one stream.
#[derive(Clone, Debug)]
struct Group<T: Real> {
    stream: usize,
    units: Range<usize>,
    /// ε: `[unit][block][column][gate][variable][unit reached]`.
    values: Vec<T>,
    /// σ·ε of each parameter.
    sums: Vec<T>,
    scratch: Scratch<T>,
}

/// Gathered values of one unit.
#[derive(Clone, Debug)]
struct Scratch<T: Real> {
    signal: Vec<T>,
    jacobian: Vec<T>,
    /// Columns of ε as they were.
    before: Vec<T>,
    /// A: one column per step.
    influence: Vec<T>,
    /// z: one row per step.
    presynaptic: Vec<T>,
}

impl<T: Real> Sparse<T> {
    /// For a span of one recurrent layer. `variables` is the number for one unit.
    pub(super) fn new(
        layer: &Recurrent<T>,
        span_layer: &SpanLayer,
        variables: usize,
        order: usize,
        streams: usize,
        capacity: usize,
    ) -> Self {
        let n = layer.units;
        let patterns: Vec<Pattern> = (0..n)
            .zip(Reach::new(layer, order).units)
            .map(|(unit, reached)| {
                let heard = heard(layer, unit);
                let parameters =
                    span_layer.blocks.iter().map(|block| gates(block, n) * columns_of(block, &heard)).sum::<usize>();
                Pattern { reached, heard, parameters }
            })
            .collect();
        let width = n.div_ceil(GROUPS);
        let group = |(stream, first): (usize, usize)| {
            let units = first..n.min(first + width);
            let of = |size: fn(&Pattern) -> usize| patterns[units.clone()].iter().map(size);
            let most = variables * of(|pattern| pattern.reached.len()).max().unwrap_or(0);
            let heard = of(|pattern| pattern.heard.len()).max().unwrap_or(0);
            let zeros = |count: usize| vec![T::zero(); count];
            Group {
                stream,
                values: zeros(variables * of(|pattern| pattern.reached.len() * pattern.parameters).sum::<usize>()),
                sums: zeros(of(|pattern| pattern.parameters).sum()),
                scratch: Scratch {
                    signal: zeros(most),
                    jacobian: zeros(most * most),
                    before: zeros(most * WIDTH),
                    influence: zeros(most * layer.gates() * capacity),
                    presynaptic: zeros(heard * capacity),
                },
                units,
            }
        };
        let places = (0..streams).flat_map(|stream| (0..n).step_by(width).map(move |first| (stream, first)));
        let groups = places.map(group).collect();
        Self { units: n, variables, patterns, groups, groups_a_stream: n.div_ceil(width) }
    }

    /// Values kept.
    pub(super) fn values(&self) -> usize {
        self.groups.iter().map(|group| group.values.len() + group.sums.len()).sum()
    }

    /// ε by name: for each stream `[unit][block][column][gate][variable][unit reached]`, of the connections that there are.
    pub(super) fn pass(&mut self, layer: usize, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let name = format!("traces.layers.{layer}.influence");
        let all = self.groups.len() / self.groups_a_stream;
        for (stream, groups) in self.groups.chunks_mut(self.groups_a_stream).enumerate() {
            let mut values: Vec<T> = groups.iter().flat_map(|group| &group.values).copied().collect();
            book.streams(&name, Streams { first: stream, count: 1, all }, &[values.len()], &mut values)?;
            let mut rest = values.as_slice();
            for group in groups {
                let (own, others) = rest.split_at(group.values.len());
                group.values.copy_from_slice(own);
                rest = others;
            }
        }
        Ok(())
    }

    /// Reads ε out and moves it on for the first `active` streams.
    pub(super) fn close<'a>(
        &mut self,
        active: usize,
        layer: &SpanLayer,
        of: impl Fn(usize) -> Option<StreamWindow<'a, T>> + Sync,
        gradient: &mut [T],
    ) {
        let Self { units, variables, patterns, groups, groups_a_stream } = self;
        let groups = &mut groups[..active * *groups_a_stream];
        let (n, variables, patterns) = (*units, *variables, patterns.as_slice());
        let close = |group: &mut Group<T>| {
            if let Some(window) = of(group.stream) {
                group.close(n, variables, patterns, layer, &window);
            }
        };
        let rows = patterns.iter().map(|pattern| pattern.reached.len()).max().unwrap_or(0) * variables;
        if is_worth_sharing(groups.iter().map(|group| group.values.len() * rows).sum()) {
            groups.par_iter_mut().for_each(close);
        } else {
            groups.iter_mut().for_each(close);
        }
        for group in groups.iter() {
            if of(group.stream).is_some_and(|window| !window.fresh) {
                group.add_to(n, patterns, layer, gradient);
            }
        }
    }
}

/// Gates that a block feeds.
fn gates(block: &Block, n: usize) -> usize {
    block.rows.len() / n
}

/// Columns that a block has for one unit.
fn columns_of(block: &Block, heard: &[u32]) -> usize {
    if block.signal == Signal::Output { heard.len() } else { block.columns }
}

impl<T: Real> Group<T> {
    fn close(&mut self, n: usize, variables: usize, patterns: &[Pattern], layer: &SpanLayer, window: &StreamWindow<'_, T>) {
        let (mut values, mut sums) = (self.values.as_mut_slice(), self.sums.as_mut_slice());
        for unit in self.units.clone() {
            let pattern = &patterns[unit];
            if pattern.parameters == 0 {
                continue;
            }
            let height = variables * pattern.reached.len();
            let (own, rest) = values.split_at_mut(height * pattern.parameters);
            values = rest;
            let (own_sums, rest) = sums.split_at_mut(pattern.parameters);
            sums = rest;
            if !window.fresh {
                let signal = &mut self.scratch.signal[..height];
                gather(&window.paths.signal[layer.first..], &pattern.reached, n, signal);
                for (sum, values) in own_sums.iter_mut().zip(own.chunks_exact(height)) {
                    *sum = dot(signal, values);
                }
            }
            if window.continues {
                self.scratch.advance(unit, n, pattern, layer, window, own);
            }
        }
    }

    /// gradient += σ·ε.
    fn add_to(&self, n: usize, patterns: &[Pattern], layer: &SpanLayer, gradient: &mut [T]) {
        let mut sums = self.sums.iter();
        for unit in self.units.clone() {
            let heard = &patterns[unit].heard;
            for block in &layer.blocks {
                for place in 0..columns_of(block, heard) {
                    let column = match block.signal {
                        Signal::Output => heard.get(place).map_or(0, |&from| from as usize),
                        _ => place,
                    };
                    let column = &mut gradient[block.gradient.clone()][column * block.rows.len()..][..block.rows.len()];
                    for (gate, &sum) in column.chunks_exact_mut(n).zip(&mut sums) {
                        gate[unit] += sum;
                    }
                }
            }
        }
    }
}

impl<T: Real> Scratch<T> {
    /// ε ← J ε + Σ_t A_t ⊗ z_t for the parameters of one unit.
    fn advance(
        &mut self,
        unit: usize,
        n: usize,
        pattern: &Pattern,
        layer: &SpanLayer,
        window: &StreamWindow<'_, T>,
        values: &mut [T],
    ) {
        let height = values.len() / pattern.parameters.max(1);
        let steps = window.stream.tape.steps;
        let place = 0;
        if window.fresh {
            values.fill(T::zero());
        } else {
            let jacobian = &mut self.jacobian[..height * height];
            let reached = pattern.reached.as_slice();
            for (plane, to) in jacobian.chunks_exact_mut(height * reached.len()).enumerate() {
                for (&from, to) in reached.iter().zip(to.chunks_exact_mut(height)) {
                    let variable = plane * n + from as usize;
                    let column = &window.jacobian(layer.first)[variable * window.variables..];
                    gather(column, reached, n, to);
                }
            }
            for chunk in values.chunks_mut(WIDTH * height) {
                let count = chunk.len() / height;
                self.before[..chunk.len()].copy_from_slice(chunk);
                multiply(
                    Assignment::Replace,
                    columns(jacobian, height, height, height),
                    plain_operand(&self.before, height, count, height),
                    columns_mut(chunk, height, count, height),
                );
            }
        }
        let mut values = values;
        for block in &layer.blocks {
            let (gates, count) = (gates(block, n), columns_of(block, &pattern.heard));
            let (own, rest) = values.split_at_mut(count * gates * height);
            values = rest;
            if count == 0 {
                continue;
            }
            let tall = gates * height;
            let c = window.variables - layer.first;
            for (step, to) in self.influence[..steps * tall].chunks_exact_mut(tall).enumerate() {
                let influence = window.influence(layer, place, step + 1, block.rows.clone());
                for (gate, to) in to.chunks_exact_mut(height).enumerate() {
                    gather(&influence[(gate * n + unit) * c..][..c], &pattern.reached, n, to);
                }
            }
            let presynaptic = if block.signal == Signal::Output && count < n {
                for (place, &from) in pattern.heard.iter().enumerate() {
                    for (step, to) in self.presynaptic[place * steps..][..steps].iter_mut().enumerate() {
                        let z = block.signal_at(window.stream, layer.index, step);
                        *to = z[from as usize];
                    }
                }
                plain_operand(&self.presynaptic, steps, count, steps)
            } else {
                block.signal_of(window.stream, layer.index, 0..count)
            };
            multiply(
                Assignment::Add,
                columns(&self.influence, tall, steps, tall),
                presynaptic,
                columns_mut(own, tall, count, tall),
            );
            if block.signal == Signal::One && !window.fresh {
                let before = window.influence(layer, place, 0, block.rows.clone());
                let to = &mut self.influence[..height];
                gather(&before[unit * c..][..c], &pattern.reached, n, to);
                for (e, &a) in own.iter_mut().zip(to.iter()) {
                    *e += a;
                }
            }
        }
    }
}

/// Of planes of `n` units those that are reached.
fn gather<T: Real>(from: &[T], reached: &[u32], n: usize, to: &mut [T]) {
    for (plane, to) in to.chunks_exact_mut(reached.len()).enumerate() {
        for (to, &unit) in to.iter_mut().zip(reached) {
            *to = from[plane * n + unit as usize];
        }
    }
}
