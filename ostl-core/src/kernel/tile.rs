//! Cells over tiles of units: load a tile from planes, call the cell on each lane, store. Compiled per instruction set; the
//! plain twin is the same body at the baseline, and the oracle's one-unit call is its test.
#![allow(unsafe_code, reason = "calls into functions compiled for instruction sets found at run time")]

use crate::cell::{Cell, Partials, Unit};
use crate::dynamics::{PartialsColumnMut, UnitColumn, UnitColumnMut};
use crate::kernel::processor::{Processor, processor};
use crate::real::Real;

/// Units in a tile: one 512-bit vector of `f32`.
const TILE: usize = 16;

/// Copies `plane[at..at + TILE]`, or what is left of it, into a tile.
#[inline(always)]
fn load<T: Real>(plane: &[T], at: usize) -> [T; TILE] {
    let mut tile = [T::zero(); TILE];
    if let Some(full) = plane.get(at..at + TILE) {
        tile.copy_from_slice(full);
    } else {
        tile[..plane.len() - at].copy_from_slice(&plane[at..]);
    }
    tile
}

/// Copies a tile, or as much as fits, to `plane[at..]`.
#[inline(always)]
fn store<T: Real>(tile: &[T; TILE], plane: &mut [T], at: usize) {
    if let Some(full) = plane.get_mut(at..at + TILE) {
        full.copy_from_slice(tile);
    } else {
        let left = plane.len() - at;
        plane[at..].copy_from_slice(&tile[..left]);
    }
}

#[inline(always)]
fn load_planes<T: Real, const N: usize>(planes: &[T], units: usize, at: usize) -> [[T; TILE]; N] {
    std::array::from_fn(|p| load(&planes[p * units..(p + 1) * units], at))
}

#[inline(always)]
fn store_planes<T: Real, const N: usize>(tiles: &[[T; TILE]; N], planes: &mut [T], units: usize, at: usize) {
    for (p, tile) in tiles.iter().enumerate() {
        store(tile, &mut planes[p * units..(p + 1) * units], at);
    }
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "indices over fixed sizes are what vectorises, and what the formulas have")]
fn step_body<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    previous: UnitColumn<'_, T>,
    next: UnitColumnMut<'_, T>,
) {
    let units = previous.output.len();
    for at in (0..units).step_by(TILE) {
        let s: [[T; TILE]; S] = load_planes(previous.state, units, at);
        let y = load(previous.output, at);
        let a: [[T; TILE]; G] = load_planes(previous.activation, units, at);
        let mut next_s = [[T::zero(); TILE]; S];
        let mut next_y = [T::zero(); TILE];
        for lane in 0..TILE {
            let unit = Unit { s: std::array::from_fn(|v| s[v][lane]), y: y[lane] };
            let unit = cell.step(unit, std::array::from_fn(|g| a[g][lane]));
            for v in 0..S {
                next_s[v][lane] = unit.s[v];
            }
            next_y[lane] = unit.y;
        }
        store_planes(&next_s, next.state, units, at);
        store(&next_y, next.output, at);
    }
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "indices over fixed sizes are what vectorises, and what the formulas have")]
fn linearise_body<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    previous: UnitColumn<'_, T>,
    next: UnitColumnMut<'_, T>,
    partials: PartialsColumnMut<'_, T>,
) {
    let units = previous.output.len();
    for at in (0..units).step_by(TILE) {
        let s: [[T; TILE]; S] = load_planes(previous.state, units, at);
        let y = load(previous.output, at);
        let a: [[T; TILE]; G] = load_planes(previous.activation, units, at);
        let mut next_s = [[T::zero(); TILE]; S];
        let mut next_y = [T::zero(); TILE];
        let mut ds_ds = [[[T::zero(); TILE]; S]; S];
        let mut ds_dy = [[T::zero(); TILE]; S];
        let mut ds_da = [[[T::zero(); TILE]; G]; S];
        let mut dy_ds = [[T::zero(); TILE]; S];
        let mut dy_da = [[T::zero(); TILE]; G];
        for lane in 0..TILE {
            let unit = Unit { s: std::array::from_fn(|v| s[v][lane]), y: y[lane] };
            let (unit, found): (_, Partials<T, S, G>) = cell.linearise(unit, std::array::from_fn(|g| a[g][lane]));
            next_y[lane] = unit.y;
            for v in 0..S {
                next_s[v][lane] = unit.s[v];
                ds_dy[v][lane] = found.ds_dy[v];
                dy_ds[v][lane] = found.dy_ds[v];
                for w in 0..S {
                    ds_ds[v][w][lane] = found.ds_ds[v][w];
                }
                for g in 0..G {
                    ds_da[v][g][lane] = found.ds_da[v][g];
                }
            }
            for g in 0..G {
                dy_da[g][lane] = found.dy_da[g];
            }
        }
        store_planes(&next_s, next.state, units, at);
        store(&next_y, next.output, at);
        for v in 0..S {
            store_planes(&ds_ds[v], &mut partials.ds_ds[v * S * units..], units, at);
            store_planes(&ds_da[v], &mut partials.ds_da[v * G * units..], units, at);
        }
        store_planes(&ds_dy, partials.ds_dy, units, at);
        store_planes(&dy_ds, partials.dy_ds, units, at);
        store_planes(&dy_da, partials.dy_da, units, at);
    }
}

/// One function per instruction set around the same body.
macro_rules! compiled_for {
    ($module:ident, $features:literal) => {
        #[cfg(target_arch = "x86_64")]
        mod $module {
            use super::*;

            #[target_feature(enable = $features)]
            pub(super) fn step<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
                cell: &C,
                previous: UnitColumn<'_, T>,
                next: UnitColumnMut<'_, T>,
            ) {
                step_body(cell, previous, next);
            }

            #[target_feature(enable = $features)]
            pub(super) fn linearise<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
                cell: &C,
                previous: UnitColumn<'_, T>,
                next: UnitColumnMut<'_, T>,
                partials: PartialsColumnMut<'_, T>,
            ) {
                linearise_body(cell, previous, next, partials);
            }
        }
    };
}

compiled_for!(avx2, "avx2,fma");
compiled_for!(avx512, "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw");

/// One step of a column of units.
pub(crate) fn step<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    previous: UnitColumn<'_, T>,
    next: UnitColumnMut<'_, T>,
) {
    match processor() {
        // SAFETY: the processor was found to have every feature the function was compiled for.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx512 => unsafe { avx512::step(cell, previous, next) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx2 => unsafe { avx2::step(cell, previous, next) },
        _ => step_body(cell, previous, next),
    }
}

/// One linearised step of a column of units.
pub(crate) fn linearise<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    previous: UnitColumn<'_, T>,
    next: UnitColumnMut<'_, T>,
    partials: PartialsColumnMut<'_, T>,
) {
    match processor() {
        // SAFETY: the processor was found to have every feature the function was compiled for.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx512 => unsafe { avx512::linearise(cell, previous, next, partials) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx2 => unsafe { avx2::linearise(cell, previous, next, partials) },
        _ => linearise_body(cell, previous, next, partials),
    }
}
