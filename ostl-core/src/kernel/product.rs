//! Matrix products C = A·B and C += A·B over column-major views.
//!
//! nalgebra's own product goes through matrixmultiply, which allocates its packing buffers at every call; a training step may
//! not allocate, and its products are skinny (a few streams wide) as often as square. So this is a product of our own:
//!
//! * A has contiguous columns (weights are stored units-first), so that a vector load takes consecutive rows. Products with a
//!   transposed left side transpose the weights once a window instead.
//! * The micro-kernel keeps an `MR × NR` tile of C in registers and adds one rank-1 update a step of the inner dimension.
//! * One column alone (`thin`) takes tall stripes of A instead: what bounds it is memory.
//! * A's row panel (`MR × KC`) is packed into a buffer on the stack when it is used for more than a few columns or is ragged.
//!
//! Every element of C is the sum, over blocks of `KC`, of a sum in order of the inner index. So its bits depend neither on how
//! C is cut into columns nor on the number of threads. The plain twin is `plain`, three loops.
#![allow(
    unsafe_code,
    reason = "raw loads in the micro-kernel and calls into functions compiled for instruction sets found at run time"
)]

use nalgebra::{Dyn, MatrixView, MatrixViewMut, U1};

#[cfg(target_arch = "x86_64")]
use crate::kernel::dispatch::{Avx2, Avx512};
use crate::kernel::dispatch::{Baseline, Instructions, multiply_add};
use crate::kernel::processor::{Processor, processor};
use crate::kernel::share::is_worth_sharing;
use crate::kernel::vector::{LANES, Lanes};
use crate::real::Real;

/// A matrix whose columns are contiguous.
pub type Columns<'a, T> = MatrixView<'a, T, Dyn, Dyn, U1, Dyn>;
/// A mutable matrix whose columns are contiguous.
pub type ColumnsMut<'a, T> = MatrixViewMut<'a, T, Dyn, Dyn, U1, Dyn>;
/// A matrix of any strides; a transposed matrix is one.
pub type Strided<'a, T> = MatrixView<'a, T, Dyn, Dyn, Dyn, Dyn>;

/// What becomes of C's earlier content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// C = A·B.
    Replace,
    /// C += A·B.
    Add,
}

/// Inner block: an `MR × KC` panel of A is 32 KiB, so that it stays in the first-level cache.
const KC: usize = 256;

/// A view of `rows × columns` values with contiguous columns, `stride` apart.
#[track_caller]
pub fn columns<T: Real>(data: &[T], rows: usize, columns: usize, stride: usize) -> Columns<'_, T> {
    Columns::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), U1, Dyn(stride))
}

/// A mutable view of `rows × columns` values with contiguous columns, `stride` apart.
#[track_caller]
pub fn columns_mut<T: Real>(data: &mut [T], rows: usize, columns: usize, stride: usize) -> ColumnsMut<'_, T> {
    ColumnsMut::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), U1, Dyn(stride))
}

/// The same matrix as an operand of any strides.
#[track_caller]
pub fn plain_operand<T: Real>(data: &[T], rows: usize, columns: usize, stride: usize) -> Strided<'_, T> {
    Strided::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Dyn(1), Dyn(stride))
}

/// The transpose of a stored `columns × rows` matrix, as an operand of `rows × columns`.
#[track_caller]
pub fn transposed_operand<T: Real>(data: &[T], rows: usize, columns: usize, stride: usize) -> Strided<'_, T> {
    Strided::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Dyn(stride), Dyn(1))
}

/// C = A·B or C += A·B on this thread alone.
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub fn multiply<T: Real>(into: Into, a: Columns<'_, T>, b: Strided<'_, T>, c: ColumnsMut<'_, T>) {
    assert!(
        a.ncols() == b.nrows() && a.nrows() == c.nrows() && b.ncols() == c.ncols(),
        "product of {:?} and {:?} into {:?}",
        a.shape(),
        b.shape(),
        c.shape()
    );
    T::product(into, a, b, c);
}

/// C = A·B or C += A·B, its columns, or its rows where there are more of them, shared out among the threads where that pays. The same bits as
/// [`multiply`].
#[track_caller]
pub fn multiply_shared<T: Real>(into: Into, a: Columns<'_, T>, b: Strided<'_, T>, mut c: ColumnsMut<'_, T>) {
    let work = a.nrows() * a.ncols() * b.ncols();
    if b.ncols() < 16 || !is_worth_sharing(work) {
        return multiply(into, a, b, c);
    }
    if a.nrows() > b.ncols() {
        // A tall matrix is read once then, and not once for every share of the columns.
        let half = (a.nrows() / 2).next_multiple_of(64);
        let total = a.nrows();
        if half < total {
            let (upper_a, lower_a) = (a.rows(0, half), a.rows(half, total - half));
            let (upper_c, lower_c) = c.rows_range_pair_mut(0..half, half..total);
            rayon::join(|| multiply_shared(into, upper_a, b, upper_c), || multiply_shared(into, lower_a, b, lower_c));
            return;
        }
    }
    // Halve at a multiple of eight, so that only the last part has ragged tiles.
    let half = (b.ncols() / 2).next_multiple_of(8);
    let (left_b, right_b) = (b.columns(0, half), b.columns(half, b.ncols() - half));
    let total = c.ncols();
    let (left_c, right_c) = c.columns_range_pair_mut(0..half, half..total);
    rayon::join(|| multiply_shared(into, a, left_b, left_c), || multiply_shared(into, a, right_b, right_c));
}

/// The plain twin: three loops.
pub fn plain<T: Real>(into: Into, a: Columns<'_, T>, b: Strided<'_, T>, mut c: ColumnsMut<'_, T>) {
    for j in 0..c.ncols() {
        for i in 0..c.nrows() {
            let sum: T = (0..a.ncols()).map(|k| a[(i, k)] * b[(k, j)]).sum();
            c[(i, j)] = if into == Into::Add { c[(i, j)] + sum } else { sum };
        }
    }
}

/// The product for one scalar type, dispatched to the processor's instruction set.
pub trait Product: Sized {
    #[doc(hidden)]
    type Lanes<I: Instructions>: Lanes<Self>;
    #[doc(hidden)]
    fn product(into: Into, a: Columns<'_, Self>, b: Strided<'_, Self>, c: ColumnsMut<'_, Self>);
}

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
pub(super) unsafe fn micro_kernel<T: Real, I: Instructions, const MR: usize, const NR: usize>(
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
unsafe fn tile<T: Real, I: Instructions, const MR: usize, const NR: usize>(
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
        // SAFETY: rows ≤ MR and j < NR.
        let column = unsafe { std::slice::from_raw_parts_mut(c.add(j * c_stride), rows) };
        if rows == MR {
            for i in 0..MR {
                column[i] = if into == Into::Add { column[i] + sums[i] } else { sums[i] };
            }
        } else {
            for (value, &sum) in column.iter_mut().zip(sums) {
                *value = if into == Into::Add { *value + sum } else { sum };
            }
        }
    }
}

/// C = A·b or C += A·b for one column b, tall stripes of rows at a time: what bounds it is how fast A comes from memory. The sums
/// run in the same order as in the tiles, so the bits are the same.
#[inline(always)]
fn thin<T: Real, I: Instructions>(into: Into, a: Columns<'_, T>, b: Strided<'_, T>, mut c: ColumnsMut<'_, T>) {
    let rows = a.nrows();
    let mut row = 0;
    while row < rows {
        let left = rows - row;
        let (a, c) = (a.rows(row, left), c.rows_mut(row, left));
        row += if left >= 16 * LANES && I::REGISTERS >= 32 {
            stripe::<T, I, 16>(into, a, b, c)
        } else if left >= 4 * LANES {
            stripe::<T, I, 4>(into, a, b, c)
        } else if left >= LANES {
            stripe::<T, I, 1>(into, a, b, c)
        } else {
            rest::<T, I>(into, a, b, c)
        };
    }
}

/// The first `N` vectors of rows of a thin product. Returns how many rows that were.
#[inline(always)]
fn stripe<T: Real, I: Instructions, const N: usize>(
    into: Into,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) -> usize {
    for k in (0..a.ncols()).step_by(KC) {
        let mut sums = [T::Lanes::<I>::splat(T::zero()); N];
        for column in k..a.ncols().min(k + KC) {
            // SAFETY: A has N vectors of rows in each of its columns, and b a value for each.
            let (column, factor) =
                unsafe { (a.as_ptr().add(column * a.strides().1), *b.as_ptr().add(column * b.strides().0)) };
            let factor = T::Lanes::<I>::splat(factor);
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let rows = unsafe { &*column.add(v * LANES).cast::<[T; LANES]>() };
                *sum = T::Lanes::<I>::load(rows).multiply_add(factor, *sum);
            }
        }
        for (v, sum) in sums.iter().enumerate() {
            // SAFETY: C has as many rows.
            let rows = unsafe { &mut *c.as_mut_ptr().add(v * LANES).cast::<[T; LANES]>() };
            if k == 0 && into == Into::Replace {
                sum.store(rows);
            } else {
                T::Lanes::<I>::load(rows).add(*sum).store(rows);
            }
        }
    }
    N * LANES
}

/// The last rows of a thin product, fewer than a vector. Returns how many.
#[inline(always)]
fn rest<T: Real, I: Instructions>(into: Into, a: Columns<'_, T>, b: Strided<'_, T>, mut c: ColumnsMut<'_, T>) -> usize {
    for k in (0..a.ncols()).step_by(KC) {
        for row in 0..a.nrows() {
            let mut sum = T::zero();
            for column in k..a.ncols().min(k + KC) {
                sum = multiply_add::<T, I>(a[(row, column)], b[(column, 0)], sum);
            }
            c[(row, 0)] = if k == 0 && into == Into::Replace { sum } else { c[(row, 0)] + sum };
        }
    }
    a.nrows()
}

/// The whole product for one tile shape.
#[inline(always)]
fn body<T: Real, I: Instructions, const MR: usize, const NR: usize, const PANEL: usize>(
    into: Into,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) {
    const { assert!(PANEL == MR * KC && NR <= 8) };
    let (rows, depth) = a.shape();
    let width = b.ncols();
    if depth == 0 && into == Into::Replace {
        c.fill(T::zero());
    }
    if width == 1 {
        return thin::<T, I>(into, a, b, c);
    }
    let (a_stride, c_stride) = (a.strides().1, c.strides().1);
    let (row_stride, column_stride) = b.strides();
    let mut panel = [T::zero(); PANEL];
    for k in (0..depth).step_by(KC) {
        let into = if k == 0 { into } else { Into::Add };
        let block = KC.min(depth - k);
        for i in (0..rows).step_by(MR) {
            let valid = MR.min(rows - i);
            let packed = valid < MR || width > 2 * NR;
            if packed {
                for (p, column) in panel.chunks_exact_mut(MR).take(block).enumerate() {
                    // SAFETY: rows i..i + valid of column k + p lie inside A.
                    let source = unsafe { a.as_ptr().add((k + p) * a_stride + i) };
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
            let (left, stride) = if packed {
                (panel.as_ptr(), MR)
            } else {
                // SAFETY: (i, k) lies inside A.
                (unsafe { a.as_ptr().add(k * a_stride + i) }, a_stride)
            };
            let mut j = 0;
            while j < width {
                // SAFETY: (k, j) lies inside B and (i, j) inside C.
                let (right, target) =
                    unsafe { (b.as_ptr().add(k * row_stride + j * column_stride), c.as_mut_ptr().add(j * c_stride + i)) };
                let right = Operand { data: right, row_stride, column_stride };
                let left_over = width - j;
                // SAFETY: the panel holds MR rows (padded) for `block` steps, or A has MR more rows; each arm takes at most
                // the columns that are left, and only `valid` rows are written.
                unsafe {
                    if left_over >= NR {
                        tile::<T, I, MR, NR>(into, block, left, stride, right, target, c_stride, valid);
                        j += NR;
                    } else if left_over >= 4 {
                        tile::<T, I, MR, 4>(into, block, left, stride, right, target, c_stride, valid);
                        j += 4;
                    } else if left_over >= 2 {
                        tile::<T, I, MR, 2>(into, block, left, stride, right, target, c_stride, valid);
                        j += 2;
                    } else {
                        tile::<T, I, MR, 1>(into, block, left, stride, right, target, c_stride, valid);
                        j += 1;
                    }
                }
            }
        }
    }
}

macro_rules! product_for {
    ($scalar:ty, $module:ident, $lanes:ident, wide: $wide:literal, half: $half:literal) => {
        #[cfg(target_arch = "x86_64")]
        mod $module {
            use super::*;

            #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
            pub(super) fn avx512(into: Into, a: Columns<'_, $scalar>, b: Strided<'_, $scalar>, c: ColumnsMut<'_, $scalar>) {
                body::<$scalar, Avx512, $wide, 8, { $wide * KC }>(into, a, b, c);
            }

            #[target_feature(enable = "avx2,fma")]
            pub(super) fn avx2(into: Into, a: Columns<'_, $scalar>, b: Strided<'_, $scalar>, c: ColumnsMut<'_, $scalar>) {
                body::<$scalar, Avx2, $half, 6, { $half * KC }>(into, a, b, c);
            }
        }

        impl Product for $scalar {
            type Lanes<I: Instructions> = I::$lanes;
            fn product(into: Into, a: Columns<'_, Self>, b: Strided<'_, Self>, c: ColumnsMut<'_, Self>) {
                match processor() {
                    // SAFETY: the processor was found to have every feature the function was compiled for.
                    #[cfg(target_arch = "x86_64")]
                    Processor::Avx512 => unsafe { $module::avx512(into, a, b, c) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Processor::Avx2 => unsafe { $module::avx2(into, a, b, c) },
                    _ => body::<$scalar, Baseline, 8, 4, { 8 * KC }>(into, a, b, c),
                }
            }
        }
    };
}

product_for!(f32, single, Single, wide: 32, half: 16);
product_for!(f64, double, Double, wide: 16, half: 8);

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: u64) -> Vec<f64> {
        let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        (0..count)
            .map(|_| {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                (x >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
            })
            .collect()
    }

    fn agrees<T: Real>(tolerance: f64) {
        for (case, (m, k, n)) in [
            (1, 1, 1),
            (3, 5, 2),
            (16, 7, 9),
            (31, 300, 17),
            (32, 256, 8),
            (33, 257, 3),
            (64, 513, 40),
            (150, 150, 1),
            (7, 0, 4),
        ]
        .into_iter()
        .enumerate()
        {
            let (a_stride, c_stride) = (m + case % 3, m + case % 2);
            let cast = |v: Vec<f64>| v.into_iter().map(T::from_f64).collect::<Vec<_>>();
            let a = cast(values(a_stride * k.max(1) + m, 1));
            let b = cast(values((k + 1) * (n + 1) + k, 2));
            let start = cast(values(c_stride * n + m, 3));
            let a = columns(&a, m, k, a_stride);
            for b in [plain_operand(&b, k, n, k.max(1)), transposed_operand(&b, k, n, n)] {
                for into in [Into::Replace, Into::Add] {
                    let (mut found, mut cut, mut truth) = (start.clone(), start.clone(), start.clone());
                    multiply(into, a, b, columns_mut(&mut found, m, n, c_stride));
                    plain(into, a, b, columns_mut(&mut truth, m, n, c_stride));
                    for (x, y) in found.iter().zip(&truth) {
                        assert!((x.to_f64() - y.to_f64()).abs() <= tolerance * (1.0 + y.to_f64().abs()), "{m} {k} {n}");
                    }
                    // Column by column: the same bits.
                    for j in 0..n {
                        multiply(into, a, b.columns(j, 1), columns_mut(&mut cut[j * c_stride..], m, 1, c_stride));
                    }
                    assert_eq!(found, cut, "bits depend on how the columns are cut");
                }
            }
        }
    }

    #[test]
    fn equals_its_plain_twin_whatever_the_shape() {
        agrees::<f32>(1e-5);
        agrees::<f64>(1e-13);
    }
}
