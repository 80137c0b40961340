//! The test that every cell goes through: `linearise` against central differences of `step`, and the gates' flags against
//! the partials.

use std::fmt::Debug;

use ostl_core::{Cell, Unit};

/// A previous unit and the gates' activations.
pub(crate) type Point<const S: usize, const G: usize> = (Unit<f64, S>, [f64; G]);

/// 200 points within ±2.5, the fractional parts of multiples of √p for as many primes p: spread out, the same at every run.
pub(crate) fn points<const S: usize, const G: usize>() -> Vec<Point<S, G>> {
    const PRIMES: [f64; 8] = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0];
    let value = |i: u32, axis: usize| 5.0 * (f64::from(i) * PRIMES[axis].sqrt()).fract() - 2.5;
    (1..=200)
        .map(|i| {
            let unit = Unit { s: std::array::from_fn(|v| value(i, v)), y: value(i, S) };
            (unit, std::array::from_fn(|g| value(i, S + 1 + g)))
        })
        .collect()
}

/// Equal to 10⁻¹⁵ or so, one by one: for numbers worked out by hand.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], by_hand: &[f64]) {
    let close = found.len() == by_hand.len() && found.iter().zip(by_hand).all(|(f, h)| (f - h).abs() <= 4e-15);
    assert!(close, "found {found:?}, by hand {by_hand:?}");
}

/// Checks a cell at each point: `linearise` takes the same step as `step`, in both scalars, and both do the same with what is prepared
/// from the constants; its partials are the derivatives of that step (of a spiking cell only those of the state, for its output has none);
/// and over all points together a partial differs from zero if and only if the gates' flags and `resets` say that it may.
#[track_caller]
pub(crate) fn assert_partials<C: Cell<S, G>, const S: usize, const G: usize>(cell: &C, points: &[Point<S, G>]) {
    let (mut drives_state, mut drives_output, mut resets) = ([false; G], [false; G], false);
    for &(previous, a) in points {
        let at = (previous, a);
        let (unit, partials) = cell.linearise(previous, a);
        assert_eq!(unit, cell.step(previous, a), "f64 at {at:?}");
        let gates = cell.gates();
        let prepared = cell.prepare(std::array::from_fn(|g| if gates[g].is_constant() { a[g] } else { 0.0 }));
        assert_eq!(cell.linearise_prepared(previous, a, prepared), (unit, partials), "prepared, at {at:?}");
        assert_eq!(cell.step_prepared(previous, a, prepared), unit, "prepared, at {at:?}");
        let narrow = Unit { s: previous.s.map(|s| s as f32), y: previous.y as f32 };
        let narrow_a = a.map(|a| a as f32);
        assert_eq!(cell.linearise(narrow, narrow_a).0, cell.step(narrow, narrow_a), "f32 at {at:?}");

        let dot = |by_state: [f64; S]| (0..S).map(|v| partials.dy_ds[v] * by_state[v]).sum::<f64>();
        for w in 0..S {
            let slope = differences(cell, at, |(unit, _), shift| unit.s[w] += shift);
            let column = std::array::from_fn(|v| partials.ds_ds[v][w]);
            assert_slope(cell, &slope, column, dot(column), (at, "s", w));
        }
        let mut slope = differences(cell, at, |(unit, _), shift| unit.y += shift);
        if cell.detaches_reset() {
            // What is left out on purpose is not held against differences; what is not left out is.
            assert!(partials.ds_dy.contains(&0.0), "{at:?}: nothing is detached");
            let kept = |v| if partials.ds_dy[v] == 0.0 { 0.0 } else { slope.s[v] };
            slope = Unit { s: std::array::from_fn(kept), y: dot(partials.ds_dy) };
        }
        assert_slope(cell, &slope, partials.ds_dy, dot(partials.ds_dy), (at, "y", 0));
        for g in 0..G {
            let slope = differences(cell, at, |(_, a), shift| a[g] += shift);
            let column = std::array::from_fn(|v| partials.ds_da[v][g]);
            assert_slope(cell, &slope, column, dot(column) + partials.dy_da[g], (at, "a", g));
            drives_state[g] |= column.iter().any(|&partial| partial != 0.0);
            drives_output[g] |= partials.dy_da[g] != 0.0;
        }
        resets |= partials.ds_dy.iter().any(|&partial| partial != 0.0);
    }
    assert_eq!(drives_state, cell.gates().map(|gate| gate.drives_state), "drives_state");
    assert_eq!(drives_output, cell.gates().map(|gate| gate.drives_output), "drives_output");
    assert_eq!(resets, cell.resets(), "resets");
}

/// Central differences of (s_t, y_t) along the direction in which `shift` moves a point.
fn differences<C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    at: Point<S, G>,
    shift: impl Fn(&mut Point<S, G>, f64),
) -> Unit<f64, S> {
    const STEP: f64 = 1e-5;
    let moved = |by: f64| {
        let mut point = at;
        shift(&mut point, by);
        cell.step(point.0, point.1)
    };
    let (above, below) = (moved(STEP), moved(-STEP));
    let slope = |above: f64, below: f64| (above - below) / (2.0 * STEP);
    Unit { s: std::array::from_fn(|v| slope(above.s[v], below.s[v])), y: slope(above.y, below.y) }
}

#[track_caller]
fn assert_slope<C: Cell<S, G>, const S: usize, const G: usize>(
    cell: &C,
    slope: &Unit<f64, S>,
    state: [f64; S],
    output: f64,
    place: impl Debug,
) {
    let close = |found: f64, slope: f64| (found - slope).abs() < 1e-9 * (1.0 + slope.abs());
    assert!((0..S).all(|v| close(state[v], slope.s[v])), "state at {place:?}: {state:?}, differences {slope:?}");
    assert!(!cell.is_smooth() || close(output, slope.y), "output at {place:?}: {output}, differences {slope:?}");
}
