//! Checks for checks: a cell's partials against central differences, BPTT against central differences, a
//! method against BPTT, block by block and by name.
//!
//! ```
//! use ostl_core::gradient_check::check_cell;
//! use ostl_core::{Cell, Gate, Partials, Real, Unit};
//!
//! /// s = 0.9 s⁻ + a, y = tanh s.
//! #[derive(Clone, Copy)]
//! struct Leaky;
//!
//! impl Cell<1, 1> for Leaky {
//!     fn name(&self) -> &'static str {
//!         "leaky"
//!     }
//!     fn gates(&self) -> [Gate; 1] {
//!         [Gate::new("current", true)]
//!     }
//!     fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> Unit<T, 1> {
//!         let s = T::from_f64(0.9) * previous.s[0] + a[0];
//!         Unit { s: [s], y: s.tanh() }
//!     }
//!     fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
//!         let unit = self.step(previous, a);
//!         let partials = Partials {
//!             ds_ds: [[T::from_f64(0.9)]],
//!             ds_da: [[T::one()]],
//!             dy_ds: [T::one() - unit.y * unit.y],
//!             ..Partials::zero()
//!         };
//!         (unit, partials)
//!     }
//! }
//!
//! let check = check_cell(Leaky, 200, 1);
//! assert!(check.worst() < 1e-8, "{check}");
//! ```

mod audit;
mod cell;

pub use crate::trace::claim::{Claim, claims};
pub use audit::{Audit, BlockAudit, audit};
pub use cell::{CellCheck, check_cell};

use crate::check::bptt;
use crate::data::batch::SequenceBatch;
use crate::data::objective::Objective;
use crate::network::Network;

/// How well one gradient agrees with another.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Agreement {
    /// ‖found − truth‖ / ‖truth‖.
    pub relative_error: f64,
    /// Cosine of the angle between the two; 1 where both are zero.
    pub cosine: f64,
}

/// Compares a gradient with the true one. `floor` is the least norm that the difference is measured by, so that the rounding
/// of a vanishing gradient does not count as an error; pass 0 for none.
pub fn agreement(found: &[f64], truth: &[f64], floor: f64) -> Agreement {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let (found_norm, truth_norm) = (norm(&mut found.iter().copied()), norm(&mut truth.iter().copied()));
    let difference = norm(&mut found.iter().zip(truth).map(|(f, t)| f - t));
    let inner: f64 = found.iter().zip(truth).map(|(f, t)| f * t).sum();
    let scale = truth_norm.max(floor);
    Agreement {
        relative_error: if difference == 0.0 { 0.0 } else { difference / scale },
        cosine: match (found_norm == 0.0, truth_norm == 0.0) {
            (true, true) => 1.0,
            (true, false) | (false, true) => 0.0,
            (false, false) => (inner / found_norm / truth_norm).clamp(-1.0, 1.0),
        },
    }
}

/// The gradient of a batch's summed loss by central differences in every parameter, `2·step` apart. Means something only where
/// the network [is smooth](Network::is_smooth). Zero for connections that do not exist.
///
/// # Panics
/// If the batch does not have the network's shape.
#[track_caller]
pub fn central_differences(
    network: &Network<f64>,
    objective: impl Into<Objective>,
    batch: &SequenceBatch<f64>,
    step: f64,
) -> Vec<f64> {
    let objective: Objective = objective.into();
    let mut moved = network.clone();
    let mut exists = vec![1.0; network.parameters().len()];
    network.apply_mask(&mut exists);
    (0..network.parameters().len())
        .map(|p| {
            if exists[p] == 0.0 {
                return 0.0;
            }
            // A weight that two layers share moves in both.
            let places = [Some(p), network.partner(p)];
            let mut at = |shift: f64| {
                for place in places.into_iter().flatten() {
                    moved.parameters_mut()[place] = network.parameters()[place] + shift;
                }
                bptt::loss(&moved, &objective, batch)
            };
            let slope = (at(step) - at(-step)) / (2.0 * step);
            at(0.0);
            slope
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_by_hand() {
        let found = agreement(&[3.0, 4.0], &[3.0, 0.0], 0.0);
        assert!((found.relative_error - 4.0 / 3.0).abs() < 1e-15 && (found.cosine - 0.6).abs() < 1e-15);
        assert_eq!(agreement(&[0.0], &[0.0], 0.0), Agreement { relative_error: 0.0, cosine: 1.0 });
        assert_eq!(agreement(&[1.0], &[0.0], 0.0).relative_error, f64::INFINITY);
        assert_eq!(agreement(&[1e-9], &[0.0], 1.0).relative_error, 1e-9);
    }
}
