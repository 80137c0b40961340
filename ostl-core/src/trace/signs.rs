//! Random signs for carries that are right on average: ±1 with equal probability, each window's from the method's seed, the stream
//! and the steps seen, so that neither threads nor a stop in between change them.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::linalg::real::Real;
use crate::tape::Moment;

/// Apart from the streams that fixed feedback is drawn from.
const STREAM: u64 = 1 << 34;
/// A window's draws lie 2^`WORDS` words from the next's.
const WORDS: u32 = 24;

/// The signs of one window of one stream.
pub(super) struct Signs {
    random: ChaCha8Rng,
    bits: u64,
    left: u32,
}

impl Signs {
    /// `place` distinguishes what draws (a span), the moment windows and streams.
    pub(super) fn new(seed: u64, place: usize, Moment { step, stream }: Moment) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(STREAM + ((place as u64) << 35) + stream as u64);
        random.set_word_pos(u128::from(step) << WORDS);
        Self { random, bits: 0, left: 0 }
    }

    /// ±1.
    pub(super) fn next<T: Real>(&mut self) -> T {
        if self.left == 0 {
            (self.bits, self.left) = (self.random.next_u64(), u64::BITS);
        }
        let sign = T::one().if_or(self.bits & 1 == 0, -T::one());
        self.bits >>= 1;
        self.left -= 1;
        sign
    }
}

/// √(a/b) where neither is zero: the scale that makes two factors of a product equally large when one is divided and the other
/// multiplied by it. Nothing where the product is zero.
pub(super) fn balance<T: Real>(a: T, b: T) -> Option<T> {
    let scale = (a / b).sqrt();
    // Norms can underflow as well as be zero.
    (a > T::zero() && b > T::zero() && scale > T::zero() && scale.is_finite()).then_some(scale)
}

/// ‖x‖.
pub(super) fn norm<T: Real>(values: &[T]) -> T {
    crate::linalg::dot::dot(values, values).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_fair_and_their_own_for_each_window_and_stream() {
        let draw = |seed, stream, seen| {
            let mut signs = Signs::new(seed, 0, Moment { step: seen, stream });
            (0..400).map(|_| signs.next::<f64>()).collect::<Vec<_>>()
        };
        let first = draw(1, 0, 5);
        assert_eq!(first, draw(1, 0, 5));
        assert!(first.iter().sum::<f64>().abs() < 80.0);
        for other in [draw(2, 0, 5), draw(1, 1, 5), draw(1, 0, 6)] {
            let correlation: f64 = first.iter().zip(&other).map(|(a, b)| a * b).sum();
            assert!(correlation.abs() < 80.0, "{correlation}");
        }
    }

    #[test]
    fn a_product_of_zero_has_no_balance() {
        assert_eq!(balance(8.0, 2.0), Some(2.0));
        assert_eq!([balance(0.0, 1.0), balance(1.0, 0.0), balance(f64::NAN, 1.0)], [None; 3]);
    }
}
