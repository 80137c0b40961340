//! Numbers so small that arithmetic with them is slow: a processor takes a hundred times as long once a value is below the smallest normal one.

use crate::linalg::dispatch::{Instructions, Job, dispatch};
use crate::linalg::real::Real;

/// How far above the smallest normal number a value counts as nothing: a product with another of ordinary size stays normal.
const ABOVE: f64 = 1e12;

/// Sets values to zero that are next to nothing. What decays towards zero, such as a chain of Jacobians, ends there instead of in numbers that
/// are not normal.
pub(crate) fn flush_tiny<T: Real>(values: &mut [T]) {
    dispatch(Flush(values));
}

struct Flush<'a, T>(&'a mut [T]);

impl<T: Real> Job for Flush<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let least = T::from_f64(T::SMALLEST_NORMAL * ABOVE);
        for value in self.0 {
            // Not a number is kept: whoever looks for it finds it.
            *value = T::zero().if_or(value.abs() < least, *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_next_to_nothing_goes() {
        let mut values = [1.0_f32, -1e-25, 1e-27, -1e-40, 0.0, f32::NAN, f32::NEG_INFINITY];
        flush_tiny(&mut values);
        assert_eq!(values[..5], [1.0, -1e-25, 0.0, 0.0, 0.0]);
        assert!(values[5].is_nan() && values[6] == f32::NEG_INFINITY);
        let mut values = [1e-290_f64, -1e-300];
        flush_tiny(&mut values);
        assert_eq!(values, [1e-290, 0.0]);
    }
}
