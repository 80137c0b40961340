//! The power spectrum of a frame.

use std::sync::Arc;

use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlannerScalar};

/// `|X[k]|²` for k = 0 … n/2, X the discrete Fourier transform of n values.
#[derive(Clone)]
pub struct PowerSpectrum {
    fft: Arc<dyn Fft<f64>>,
    work: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl PowerSpectrum {
    /// For transforms of `n` values.
    ///
    /// The transform uses no vector instructions: which ones there are would show in the last bits of the result.
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    pub fn new(n: usize) -> Self {
        assert!(n > 0, "a transform of no values");
        let fft = FftPlannerScalar::new().plan_fft_forward(n);
        let scratch = vec![Complex64::default(); fft.get_inplace_scratch_len()];
        Self { fft, work: vec![Complex64::default(); n], scratch }
    }

    /// Number of powers, n/2 + 1.
    pub fn bins(&self) -> usize {
        self.work.len() / 2 + 1
    }

    /// The powers of a frame; one shorter than n is filled up with zeros.
    ///
    /// # Panics
    /// If the frame is longer than n or `powers` is not [`bins`](PowerSpectrum::bins) long.
    #[track_caller]
    pub fn of(&mut self, frame: &[f64], powers: &mut [f64]) {
        assert!(
            frame.len() <= self.work.len() && powers.len() == self.bins(),
            "a frame of at most n values, n/2 + 1 powers"
        );
        self.work.fill(Complex64::default());
        self.work.iter_mut().zip(frame).for_each(|(to, &from)| to.re = from);
        self.fft.process_with_scratch(&mut self.work, &mut self.scratch);
        powers.iter_mut().zip(&self.work).for_each(|(power, value)| *power = value.norm_sqr());
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn like_the_sums_of_the_definition() {
        for n in [1_usize, 2, 12, 25, 64] {
            let frame: Vec<f64> = (0..n.div_ceil(2)).map(|i| (i as f64 * 1.7).sin() + 0.3).collect();
            let mut spectrum = PowerSpectrum::new(n);
            let mut powers = vec![0.0; spectrum.bins()];
            spectrum.of(&frame, &mut powers);
            for (k, &power) in powers.iter().enumerate() {
                let angle = |i: usize| TAU * (i * k) as f64 / n as f64;
                let re: f64 = frame.iter().enumerate().map(|(i, x)| x * angle(i).cos()).sum();
                let im: f64 = frame.iter().enumerate().map(|(i, x)| x * angle(i).sin()).sum();
                assert!((power - re * re - im * im).abs() < 1e-10, "{n} {k}");
            }
        }
    }
}
