//! Sums of the columns of a matrix that events name: what a matrix product is where one side is mostly zeros.
//!
//! A spike adds one column of the weights to a unit's activation, one column of δ to a weight's gradient and one column of A to a
//! trace. A tile of the sum stays in registers while its events pass by; the plain twin is the product with the zeros written out.

use crate::linalg::dispatch::{Instructions, Job, dispatch, multiply_add};
use crate::linalg::real::Real;
use crate::linalg::tile::{chunk, chunk_mut};
use crate::linalg::vector::{LANES, Lanes};

/// target += Σ over events of value · source[:, index].
struct Gather<'a, T> {
    target: &'a mut [T],
    source: &'a [T],
    stride: usize,
    indices: &'a [u32],
    values: &'a [T],
}

/// `VECTORS` vectors of rows from `at` on.
#[inline(always)]
fn gather_tile<T: Real, I: Instructions, const VECTORS: usize>(token: I, job: &mut Gather<'_, T>, at: usize) {
    let mut sums = [T::Lanes::<I>::splat(token, T::zero()); VECTORS];
    for (v, sum) in sums.iter_mut().enumerate() {
        *sum = Lanes::load(token, chunk(job.target, at + v * LANES));
    }
    for event in 0..job.indices.len().min(job.values.len()) {
        let start = job.indices[event] as usize * job.stride + at;
        let (column, value) = (&job.source[start..start + VECTORS * LANES], Lanes::splat(token, job.values[event]));
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = T::Lanes::<I>::load(token, chunk(column, v * LANES)).multiply_add(value, *sum);
        }
    }
    for (v, sum) in sums.iter().enumerate() {
        sum.store(chunk_mut(job.target, at + v * LANES));
    }
}

impl<T: Real> Job for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(mut self, token: I) {
        let rows = self.target.len();
        let mut at = 0;
        while at + 4 * LANES <= rows {
            gather_tile::<T, I, 4>(token, &mut self, at);
            at += 4 * LANES;
        }
        while at + LANES <= rows {
            gather_tile::<T, I, 1>(token, &mut self, at);
            at += LANES;
        }
        if at == rows {
            return;
        }
        for event in 0..self.indices.len().min(self.values.len()) {
            let (index, value) = (self.indices[event] as usize, self.values[event]);
            let column = &self.source[index * self.stride + at..][..rows - at];
            for (sum, &x) in self.target[at..].iter_mut().zip(column) {
                *sum = multiply_add::<T, I>(x, value, *sum);
            }
        }
    }
}

/// target += Σ over events of value · source[:, index], the columns of the source `stride` apart.
///
/// # Panics
/// If an event names a column that the source does not have.
pub(crate) fn gather<T: Real>(target: &mut [T], source: &[T], stride: usize, indices: &[u32], values: &[T]) {
    if !indices.is_empty() {
        dispatch(Gather { target, source, stride, indices, values });
    }
}

/// target += Σ of all columns of the source.
struct SumColumns<'a, T> {
    target: &'a mut [T],
    source: &'a [T],
    stride: usize,
    count: usize,
}

impl<T: Real> Job for SumColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let rows = self.target.len();
        for column in 0..self.count {
            let source = &self.source[column * self.stride..][..rows];
            for (sum, &x) in self.target.iter_mut().zip(source) {
                *sum += x;
            }
        }
    }
}

/// target += Σ of the first `count` columns of the source, which are `stride` apart.
pub(crate) fn sum_columns<T: Real>(target: &mut [T], source: &[T], stride: usize, count: usize) {
    dispatch(SumColumns { target, source, stride, count });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::product::{Assignment, columns, columns_mut, plain, plain_operand};

    #[test]
    fn equals_the_product_with_the_zeros_written_out() {
        for rows in [1, 15, 16, 17, 63, 64, 65, 150, 450] {
            let (width, stride) = (40, rows + 3);
            let source: Vec<f64> = (0..stride * width).map(|i| ((i * 37) % 101) as f64 / 50.0 - 1.0).collect();
            let mut dense = vec![0.0; width];
            let (mut indices, mut values) = (Vec::new(), Vec::new());
            for index in (0..width).step_by(7) {
                dense[index] = 0.5 + index as f64;
                indices.push(index as u32);
                values.push(dense[index]);
            }
            let mut found = vec![0.25; rows];
            let mut truth = found.clone();
            gather(&mut found, &source, stride, &indices, &values);
            let (a, b) = (columns(&source, rows, width, stride), plain_operand(&dense, width, 1, width));
            plain(Assignment::Add, a, b, columns_mut(&mut truth, rows, 1, rows));
            assert!(found.iter().zip(&truth).all(|(x, y)| (x - y).abs() < 1e-12), "{rows} rows");
            let (mut sums, ones) = (vec![0.25; rows], vec![1.0; width]);
            let mut truth = sums.clone();
            sum_columns(&mut sums, &source, stride, width);
            plain(Assignment::Add, a, plain_operand(&ones, width, 1, width), columns_mut(&mut truth, rows, 1, rows));
            assert!(sums.iter().zip(&truth).all(|(x, y)| (x - y).abs() < 1e-12), "{rows} rows");
        }
    }
}
