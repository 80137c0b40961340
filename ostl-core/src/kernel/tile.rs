//! Cells over tiles of units: load a tile from planes, call the cell on each lane, store. Compiled per instruction set; the
//! plain twin is the same body at the baseline, and the oracle's one-unit call is its test.

use crate::cell::{Cell, Partials, Unit};
use crate::dynamics::{PartialsColumnMut, UnitColumn, UnitColumnMut};
use crate::kernel::dispatch::{Job, dispatch};
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
    // Not `array::from_fn`, which is not always inlined and would then miss the wide vectors.
    let mut tiles = [[T::zero(); TILE]; N];
    for (p, tile) in tiles.iter_mut().enumerate() {
        *tile = load(&planes[p * units..(p + 1) * units], at);
    }
    tiles
}

/// One unit's values out of tiles.
#[inline(always)]
fn lane_of<T: Real, const N: usize>(tiles: &[[T; TILE]; N], lane: usize) -> [T; N] {
    let mut values = [T::zero(); N];
    for (value, tile) in values.iter_mut().zip(tiles) {
        *value = tile[lane];
    }
    values
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
            let unit = cell.step(Unit { s: lane_of(&s, lane), y: y[lane] }, lane_of(&a, lane));
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
            let unit = Unit { s: lane_of(&s, lane), y: y[lane] };
            let (unit, found): (_, Partials<T, S, G>) = cell.linearise(unit, lane_of(&a, lane));
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

/// A step of a column of units.
struct Step<'a, T, C> {
    cell: &'a C,
    previous: UnitColumn<'a, T>,
    next: UnitColumnMut<'a, T>,
}

/// A linearised step of a column of units.
struct Linearise<'a, T, C> {
    step: Step<'a, T, C>,
    partials: PartialsColumnMut<'a, T>,
}

/// Gives a job the cell's `S` and `G`, which its type does not name.
struct Sized<J, const S: usize, const G: usize>(J);

impl<T: Real, C: Cell<S, G>, const S: usize, const G: usize> Job for Sized<Step<'_, T, C>, S, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        step_body(self.0.cell, self.0.previous, self.0.next);
    }
}

impl<T: Real, C: Cell<S, G>, const S: usize, const G: usize> Job for Sized<Linearise<'_, T, C>, S, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Linearise { step: Step { cell, previous, next }, partials } = self.0;
        linearise_body(cell, previous, next, partials);
    }
}

/// One step of a column of units.
pub(crate) fn step<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    previous: UnitColumn<'_, T>,
    next: UnitColumnMut<'_, T>,
) {
    dispatch(Sized::<_, S, G>(Step { cell, previous, next }));
}

/// One linearised step of a column of units.
pub(crate) fn linearise<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    previous: UnitColumn<'_, T>,
    next: UnitColumnMut<'_, T>,
    partials: PartialsColumnMut<'_, T>,
) {
    dispatch(Sized::<_, S, G>(Linearise { step: Step { cell, previous, next }, partials }));
}
