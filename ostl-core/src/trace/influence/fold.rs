//! A block's steps moved into the influence matrix: ε ← Q ε + Σ_t B_t ⊗ z_t.

use std::ops::Range;

use super::block::LayerBlock;
use super::span::{Block, SpanLayer};
use crate::linalg::bf16::{self, Bf16};
use crate::linalg::product::{Assignment, columns, columns_mut, multiply_shared, plain_operand, transposed_operand};
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::linalg::tiny::flush_tiny;
use rayon::prelude::*;

/// Values of a trace handled at a time: a column block stays in the second-level cache.
pub(super) const BLOCK_VALUES: usize = 64 * 1024;

/// Values that are moved on at a time: whole columns of a block of parameters, at least as many as the product's tile is wide, so that B is read once
/// for all of them.
fn chunk(block: &Block, variables: usize) -> usize {
    let height = block.rows.len() * variables;
    chunk_of(height, block.columns)
}

/// The same of a block with columns of `height` values.
pub(crate) fn chunk_of(height: usize, columns: usize) -> usize {
    height * (BLOCK_VALUES / height.max(1)).max(8).min(columns.max(1))
}

/// Values that a layer's rounded influence is moved on with: as much as goes through at a time, before and after.
pub(super) fn scratch(layer: &SpanLayer, variables: usize) -> usize {
    2 * layer.blocks.iter().map(|block| chunk(block, variables)).max().unwrap_or(0)
}

/// Filters among the carried variables: each unit's only lead on to themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filters {
    pub(super) units: usize,
    pub(super) count: usize,
}

/// What a block does to one layer's ε.
pub(super) struct Moved<'a, T: Real> {
    /// Q from the layer's first variable on.
    pub(super) chain: &'a [T],
    pub(super) stride: usize,
    /// Variables from there on.
    pub(super) height: usize,
    /// B and z.
    pub(super) block: &'a LayerBlock<T>,
    /// ε is zero.
    pub(super) fresh: bool,
    pub(super) filters: Filters,
}

impl<T: Real> Moved<'_, T> {
    /// next = Q ε + Σ_t B_t ⊗ z_t.
    pub(super) fn advance(&self, layer: &SpanLayer, values: &[T], next: &mut [T]) {
        for block in &layer.blocks {
            let range = block.offset * self.height..(block.offset + block.gradient.len()) * self.height;
            let (now, next) = (&values[range.clone()], &mut next[range]);
            let chunk = chunk(block, self.height);
            let move_on = |(place, (next, now)): (usize, (&mut [T], &[T]))| self.columns(block, place * chunk, now, next);
            if is_worth_sharing(now.len() * (self.height + self.block.all())) {
                next.par_chunks_mut(chunk).zip(now.par_chunks(chunk)).enumerate().for_each(move_on);
            } else {
                next.chunks_mut(chunk).zip(now.chunks(chunk)).enumerate().for_each(move_on);
            }
        }
    }

    /// The same of rounded values, where they are: some columns at a time go through `room`, of which [`scratch`] says how large it is.
    pub(super) fn advance_rounded(&self, layer: &SpanLayer, values: &mut [Bf16], room: &mut [T]) {
        for block in &layer.blocks {
            let range = block.offset * self.height..(block.offset + block.gradient.len()) * self.height;
            let chunk = chunk(block, self.height);
            for (place, values) in values[range].chunks_mut(chunk).enumerate() {
                let (now, next) = room.split_at_mut(chunk);
                let (now, next) = (&mut now[..values.len()], &mut next[..values.len()]);
                if !self.fresh {
                    bf16::widen(values, now);
                }
                self.columns(block, place * chunk, now, next);
                bf16::round(next, values);
            }
        }
    }

    /// next = Q ε + Σ_t B_t ⊗ z_t of some columns of a block of parameters, of which the first value lies at `first`. The filters behind, the last
    /// variables, only lead on to themselves, each times one factor: of their columns of Q nothing is multiplied.
    fn columns(&self, block: &Block, first: usize, now: &[T], next: &mut [T]) {
        if !self.fresh {
            self.lead_on(now, next);
        }
        let (steps, height) = (self.block.all(), block.rows.len() * self.height);
        let (first, count) = (first / height, next.len() / height);
        multiply_shared(
            if self.fresh { Assignment::Replace } else { Assignment::Add },
            columns(&self.block.influence[block.rows.start * self.height..], height, steps, self.block.entry()),
            transposed_operand(&self.block.z(block.signal)[first..], steps, count, block.columns),
            columns_mut(next, height, count, height),
        );
        // What no input has reached for long has decayed to next to nothing.
        flush_tiny(next);
    }

    /// next = Q ε of some parameters.
    fn lead_on(&self, now: &[T], next: &mut [T]) {
        let (c, Filters { units, count }) = (self.height, self.filters);
        let filtered = units * count;
        multiply_shared(
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
