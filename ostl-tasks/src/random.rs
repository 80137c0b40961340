//! Reproducible draws: the same numbers from the same seed on every machine and with every later version.
//!
//! Only the key stream of ChaCha8 is taken from a library, since the cipher fixes it. The range reduction is written out
//! here because libraries reserve the right to change theirs.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What draws are for. Keeps a shuffle and a generator with the same seed from seeing the same numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The order of the sequences in an epoch.
    Shuffle = 1,
    /// The sequences of the store–recall task.
    StoreRecall = 2,
    /// The spikes of the MNIST task's rate code.
    MnistRate = 20,
    /// The order of the pixels in the permuted form of the MNIST task.
    Permutation = 21,
    /// The sequences of the copy-memory task.
    CopyMemory = 3,
    /// The sequences of the adding problem.
    Adding = 4,
    /// The sequences of the temporal XOR.
    TemporalXor = 5,
    /// The sequences of evidence accumulation.
    EvidenceAccumulation = 6,
    /// The pattern that is to be generated, and its frozen input.
    PatternGeneration = 7,
    /// The strings of the embedded Reber grammar.
    Reber = 8,
    /// The starts of the Mackey–Glass series.
    MackeyGlass = 9,
    /// The starts of the Lorenz trajectories.
    Lorenz = 10,
    /// The tokens of a text that a network goes on with.
    Sample = 100,
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream that belongs to a seed, a purpose and two coordinates (an epoch, or a split and an index).
    pub(crate) fn new(seed: u64, purpose: Purpose, coordinates: [u64; 2]) -> Self {
        let mut key = [0; 32];
        let words = [seed, purpose as u64, coordinates[0], coordinates[1]];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Four whole numbers from 0 to 65 535, each equally likely: the quarters of one draw, the lowest first.
    pub(crate) fn quarters(&mut self) -> [u16; 4] {
        let draw = self.0.next_u64();
        [draw as u16, (draw >> 16) as u16, (draw >> 32) as u16, (draw >> 48) as u16]
    }

    /// A whole number from 0 to `bound − 1`, each equally likely.
    ///
    /// The high half of draw × bound, with the draws rejected that would favour some results
    /// (Lemire, "Fast random integer generation in an interval", ACM TOMACS 2019).
    ///
    /// # Panics
    /// If `bound` is 0.
    #[track_caller]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= unfair {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number from 0 to just below 1: one of the 2⁵³ multiples of 2⁻⁵³, each equally likely.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from `low` to `high`, each part of the range as likely as it is long.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Puts a list into a random order, each equally likely (Fisher and Yates; Knuth's Algorithm P).
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            list.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_equally_likely() {
        let mut draws = Draws::new(5, Purpose::Shuffle, [0, 0]);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[draws.below(7) as usize] += 1;
        }
        // The standard deviation of a count is √(70000 · 1/7 · 6/7) = 93.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 500), "{counts:?}");
        assert_eq!(draws.below(1), 0);
        // A bound just above half the range rejects almost half of the draws.
        let bound = (1 << 63) + 1;
        assert!((0..100).all(|_| draws.below(bound) < bound));
    }

    #[test]
    fn units_fill_their_range_evenly() {
        let mut draws = Draws::new(5, Purpose::Shuffle, [0, 2]);
        let units: Vec<f64> = (0..40_000).map(|_| draws.unit()).collect();
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
        // The standard deviations of the two means are √(1/12 / 40000) = 0.0014 and √(4/45 / 40000) = 0.0015.
        let mean = units.iter().sum::<f64>() / 40_000.0;
        let square = units.iter().map(|unit| unit * unit).sum::<f64>() / 40_000.0;
        assert!((mean - 0.5).abs() < 0.006 && (square - 1.0 / 3.0).abs() < 0.006, "{mean} {square}");
        assert!((0..1_000).all(|_| (-3.0..5.0).contains(&draws.between(-3.0, 5.0))));
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut draws = Draws::new(5, Purpose::Shuffle, [0, 1]);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6_000 {
            let mut list = [0, 1, 2];
            draws.shuffle(&mut list);
            *counts.entry(list).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|&count| count.abs_diff(1_000) < 150), "{counts:?}");
    }

    #[test]
    fn streams_differ_in_every_part_of_their_key() {
        let draw = |seed, purpose, coordinates| Draws::new(seed, purpose, coordinates).below(u64::MAX);
        let base = draw(1, Purpose::Shuffle, [2, 3]);
        assert_eq!(base, draw(1, Purpose::Shuffle, [2, 3]));
        assert_ne!(base, draw(2, Purpose::Shuffle, [2, 3]));
        assert_ne!(base, draw(1, Purpose::StoreRecall, [2, 3]));
        assert_ne!(base, draw(1, Purpose::Shuffle, [3, 3]));
        assert_ne!(base, draw(1, Purpose::Shuffle, [2, 2]));
    }
}
