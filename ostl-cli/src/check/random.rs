//! Random sequences to audit a gradient on.

use ostl_core::{Loss, SequenceBatch, TargetKind};

/// SplitMix64 (Steele, Lea and Flood 2014): three lines are enough where only variety is needed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0 … 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Sequences of these lengths: inputs uniform in ±2, enough to make spiking units spike, and a target at two steps of three.
pub(super) fn batch(inputs: usize, outputs: usize, loss: Loss, lengths: &[usize], seed: u64) -> SequenceBatch<f64> {
    let mut random = Random(seed);
    let mut batch = SequenceBatch::new(inputs, outputs, loss.target_kind(), lengths);
    for (stream, &length) in lengths.iter().enumerate() {
        for step in 0..length {
            batch.input_mut(stream, step).fill_with(|| 4.0 * random.uniform() - 2.0);
            if step + 1 < length && random.uniform() < 1.0 / 3.0 {
                continue;
            }
            match loss.target_kind() {
                TargetKind::Classes => batch.set_class(stream, step, (random.next() % outputs as u64) as usize),
                TargetKind::Values => batch.values_mut(stream, step).fill_with(|| random.uniform().round()),
            }
        }
    }
    batch
}
