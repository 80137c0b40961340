//! A cell's five partials against central differences of its step.

use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::cell::{Cell, Partials, Unit};

/// Distance of the difference points from the middle.
const STEP: f64 = 1e-5;

/// The worst differences found between a cell's partials and central differences of its step, relative to 1 + |truth|.
///
/// For a spiking cell (not [smooth](Cell::is_smooth)) `dy_ds` and `dy_da` are pseudo-derivatives, which differences cannot
/// confirm; they are left out (0 here). At fixed y⁻ its state is smooth, and is checked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CellCheck {
    /// ∂s/∂s⁻.
    pub ds_ds: f64,
    /// ∂s/∂y⁻.
    pub ds_dy: f64,
    /// ∂s/∂a.
    pub ds_da: f64,
    /// dy/da along the step: `dy_da + dy_ds·ds_da` against differences in each gate.
    pub dy_da: f64,
    /// dy/ds⁻ along the step: `dy_ds·ds_ds` against differences in each state.
    pub dy_ds: f64,
    /// `linearise` returns another unit than `step`, or what is [prepared](Cell::prepare) leads to other values, by so much.
    pub step: f64,
    /// Flags in [`Gate`](crate::Gate) or [`Cell::resets`] that deny a partial which is not zero.
    pub wrong_flags: Vec<String>,
}

impl CellCheck {
    /// The largest difference; infinite if a flag is wrong.
    pub fn worst(&self) -> f64 {
        if !self.wrong_flags.is_empty() {
            return f64::INFINITY;
        }
        [self.ds_ds, self.ds_dy, self.ds_da, self.dy_da, self.dy_ds, self.step].into_iter().fold(0.0, f64::max)
    }
}

impl fmt::Display for CellCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ds_ds {:.1e}, ds_dy {:.1e}, ds_da {:.1e}, dy/da {:.1e}, dy/ds {:.1e}, step {:.1e}",
            self.ds_ds, self.ds_dy, self.ds_da, self.dy_da, self.dy_ds, self.step
        )?;
        for flag in &self.wrong_flags {
            write!(f, "; {flag}")?;
        }
        Ok(())
    }
}

/// Compares the partials of a cell with central differences of its step at `samples` random points.
///
/// Points are uniform in ±2 for states and gates and in 0 … 1 for the output; at a kink (ReLU) a difference can be wrong, so
/// look at [`CellCheck::worst`] with a cell away from its kinks, or at the fields. Of [fixed](crate::Gate::fixed) gates there are no partials to compare.
pub fn check_cell<C: Cell<S, G>, const S: usize, const G: usize>(cell: C, samples: usize, seed: u64) -> CellCheck {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = |low: f64, high: f64| low + (high - low) * (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut check =
        CellCheck { ds_ds: 0.0, ds_dy: 0.0, ds_da: 0.0, dy_da: 0.0, dy_ds: 0.0, step: 0.0, wrong_flags: Vec::new() };
    let gates = cell.gates();
    for _ in 0..samples {
        let unit = Unit { s: std::array::from_fn(|_| uniform(-2.0, 2.0)), y: uniform(0.0, 1.0) };
        let a: [f64; G] = std::array::from_fn(|_| uniform(-2.0, 2.0));
        let (next, partials) = cell.linearise(unit, a);
        // As the engine prepares: from nothing but constants.
        let prepared = cell.prepare(std::array::from_fn(|g| if gates[g].is_constant() { a[g] } else { 0.0 }));
        let (same, same_partials) = cell.linearise_prepared(unit, a, prepared);
        let stepped = [cell.step(unit, a), cell.step_prepared(unit, a, prepared)].map(|unit| (unit, &partials));
        for (found, found_partials) in stepped.into_iter().chain([(same, &same_partials)]) {
            for (x, y) in values(&next, &partials).into_iter().zip(values(&found, found_partials)) {
                worsen(&mut check.step, x, y);
            }
        }
        let differences = |move_by: &dyn Fn(f64) -> (Unit<f64, S>, [f64; G])| {
            let ((high, high_a), (low, low_a)) = (move_by(STEP), move_by(-STEP));
            let (high, low) = (cell.step(high, high_a), cell.step(low, low_a));
            let slope = |high: f64, low: f64| (high - low) / (2.0 * STEP);
            let ds: [f64; S] = std::array::from_fn(|v| slope(high.s[v], low.s[v]));
            (ds, slope(high.y, low.y))
        };
        for w in 0..S {
            let (ds, dy) = differences(&|by| {
                let mut moved = unit;
                moved.s[w] += by;
                (moved, a)
            });
            for (v, truth) in ds.into_iter().enumerate() {
                worsen(&mut check.ds_ds, partials.ds_ds[v][w], truth);
            }
            if cell.is_smooth() {
                worsen(&mut check.dy_ds, (0..S).map(|v| partials.dy_ds[v] * partials.ds_ds[v][w]).sum(), dy);
            }
        }
        let (ds, _) = differences(&|by| (Unit { y: unit.y + by, ..unit }, a));
        for (v, truth) in ds.into_iter().enumerate() {
            let is_detached = cell.detaches_reset() && partials.ds_dy[v] == 0.0;
            worsen(&mut check.ds_dy, partials.ds_dy[v], if is_detached { 0.0 } else { truth });
        }
        for g in (0..G).filter(|&g| !gates[g].is_fixed) {
            let (ds, dy) = differences(&|by| {
                let mut moved = a;
                moved[g] += by;
                (unit, moved)
            });
            for (v, truth) in ds.into_iter().enumerate() {
                worsen(&mut check.ds_da, partials.ds_da[v][g], truth);
            }
            if cell.is_smooth() {
                let along = partials.dy_da[g] + (0..S).map(|v| partials.dy_ds[v] * partials.ds_da[v][g]).sum::<f64>();
                worsen(&mut check.dy_da, along, dy);
            }
        }
        let mut flag = |wrong: bool, what: String| {
            if wrong && !check.wrong_flags.contains(&what) {
                check.wrong_flags.push(what);
            }
        };
        for (g, gate) in gates.iter().enumerate().filter(|(_, gate)| !gate.is_fixed) {
            let drives_state = (0..S).any(|v| partials.ds_da[v][g] != 0.0);
            let says = |what: &str, field: &str| {
                format!("gate {} drives the {what} and says it does not: set its {field} to true in gates()", gate.name)
            };
            flag(drives_state && !gate.drives_state, says("state", "drives_state"));
            let drives_output = partials.dy_da[g] != 0.0;
            flag(drives_output && !gate.drives_output, says("output", "drives_output"));
        }
        let resets = partials.ds_dy.iter().any(|&d| d != 0.0);
        let says = "the output resets the state and the cell says it does not: return true from resets()";
        flag(resets && !cell.resets(), says.to_owned());
    }
    check
}

/// A unit's step and its partials, one by one.
fn values<const S: usize, const G: usize>(unit: &Unit<f64, S>, partials: &Partials<f64, S, G>) -> Vec<f64> {
    let matrices = partials.ds_ds.as_flattened().iter().chain(partials.ds_da.as_flattened());
    let vectors = partials.ds_dy.iter().chain(&partials.dy_ds).chain(&partials.dy_da);
    unit.s.iter().chain([&unit.y]).chain(matrices).chain(vectors).copied().collect()
}

fn worsen(worst: &mut f64, found: f64, truth: f64) {
    let error = (found - truth).abs() / (1.0 + truth.abs());
    // NaN counts as infinitely wrong.
    *worst = worst.max(if error.is_nan() { f64::INFINITY } else { error });
}
