//! The length of a gradient, and the largest of some values.

use crate::linalg::dispatch::{Instructions, Job, dispatch, multiply_add};
use crate::linalg::real::Real;

/// Parameters from which an update pays for several threads, and how many each takes at a time.
pub(super) const SHARED: usize = 1 << 20;
pub(super) const CHUNK: usize = 1 << 16;

/// Σ g², in double precision and in an order that does not depend on the number of threads.
pub(super) fn sum_of_squares<T: Real>(gradient: &[T]) -> f64 {
    if gradient.len() > CHUNK {
        let (left, right) = gradient.split_at((gradient.len() / CHUNK).div_ceil(2) * CHUNK);
        let (left, right) = if gradient.len() < SHARED {
            (sum_of_squares(left), sum_of_squares(right))
        } else {
            rayon::join(|| sum_of_squares(left), || sum_of_squares(right))
        };
        return left + right;
    }
    dispatch(SumOfSquares(gradient))
}

/// Σ g² of a chunk.
struct SumOfSquares<'a, T>(&'a [T]);

impl<T: Real> Job for SumOfSquares<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> f64 {
        let mut sums = [0.0; 32];
        let (whole, rest) = self.0.as_chunks::<32>();
        for values in whole {
            for (sum, g) in sums.iter_mut().zip(values) {
                *sum = multiply_add::<f64, I>(g.to_f64(), g.to_f64(), *sum);
            }
        }
        sums.iter().sum::<f64>() + rest.iter().map(|g| g.to_f64() * g.to_f64()).sum::<f64>()
    }
}

/// The largest absolute value; infinite where one is not finite.
pub(super) fn largest<T: Real>(values: &[T]) -> f64 {
    let (mut highest, mut broken) = ([T::zero(); 16], [false; 16]);
    let (whole, rest) = values.as_chunks::<16>();
    for values in whole {
        for ((highest, broken), value) in highest.iter_mut().zip(&mut broken).zip(values) {
            let value = value.abs();
            *highest = value.if_or(value > *highest, *highest);
            *broken |= !value.is_finite();
        }
    }
    if broken.contains(&true) || rest.iter().any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    highest.iter().chain(rest).fold(0.0, |highest, value| value.abs().to_f64().max(highest))
}

#[cfg(test)]
mod tests {
    use super::largest;

    #[test]
    fn the_largest() {
        let mut values: Vec<f32> = (0..53).map(|i| (i as f32 - 26.0) * 0.5).collect();
        assert_eq!(largest(&values), 13.0);
        assert_eq!(largest::<f32>(&[]), 0.0);
        for place in [0, 7, 16, 31, 50] {
            for broken in [f32::NAN, f32::NEG_INFINITY] {
                let good = std::mem::replace(&mut values[place], broken);
                assert_eq!(largest(&values), f64::INFINITY, "{place}");
                values[place] = good;
            }
        }
    }
}
