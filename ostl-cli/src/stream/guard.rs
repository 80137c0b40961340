//! Gradients that have grown beyond all bounds: the trace that brings them is forgotten before it ends in numbers that are not finite.

use serde::{Deserialize, Serialize};

/// A norm of so many usual ones is no gradient of anything.
const EXPLODED: f64 = 1e6;
/// The usual norm counts as this at least: after gradients near zero, as of a stream that was still, any other would be many of them.
const LEAST: f64 = 1e-3;
/// So large a norm is none in any unit, however slowly it came about: what it was made of is close to the end of `f32`.
const LARGEST: f64 = 1e12;
/// A norm counts as this many usual ones at most where the usual one is found: it does not follow an explosion.
const MOST: f64 = 10.0;
/// The usual norm is a mean over so many updates.
const MEMORY: f64 = 10_000.0;
/// Before so many updates nothing is usual.
const FIRST: u64 = 100;
/// An explosion so few updates after another has the same cause.
const SOON: u64 = 100;
/// After so many in a row it is the weights that have changed: gradients are such now.
const PATIENCE: u32 = 10;

/// What gradients are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Guard {
    usual: f64,
    /// Updates that the usual norm is of.
    updates: u64,
    /// Explosions in a row, and usual updates since the last one.
    in_a_row: u32,
    since: u64,
}

impl Guard {
    /// Takes the norm of an update's gradient; how many usual ones it is if it has exploded.
    pub(super) fn exploded(&mut self, norm: f64) -> Option<f64> {
        let usual = self.usual.max(LEAST);
        let ratio = norm / usual;
        if norm > LARGEST || self.updates >= FIRST && ratio > EXPLODED {
            self.in_a_row = if self.since < SOON { self.in_a_row.saturating_add(1) } else { 1 };
            self.since = 0;
            if self.in_a_row >= PATIENCE {
                *self = Self::default();
            }
            return Some(ratio);
        }
        self.since = self.since.saturating_add(1);
        self.updates = self.updates.saturating_add(1);
        let bounded = if self.updates > FIRST { norm.min(MOST * usual) } else { norm };
        self.usual += (bounded - self.usual) / (self.updates as f64).min(MEMORY);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_seen_before_numbers_end() {
        for growth in [1.01_f64, 1.1, 2.0, 1e5] {
            let mut guard = Guard::default();
            for row in 0..5000 {
                assert_eq!(guard.exploded(0.1 + f64::from(row % 7)), None);
            }
            let mut norm = 1.0;
            let found = loop {
                norm *= growth;
                if let Some(found) = guard.exploded(norm) {
                    break found;
                }
            };
            assert!(found > EXPLODED && norm < 1e20, "{growth}: {norm}");
            // It is as before once the trace is gone.
            assert_eq!(guard.exploded(3.0), None);
            // Those that are far apart are never taken for usual.
            for _ in 0..3 * PATIENCE {
                (0..SOON).for_each(|_| assert_eq!(guard.exploded(3.0), None));
                assert!(guard.exploded(1e8).is_some());
            }
        }
    }

    #[test]
    fn what_does_not_pass_is_usual_in_the_end() {
        let mut guard = Guard::default();
        (0..1000).for_each(|_| assert_eq!(guard.exploded(1e-3), None));
        let found = (0..1000).filter(|_| guard.exploded(1e5).is_some()).count();
        // A stream that was still at first is none.
        let mut still = Guard::default();
        (0..1000).for_each(|_| assert_eq!(still.exploded(0.0), None));
        (0..1000).for_each(|row| assert_eq!(still.exploded(f64::from(row)), None));
        assert!(still.usual > 10.0 * LEAST);
        assert_eq!(found, PATIENCE as usize);
    }

    #[test]
    fn gradients_that_become_smaller_or_jump_are_none() {
        let mut guard = Guard::default();
        for row in 0..100_000 {
            let norm = (-f64::from(row) / 20_000.0).exp() * if row % 1000 == 0 { 1e4 } else { 1.0 };
            assert_eq!(guard.exploded(norm), None, "{row}");
        }
        assert_eq!(guard.exploded(0.0), None);
    }
}
