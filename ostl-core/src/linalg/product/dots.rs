//! Products with the transpose of a stored matrix, for few columns: C = Aᵀ·B, each value a scalar product of two columns. Where A is used once
//! before it changes, transposing it first would read and write all of it besides.
#![allow(unsafe_code, reason = "raw loads of whole vectors; each states what it stands on")]

use crate::linalg::dispatch::{Instructions, Job, dispatch, multiply_add};
use crate::linalg::product::{Assignment, Columns, ColumnsMut};
use crate::linalg::real::Real;
use crate::linalg::vector::{LANES, Lanes};

/// Columns of A whose sums are in registers at once.
pub(super) const TALL: usize = 8;

/// C = Aᵀ·B or C += Aᵀ·B on this thread alone; all three have contiguous columns.
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub(crate) fn multiply_transposed<T: Real>(assign: Assignment, a: Columns<'_, T>, b: Columns<'_, T>, c: ColumnsMut<'_, T>) {
    assert!(
        a.nrows() == b.nrows() && a.ncols() == c.nrows() && b.ncols() == c.ncols(),
        "product of the transpose of {:?} and {:?} into {:?}",
        a.shape(),
        b.shape(),
        c.shape()
    );
    dispatch(Dots { assign, a, b, c });
}

struct Dots<'a, T> {
    assign: Assignment,
    a: Columns<'a, T>,
    b: Columns<'a, T>,
    c: ColumnsMut<'a, T>,
}

impl<T: Real> Job for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(mut self, token: I) {
        let (rows, width) = (self.a.ncols(), self.b.ncols());
        let mut i = 0;
        while i < rows {
            let height = match rows - i {
                TALL.. if width == 1 => TALL,
                4.. => 4,
                _ => 1,
            };
            let mut j = 0;
            while j < width {
                // With more columns of B every vector of A is used more than once.
                j += match (height, width - j) {
                    (4, 4..) if I::REGISTERS >= 32 => self.tile::<I, 4, 4>(token, i, j),
                    (4, 2..) => self.tile::<I, 4, 2>(token, i, j),
                    (4, _) => self.tile::<I, 4, 1>(token, i, j),
                    (TALL, _) => self.tile::<I, TALL, 1>(token, i, j),
                    _ => self.tile::<I, 1, 1>(token, i, j),
                };
            }
            i += height;
        }
    }
}

impl<T: Real> Dots<'_, T> {
    /// The scalar products of `M` columns of A from i on with `N` of B from j on. Returns N.
    #[inline(always)]
    fn tile<I: Instructions, const M: usize, const N: usize>(&mut self, token: I, i: usize, j: usize) -> usize {
        let (depth, whole) = (self.a.nrows(), self.a.nrows() / LANES * LANES);
        let (a, b) = (&self.a, &self.b);
        let mut sums = [[T::Lanes::<I>::splat(token, T::zero()); N]; M];
        for k in (0..whole).step_by(LANES) {
            // SAFETY: A has M columns from i on, B has N from j on, and all have sixteen rows from k on.
            let load = |matrix: &Columns<'_, T>, column: usize| unsafe {
                T::Lanes::<I>::load(token, &*matrix.as_ptr().add(column * matrix.strides().1 + k).cast::<[T; LANES]>())
            };
            let right: [_; N] = std::array::from_fn(|n| load(b, j + n));
            for (m, sums) in sums.iter_mut().enumerate() {
                let left = load(a, i + m);
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = left.multiply_add(right, *sum);
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            for (n, sum) in sums.iter().enumerate() {
                let mut lanes = [T::zero(); LANES];
                sum.store(&mut lanes);
                let mut sum = fold(lanes);
                for k in whole..depth {
                    sum = multiply_add::<T, I>(self.a[(k, i + m)], self.b[(k, j + n)], sum);
                }
                let to = &mut self.c[(i + m, j + n)];
                *to = if self.assign == Assignment::Add { *to + sum } else { sum };
            }
        }
        N
    }
}

/// The sum of sixteen values, in pairs of pairs.
#[inline(always)]
fn fold<T: Real>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::product::{columns, columns_mut, plain, plain_operand};

    fn agrees<T: Real>(tolerance: f64) {
        let values = |count: usize, seed: usize| -> Vec<T> {
            (0..count).map(|i| T::from_f64(((i * 7919 + seed * 104_729) % 1000) as f64 / 500.0 - 1.0)).collect()
        };
        for (depth, rows) in [(1, 1), (3, 5), (16, 4), (40, 9), (64, 17), (130, 33)] {
            for width in [1, 2, 3, 4, 5, 7, 8, 11] {
                let (a, b) = (values((depth + 3) * rows, 1), values((depth + 1) * width, 2));
                let start = values((rows + 2) * width, 3);
                // A stored the other way round, for the plain twin.
                let mut turned = vec![T::zero(); rows * depth];
                for i in 0..rows {
                    for k in 0..depth {
                        turned[k * rows + i] = a[i * (depth + 3) + k];
                    }
                }
                for assign in [Assignment::Replace, Assignment::Add] {
                    let (mut found, mut truth) = (start.clone(), start.clone());
                    let (of_a, of_b) = (columns(&a, depth, rows, depth + 3), columns(&b, depth, width, depth + 1));
                    multiply_transposed(assign, of_a, of_b, columns_mut(&mut found, rows, width, rows + 2));
                    let of_b = plain_operand(&b, depth, width, depth + 1);
                    plain(assign, columns(&turned, rows, depth, rows), of_b, columns_mut(&mut truth, rows, width, rows + 2));
                    for (found, truth) in found.iter().zip(&truth) {
                        let difference = (found.to_f64() - truth.to_f64()).abs();
                        assert!(difference <= tolerance * (1.0 + truth.to_f64().abs()), "{depth} {rows} {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn equals_the_plain_product_with_the_transpose() {
        agrees::<f32>(1e-5);
        agrees::<f64>(1e-13);
    }
}
