//! The transpose of a matrix of weights as a factor of products.

use crate::linalg::product::{Assignment, columns, columns_mut, multiply_shared, multiply_transposed_shared, plain_operand};
use crate::linalg::real::Real;

/// The transpose of a matrix of weights, or what stands in its place.
#[derive(Clone, Copy)]
pub(super) enum Turned<'a, T> {
    /// Its values, column by column.
    Made(&'a [T]),
    /// The values of the matrix that it is the transpose of.
    InPlace(&'a [T]),
}

/// Columns of a product's right side.
#[derive(Clone, Copy)]
pub(super) struct Right<'a, T> {
    pub(super) values: &'a [T],
    /// Values of each column that count.
    pub(super) rows: usize,
    /// From one column to the next.
    pub(super) stride: usize,
    pub(super) count: usize,
}

impl<T: Real> Turned<'_, T> {
    /// Values in all.
    pub(super) fn len(&self) -> usize {
        match self {
            Turned::Made(values) | Turned::InPlace(values) => values.len(),
        }
    }

    /// `to` = or += the transpose times the columns of `right`: as many columns, one after the other.
    pub(super) fn multiply(self, assign: Assignment, right: Right<'_, T>, to: &mut [T]) {
        let Right { values, rows, stride, count } = right;
        let height = self.len() / rows;
        let to = columns_mut(to, height, count, height);
        match self {
            Turned::Made(turned) => {
                let right = plain_operand(values, rows, count, stride);
                multiply_shared(assign, columns(turned, height, rows, height), right, to);
            }
            Turned::InPlace(matrix) => {
                let right = columns(values, rows, count, stride);
                multiply_transposed_shared(assign, columns(matrix, rows, height, rows), right, to);
            }
        }
    }

    /// `to` += one column of the transpose, of so many in all, times a factor.
    pub(super) fn add_column(self, column: usize, all: usize, factor: T, to: &mut [T]) {
        match self {
            Turned::Made(turned) => {
                let column = &turned[column * to.len()..];
                to.iter_mut().zip(column).for_each(|(to, &value)| *to += factor * value);
            }
            Turned::InPlace(matrix) => {
                to.iter_mut().zip(matrix[column..].iter().step_by(all)).for_each(|(to, &value)| *to += factor * value);
            }
        }
    }

    /// One value of the transpose, which has `[rows, columns]`.
    pub(super) fn at(self, row: usize, column: usize, [rows, columns]: [usize; 2]) -> T {
        match self {
            Turned::Made(turned) => turned[column * rows + row],
            Turned::InPlace(matrix) => matrix[row * columns + column],
        }
    }
}
