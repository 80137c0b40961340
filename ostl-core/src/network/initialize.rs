//! Starting weights from a seed.

use nalgebra::DMatrix;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::refusal::Count;

/// How a weight matrix starts. Every gate's matrix is drawn on its own, in `f64`, so that `f32` and `f64` networks of one seed agree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Initialization {
    /// Uniform in ±√(6/(fan in + fan out)) (Glorot & Bengio 2010, eq. 16).
    Glorot,
    /// Orthonormal rows or columns, whichever are fewer (Saxe et al. 2014): the Q of a Gaussian matrix, its signs made unique.
    Orthogonal,
    /// Uniform in ±1/√units, units being the layer's (what PyTorch's recurrent layers use).
    Uniform,
    /// Uniform with variance 1/units, units being the layer's: vectors of an embedding, which do not depend on how many there are.
    Embedding,
}

impl Initialization {
    /// Draws a `rows × columns` matrix and hands over its values, a column after the other, each with its row and column.
    pub(crate) fn draw(self, rows: usize, columns: usize, random: &mut ChaCha8Rng, mut put: impl FnMut(usize, usize, f64)) {
        let limit = match self {
            Initialization::Glorot => (6.0 / (rows + columns) as f64).sqrt(),
            Initialization::Uniform => 1.0 / (rows as f64).sqrt(),
            Initialization::Embedding => (3.0 / rows as f64).sqrt(),
            Initialization::Orthogonal => {
                let drawn = orthogonal(rows, columns, random);
                let places = (0..columns).flat_map(|column| (0..rows).map(move |row| (row, column)));
                return places.zip(drawn.iter()).for_each(|((row, column), &value)| put(row, column, value));
            }
        };
        for column in 0..columns {
            for row in 0..rows {
                put(row, column, limit * (2.0 * uniform(random) - 1.0));
            }
        }
    }

    /// Bytes that drawing takes on the way: the factors of a Gaussian matrix, and Q, perhaps transposed.
    pub(crate) fn bytes(self, rows: Count, columns: Count) -> Count {
        match self {
            Initialization::Orthogonal => (rows * columns * 3 + rows.min(columns) * rows.min(columns)) * size_of::<f64>(),
            _ => Count(0),
        }
    }
}

/// Uniform in [0, 1).
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Standard normal, by Box and Muller.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(random)).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * uniform(random)).cos()
}

fn orthogonal(rows: usize, columns: usize, random: &mut ChaCha8Rng) -> DMatrix<f64> {
    let (long, short) = (rows.max(columns), rows.min(columns));
    let factors = DMatrix::from_fn(long, short, |_, _| normal(random)).qr();
    let (mut q, r) = (factors.q(), factors.r());
    for j in 0..short {
        if r[(j, j)] < 0.0 {
            q.column_mut(j).neg_mut();
        }
    }
    if rows >= columns { q } else { q.transpose() }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn matrix(of: Initialization, rows: usize, columns: usize, random: &mut ChaCha8Rng) -> DMatrix<f64> {
        let mut values = Vec::new();
        of.draw(rows, columns, random, |row, column, value| {
            assert_eq!(values.len(), column * rows + row);
            values.push(value);
        });
        DMatrix::from_vec(rows, columns, values)
    }

    #[test]
    fn orthogonal_is_orthonormal_either_way() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        for (rows, columns) in [(5, 5), (7, 3), (3, 7)] {
            let q = matrix(Initialization::Orthogonal, rows, columns, &mut random);
            let gram = if rows >= columns { q.transpose() * &q } else { &q * q.transpose() };
            assert!((gram - DMatrix::identity(rows.min(columns), rows.min(columns))).norm() < 1e-13);
        }
    }

    #[test]
    fn limits_hold_and_are_filled() {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let glorot = matrix(Initialization::Glorot, 30, 20, &mut random);
        let limit = (6.0_f64 / 50.0).sqrt();
        assert!(glorot.amax() <= limit && glorot.amax() > 0.95 * limit && glorot.mean().abs() < 0.1 * limit);
        let uniform = matrix(Initialization::Uniform, 25, 40, &mut random);
        assert!(uniform.amax() <= 0.2 && uniform.amax() > 0.19);
    }

    #[test]
    fn one_seed_one_matrix() {
        let draw = |seed| matrix(Initialization::Glorot, 3, 3, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
