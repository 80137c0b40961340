//! Products on several threads: the same bits as on one.

use super::dots::{TALL, multiply_transposed};
use super::{Assignment, Columns, ColumnsMut, Strided, multiply};
use crate::linalg::pair::{both, is_worth_a_partner};
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;

/// C = A·B or C += A·B, its columns, or its rows where there are more of them, shared out among the threads where that pays; a single column's
/// with a partner. The same bits as [`multiply`].
#[track_caller]
pub(crate) fn multiply_shared<T: Real>(assign: Assignment, a: Columns<'_, T>, b: Strided<'_, T>, mut c: ColumnsMut<'_, T>) {
    let work = a.nrows().saturating_mul(a.ncols()).saturating_mul(b.ncols());
    if b.ncols() == 1 && is_worth_a_partner(work) {
        let (half, total) = ((a.nrows() / 2).next_multiple_of(64), a.nrows());
        if half < total {
            let (upper_a, lower_a) = (a.rows(0, half), a.rows(half, total - half));
            let (upper_c, lower_c) = c.rows_range_pair_mut(0..half, half..total);
            return both(|| multiply(assign, upper_a, b, upper_c), || multiply(assign, lower_a, b, lower_c));
        }
    }
    if b.ncols() < 16 || !is_worth_sharing(work) {
        return multiply(assign, a, b, c);
    }
    if a.nrows() > b.ncols() {
        // A tall matrix is read once then, and not once for every share of the columns.
        let half = (a.nrows() / 2).next_multiple_of(64);
        let total = a.nrows();
        if half < total {
            let (upper_a, lower_a) = (a.rows(0, half), a.rows(half, total - half));
            let (upper_c, lower_c) = c.rows_range_pair_mut(0..half, half..total);
            rayon::join(|| multiply_shared(assign, upper_a, b, upper_c), || multiply_shared(assign, lower_a, b, lower_c));
            return;
        }
    }
    // Halve at a multiple of eight, so that only the last part has ragged tiles.
    let half = (b.ncols() / 2).next_multiple_of(8);
    let (left_b, right_b) = (b.columns(0, half), b.columns(half, b.ncols() - half));
    let total = c.ncols();
    let (left_c, right_c) = c.columns_range_pair_mut(0..half, half..total);
    rayon::join(|| multiply_shared(assign, a, left_b, left_c), || multiply_shared(assign, a, right_b, right_c));
}

/// C = Aᵀ·B or C += Aᵀ·B, a single column's shared with a partner where that pays. The same bits as [`multiply_transposed`].
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub(crate) fn multiply_transposed_shared<T: Real>(
    assign: Assignment,
    a: Columns<'_, T>,
    b: Columns<'_, T>,
    mut c: ColumnsMut<'_, T>,
) {
    let (half, total) = ((a.ncols() / 2).next_multiple_of(TALL), a.ncols());
    if b.ncols() != 1 || half >= total || c.nrows() != total || !is_worth_a_partner(a.nrows().saturating_mul(total)) {
        return multiply_transposed(assign, a, b, c);
    }
    let (left, right) = (a.columns(0, half), a.columns(half, total - half));
    let (upper, lower) = c.rows_range_pair_mut(0..half, half..total);
    both(|| multiply_transposed(assign, left, b, upper), || multiply_transposed(assign, right, b, lower));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::product::{columns, columns_mut, plain_operand};

    fn agrees<T: Real>() {
        let values = |count: usize, seed: usize| -> Vec<T> {
            (0..count).map(|i| T::from_f64(((i * 7919 + seed * 104_729) % 1000) as f64 / 500.0 - 1.0)).collect()
        };
        // Large enough for a partner with one column, and for all threads with many.
        for (height, depth, width) in
            [(700, 130, 1), (130, 700, 1), (65, 1000, 1), (40, 40, 1), (700, 90, 40), (90, 300, 90)]
        {
            let left = values((height + 1) * depth, 1);
            let a = columns(&left, height, depth, height + 1);
            let (right, below) = (values(depth * width, 2), values(height * width, 4));
            for assign in [Assignment::Replace, Assignment::Add] {
                let (b, start) = (plain_operand(&right, depth, width, depth), values(height * width, 3));
                let (mut alone, mut shared) = (start.clone(), start);
                multiply(assign, a, b, columns_mut(&mut alone, height, width, height));
                multiply_shared(assign, a, b, columns_mut(&mut shared, height, width, height));
                assert!(alone == shared, "{height} × {depth} × {width}");

                let (b, start) = (columns(&below, height, width, height), values(depth * width, 5));
                let (mut alone, mut shared) = (start.clone(), start);
                multiply_transposed(assign, a, b, columns_mut(&mut alone, depth, width, depth));
                multiply_transposed_shared(assign, a, b, columns_mut(&mut shared, depth, width, depth));
                assert!(alone == shared, "the transpose of {height} × {depth}, {width}");
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_who_does_which_part() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| {
            assert!(is_worth_a_partner(700 * 130), "something is shared");
            (0..20).for_each(|_| agrees::<f32>());
            (0..20).for_each(|_| agrees::<f64>());
        });
    }
}
