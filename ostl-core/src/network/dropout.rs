//! Dropout on what a layer reads from the layer below: a fresh mask a step, from a seed, while learning.
//!
//! Each value is left out with probability p, and the others are divided by 1 − p (Srivastava et al. 2014), on the connections between
//! layers only, never on H (Zaremba, Sutskever and Vinyals, arXiv 1409.2329). A mask follows from the seed, the layer, the stream and the
//! number of steps that the learner has seen, so a run is the same on any threads and after any stop. The gradient is that of the error
//! with the masks as they were drawn.

use crate::linalg::real::Real;

/// The dropout of one layer's inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dropout {
    /// Share of the values that is left out.
    pub(crate) rate: f64,
    /// Of the network and the layer.
    seed: u64,
}

impl Dropout {
    pub(crate) fn new(rate: f64, seed: u64, layer: usize) -> Self {
        Self { rate, seed: mix(seed ^ mix(layer as u64 + 0x0d50)) }
    }

    /// The mask of one stream at one step: 0 where a value is left out, 1/(1 − p) elsewhere.
    pub(crate) fn draw<T: Real>(&self, step: u64, stream: usize, mask: &mut [T]) {
        let kept = T::from_f64(1.0 / (1.0 - self.rate));
        // In 1/65536ths: four values from each word.
        let limit = (self.rate * 65536.0).round() as u64;
        let start = mix(self.seed ^ mix(step) ^ mix(stream as u64 ^ 0x5eed_0000_0000).rotate_left(17));
        for (place, four) in mask.chunks_mut(4).enumerate() {
            let mut word = mix(start.wrapping_add((place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            for value in four {
                *value = T::zero().if_or((word & 0xffff) < limit, kept);
                word >>= 16;
            }
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_fair_and_their_own() {
        let dropout = Dropout::new(0.3, 7, 2);
        let draw = |dropout: Dropout, step, stream| {
            let mut mask = vec![0.0_f64; 1003];
            dropout.draw(step, stream, &mut mask);
            mask
        };
        let dropped = |mask: &[f64]| mask.iter().filter(|&&m| m == 0.0).count() as f64 / mask.len() as f64;
        let share = (0..100).map(|step| dropped(&draw(dropout, step, 1))).sum::<f64>() / 100.0;
        // The standard deviation of the share of 100,300 draws is 0.0014.
        assert!((share - 0.3).abs() < 0.007, "{share}");
        let base = draw(dropout, 5, 1);
        assert_eq!(base, draw(dropout, 5, 1));
        assert!(base.iter().all(|&m| m == 0.0 || (m - 1.0 / 0.7).abs() < 1e-12));
        let agree = |other: &[f64]| base.iter().zip(other).filter(|(a, b)| a == b).count() as f64 / 1003.0;
        for other in [
            draw(dropout, 6, 1),
            draw(dropout, 5, 2),
            draw(dropout, 1, 5),
            draw(Dropout::new(0.3, 8, 2), 5, 1),
            draw(Dropout::new(0.3, 7, 3), 5, 1),
        ] {
            // Independent masks agree at 0.3² + 0.7² = 0.58 of the places.
            assert!((agree(&other) - 0.58).abs() < 0.08, "{}", agree(&other));
        }
        assert!(draw(Dropout::new(0.0, 7, 2), 1, 1).iter().all(|&m| m == 1.0));
    }
}
