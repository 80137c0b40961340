//! What windows ask of the steps before them, inside the units: the walk back over a block of windows that takes σ in at each window's start and
//! adds to δ of earlier steps.
//!
//! ```text
//! λ = 0;  for the steps t of all windows but the last, last to first:   λ ← λ + σ_w if window w starts after t
//!                                                                       δ_t ← δ_t + A_tᵀ λ,   λ ← J_tᵀ λ
//! ```
//!
//! with A_t and J_t of a single step, so that y of the step before a window needs no fold: it goes through ∂y/∂s and ∂y/∂a of its own step.

#![allow(clippy::needless_range_loop, reason = "plain indices are sure to be inlined and vectorised; iterators are not")]

use crate::cell::columns::{Across, PartialsColumns};
use crate::cell::filter::Source;
use crate::cell::reverse::{Shape, add_products, delta_of, earlier};
use crate::linalg::dispatch::{Instructions, Job, dispatch};
use crate::linalg::real::Real;
use crate::linalg::tile::{TILE, load, store};

struct Walk<'a, T, const S: usize, const G: usize> {
    shape: Shape<'a, G>,
    window: PartialsColumns<'a, T>,
    across: Across<'a, T>,
}

/// to += x, as far as `to` goes.
#[inline(always)]
fn add<T: Real>(to: &mut [T], x: &[T]) {
    to.iter_mut().zip(x).for_each(|(to, &x)| *to += x);
}

impl<T: Real, const S: usize, const G: usize> Job for Walk<'_, T, S, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { shape, window, across } = self;
        let Across { filters, own, cut, to_state, to_output, adjoints, delta } = across;
        let (n, active) = (window.units, window.active);
        let variables = S + 1 + filters.len();
        let adjoints = &mut adjoints[..variables * n * active];
        adjoints.fill(T::zero());
        let last = window.steps.saturating_sub(1) / cut * cut;
        for step in (0..last).rev() {
            if (step + 1).is_multiple_of(cut) {
                let start = (step + 1) / cut * active;
                for (b, adjoints) in adjoints.chunks_exact_mut(variables * n).enumerate() {
                    let (of_state, rest) = adjoints.split_at_mut(S * n);
                    let (of_output, of_filters) = rest.split_at_mut(n);
                    add(of_state, &to_state[(start + b) * S * n..]);
                    add(of_output, &to_output[(start + b) * n..]);
                    for (of_filter, (_, adjoint)) in of_filters.chunks_exact_mut(n).zip(filters.iter()) {
                        add(of_filter, &adjoint[(start + b) * n..]);
                    }
                }
            }
            for (b, adjoints) in adjoints.chunks_exact_mut(variables * n).enumerate() {
                let column = step * active + b;
                let p = window.column(column, S, G);
                let not_reset = window.not_reset[column];
                let delta = &mut delta[column * G * n..(column + 1) * G * n];
                for at in (0..n).step_by(TILE) {
                    let mut to_s = [[T::zero(); TILE]; S];
                    for v in 0..S {
                        to_s[v] = load(&adjoints[v * n..(v + 1) * n], at);
                    }
                    let mut to_y = load(&adjoints[S * n..(S + 1) * n], at);
                    for (place, (filter, _)) in filters.iter().enumerate() {
                        let of_filter = &mut adjoints[(S + 1 + place) * n..(S + 2 + place) * n];
                        let mut to_f = load(of_filter, at);
                        // y as a variable of its own is y: its adjoint is there already.
                        if filter.source != Source::Itself {
                            add_products::<T, I>(&mut to_y, &[T::from_f64(filter.gain); TILE], &to_f);
                        }
                        let factor = T::from_f64(filter.factor).if_or(not_reset, T::zero());
                        to_f.iter_mut().for_each(|adjoint| *adjoint *= factor);
                        store(&to_f, of_filter, at);
                    }
                    for v in 0..S {
                        add_products::<T, I>(&mut to_s[v], &to_y, &load(&p.dy_ds[v * n..(v + 1) * n], at));
                    }
                    let (mut through_own, mut place) = ([T::zero(); TILE], 0);
                    for g in 0..G {
                        let of_gate = delta_of::<T, I, S, G>(&shape, g, &to_y, &to_s, (p.ds_da, p.dy_da), n, at);
                        let to = &mut delta[g * n..(g + 1) * n];
                        let mut sum = load(to, at);
                        for i in 0..TILE {
                            sum[i] += of_gate[i];
                        }
                        store(&sum, to, at);
                        if !own.is_empty() && shape.gates[g].sums_output {
                            add_products::<T, I>(&mut through_own, &of_gate, &load(&own[place * n..(place + 1) * n], at));
                            place += 1;
                        }
                    }
                    let mut earlier_of = ([[T::zero(); TILE]; S], [T::zero(); TILE]);
                    if not_reset {
                        earlier_of = earlier::<T, I, S>(shape.resets, &to_s, (p.ds_ds, p.ds_dy), n, at);
                        for i in 0..TILE {
                            earlier_of.1[i] += through_own[i];
                        }
                    }
                    for v in 0..S {
                        store(&earlier_of.0[v], &mut adjoints[v * n..(v + 1) * n], at);
                    }
                    store(&earlier_of.1, &mut adjoints[S * n..(S + 1) * n], at);
                }
            }
        }
        for (b, adjoints) in adjoints.chunks_exact(variables * n).enumerate() {
            add(&mut to_state[b * S * n..(b + 1) * S * n], adjoints);
            add(&mut to_output[b * n..(b + 1) * n], &adjoints[S * n..]);
            for (of_filter, (_, adjoint)) in adjoints[(S + 1) * n..].chunks_exact(n).zip(filters.iter_mut()) {
                add(&mut adjoint[b * n..(b + 1) * n], of_filter);
            }
        }
    }
}

/// The walk of all streams.
pub(crate) fn across<T: Real, const S: usize, const G: usize>(
    shape: Shape<'_, G>,
    window: PartialsColumns<'_, T>,
    across: Across<'_, T>,
) {
    dispatch(Walk::<T, S, G> { shape, window, across });
}
