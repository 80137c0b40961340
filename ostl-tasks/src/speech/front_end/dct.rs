//! The discrete cosine transform.

use std::f64::consts::PI;

/// The first coefficients of the orthonormal DCT-II: `c[k] = s(k) Σ x[i] cos(πk(2i + 1) / 2n)`, s(0) = √(1/n), otherwise √(2/n). As
/// `scipy.fft.dct(x, type=2, norm='ortho')`.
#[derive(Clone, Debug)]
pub struct Dct {
    n: usize,
    rows: Vec<f64>,
}

impl Dct {
    /// The first `coefficients` of `n` values.
    pub fn new(n: usize, coefficients: usize) -> Self {
        let entry = |k: usize, i: usize| {
            let scale = if k == 0 { 1.0 } else { 2.0_f64 } / n as f64;
            scale.sqrt() * (PI * (k * (2 * i + 1)) as f64 / (2 * n) as f64).cos()
        };
        Self { n, rows: (0..coefficients).flat_map(|k| (0..n).map(move |i| entry(k, i))).collect() }
    }

    /// The coefficients of `values`, one after the other.
    ///
    /// # Panics
    /// If there are not n values.
    #[track_caller]
    pub fn of<'v>(&'v self, values: &'v [f64]) -> impl Iterator<Item = f64> + 'v {
        assert_eq!(values.len(), self.n, "values to transform");
        self.rows.chunks_exact(self.n).map(move |row| row.iter().zip(values).map(|(a, b)| a * b).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_orthonormal_and_two_values_by_hand() {
        let dct = Dct::new(7, 7);
        for (j, a) in dct.rows.chunks(7).enumerate() {
            for (k, b) in dct.rows.chunks(7).enumerate() {
                let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(j == k))).abs() < 1e-12);
            }
        }
        let found: Vec<f64> = Dct::new(2, 2).of(&[3.0, 1.0]).collect();
        assert!((found[0] - 4.0 / 2.0_f64.sqrt()).abs() < 1e-12 && (found[1] - 2.0_f64.sqrt()).abs() < 1e-12, "{found:?}");
    }
}
