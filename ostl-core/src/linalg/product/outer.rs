//! Products of a small inner dimension, such as the gradient of a single step: nothing is packed, C passes by once.
#![allow(unsafe_code, reason = "raw loads of whole vectors; each states what it stands on")]

use crate::linalg::dispatch::{Instructions, multiply_add};
use crate::linalg::product::{Assignment, Columns, ColumnsMut, Strided};
use crate::linalg::real::Real;
use crate::linalg::vector::{LANES, Lanes};

/// The largest inner dimension that goes this way.
pub(super) const DEPTH: usize = 4;

/// C = A·B or C += A·B with an inner dimension of 1 to [`DEPTH`]: column by column of C. The sums run in the same order as in the tiles, so the
/// bits are the same.
#[inline(always)]
pub(super) fn outer<T: Real, I: Instructions>(
    token: I,
    assign: Assignment,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    c: ColumnsMut<'_, T>,
) {
    match a.ncols() {
        1 => of_depth::<T, I, 1>(token, assign, a, b, c),
        2 => of_depth::<T, I, 2>(token, assign, a, b, c),
        3 => of_depth::<T, I, 3>(token, assign, a, b, c),
        _ => of_depth::<T, I, DEPTH>(token, assign, a, b, c),
    }
}

#[inline(always)]
fn of_depth<T: Real, I: Instructions, const D: usize>(
    token: I,
    assign: Assignment,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) {
    debug_assert!(a.ncols() == D);
    let (rows, whole) = (a.nrows(), a.nrows() / LANES * LANES);
    for j in 0..b.ncols() {
        let factors: [T; D] = std::array::from_fn(|k| b[(k, j)]);
        let splat = factors.map(|factor| T::Lanes::<I>::splat(token, factor));
        for row in (0..whole).step_by(LANES) {
            let mut sum = T::Lanes::<I>::splat(token, T::zero());
            for (k, &factor) in splat.iter().enumerate() {
                // SAFETY: A has sixteen rows from `row` on in each of its D columns.
                let rows = unsafe { &*a.as_ptr().add(k * a.strides().1 + row).cast::<[T; LANES]>() };
                sum = T::Lanes::<I>::load(token, rows).multiply_add(factor, sum);
            }
            // SAFETY: C has as many rows, and a column j.
            let to = unsafe { &mut *c.as_mut_ptr().add(j * c.strides().1 + row).cast::<[T; LANES]>() };
            match assign {
                Assignment::Replace => sum.store(to),
                Assignment::Add => T::Lanes::<I>::load(token, to).add(sum).store(to),
            }
        }
        for row in whole..rows {
            let mut sum = T::zero();
            for (k, &factor) in factors.iter().enumerate() {
                sum = multiply_add::<T, I>(a[(row, k)], factor, sum);
            }
            c[(row, j)] = if assign == Assignment::Add { c[(row, j)] + sum } else { sum };
        }
    }
}
