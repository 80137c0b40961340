//! Tiles of sixteen values: read from a plane and written back, the last one perhaps in part.
#![allow(
    clippy::needless_range_loop,
    clippy::manual_memcpy,
    reason = "plain indices are sure to be inlined and vectorised; iterators are not"
)]

use crate::linalg::real::Real;

/// Units in a tile: one 512-bit vector of `f32`.
pub(crate) const TILE: usize = 16;

/// Copies `plane[at..at + TILE]`, or what is left of it, into a tile.
#[inline(always)]
pub(crate) fn load<T: Real>(plane: &[T], at: usize) -> [T; TILE] {
    let plane = &plane[at..];
    if let Some(full) = plane.first_chunk() {
        return *full;
    }
    let mut tile = [T::zero(); TILE];
    for i in 0..plane.len().min(TILE) {
        tile[i] = plane[i];
    }
    tile
}

/// Copies a tile, or as much as fits, to `plane[at..]`.
#[inline(always)]
pub(crate) fn store<T: Real>(tile: &[T; TILE], plane: &mut [T], at: usize) {
    let plane = &mut plane[at..];
    if let Some(full) = plane.first_chunk_mut() {
        *full = *tile;
        return;
    }
    for i in 0..plane.len().min(TILE) {
        plane[i] = tile[i];
    }
}

/// The sixteen values from `at` on.
#[inline(always)]
pub(crate) fn chunk<V>(values: &[V], at: usize) -> &[V; TILE] {
    &values[at..at + TILE].as_chunks().0[0]
}

/// The sixteen values from `at` on, to be written.
#[inline(always)]
pub(crate) fn chunk_mut<V>(values: &mut [V], at: usize) -> &mut [V; TILE] {
    &mut values[at..at + TILE].as_chunks_mut().0[0]
}
