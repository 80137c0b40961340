//! Matrix products C = A·B and C += A·B over column-major views.
//!
//! nalgebra's own product goes through matrixmultiply, which allocates its packing buffers at every call; a training step may
//! not allocate, and its products are skinny (a few streams wide) as often as square. So this is a product of our own:
//!
//! * A has contiguous columns (weights are stored units-first), so that a vector load takes consecutive rows. Products with a
//!   transposed left side transpose the weights once a window instead.
//! * The micro-kernel keeps a tile of C (a few vectors of rows, `NR` columns) in registers and adds one rank-1 update a step of the inner dimension.
//! * One column alone (`thin`) takes tall stripes of A instead: what bounds it is memory.
//! * A's row panel (a tile's rows, `KC` columns) is packed into a buffer on the stack when it is used for more than a few columns or is ragged.
//! * Blocks of B are packed as well (`packed`) where A is tall and B wide.
//! * An inner dimension of a few (`outer`: the gradient of a step or two) is bound by C, which passes by once; nothing is packed.
//! * Aᵀ·B with few columns (`dots`) takes scalar products of A's columns where A lies.
//!
//! Every element of C is the sum, over blocks of `KC`, of a sum in order of the inner index. So its bits depend neither on how
//! C is cut into columns nor on the number of threads. The plain twin is `plain`, three loops.
#![allow(
    unsafe_code,
    reason = "raw loads in the micro-kernel and calls into functions compiled for instruction sets found at run time"
)]

mod dots;
mod hollow;
mod outer;
mod packed;
mod shared;
mod thin;
mod tiles;

use nalgebra::{Dyn, MatrixView, MatrixViewMut, U1};

use crate::linalg::dispatch::Instructions;
#[cfg(target_arch = "x86_64")]
use crate::linalg::processor::{Avx2, Avx512};
use crate::linalg::processor::{Baseline, Processor, processor};
pub(crate) use crate::linalg::product::dots::multiply_transposed;
pub(crate) use crate::linalg::product::hollow::multiply_hollow;
use crate::linalg::product::outer::{DEPTH, outer};
use crate::linalg::product::packed::{BLOCK_BYTES, packed};
pub(crate) use crate::linalg::product::shared::{multiply_shared, multiply_transposed_shared};
use crate::linalg::product::thin::thin;
use crate::linalg::product::tiles::in_tiles;
use crate::linalg::real::Real;
use crate::linalg::vector::{LANES, Lanes};

/// A matrix whose columns are contiguous.
pub(crate) type Columns<'a, T> = MatrixView<'a, T, Dyn, Dyn, U1, Dyn>;
/// A mutable matrix whose columns are contiguous.
pub(crate) type ColumnsMut<'a, T> = MatrixViewMut<'a, T, Dyn, Dyn, U1, Dyn>;
/// A matrix of any strides; a transposed matrix is one.
pub(crate) type Strided<'a, T> = MatrixView<'a, T, Dyn, Dyn, Dyn, Dyn>;

/// What becomes of C's earlier content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// C = A·B.
    Replace,
    /// C += A·B.
    Add,
}

/// Inner block: a panel of A, as high as a tile, is at most 32 KiB, so that it stays in the first-level cache.
const KC: usize = 256;

/// Whether the places of a matrix of these strides all lie in `values` values. nalgebra checks the same, in arithmetic that starts over at the
/// largest number.
fn lies_in(values: usize, [rows, columns]: [usize; 2], [row_stride, column_stride]: [usize; 2]) -> bool {
    if rows == 0 || columns == 0 {
        return true;
    }
    let last = |count: usize, stride: usize| (count - 1).checked_mul(stride);
    let last = last(rows, row_stride).and_then(|row| last(columns, column_stride)?.checked_add(row));
    last.is_some_and(|last| last < values)
}

#[track_caller]
fn check<T>(values: &[T], shape: [usize; 2], strides: [usize; 2]) {
    let [rows, columns] = shape;
    assert!(
        lies_in(values.len(), shape, strides),
        "a matrix of {rows} × {columns} with strides {strides:?} does not lie in {} values",
        values.len()
    );
}

/// A view of `rows × columns` values with contiguous columns, `stride` apart.
///
/// # Panics
/// If they do not lie in the slice.
#[track_caller]
pub(crate) fn columns<T: Real>(data: &[T], rows: usize, columns: usize, stride: usize) -> Columns<'_, T> {
    check(data, [rows, columns], [1, stride]);
    Columns::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), U1, Dyn(stride))
}

/// A mutable view of `rows × columns` values with contiguous columns, `stride` apart.
///
/// # Panics
/// If they do not lie in the slice, or one column in the next: threads share columns out.
#[track_caller]
pub(crate) fn columns_mut<T: Real>(data: &mut [T], rows: usize, columns: usize, stride: usize) -> ColumnsMut<'_, T> {
    check(data, [rows, columns], [1, stride]);
    assert!(columns < 2 || stride >= rows, "columns of {rows} values that are {stride} apart lie in one another");
    ColumnsMut::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), U1, Dyn(stride))
}

/// The same matrix as an operand of any strides.
///
/// # Panics
/// If it does not lie in the slice.
#[track_caller]
pub(crate) fn plain_operand<T: Real>(data: &[T], rows: usize, columns: usize, stride: usize) -> Strided<'_, T> {
    check(data, [rows, columns], [1, stride]);
    Strided::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Dyn(1), Dyn(stride))
}

/// The transpose of a stored `columns × rows` matrix, as an operand of `rows × columns`.
///
/// # Panics
/// If it does not lie in the slice.
#[track_caller]
pub(crate) fn transposed_operand<T: Real>(data: &[T], rows: usize, columns: usize, stride: usize) -> Strided<'_, T> {
    check(data, [rows, columns], [stride, 1]);
    Strided::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Dyn(stride), Dyn(1))
}

/// A product whose shapes fit.
pub struct Work<'a, T> {
    assign: Assignment,
    a: Columns<'a, T>,
    b: Strided<'a, T>,
    c: ColumnsMut<'a, T>,
}

/// C = A·B or C += A·B on this thread alone.
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub(crate) fn multiply<T: Real>(assign: Assignment, a: Columns<'_, T>, b: Strided<'_, T>, c: ColumnsMut<'_, T>) {
    assert!(
        a.ncols() == b.nrows() && a.nrows() == c.nrows() && b.ncols() == c.ncols(),
        "product of {:?} and {:?} into {:?}",
        a.shape(),
        b.shape(),
        c.shape()
    );
    T::product(Work { assign, a, b, c });
}

/// The plain twin: three loops.
#[cfg(test)]
pub(crate) fn plain<T: Real>(assign: Assignment, a: Columns<'_, T>, b: Strided<'_, T>, mut c: ColumnsMut<'_, T>) {
    for j in 0..c.ncols() {
        for i in 0..c.nrows() {
            let sum: T = (0..a.ncols()).map(|k| a[(i, k)] * b[(k, j)]).sum();
            c[(i, j)] = if assign == Assignment::Add { c[(i, j)] + sum } else { sum };
        }
    }
}

/// The product for one scalar type, dispatched to the processor's instruction set.
pub trait Product: Sized {
    #[doc(hidden)]
    type Lanes<I: Instructions>: Lanes<Self, I>;
    #[doc(hidden)]
    fn product(work: Work<'_, Self>);
}

/// The product for one scalar type and tile shape.
#[inline(always)]
fn body<T: Real, I: Instructions, const VECTORS: usize, const NR: usize, const PANEL: usize>(token: I, work: Work<'_, T>) {
    let Work { assign, a, b, mut c } = work;
    if a.ncols() == 0 && assign == Assignment::Replace {
        c.fill(T::zero());
    }
    if (1..=DEPTH).contains(&a.ncols()) {
        outer::<T, I>(token, assign, a, b, c)
    } else if b.ncols() == 1 {
        thin::<T, I>(token, assign, a, b, c)
    } else {
        in_tiles::<T, I, VECTORS, NR, PANEL>(token, assign, a, b, c)
    }
}

// The packed product is a function of its own for each instruction set: the small ones would touch every page of its block on the stack, too. Those for
// other instructions than the caller's cannot be inlined into it; the baseline's must be marked.
macro_rules! product_for {
    (
        $scalar:ty, $module:ident, $lanes:ident,
        plain: $plain:literal by $plain_columns:literal,
        avx2: $avx2:literal by $avx2_columns:literal,
        avx512: $avx512:literal by $avx512_columns:literal $(,)?
    ) => {
        mod $module {
            use super::*;

            /// Values of a block of B.
            const BLOCK: usize = BLOCK_BYTES / size_of::<$scalar>();

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
            pub(super) fn avx512(token: Avx512, work: Work<'_, $scalar>) {
                body::<$scalar, Avx512, $avx512, $avx512_columns, { $avx512 * LANES * KC }>(token, work);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
            pub(super) fn packed_avx512(token: Avx512, work: Work<'_, $scalar>) {
                let Work { assign, a, b, c } = work;
                packed::<$scalar, Avx512, $avx512, $avx512_columns, { $avx512 * LANES * KC }, BLOCK>(token, assign, a, b, c);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            pub(super) fn avx2(token: Avx2, work: Work<'_, $scalar>) {
                body::<$scalar, Avx2, $avx2, $avx2_columns, { $avx2 * LANES * KC }>(token, work);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            pub(super) fn packed_avx2(token: Avx2, work: Work<'_, $scalar>) {
                let Work { assign, a, b, c } = work;
                packed::<$scalar, Avx2, $avx2, $avx2_columns, { $avx2 * LANES * KC }, BLOCK>(token, assign, a, b, c);
            }

            #[inline(never)]
            pub(super) fn baseline(work: Work<'_, $scalar>) {
                body::<$scalar, Baseline, $plain, $plain_columns, { $plain * LANES * KC }>(Baseline, work);
            }

            #[inline(never)]
            pub(super) fn packed_baseline(work: Work<'_, $scalar>) {
                let Work { assign, a, b, c } = work;
                packed::<$scalar, Baseline, $plain, $plain_columns, { $plain * LANES * KC }, BLOCK>(
                    Baseline, assign, a, b, c,
                );
            }
        }

        impl Product for $scalar {
            type Lanes<I: Instructions> = I::$lanes;
            fn product(work: Work<'_, Self>) {
                let packs = packed::is_worth_it(work.a.nrows(), work.b.ncols()) && work.a.ncols() > DEPTH;
                match processor() {
                    // SAFETY: the token says that the processor has every feature the function was compiled for.
                    #[cfg(target_arch = "x86_64")]
                    Processor::Avx512(token) if packs => unsafe { $module::packed_avx512(token, work) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Processor::Avx512(token) => unsafe { $module::avx512(token, work) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Processor::Avx2(token) if packs => unsafe { $module::packed_avx2(token, work) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Processor::Avx2(token) => unsafe { $module::avx2(token, work) },
                    Processor::Plain if packs => $module::packed_baseline(work),
                    Processor::Plain => $module::baseline(work),
                }
            }
        }
    };
}

// Tiles, in vectors of sixteen rows by columns: what the registers of each instruction set hold beside a vector of A and a factor of B.
product_for!(f32, single, Single, plain: 1 by 2, avx2: 1 by 6, avx512: 2 by 8);
product_for!(f64, double, Double, plain: 1 by 1, avx2: 1 by 3, avx512: 1 by 8);

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
            (128, 260, 17),
            (140, 1, 40),
            (33, 2, 5),
            (130, 3, 20),
            (17, 4, 1),
            (200, 300, 203),
            (131, 5, 41),
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
                for assign in [Assignment::Replace, Assignment::Add] {
                    let (mut found, mut cut, mut truth) = (start.clone(), start.clone(), start.clone());
                    multiply(assign, a, b, columns_mut(&mut found, m, n, c_stride));
                    plain(assign, a, b, columns_mut(&mut truth, m, n, c_stride));
                    for (x, y) in found.iter().zip(&truth) {
                        assert!((x.to_f64() - y.to_f64()).abs() <= tolerance * (1.0 + y.to_f64().abs()), "{m} {k} {n}");
                    }
                    // Column by column: the same bits.
                    for j in 0..n {
                        multiply(assign, a, b.columns(j, 1), columns_mut(&mut cut[j * c_stride..], m, 1, c_stride));
                    }
                    assert_eq!(found, cut, "bits depend on how the columns are cut");
                }
            }
        }
    }

    /// 9 columns 2⁶¹ values apart: the place of the last is 2⁶⁴, which is 0 where the arithmetic starts over.
    #[test]
    fn a_matrix_that_does_not_lie_in_its_slice_is_refused() {
        let mut one = [1.0_f32];
        let refused = |what: &mut dyn FnMut()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(what)).is_err();
        for [rows, many, stride] in
            [[1, 9, 1 << 61], [1, 2, 1], [2, 1, 1], [1, usize::MAX, usize::MAX], [usize::MAX, 2, 1 << 63]]
        {
            assert!(refused(&mut || {
                let _ = columns(&one, rows, many, stride);
            }));
            assert!(refused(&mut || {
                let _ = plain_operand(&one, rows, many, stride);
            }));
            assert!(refused(&mut || {
                let _ = transposed_operand(&one, many, rows, stride);
            }));
            assert!(refused(&mut || {
                let _ = columns_mut(&mut one, rows, many, stride);
            }));
        }
        let mut nested = || {
            let _ = columns_mut(&mut [0.0_f32; 9], 3, 3, 2);
        };
        assert!(refused(&mut nested), "columns lie in one another");
        assert_eq!(columns(&one, 1, 1, 1 << 40).shape(), (1, 1), "one column is as far from the next as may be");
        let (a, b) = (columns(&one, 1, 1, 1), plain_operand(&[1.0_f32; 4], 2, 2, 2));
        assert!(
            refused(&mut || multiply(Assignment::Add, a, b, columns_mut(&mut [0.0_f32], 1, 1, 1))),
            "shapes that do not fit"
        );
    }

    #[test]
    fn equals_its_plain_twin_whatever_the_shape() {
        agrees::<f32>(1e-5);
        agrees::<f64>(1e-13);
    }
}
