//! Gradients that have grown beyond all bounds: what brings them is forgotten before it ends in numbers that are not finite.

use serde::{Deserialize, Serialize};

/// A norm of so many usual ones is no gradient of anything.
const EXPLODED: f64 = 1e6;
/// Below this nothing has exploded, however small gradients were before: targets are classes, or numbers of deviation 1.
const LEAST: f64 = 1e3;
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

/// A gradient that has exploded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Explosion {
    /// How many usual norms it has.
    pub(super) ratio: f64,
    /// The how many-th in a row it is: 1 is the trace's doing, and what comes back is that of the state or of the weights.
    pub(super) in_a_row: u32,
}

impl Guard {
    /// Takes the norm of an update's gradient.
    pub(super) fn exploded(&mut self, norm: f64) -> Option<Explosion> {
        let ratio = norm / self.usual.max(f64::MIN_POSITIVE);
        if norm > LARGEST || norm > LEAST && self.updates >= FIRST && ratio > EXPLODED {
            self.in_a_row = if self.since < SOON { self.in_a_row.saturating_add(1) } else { 1 };
            self.since = 0;
            let found = Explosion { ratio, in_a_row: self.in_a_row };
            if self.in_a_row >= PATIENCE {
                *self = Self::default();
            }
            return Some(found);
        }
        self.since = self.since.saturating_add(1);
        self.updates = self.updates.saturating_add(1);
        let bounded = if self.updates > FIRST { norm.min(MOST * self.usual) } else { norm };
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
            assert!(found.ratio > EXPLODED && norm < 1e20 && found.in_a_row == 1, "{growth}: {norm}");
            // It is as before once the trace is gone; what comes back at once is something else.
            assert_eq!(guard.exploded(3.0), None);
            assert_eq!(guard.exploded(1e13).unwrap().in_a_row, 2);
            (0..SOON).for_each(|_| assert_eq!(guard.exploded(3.0), None));
            assert_eq!(guard.exploded(1e13).unwrap().in_a_row, 1);
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
