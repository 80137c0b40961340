//! The micro-kernel, and a product in tiles of it.
#![allow(unsafe_code, reason = "raw loads in the micro-kernel; each states what it stands on")]

use std::ops::Range;

use crate::kernel::dispatch::{Instructions, multiply_add};
use crate::kernel::product::{Columns, ColumnsMut, Into, KC, Strided};
use crate::real::Real;

/// A buffer on the stack that starts with a cache line, so that no vector of it lies in two.
#[repr(align(64))]
pub(super) struct Aligned<V, const N: usize>(pub(super) [V; N]);

/// B as the micro-kernel reads it.
#[derive(Clone, Copy)]
pub(super) struct Operand<T> {
    pub(super) data: *const T,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

/// `MR × NR` sums over `depth` steps: acc[j][i] = Σ_k a[i + k·stride] · b[k, j].
///
/// # Safety
/// `a` must be readable at `i + k·stride` for i < MR, k < depth; `b` at (k, j) for k < depth, j < NR.
#[inline(always)]
unsafe fn micro_kernel<T: Real, I: Instructions, const MR: usize, const NR: usize>(
    depth: usize,
    a: *const T,
    stride: usize,
    b: Operand<T>,
) -> [[T; MR]; NR] {
    let mut acc = [[T::zero(); MR]; NR];
    for k in 0..depth {
        // SAFETY: the caller vouches for these places.
        let column: [T; MR] = unsafe { a.add(k * stride).cast::<[T; MR]>().read_unaligned() };
        for (j, sums) in acc.iter_mut().enumerate() {
            // SAFETY: as above.
            let factor = unsafe { *b.data.add(k * b.row_stride + j * b.column_stride) };
            for i in 0..MR {
                sums[i] = multiply_add::<T, I>(column[i], factor, sums[i]);
            }
        }
    }
    acc
}

/// Runs the micro-kernel on one tile and brings its `rows × NR` valid part to C.
///
/// # Safety
/// As for [`micro_kernel`]; `c` must be writable at `i + j·c_stride` for i < rows ≤ MR, j < NR.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "the tile of one micro-kernel: three operands and their strides")]
pub(super) unsafe fn tile<T: Real, I: Instructions, const MR: usize, const NR: usize>(
    into: Into,
    depth: usize,
    a: *const T,
    stride: usize,
    b: Operand<T>,
    c: *mut T,
    c_stride: usize,
    rows: usize,
) {
    // SAFETY: the caller vouches for these places.
    let acc = unsafe { micro_kernel::<T, I, MR, NR>(depth, a, stride, b) };
    for (j, sums) in acc.iter().enumerate() {
        if rows == MR {
            // SAFETY: MR values from there on are C's; as an array they are a few vector moves.
            unsafe {
                let place = c.add(j * c_stride).cast::<[T; MR]>();
                if into == Into::Add {
                    let mut values = place.read_unaligned();
                    for (value, &sum) in values.iter_mut().zip(sums) {
                        *value += sum;
                    }
                    place.write_unaligned(values);
                } else {
                    place.write_unaligned(*sums);
                }
            }
        } else {
            // SAFETY: rows ≤ MR and j < NR.
            let column = unsafe { std::slice::from_raw_parts_mut(c.add(j * c_stride), rows) };
            for (value, &sum) in column.iter_mut().zip(sums) {
                *value = if into == Into::Add { *value + sum } else { sum };
            }
        }
    }
}

/// A row of tiles: as many of C's rows as a tile has, all `width` columns.
///
/// # Safety
/// `a` (its pointer and stride) as for [`micro_kernel`]; `b` must be readable and `c` writable in `width` columns.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "three operands, their strides and the extent")]
pub(super) unsafe fn row_of_tiles<T: Real, I: Instructions, const MR: usize, const NR: usize>(
    into: Into,
    depth: usize,
    (a, stride): (*const T, usize),
    b: Operand<T>,
    c: *mut T,
    c_stride: usize,
    rows: usize,
    width: usize,
) {
    let mut j = 0;
    while j < width {
        let left_over = width - j;
        // SAFETY: each arm takes at most the columns that are left; the rest is the caller's word.
        unsafe {
            let (b, c) = (Operand { data: b.data.add(j * b.column_stride), ..b }, c.add(j * c_stride));
            if left_over >= NR {
                tile::<T, I, MR, NR>(into, depth, a, stride, b, c, c_stride, rows);
                j += NR;
            } else if left_over >= 4 {
                tile::<T, I, MR, 4>(into, depth, a, stride, b, c, c_stride, rows);
                j += 4;
            } else if left_over >= 2 {
                tile::<T, I, MR, 2>(into, depth, a, stride, b, c, c_stride, rows);
                j += 2;
            } else {
                tile::<T, I, MR, 1>(into, depth, a, stride, b, c, c_stride, rows);
                j += 1;
            }
        }
    }
}

/// A's rows from `row` on, `MR` of them with zeros for those that it lacks, over some of its columns.
#[inline(always)]
pub(super) fn pack_rows<T: Real, const MR: usize>(a: Columns<'_, T>, row: usize, columns: Range<usize>, panel: &mut [T]) {
    let valid = MR.min(a.nrows() - row);
    for (k, column) in columns.zip(panel.chunks_exact_mut(MR)) {
        // SAFETY: `valid` rows from `row` on of column k lie inside A.
        let source = unsafe { a.as_ptr().add(k * a.strides().1 + row) };
        if valid == MR {
            // SAFETY: as above; a copy of known size is a few vector moves.
            let rows: [T; MR] = unsafe { source.cast::<[T; MR]>().read_unaligned() };
            column.copy_from_slice(&rows);
        } else {
            // SAFETY: as above.
            column[..valid].copy_from_slice(unsafe { std::slice::from_raw_parts(source, valid) });
            column[valid..].fill(T::zero());
        }
    }
}

/// The product with B where it lies.
#[inline(always)]
pub(super) fn in_tiles<T: Real, I: Instructions, const MR: usize, const NR: usize, const PANEL: usize>(
    into: Into,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) {
    const { assert!(PANEL == MR * KC && NR <= 8) };
    let ((rows, depth), width) = (a.shape(), b.ncols());
    let (row_stride, column_stride) = b.strides();
    let mut panel = Aligned([T::zero(); PANEL]);
    for k in (0..depth).step_by(KC) {
        let into = if k == 0 { into } else { Into::Add };
        let block = KC.min(depth - k);
        for i in (0..rows).step_by(MR) {
            let valid = MR.min(rows - i);
            let left = if valid < MR || width > 2 * NR {
                pack_rows::<T, MR>(a, i, k..k + block, &mut panel.0);
                (panel.0.as_ptr(), MR)
            } else {
                // SAFETY: (i, k) lies inside A.
                (unsafe { a.as_ptr().add(k * a.strides().1 + i) }, a.strides().1)
            };
            // SAFETY: (k, 0) lies inside B and (i, 0) inside C.
            let (right, target) = unsafe { (b.as_ptr().add(k * row_stride), c.as_mut_ptr().add(i)) };
            let right = Operand { data: right, row_stride, column_stride };
            // SAFETY: the panel holds MR rows (padded) for `block` steps, or A has MR more rows; only `valid` rows are written.
            unsafe { row_of_tiles::<T, I, MR, NR>(into, block, left, right, target, c.strides().1, valid, width) };
        }
    }
}
