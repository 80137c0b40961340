//! Cells over tiles of units: load a tile from planes, call the cell on each lane, store. Compiled per instruction set; the
//! plain twin is the same body at the baseline, and the oracle's one-unit call is its test.
#![allow(
    clippy::needless_range_loop,
    clippy::manual_memcpy,
    reason = "plain indices are sure to be inlined and vectorised; iterators are not"
)]

use crate::cell::columns::{PartialsColumnsMut, UnitColumns, UnitColumnsMut};
use crate::cell::{Cell, Gate, PREPARED, Partials, Unit};
use crate::linalg::dispatch::{Instructions, Job, dispatch};
use crate::linalg::real::Real;
use crate::linalg::tile::{TILE, load, store};

#[inline(always)]
fn load_planes<T: Real, const N: usize>(planes: &[T], units: usize, at: usize) -> [[T; TILE]; N] {
    // Not `array::from_fn`, which is not always inlined and would then miss the wide vectors.
    let mut tiles = [[T::zero(); TILE]; N];
    for p in 0..N {
        tiles[p] = load(&planes[p * units..(p + 1) * units], at);
    }
    tiles
}

/// One unit's values out of tiles.
#[inline(always)]
fn lane_of<T: Real, const N: usize>(tiles: &[[T; TILE]; N], lane: usize) -> [T; N] {
    let mut values = [T::zero(); N];
    for p in 0..N {
        values[p] = tiles[p][lane];
    }
    values
}

#[inline(always)]
fn store_planes<T: Real, const N: usize>(tiles: &[[T; TILE]; N], planes: &mut [T], units: usize, at: usize) {
    for p in 0..N {
        store(&tiles[p], &mut planes[p * units..(p + 1) * units], at);
    }
}

/// The order in which tiles are taken: the first column, the first unit, and how many columns take their turn there. All of them, where what
/// is prepared serves them all; else one after another, as they lie in memory.
#[inline(always)]
fn turns<C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    columns: usize,
    units: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    let together = if cell.prepares() { columns.max(1) } else { 1 };
    let firsts = (0..columns).step_by(together);
    firsts.flat_map(move |first| (0..units).step_by(TILE).map(move |at| (first, at, together)))
}

/// What the cell prepares for a tile of units, from the activations of one column.
#[inline(always)]
fn prepare<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    gates: &[Gate; G],
    activation: &[T],
    units: usize,
    at: usize,
) -> [[T; TILE]; PREPARED] {
    let mut constants = [[T::zero(); TILE]; G];
    for g in (0..G).filter(|&g| gates[g].is_constant()) {
        constants[g] = load(&activation[g * units..(g + 1) * units], at);
    }
    let mut prepared = [[T::zero(); TILE]; PREPARED];
    for lane in 0..TILE {
        let found = cell.prepare(lane_of(&constants, lane));
        for p in 0..PREPARED {
            prepared[p][lane] = found[p];
        }
    }
    prepared
}

#[inline(always)]
fn step_body<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    units: usize,
    previous: UnitColumns<'_, T>,
    next: UnitColumnsMut<'_, T>,
) {
    let (cell, gates) = (*cell, cell.gates());
    for (first, at, together) in turns(&cell, previous.output.len() / units, units) {
        let prepared = prepare(&cell, &gates, previous.activation, units, at);
        for column in first..first + together {
            let place = |planes: usize| column * planes * units..(column + 1) * planes * units;
            let s: [[T; TILE]; S] = load_planes(&previous.state[place(S)], units, at);
            let y = load(&previous.output[place(1)], at);
            let a: [[T; TILE]; G] = load_planes(&previous.activation[place(G)], units, at);
            let mut next_s = [[T::zero(); TILE]; S];
            let mut next_y = [T::zero(); TILE];
            for lane in 0..TILE {
                let unit = Unit { s: lane_of(&s, lane), y: y[lane] };
                let unit = cell.step_prepared(unit, lane_of(&a, lane), lane_of(&prepared, lane));
                for v in 0..S {
                    next_s[v][lane] = unit.s[v];
                }
                next_y[lane] = unit.y;
            }
            store_planes(&next_s, &mut next.state[place(S)], units, at);
            store(&next_y, &mut next.output[place(1)], at);
        }
    }
}

#[inline(always)]
fn linearise_body<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    units: usize,
    previous: UnitColumns<'_, T>,
    next: UnitColumnsMut<'_, T>,
    partials: PartialsColumnsMut<'_, T>,
) {
    // A copy, which nothing written below can be taken to change.
    let (cell, gates) = (*cell, cell.gates());
    for (first, at, together) in turns(&cell, previous.output.len() / units, units) {
        let prepared = prepare(&cell, &gates, previous.activation, units, at);
        for column in first..first + together {
            let place = |planes: usize| column * planes * units..(column + 1) * planes * units;
            let s: [[T; TILE]; S] = load_planes(&previous.state[place(S)], units, at);
            let y = load(&previous.output[place(1)], at);
            let a: [[T; TILE]; G] = load_planes(&previous.activation[place(G)], units, at);
            let mut next_s = [[T::zero(); TILE]; S];
            let mut next_y = [T::zero(); TILE];
            let mut ds_ds = [[[T::zero(); TILE]; S]; S];
            let mut ds_dy = [[T::zero(); TILE]; S];
            let mut ds_da = [[[T::zero(); TILE]; G]; S];
            let mut dy_ds = [[T::zero(); TILE]; S];
            let mut dy_da = [[T::zero(); TILE]; G];
            for lane in 0..TILE {
                let unit = Unit { s: lane_of(&s, lane), y: y[lane] };
                let (unit, found): (_, Partials<T, S, G>) =
                    cell.linearise_prepared(unit, lane_of(&a, lane), lane_of(&prepared, lane));
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
            store_planes(&next_s, &mut next.state[place(S)], units, at);
            store(&next_y, &mut next.output[place(1)], at);
            // Planes that the gates say are zero stay as they are, and are not read.
            let (to_ds, to_da) = (&mut partials.ds_ds[place(S * S)], &mut partials.ds_da[place(S * G)]);
            for v in 0..S {
                store_planes(&ds_ds[v], &mut to_ds[v * S * units..], units, at);
                for g in (0..G).filter(|&g| gates[g].drives_state) {
                    store(&ds_da[v][g], &mut to_da[(v * G + g) * units..(v * G + g + 1) * units], at);
                }
            }
            if cell.resets() {
                store_planes(&ds_dy, &mut partials.ds_dy[place(S)], units, at);
            }
            store_planes(&dy_ds, &mut partials.dy_ds[place(S)], units, at);
            let to_dy = &mut partials.dy_da[place(G)];
            for g in (0..G).filter(|&g| gates[g].drives_output) {
                store(&dy_da[g], &mut to_dy[g * units..(g + 1) * units], at);
            }
        }
    }
}

/// A step of some columns of units.
struct Step<'a, T, C> {
    cell: &'a C,
    units: usize,
    previous: UnitColumns<'a, T>,
    next: UnitColumnsMut<'a, T>,
}

/// A linearised step of some columns of units.
struct Linearise<'a, T, C> {
    step: Step<'a, T, C>,
    partials: PartialsColumnsMut<'a, T>,
}

/// Gives a job the cell's `S` and `G`, which its type does not name.
struct Sized<J, const S: usize, const G: usize>(J);

impl<T: Real, C: Cell<S, G>, const S: usize, const G: usize> Job for Sized<Step<'_, T, C>, S, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        step_body(self.0.cell, self.0.units, self.0.previous, self.0.next);
    }
}

impl<T: Real, C: Cell<S, G>, const S: usize, const G: usize> Job for Sized<Linearise<'_, T, C>, S, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Linearise { step: Step { cell, units, previous, next }, partials } = self.0;
        linearise_body(cell, units, previous, next, partials);
    }
}

/// One step of some columns of units.
pub(crate) fn step<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    units: usize,
    previous: UnitColumns<'_, T>,
    next: UnitColumnsMut<'_, T>,
) {
    dispatch(Sized::<_, S, G>(Step { cell, units, previous, next }));
}

/// One linearised step of some columns of units.
pub(crate) fn linearise<T: Real, C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    units: usize,
    previous: UnitColumns<'_, T>,
    next: UnitColumnsMut<'_, T>,
    partials: PartialsColumnsMut<'_, T>,
) {
    dispatch(Sized::<_, S, G>(Linearise { step: Step { cell, units, previous, next }, partials }));
}
