//! The engine's matrix product by itself, for measurements.
//!
//! Training takes its products inside; this is the same code behind plain slices whose sizes are checked.

use crate::linalg::product::{columns, columns_mut, multiply as product, plain_operand, transposed_operand};
use crate::linalg::real::Real;

pub use crate::linalg::product::Assignment;

/// A matrix that lies in a slice, column by column.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    stride: usize,
    is_transposed: bool,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// `rows × columns` values, the columns `stride` apart.
    ///
    /// # Panics
    /// If they do not lie in the slice.
    #[track_caller]
    pub fn new(values: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        let _ = plain_operand(values, rows, columns, stride);
        Self { values, rows, columns, stride, is_transposed: false }
    }

    /// Its transpose, which nothing is moved for.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { is_transposed: !self.is_transposed, ..self }
    }
}

/// C = A·B or C += A·B on this thread, in a slice where the columns of C are `stride` apart.
///
/// # Panics
/// If A is a transpose (its columns must lie together), the shapes do not fit, or C does not lie in the slice.
#[track_caller]
pub fn multiply<T: Real>(assign: Assignment, a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], stride: usize) {
    assert!(!a.is_transposed, "the columns of the left side must lie together");
    let left = columns(a.values, a.rows, a.columns, a.stride);
    let right = match b.is_transposed {
        false => plain_operand(b.values, b.rows, b.columns, b.stride),
        true => transposed_operand(b.values, b.columns, b.rows, b.stride),
    };
    let (rows, width) = (a.rows, right.ncols());
    product(assign, left, right, columns_mut(c, rows, width, stride));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_by_hand() {
        // [1 3; 2 4] times [5 7; 6 8] and its transpose.
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let (a, b) = (Matrix::new(&a, 2, 2, 2), Matrix::new(&b, 2, 2, 2));
        let mut c = [1.0; 5];
        multiply(Assignment::Replace, a, b, &mut c, 3);
        assert_eq!(c, [23.0, 34.0, 1.0, 31.0, 46.0]);
        multiply(Assignment::Add, a, b.transposed(), &mut c, 3);
        assert_eq!(c, [49.0, 72.0, 1.0, 61.0, 90.0]);
    }

    #[test]
    #[should_panic(expected = "does not lie in 1 values")]
    fn a_matrix_beyond_its_slice() {
        let _ = Matrix::new(&[1.0_f32], 1, 9, 1 << 61);
    }
}
