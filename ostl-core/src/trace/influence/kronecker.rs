//! A random Kronecker product for each weight matrix: KF-RTRL (Mujika, Meier & Steger 2018, arXiv 1805.10842, § 3).
//!
//! The influence of a matrix is kept as ε ≈ A ⊗ u, with A of C × rows (of the matrix) and u of its columns. A window makes of it a sum
//! of K + 1 such products, which is drawn together into one by independent signs c:
//!
//! ```text
//! J ε + Σ_t A_t ⊗ z_t  ≈  A′ ⊗ u′,   u′ = Σ_k c_k p_k u_k,   A′ = Σ_k (c_k / p_k) M_k,   p_k = √(‖M_k‖ / ‖u_k‖)
//! ```
//!
//! where M₀ = J A, u₀ = u and M_k = A_t, u_k = z_t. As E[c_k c_l] = 0 for k ≠ l the mean is right for any K; these p_k make
//! the variance least (their lemma 1, for more than two terms). Constants have one column, which is always 1: they are kept exactly. Behind a
//! window's edge nothing else is random: δ zᵀ of the window's own steps is exact.
//!
//! For one stream: C values a row and one a column of each matrix, and as many as the largest A once more. A window of K steps takes C²·rows
//! multiply–adds for J A, C·rows·K for the sum and rows·(C + columns) to read out, to which comes the sweep that finds J and
//! A_t: n²·V·G at K = 1 for a layer of n units, V variables and G gates, so that J A is what counts there, 2·n³·V²·G for W and H.
//! Measured with n = 128 tanh units and 64 inputs, one stream: 0.24 ms a step at K = 1, 0.1 ms at K = 16, 263 KB.

use super::BlockNames;
use super::span::{Block, SpanLayer, StreamWindow};
use crate::linalg::dot::dot;
use crate::linalg::product::{Assignment, columns, columns_mut, multiply_shared, plain_operand};
use crate::linalg::real::Real;
use crate::record::{Book, Streams};
use crate::refusal::ConfigError;
use crate::tape::events::Signal;
use crate::trace::signs::{Signs, balance, norm};

/// ε of a span's layers.
#[derive(Clone, Debug)]
pub(super) struct Kronecker<T: Real> {
    seed: u64,
    /// The span's number.
    place: usize,
    /// For each stream, for each layer, for each block.
    streams: Vec<Vec<Vec<Factors<T>>>>,
    /// J A of the block at hand.
    next: Vec<T>,
    /// σ A of the block at hand.
    rows: Vec<T>,
}

/// ε of a block of parameters.
#[derive(Clone, Debug)]
struct Factors<T: Real> {
    /// A: variables × rows.
    matrix: Vec<T>,
    /// u: one a column.
    vector: Vec<T>,
}

impl<T: Real> Kronecker<T> {
    pub(super) fn new(layers: &[SpanLayer], variables: usize, streams: usize, seed: u64, place: usize) -> Self {
        let zeros = |count: usize| vec![T::zero(); count];
        let of_layer = |layer: &SpanLayer| {
            let factors = |block: &Block| Factors {
                matrix: zeros((variables - layer.first) * block.rows.len()),
                vector: vec![T::one(); block.columns],
            };
            layer.blocks.iter().map(factors).collect::<Vec<_>>()
        };
        let of_stream: Vec<_> = layers.iter().map(of_layer).collect();
        let most = of_stream.iter().flatten().map(|factors| factors.matrix.len()).max().unwrap_or(0);
        let rows = layers.iter().flat_map(|layer| &layer.blocks).map(|block| block.rows.len()).max().unwrap_or(0);
        Self { seed, place, streams: vec![of_stream; streams], next: zeros(most), rows: zeros(rows) }
    }

    /// Values kept.
    pub(super) fn values(&self) -> usize {
        let factors = self.streams.iter().flatten().flatten();
        factors.map(|factors| factors.matrix.len() + factors.vector.len()).sum::<usize>() + self.next.len()
    }

    /// The factors by name: A as `[stream][row][variable]`, u as `[stream][column]`.
    pub(super) fn pass(
        &mut self,
        names: &BlockNames<'_>,
        layers: &[SpanLayer],
        book: &mut Book<'_>,
    ) -> Result<(), ConfigError> {
        let all = self.streams.len();
        for (stream, of_stream) in self.streams.iter_mut().enumerate() {
            let lane = Streams { first: stream, count: 1, all };
            for (layer, kept) in layers.iter().zip(of_stream) {
                for (block, factors) in layer.blocks.iter().zip(kept) {
                    let name = names(block.gradient.start);
                    let (rows, variables) = (block.rows.len(), factors.matrix.len() / block.rows.len());
                    book.streams(&format!("traces.{name}.matrix"), lane, &[rows, variables], &mut factors.matrix)?;
                    book.streams(&format!("traces.{name}.vector"), lane, &[block.columns], &mut factors.vector)?;
                }
            }
        }
        Ok(())
    }

    /// Reads ε out and moves it on for one stream.
    pub(super) fn close(&mut self, stream: usize, layers: &[SpanLayer], window: &StreamWindow<'_, T>, gradient: &mut [T]) {
        let mut signs = Signs::new(self.seed, self.place, window.moment);
        for (place, (layer, kept)) in layers.iter().zip(&mut self.streams[stream]).enumerate() {
            for (block, factors) in layer.blocks.iter().zip(kept) {
                if !window.fresh {
                    let rows = &mut self.rows[..block.rows.len()];
                    factors.read_out(&window.paths.signal[layer.first..], rows, &mut gradient[block.gradient.clone()]);
                }
                if window.continues {
                    let next = &mut self.next[..factors.matrix.len()];
                    if window.fresh {
                        next.fill(T::zero());
                    } else {
                        let (c, rows) = (window.variables - layer.first, block.rows.len());
                        multiply_shared(
                            Assignment::Replace,
                            columns(window.jacobian(layer.first), c, c, window.variables),
                            plain_operand(&factors.matrix, c, rows, c),
                            columns_mut(next, c, rows, c),
                        );
                    }
                    let terms = Terms { layer, place, block, window };
                    if block.signal == Signal::One {
                        terms.add_all(next);
                        factors.matrix.copy_from_slice(next);
                    } else {
                        terms.draw_together(next, factors, &mut signs);
                    }
                }
            }
        }
    }
}

impl<T: Real> Factors<T> {
    /// gradient += (σ A) ⊗ u.
    fn read_out(&self, signal: &[T], rows: &mut [T], gradient: &mut [T]) {
        for (row, influence) in rows.iter_mut().zip(self.matrix.chunks_exact(signal.len())) {
            *row = dot(signal, influence);
        }
        for (column, &u) in gradient.chunks_exact_mut(rows.len()).zip(&self.vector) {
            add_scaled(column, rows, u);
        }
    }
}

/// What a window adds for one block.
struct Terms<'a, T: Real> {
    layer: &'a SpanLayer,
    place: usize,
    block: &'a Block,
    window: &'a StreamWindow<'a, T>,
}

impl<T: Real> Terms<'_, T> {
    /// The constant 1 is the same at every step: A += Σ_t A_t, the step before the window included where it can still be felt.
    fn add_all(&self, next: &mut [T]) {
        for step in usize::from(self.window.fresh)..=self.window.stream.tape.steps {
            add_scaled(next, self.window.influence(self.layer, self.place, step, self.block.rows.clone()), T::one());
        }
    }

    /// The sum of J A ⊗ u (`next` ⊗ u) and the window's A_t ⊗ z_t as one random product.
    fn draw_together(&self, next: &mut [T], factors: &mut Factors<T>, signs: &mut Signs) {
        let Factors { matrix, vector } = factors;
        let sign = signs.next::<T>();
        match balance(norm(next), norm(vector)).filter(|_| !self.window.fresh) {
            Some(scale) => {
                set_scaled(matrix, next, sign / scale);
                vector.iter_mut().for_each(|u| *u *= sign * scale);
            }
            None => {
                matrix.fill(T::zero());
                vector.fill(T::zero());
            }
        }
        for step in 0..self.window.stream.tape.steps {
            let influence = self.window.influence(self.layer, self.place, step + 1, self.block.rows.clone());
            let z = self.block.signal_at(self.window.stream, self.layer.index, step);
            let sign = signs.next::<T>();
            if let Some(scale) = balance(norm(influence), norm(z)) {
                add_scaled(matrix, influence, sign / scale);
                add_scaled(vector, z, sign * scale);
            }
        }
    }
}

/// x = y·factor.
fn set_scaled<T: Real>(x: &mut [T], y: &[T], factor: T) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x = y * factor;
    }
}

/// x += y·factor.
fn add_scaled<T: Real>(x: &mut [T], y: &[T], factor: T) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x += y * factor;
    }
}
