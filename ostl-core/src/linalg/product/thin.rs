//! The product with a single column.
#![allow(unsafe_code, reason = "raw loads of whole vectors; each states what it stands on")]

use crate::linalg::dispatch::{Instructions, multiply_add};
use crate::linalg::product::{Assignment, Columns, ColumnsMut, KC, Strided};
use crate::linalg::real::Real;
use crate::linalg::vector::{LANES, Lanes};

/// C = A·b or C += A·b for one column b, tall stripes of rows at a time: what bounds it is how fast A comes from memory. The sums
/// run in the same order as in the tiles, so the bits are the same.
#[inline(always)]
pub(super) fn thin<T: Real, I: Instructions>(
    token: I,
    assign: Assignment,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) {
    let rows = a.nrows();
    let mut row = 0;
    while row < rows {
        let left = rows - row;
        let (a, c) = (a.rows(row, left), c.rows_mut(row, left));
        row += if left >= 16 * LANES && I::REGISTERS >= 32 {
            stripe::<T, I, 16>(token, assign, a, b, c)
        } else if left >= 4 * LANES {
            stripe::<T, I, 4>(token, assign, a, b, c)
        } else if left >= LANES {
            stripe::<T, I, 1>(token, assign, a, b, c)
        } else {
            rest::<T, I>(assign, a, b, c)
        };
    }
}

/// The first `N` vectors of rows of a thin product. Returns how many rows that were.
#[inline(always)]
fn stripe<T: Real, I: Instructions, const N: usize>(
    token: I,
    assign: Assignment,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) -> usize {
    for k in (0..a.ncols()).step_by(KC) {
        let mut sums = [T::Lanes::<I>::splat(token, T::zero()); N];
        for column in k..a.ncols().min(k + KC) {
            // SAFETY: A has N vectors of rows in each of its columns, and b a value for each.
            let (column, factor) =
                unsafe { (a.as_ptr().add(column * a.strides().1), *b.as_ptr().add(column * b.strides().0)) };
            let factor = T::Lanes::<I>::splat(token, factor);
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let rows = unsafe { &*column.add(v * LANES).cast::<[T; LANES]>() };
                *sum = T::Lanes::<I>::load(token, rows).multiply_add(factor, *sum);
            }
        }
        for (v, sum) in sums.iter().enumerate() {
            // SAFETY: C has as many rows.
            let rows = unsafe { &mut *c.as_mut_ptr().add(v * LANES).cast::<[T; LANES]>() };
            if k == 0 && assign == Assignment::Replace {
                sum.store(rows);
            } else {
                T::Lanes::<I>::load(token, rows).add(*sum).store(rows);
            }
        }
    }
    N * LANES
}

/// The last rows of a thin product, fewer than a vector. Returns how many.
#[inline(always)]
fn rest<T: Real, I: Instructions>(
    assign: Assignment,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) -> usize {
    for k in (0..a.ncols()).step_by(KC) {
        for row in 0..a.nrows() {
            let mut sum = T::zero();
            for column in k..a.ncols().min(k + KC) {
                sum = multiply_add::<T, I>(a[(row, column)], b[(column, 0)], sum);
            }
            c[(row, 0)] = if k == 0 && assign == Assignment::Replace { sum } else { c[(row, 0)] + sum };
        }
    }
    a.nrows()
}
