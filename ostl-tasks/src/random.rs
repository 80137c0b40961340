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
