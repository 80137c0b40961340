//! The reverse sweep inside the units, over tiles of them: adjoints of one step, and, for the `local` trace, of a whole window
//! from each state variable at its end. Everything of a tile stays in registers between its loads and its stores; the plain twin
//! is the oracle's one-unit sweep in `bptt.rs`.

#![allow(clippy::needless_range_loop, reason = "plain indices are sure to be inlined and vectorised; iterators are not")]

use crate::cell::Gate;
use crate::cell::columns::{PartialsWindow, Paths, ReverseColumn};
use crate::cell::filter::Source;
use crate::linalg::dispatch::{Instructions, Job, dispatch, multiply_add};
use crate::linalg::real::Real;
use crate::linalg::tile::{TILE, load, store};

/// What the sweep needs to know of a cell besides its partials.
pub(crate) struct Shape<'a, const G: usize> {
    pub(crate) gates: &'a [Gate; G],
    pub(crate) resets: bool,
}

struct Step<'a, T, const S: usize, const G: usize> {
    shape: Shape<'a, G>,
    column: ReverseColumn<'a, T>,
}

type Tile<T> = [T; TILE];

/// sum + x·y, lane by lane.
#[inline(always)]
pub(super) fn add_products<T: Real, I: Instructions>(sum: &mut Tile<T>, x: &Tile<T>, y: &Tile<T>) {
    for i in 0..TILE {
        sum[i] = multiply_add::<T, I>(x[i], y[i], sum[i]);
    }
}

/// The adjoint of gate `g`'s pre-activation.
#[inline(always)]
pub(super) fn delta_of<T: Real, I: Instructions, const S: usize, const G: usize>(
    shape: &Shape<'_, G>,
    g: usize,
    to_y: &Tile<T>,
    to_s: &[Tile<T>; S],
    planes: (&[T], &[T]),
    n: usize,
    at: usize,
) -> Tile<T> {
    let (ds_da, dy_da) = planes;
    let mut delta = [T::zero(); TILE];
    if shape.gates[g].drives_output {
        add_products::<T, I>(&mut delta, to_y, &load(&dy_da[g * n..(g + 1) * n], at));
    }
    if shape.gates[g].drives_state {
        for v in 0..S {
            let plane = v * G + g;
            add_products::<T, I>(&mut delta, &to_s[v], &load(&ds_da[plane * n..(plane + 1) * n], at));
        }
    }
    delta
}

/// The adjoints of s and y of the step before, inside the units.
#[inline(always)]
pub(super) fn earlier<T: Real, I: Instructions, const S: usize>(
    resets: bool,
    to_s: &[Tile<T>; S],
    planes: (&[T], &[T]),
    n: usize,
    at: usize,
) -> ([Tile<T>; S], Tile<T>) {
    let (ds_ds, ds_dy) = planes;
    let (mut to_earlier, mut to_y) = ([[T::zero(); TILE]; S], [T::zero(); TILE]);
    for v in 0..S {
        for w in 0..S {
            let plane = v * S + w;
            add_products::<T, I>(&mut to_earlier[w], &to_s[v], &load(&ds_ds[plane * n..(plane + 1) * n], at));
        }
        if resets {
            add_products::<T, I>(&mut to_y, &to_s[v], &load(&ds_dy[v * n..(v + 1) * n], at));
        }
    }
    (to_earlier, to_y)
}

impl<T: Real, const S: usize, const G: usize> Job for Step<'_, T, S, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { shape, column } = self;
        let n = column.signal.len();
        let p = &column.partials;
        for at in column.units.step_by(TILE) {
            let mut to_y = load(column.to_output, at);
            let signal = load(column.signal, at);
            for i in 0..TILE {
                to_y[i] += signal[i];
            }
            let mut to_s = [[T::zero(); TILE]; S];
            for v in 0..S {
                to_s[v] = load(&column.to_state[v * n..(v + 1) * n], at);
                add_products::<T, I>(&mut to_s[v], &to_y, &load(&p.dy_ds[v * n..(v + 1) * n], at));
            }
            for g in 0..G {
                let delta = delta_of::<T, I, S, G>(&shape, g, &to_y, &to_s, (p.ds_da, p.dy_da), n, at);
                store(&delta, &mut column.delta[g * n..(g + 1) * n], at);
            }
            let (to_earlier, to_y) = if column.not_reset {
                earlier::<T, I, S>(shape.resets, &to_s, (p.ds_ds, p.ds_dy), n, at)
            } else {
                ([[T::zero(); TILE]; S], [T::zero(); TILE])
            };
            for v in 0..S {
                store(&to_earlier[v], &mut column.to_state[v * n..(v + 1) * n], at);
            }
            store(&to_y, column.to_output, at);
        }
    }
}

/// One step back through a column of units.
pub(crate) fn step<T: Real, const S: usize, const G: usize>(shape: Shape<'_, G>, column: ReverseColumn<'_, T>) {
    dispatch(Step::<T, S, G> { shape, column });
}

struct Window<'a, T, const S: usize, const G: usize> {
    shape: Shape<'a, G>,
    window: PartialsWindow<'a, T>,
    paths: Paths<'a, T>,
}

impl<T: Real, const S: usize, const G: usize> Job for Window<'_, T, S, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { shape, window, paths } = self;
        let (n, panel) = (window.all.units, (paths.capacity + 1) * TILE);
        let panels = n.div_ceil(TILE);
        let variables = S + paths.filters.len();
        let itself = paths.filters.iter().position(|filter| filter.source == Source::Itself);
        for at in (0..n).step_by(TILE) {
            for end in 0..variables {
                let (mut to_s, mut to_y) = ([[T::zero(); TILE]; S], [T::zero(); TILE]);
                // What a filter at the end takes of y at the step at hand, and whether it was reset since.
                let (mut share, mut factor) = (T::zero(), T::zero());
                if end < S {
                    to_s[end] = [T::one(); TILE];
                } else {
                    let filter = &paths.filters[end - S];
                    (share, factor) = (T::from_f64(filter.gain), T::from_f64(filter.factor));
                }
                let mut kept = T::one();
                for step in (0..window.all.steps).rev() {
                    let p = window.column(step, S, G);
                    let not_reset = window.all.not_reset[step * window.all.active + window.stream];
                    if end >= S {
                        for i in 0..TILE {
                            to_y[i] += share;
                        }
                        share *= factor;
                        kept *= factor;
                    }
                    for v in 0..S {
                        add_products::<T, I>(&mut to_s[v], &to_y, &load(&p.dy_ds[v * n..(v + 1) * n], at));
                    }
                    for k in 0..paths.traced.len() {
                        let g = paths.traced[k];
                        let delta = delta_of::<T, I, S, G>(&shape, g, &to_y, &to_s, (p.ds_da, p.dy_da), n, at);
                        let place = ((end * paths.traced.len() + k) * panels + at / TILE) * panel + (step + 1) * TILE;
                        store(&delta, paths.influence, place);
                    }
                    let mut through_own = [T::zero(); TILE];
                    if !paths.own.is_empty() && not_reset {
                        let mut place = 0;
                        for g in 0..G {
                            if shape.gates[g].sums_output {
                                let delta = delta_of::<T, I, S, G>(&shape, g, &to_y, &to_s, (p.ds_da, p.dy_da), n, at);
                                let own = load(&paths.own[place * n..(place + 1) * n], at);
                                add_products::<T, I>(&mut through_own, &delta, &own);
                                place += 1;
                            }
                        }
                    }
                    (to_s, to_y) = if not_reset {
                        earlier::<T, I, S>(shape.resets, &to_s, (p.ds_ds, p.ds_dy), n, at)
                    } else {
                        share = T::zero();
                        kept = T::zero();
                        ([[T::zero(); TILE]; S], [T::zero(); TILE])
                    };
                    for i in 0..TILE {
                        to_y[i] += through_own[i];
                    }
                }
                // y of the step before is folded into its s and its pre-activations, or is a variable of its own.
                let folds = itself.is_none();
                for w in 0..S {
                    if folds {
                        add_products::<T, I>(&mut to_s[w], &to_y, &load(&window.before.dy_ds[w * n..(w + 1) * n], at));
                    }
                    let place = (end * variables + w) * panels * TILE + at;
                    store(&to_s[w], paths.jacobian, place);
                }
                for w in S..variables {
                    let place = (end * variables + w) * panels * TILE + at;
                    if itself == Some(w - S) {
                        store(&to_y, paths.jacobian, place);
                    } else {
                        let own = kept.if_or(w == end, T::zero());
                        store(&[own; TILE], paths.jacobian, place);
                    }
                }
                for k in 0..paths.traced.len() {
                    let g = paths.traced[k];
                    let mut influence = [T::zero(); TILE];
                    if folds && shape.gates[g].drives_output {
                        add_products::<T, I>(&mut influence, &to_y, &load(&window.before.dy_da[g * n..(g + 1) * n], at));
                    }
                    let place = ((end * paths.traced.len() + k) * panels + at / TILE) * panel;
                    store(&influence, paths.influence, place);
                }
            }
        }
    }
}

/// From each state variable at the window's end back to what came before, inside the units.
pub(crate) fn window<T: Real, const S: usize, const G: usize>(
    shape: Shape<'_, G>,
    window: PartialsWindow<'_, T>,
    paths: Paths<'_, T>,
) {
    dispatch(Window::<T, S, G> { shape, window, paths });
}
