//! Which connections a sparse H has.

use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::linalg::real::Real;

/// Apart from the streams that starting weights (the layers' numbers) and feedback (from 2³² on) are drawn from.
const STREAM: u64 = 1 << 33;

/// The connections from unit to unit that a sparse H has, the same for all gates.
#[derive(Clone, Debug, PartialEq)]
pub struct Connections {
    units: usize,
    density: f64,
    /// `[from][to]`.
    exists: Vec<bool>,
}

impl Connections {
    /// Each with probability `density`, from the seed and the layer's number.
    pub(crate) fn draw(units: usize, density: f64, seed: u64, layer: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(STREAM + layer as u64);
        let exists = (0..units * units).map(|_| ((random.next_u64() >> 11) as f64) < density * (1_u64 << 53) as f64);
        Self { units, density, exists: exists.collect() }
    }

    /// Whether unit `to` receives input from unit `from`.
    ///
    /// # Panics
    /// If there are no such units.
    #[track_caller]
    pub fn exists(&self, from: usize, to: usize) -> bool {
        assert!(from < self.units && to < self.units, "connection {from} → {to} among {} units", self.units);
        self.exists[from * self.units + to]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.exists.iter().filter(|&&exists| exists).count()
    }

    /// Zero where there is no connection, in values laid out as H with `gates` gates.
    pub(crate) fn apply_mask<T: Real>(&self, gates: usize, values: &mut [T]) {
        let columns = values.chunks_exact_mut(gates * self.units).zip(self.exists.chunks_exact(self.units));
        for (column, exists) in columns {
            for gate in column.chunks_exact_mut(self.units) {
                for (value, &exists) in gate.iter_mut().zip(exists) {
                    *value = value.if_or(exists, T::zero());
                }
            }
        }
    }
}

/// The density, and a checksum of which connections there are: `10 % (7c01d3f2)`.
impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern: Vec<u8> = self.exists.iter().map(|&exists| u8::from(exists)).collect();
        // A round number although the density is binary.
        let per_cent = (self.density * 1e6).round() / 1e4;
        write!(f, "{per_cent} % ({:08x})", crc32fast::hash(&pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_asked_for_and_reproducible() {
        let draw = |seed, layer| Connections::draw(100, 0.1, seed, layer);
        let connections = draw(1, 0);
        assert!((connections.count() as f64 - 1000.0).abs() < 150.0, "{}", connections.count());
        assert_eq!(connections, draw(1, 0));
        assert!(connections != draw(2, 0) && connections != draw(1, 1));
        assert_ne!(connections.to_string(), draw(2, 0).to_string());
        assert!(connections.to_string().starts_with("10 % ("));
        assert_eq!([0.0, 1.0].map(|density| Connections::draw(10, density, 0, 0).count()), [0, 100]);
    }

    #[test]
    fn what_is_absent_is_cleared() {
        let connections = Connections::draw(5, 0.5, 3, 0);
        let mut values = vec![1.0; 2 * 25];
        connections.apply_mask(2, &mut values);
        for from in 0..5 {
            for to in 0..5 {
                let expected = f64::from(u8::from(connections.exists(from, to)));
                assert_eq!([values[from * 10 + to], values[from * 10 + 5 + to]], [expected; 2]);
            }
        }
    }
}
