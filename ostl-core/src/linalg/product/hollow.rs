//! Products with a matrix many of whose columns are all but empty.
//!
//! Over a window of one step a column of A = ∂v_end/∂a holds what one pre-activation does to its own unit, a value or two; and a unit whose
//! pseudo-derivative is zero reaches nobody but itself, so that its column of J is as empty. Of such columns only the values that are there are
//! multiplied.

use crate::linalg::dispatch::{Instructions, Job, dispatch, multiply_add};
use crate::linalg::product::{Assignment, Columns, columns_mut, multiply_shared, plain_operand};
use crate::linalg::real::Real;

/// A column is hollow if at most one value in so many is not zero: a product column by column takes several times as long a value as one in tiles.
const HOLLOW: usize = 8;

/// C = A·B with B and C as contiguous columns, one after another. Zeros of a hollow column of B are left out; the other columns are those of
/// [`multiply_shared`].
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub(crate) fn multiply_hollow<T: Real>(a: Columns<'_, T>, b: &[T], c: &mut [T]) {
    let (height, depth) = a.shape();
    let width = b.len() / depth.max(1);
    assert!(
        b.len() == width * depth && c.len() == width * height,
        "product of {:?} with {} into {}",
        a.shape(),
        b.len(),
        c.len()
    );
    let is_hollow = |column: usize| {
        let filled = b[column * depth..][..depth].iter().filter(|value| **value != T::zero()).count();
        filled * HOLLOW <= depth
    };
    let (mut start, mut hollow) = (0, width > 0 && is_hollow(0));
    for end in 1..=width {
        let next = end < width && is_hollow(end);
        if end < width && next == hollow {
            continue;
        }
        let (right, to) = (&b[start * depth..end * depth], &mut c[start * height..end * height]);
        if hollow {
            dispatch(ByColumns { a, b: right, c: to });
        } else {
            let (right, to) =
                (plain_operand(right, depth, end - start, depth), columns_mut(to, height, end - start, height));
            multiply_shared(Assignment::Replace, a, right, to);
        }
        (start, hollow) = (end, next);
    }
}

/// Each column of C is the sum of A's columns at the values of B's that are not zero.
struct ByColumns<'a, T> {
    a: Columns<'a, T>,
    b: &'a [T],
    c: &'a mut [T],
}

impl<T: Real> Job for ByColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { a, b, c } = self;
        let (height, depth) = a.shape();
        if height == 0 || depth == 0 {
            return c.fill(T::zero());
        }
        for (b, c) in b.chunks_exact(depth).zip(c.chunks_exact_mut(height)) {
            c.fill(T::zero());
            for (k, &factor) in b.iter().enumerate().filter(|(_, factor)| **factor != T::zero()) {
                let column = a.column(k);
                for (c, &a) in c.iter_mut().zip(column.as_slice()) {
                    *c = multiply_add::<T, I>(a, factor, *c);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::product::{columns, plain};

    fn agrees<T: Real>(tolerance: f64) {
        let values = |count: usize, seed: usize| -> Vec<T> {
            (0..count).map(|i| T::from_f64(((i * 7919 + seed * 104_729) % 1000) as f64 / 500.0 - 1.0)).collect()
        };
        for (height, depth) in [(1, 1), (3, 8), (17, 9), (40, 64), (130, 70)] {
            for width in [0, 1, 2, 5, 9, 33] {
                let (left, mut right) = (values((height + 2) * depth, 1), values(depth * width, 2));
                // Columns that are full, empty, and with one value, in runs of several lengths.
                for (column, right) in right.chunks_exact_mut(depth).enumerate() {
                    let keep = match column % 7 {
                        0 | 1 => depth,
                        2 => 0,
                        3 => depth / HOLLOW,
                        _ => usize::from(depth >= HOLLOW),
                    };
                    right[..depth - keep].fill(T::zero());
                }
                let a = columns(&left, height, depth, height + 2);
                let (mut found, mut truth) = (values(height * width, 3), values(height * width, 4));
                multiply_hollow(a, &right, &mut found);
                let b = plain_operand(&right, depth, width, depth);
                plain(Assignment::Replace, a, b, columns_mut(&mut truth, height, width, height));
                for (found, truth) in found.iter().zip(&truth) {
                    let error = (found.to_f64() - truth.to_f64()).abs();
                    assert!(error <= tolerance * depth as f64, "{height} × {depth} × {width}: {found} is not {truth}");
                }
            }
        }
    }

    #[test]
    fn zeros_that_are_left_out_change_nothing() {
        agrees::<f64>(1e-14);
        agrees::<f32>(1e-6);
    }
}
