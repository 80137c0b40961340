//! The micro-kernel, and a product in tiles of it.
#![allow(unsafe_code, reason = "raw loads in the micro-kernel; each states what it stands on")]

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::linalg::dispatch::Instructions;
use crate::linalg::product::{Assignment, Columns, ColumnsMut, KC, Strided};
use crate::linalg::real::Real;
use crate::linalg::vector::{LANES, Lanes};

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

/// A's columns as the micro-kernel reads them.
#[derive(Clone, Copy)]
pub(super) struct Left<T> {
    pub(super) data: *const T,
    pub(super) stride: usize,
}

/// Where in C a tile's sums go.
#[derive(Clone, Copy)]
pub(super) struct Target<T> {
    pub(super) data: *mut T,
    pub(super) stride: usize,
    /// Rows that C has there, perhaps fewer than a tile.
    pub(super) rows: usize,
}

/// A tile's sums over `depth` steps: acc[j] = Σ_k a[k·stride ..] · b[k, j], `VECTORS` vectors of rows and `NR` columns.
///
/// # Safety
/// `a` must be readable at `i + k·stride` for i < VECTORS · LANES, k < depth; `b` at (k, j) for k < depth, j < NR.
#[inline(always)]
unsafe fn micro_kernel<T: Real, I: Instructions, const VECTORS: usize, const NR: usize>(
    token: I,
    depth: usize,
    a: Left<T>,
    b: Operand<T>,
) -> [[T::Lanes<I>; VECTORS]; NR] {
    let mut acc = [[T::Lanes::<I>::splat(token, T::zero()); VECTORS]; NR];
    for k in 0..depth {
        // SAFETY: the caller vouches for these places.
        let column = unsafe { &*a.data.add(k * a.stride).cast::<[[T; LANES]; VECTORS]>() };
        let mut loaded = [T::Lanes::<I>::splat(token, T::zero()); VECTORS];
        for (to, rows) in loaded.iter_mut().zip(column) {
            *to = T::Lanes::<I>::load(token, rows);
        }
        for (j, sums) in acc.iter_mut().enumerate() {
            // SAFETY: as above.
            let factor = T::Lanes::<I>::splat(token, unsafe { *b.data.add(k * b.row_stride + j * b.column_stride) });
            for (sum, rows) in sums.iter_mut().zip(loaded) {
                *sum = rows.multiply_add(factor, *sum);
            }
        }
    }
    acc
}

/// Runs the micro-kernel on one tile and brings its `rows × NR` valid part to C.
///
/// # Safety
/// As for [`micro_kernel`]; `c` must be writable at `i + j·c.stride` for i < c.rows ≤ VECTORS · LANES, j < NR.
#[inline(always)]
pub(super) unsafe fn tile<T: Real, I: Instructions, const VECTORS: usize, const NR: usize>(
    token: I,
    assign: Assignment,
    depth: usize,
    a: Left<T>,
    b: Operand<T>,
    c: Target<T>,
) {
    // SAFETY: the caller vouches for these places.
    let acc = unsafe { micro_kernel::<T, I, VECTORS, NR>(token, depth, a, b) };
    for (j, sums) in acc.iter().enumerate() {
        if c.rows == VECTORS * LANES {
            // SAFETY: VECTORS · LANES values from there on are C's.
            let column = unsafe { &mut *c.data.add(j * c.stride).cast::<[[T; LANES]; VECTORS]>() };
            for (values, &sum) in column.iter_mut().zip(sums) {
                let sum = if assign == Assignment::Add { T::Lanes::<I>::load(token, values).add(sum) } else { sum };
                sum.store(values);
            }
        } else {
            let mut sums_of_rows = [[T::zero(); LANES]; VECTORS];
            for (values, &sum) in sums_of_rows.iter_mut().zip(sums) {
                sum.store(values);
            }
            // SAFETY: j < NR, and `c.rows` rows are C's.
            let column = unsafe { std::slice::from_raw_parts_mut(c.data.add(j * c.stride), c.rows) };
            for (value, &sum) in column.iter_mut().zip(sums_of_rows.as_flattened()) {
                *value = if assign == Assignment::Add { *value + sum } else { sum };
            }
        }
    }
}

/// A row of tiles: as many of C's rows as a tile has, all `width` columns.
///
/// # Safety
/// `a` as for [`micro_kernel`]; `b` must be readable and `c` writable in `width` columns.
#[inline(always)]
pub(super) unsafe fn row_of_tiles<T: Real, I: Instructions, const VECTORS: usize, const NR: usize>(
    token: I,
    assign: Assignment,
    depth: usize,
    a: Left<T>,
    b: Operand<T>,
    c: Target<T>,
    width: usize,
) {
    let mut j = 0;
    while j < width {
        let left_over = width - j;
        // SAFETY: each arm takes at most the columns that are left; the rest is the caller's word.
        unsafe {
            let b = Operand { data: b.data.add(j * b.column_stride), ..b };
            let c = Target { data: c.data.add(j * c.stride), ..c };
            if left_over >= NR {
                tile::<T, I, VECTORS, NR>(token, assign, depth, a, b, c);
                j += NR;
            } else if left_over >= 4 {
                tile::<T, I, VECTORS, 4>(token, assign, depth, a, b, c);
                j += 4;
            } else if left_over >= 2 {
                tile::<T, I, VECTORS, 2>(token, assign, depth, a, b, c);
                j += 2;
            } else {
                tile::<T, I, VECTORS, 1>(token, assign, depth, a, b, c);
                j += 1;
            }
        }
    }
}

/// Packs A's rows from `row` on, as many as a tile has with zeros for those that A lacks, over some of its columns: all values of as many
/// columns of the panel. The others are left as they were.
#[inline(always)]
pub(super) fn pack_rows<T: Real, const VECTORS: usize>(
    a: Columns<'_, T>,
    row: usize,
    columns: Range<usize>,
    panel: &mut [MaybeUninit<T>],
) {
    let height = VECTORS * LANES;
    let valid = height.min(a.nrows() - row);
    for (k, column) in columns.zip(panel.chunks_exact_mut(height)) {
        // SAFETY: `valid` rows from `row` on of column k lie inside A.
        let source = unsafe { a.as_ptr().add(k * a.strides().1 + row) };
        if valid == height {
            // SAFETY: as above; a copy of known size is a few vector moves.
            let rows = unsafe { source.cast::<[[T; LANES]; VECTORS]>().read_unaligned() };
            for (to, &value) in column.iter_mut().zip(rows.as_flattened()) {
                to.write(value);
            }
        } else {
            // SAFETY: as above.
            for (to, &value) in column.iter_mut().zip(unsafe { std::slice::from_raw_parts(source, valid) }) {
                to.write(value);
            }
            for to in &mut column[valid..] {
                to.write(T::zero());
            }
        }
    }
}

/// The product with B where it lies.
#[inline(always)]
pub(super) fn in_tiles<T: Real, I: Instructions, const VECTORS: usize, const NR: usize, const PANEL: usize>(
    token: I,
    assign: Assignment,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) {
    const { assert!(PANEL == VECTORS * LANES * KC && NR <= 8) };
    let height = VECTORS * LANES;
    let ((rows, depth), width) = (a.shape(), b.ncols());
    let (row_stride, column_stride) = b.strides();
    // Not filled beforehand: a small product would do little else.
    let mut panel = Aligned([const { MaybeUninit::<T>::uninit() }; PANEL]);
    for k in (0..depth).step_by(KC) {
        let assign = if k == 0 { assign } else { Assignment::Add };
        let block = KC.min(depth - k);
        for i in (0..rows).step_by(height) {
            let valid = height.min(rows - i);
            let left = if valid < height || width > 2 * NR {
                pack_rows::<T, VECTORS>(a, i, k..k + block, &mut panel.0);
                Left { data: panel.0.as_ptr().cast(), stride: height }
            } else {
                // SAFETY: (i, k) lies inside A.
                Left { data: unsafe { a.as_ptr().add(k * a.strides().1 + i) }, stride: a.strides().1 }
            };
            // SAFETY: (k, 0) lies inside B and (i, 0) inside C.
            let (right, target) = unsafe { (b.as_ptr().add(k * row_stride), c.as_mut_ptr().add(i)) };
            let right = Operand { data: right, row_stride, column_stride };
            let target = Target { data: target, stride: c.strides().1, rows: valid };
            // SAFETY: the panel holds a tile's rows (padded) for `block` steps, or A has as many more; only `valid` rows are written.
            unsafe { row_of_tiles::<T, I, VECTORS, NR>(token, assign, block, left, right, target, width) };
        }
    }
}
