//! Scalar products with several running sums, so that they vectorise and are the same on every call.

use crate::linalg::bf16::Bf16;
use crate::linalg::real::Real;

/// Running sums.
const LANES: usize = 16;

/// Σ x_i y_i. The order of summation depends on the length only.
#[inline]
pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    dot_of(x, y, |y| y)
}

/// The same where y is kept in sixteen bits.
#[inline]
pub(crate) fn dot_rounded<T: Real>(x: &[T], y: &[Bf16]) -> T {
    dot_of(x, y, Bf16::widen)
}

/// The same of the values that y stands for.
#[inline(always)]
fn dot_of<T: Real, V: Copy>(x: &[T], y: &[V], value: impl Fn(V) -> T) -> T {
    let mut sums = [T::zero(); LANES];
    let (x_lanes, y_lanes) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: T = x_lanes.remainder().iter().zip(y_lanes.remainder()).map(|(&x, &y)| x * value(y)).sum();
    for (x, y) in x_lanes.zip(y_lanes) {
        for i in 0..LANES {
            sums[i] += x[i] * value(y[i]);
        }
    }
    sums.into_iter().sum::<T>() + rest
}

#[cfg(test)]
mod tests {
    use super::{dot, dot_rounded};
    use crate::linalg::bf16;

    #[test]
    fn equals_the_plain_sum() {
        for length in [0, 1, 15, 16, 17, 100] {
            let x: Vec<f64> = (0..length).map(|i| f64::from(i) * 0.5 - 3.0).collect();
            let y: Vec<f64> = (0..length).map(|i| 1.0 / (1.0 + f64::from(i))).collect();
            let plain: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            assert!((dot(&x, &y) - plain).abs() < 1e-12);
        }
    }

    #[test]
    fn of_rounded_values_it_is_that_of_the_values_they_stand_for() {
        for length in [0, 1, 15, 16, 17, 100] {
            let x: Vec<f64> = (0..length).map(|i| f64::from(i) * 0.5 - 3.0).collect();
            let y: Vec<f64> = (0..length).map(|i| 1.0 / (1.0 + f64::from(i))).collect();
            let (mut rounded, mut wide) = (vec![Default::default(); y.len()], vec![0.0; y.len()]);
            bf16::round(&y, &mut rounded);
            bf16::widen(&rounded, &mut wide);
            assert!(wide.iter().zip(&y).all(|(wide, y)| (wide - y).abs() <= y / 256.0));
            assert!(length < 4 || wide != y, "something was rounded");
            assert!((dot_rounded(&x, &rounded) - dot(&x, &wide)).abs() < 1e-12);
        }
    }
}
