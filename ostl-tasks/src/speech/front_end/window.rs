//! Windows: what a frame is multiplied with, so that it fades in and out.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

/// The shape of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// 0.5 − 0.5 cos(2πi/n), from zero.
    #[default]
    Hann,
    /// 0.54 − 0.46 cos(2πi/n), from 0.08.
    Hamming,
}

impl Window {
    /// The window's n values, periodic (value n would be value 0 again): as `scipy.signal.get_window(name, n)`, which librosa uses.
    pub fn values(self, n: usize) -> Vec<f64> {
        let (mean, swing) = match self {
            Window::Hann => (0.5, 0.5),
            Window::Hamming => (0.54, 0.46),
        };
        (0..n).map(|i| mean - swing * (TAU * i as f64 / n as f64).cos()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_values_by_hand() {
        let close = |found: Vec<f64>, expected: [f64; 4]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(Window::Hann.values(4), [0.0, 0.5, 1.0, 0.5]));
        assert!(close(Window::Hamming.values(4), [0.08, 0.54, 1.0, 0.54]));
    }
}
