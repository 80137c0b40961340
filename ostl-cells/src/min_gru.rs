//! The minimal GRU (minGRU): a gate that receives the input alone.
//!
//! Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, "Were RNNs all we needed?", arXiv 2410.01201:
//!
//! ```text
//! z   = σ(a_z)
//! s_t = (1 − z) · s_{t-1} + z · a_h
//! y_t = s_t
//! ```
//!
//! The candidate a_h is not squashed. (Their form for a parallel scan in logarithms, which needs a positive candidate, is not needed
//! here.)
//!
//! | gate | sums | acts on |
//! | --- | --- | --- |
//! | update (a_z) | x, 1 | s |
//! | candidate (a_h) | x, 1 | s |

use crate::config::{CellConfig, MinGruConfig};
use ostl_core::{Cell, Gate, Partials, Real, Unit};

const UPDATE: usize = 0;
const CANDIDATE: usize = 1;

/// A minimal GRU unit; the [module](self) has the equations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MinGru;

impl Cell<1, 2> for MinGru {
    fn name(&self) -> &'static str {
        "min-gru"
    }

    fn settings(&self) -> Option<String> {
        CellConfig::MinGru(MinGruConfig {}).settings()
    }

    fn gates(&self) -> [Gate; 2] {
        [Gate::new("update", false), Gate::new("candidate", false)]
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> Unit<T, 1> {
        let z = a[UPDATE].sigmoid();
        let s = (T::one() - z) * previous.s[0] + z * a[CANDIDATE];
        Unit { s: [s], y: s }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let z = a[UPDATE].sigmoid();
        let mut partials = Partials::zero();
        partials.ds_ds = [[T::one() - z]];
        partials.ds_da[0][UPDATE] = (a[CANDIDATE] - previous.s[0]) * z * (T::one() - z);
        partials.ds_da[0][CANDIDATE] = z;
        partials.dy_ds = [T::one()];
        (self.step(previous, a), partials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partials_check::{assert_close, assert_partials, points};

    #[test]
    fn by_hand() {
        // z = σ(ln 3) = ¾: ¼·0.4 + ¾·2 = 1.6; (2 − 0.4)·3/16 = 0.3.
        let (next, partials) = MinGru.linearise(Unit { s: [0.4], y: 0.4 }, [3_f64.ln(), 2.0]);
        assert_close(&[next.s[0], next.y, partials.ds_ds[0][0], partials.dy_ds[0]], &[1.6, 1.6, 0.25, 1.0]);
        assert_close(&partials.ds_da[0], &[0.3, 0.75]);
    }

    #[test]
    fn partials_are_derivatives() {
        assert_partials(&MinGru, &points());
    }
}
