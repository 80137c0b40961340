//! Spikes whose rate is the brightness of a pixel.

use ostl_core::SequenceBatch;

use crate::random::Draws;

/// Of this many draws …
const WHOLE: f64 = 65536.0;

/// How many of the 65 536 equally likely draws make a pixel of each brightness spike.
#[derive(Clone, Debug)]
pub(super) struct RateCode {
    thresholds: [u32; 256],
}

impl RateCode {
    /// The probability of a spike is gain · pixel / 255, at most 1, rounded to 1/65 536.
    pub(super) fn new(gain: f64) -> Self {
        let thresholds = std::array::from_fn(|pixel| (WHOLE * (gain * pixel as f64 / 255.0).min(1.0)).round() as u32);
        Self { thresholds }
    }

    /// Spikes for `steps` steps. Pixels that cannot spike take no draws; the others take one each at each step, in their order, four to
    /// a call of [`Draws::quarters`], beginning a new one at each step.
    #[track_caller]
    pub(super) fn write(&self, image: &[u8], steps: usize, mut draws: Draws, batch: &mut SequenceBatch<f32>, stream: usize) {
        let bright: Vec<(u32, u32)> = (0_u32..)
            .zip(image)
            .map(|(row, &pixel)| (row, self.thresholds[usize::from(pixel)]))
            .filter(|&(_, threshold)| threshold > 0)
            .collect();
        let mut spikes = vec![0; bright.len()];
        for step in 0..steps {
            let mut count = 0;
            for four in bright.chunks(4) {
                for (&(row, threshold), draw) in four.iter().zip(draws.quarters()) {
                    // A spike is kept by counting it. Whether there is one cannot be foreseen, so a branch would cost more.
                    spikes[count] = row;
                    count += usize::from(u32::from(draw) < threshold);
                }
            }
            spikes[..count].iter().for_each(|&row| batch.push_event(stream, step, row as usize, 1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use ostl_core::TargetKind;
    use rand::{Rng, SeedableRng};

    /// The same spikes straight from the cipher: one after the other, every pixel looked at.
    #[test]
    fn the_spikes_of_a_seed_are_fixed() {
        let image: Vec<u8> = (0..=255).chain([0, 0, 255, 7, 128]).collect();
        let mut batch = SequenceBatch::sparse(image.len(), 1, TargetKind::Classes, &[50]);
        RateCode::new(0.9).write(&image, 50, Draws::new(3, Purpose::MnistRate, [1, 9]), &mut batch, 0);

        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([3_u64, 20, 1, 9]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut cipher = rand_chacha::ChaCha8Rng::from_seed(key);
        let mut spikes = 0;
        for step in 0..50 {
            let mut expected = Vec::new();
            let mut taken = 0;
            let mut word = 0;
            for (row, &pixel) in image.iter().enumerate() {
                if pixel == 0 {
                    continue;
                }
                if taken % 4 == 0 {
                    word = cipher.next_u64();
                }
                let draw = (word >> (16 * (taken % 4))) & 0xffff;
                taken += 1;
                let probability = 0.9 * f64::from(pixel) / 255.0;
                if (draw as f64) < (probability * 65536.0).round() {
                    expected.push(row as u32);
                }
            }
            let (rows, values) = batch.events(0, step);
            assert_eq!(rows, expected);
            assert!(values.iter().all(|&value| value == 1.0));
            spikes += rows.len();
        }
        assert!(spikes > 5000, "{spikes}");
    }

    #[test]
    fn black_never_and_full_white_always() {
        let code = RateCode::new(1.0);
        assert_eq!((code.thresholds[0], code.thresholds[255]), (0, 65536));
        assert_eq!(RateCode::new(2.0).thresholds[128..], [65536; 128]);
        for (pixel, &threshold) in code.thresholds.iter().enumerate() {
            assert!((f64::from(threshold) / 65536.0 - pixel as f64 / 255.0).abs() <= 0.5 / 65536.0 + 1e-12);
        }
    }
}
