//! What several tests need.
#![allow(dead_code, reason = "each test uses some of it")]

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Numbers that look random: xorshift64* (Vigna 2016).
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A whole number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// Uniform in 0 … 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, of mean 0 and variance 1: a sum of twelve uniform ones.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

pub(crate) fn text<S: Serialize>(state: &S) -> String {
    serde_json::to_string(state).unwrap()
}

/// Shows rows to a part, saves and reads it back now and then, and holds the one that was saved to the one that was not: what they answer,
/// and what they keep, to the last bit.
pub(crate) fn saved_goes_on<S, A>(start: S, rows: usize, mut step: impl FnMut(&mut S, usize) -> A)
where
    S: Clone + Serialize + DeserializeOwned,
    A: PartialEq + std::fmt::Debug,
{
    let (mut whole, mut saved) = (start.clone(), start);
    for row in 0..rows {
        if row % 17 == row / 97 % 17 {
            saved = serde_json::from_str(&text(&saved)).unwrap();
        }
        assert_eq!(step(&mut whole, row), step(&mut saved, row), "row {row}");
        if row % 31 == 0 || row + 1 == rows {
            assert_eq!(text(&whole), text(&saved), "row {row}");
        }
    }
}

/// Whether two numbers agree but for rounding.
pub(crate) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// The same of numbers that may not be defined.
pub(crate) fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => close(a, b),
        (None, None) => true,
        _ => false,
    }
}
