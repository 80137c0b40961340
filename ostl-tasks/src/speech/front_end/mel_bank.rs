//! Mel filters: triangles over the spectrum, as wide as the ear resolves.

use serde::{Deserialize, Serialize};

/// The formula between Hz and mel, and the height of the triangles that goes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MelScale {
    /// 2595 log₁₀(1 + f/700), triangles of height 1: the HTK book's. `librosa.filters.mel(…, htk=True, norm=None)`.
    #[default]
    Htk,
    /// Linear below 1 kHz (3 mel each 200 Hz) and logarithmic above (27 mel each factor of 6.4), triangles of area 1 in Hz (height
    /// 2 / width): Slaney's Auditory Toolbox (1998). `librosa.filters.mel(…, htk=False, norm='slaney')`, librosa's default.
    Slaney,
}

/// Hz a mel of the Slaney scale below 1 kHz.
const SLANEY_STEP: f64 = 200.0 / 3.0;
/// Mel at 1 kHz of the Slaney scale.
const SLANEY_BEND: f64 = 15.0;
/// Mel a factor of 6.4 above.
const SLANEY_LOG: f64 = 27.0;

impl MelScale {
    /// Mel of a frequency in Hz.
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            MelScale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            MelScale::Slaney if hz < 1000.0 => hz / SLANEY_STEP,
            MelScale::Slaney => SLANEY_BEND + (hz / 1000.0).ln() * SLANEY_LOG / 6.4_f64.ln(),
        }
    }

    /// The frequency of a mel, in Hz.
    pub fn hz(self, mel: f64) -> f64 {
        match self {
            MelScale::Htk => 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0),
            MelScale::Slaney if mel < SLANEY_BEND => mel * SLANEY_STEP,
            MelScale::Slaney => 1000.0 * ((mel - SLANEY_BEND) * 6.4_f64.ln() / SLANEY_LOG).exp(),
        }
    }
}

/// The filters: band b rises from edge b to edge b + 1 and falls to edge b + 2, the edges evenly spaced in mel.
#[derive(Clone, Debug)]
pub struct MelBank {
    /// For each band the first spectral bin and the weights from there on.
    bands: Vec<(usize, Vec<f64>)>,
}

impl MelBank {
    /// `bands` filters from `low` to `high` Hz over the n/2 + 1 bins of a transform of `n` samples, `rate` a second.
    ///
    /// # Errors
    /// The first band in which no bin lies, which would be silent whatever is said.
    pub fn new(scale: MelScale, bands: usize, low: f64, high: f64, n: usize, rate: f64) -> Result<Self, usize> {
        let (first, last) = (scale.mel(low), scale.mel(high));
        let edges: Vec<f64> =
            (0..bands + 2).map(|i| scale.hz(first + (last - first) * i as f64 / (bands + 1) as f64)).collect();
        let mut filters = Vec::with_capacity(bands);
        for (band, edge) in edges.windows(3).enumerate() {
            let height = match scale {
                MelScale::Htk => 1.0,
                MelScale::Slaney => 2.0 / (edge[2] - edge[0]),
            };
            let weight = |bin: usize| {
                let hz = bin as f64 * rate / n as f64;
                height * ((hz - edge[0]) / (edge[1] - edge[0])).min((edge[2] - hz) / (edge[2] - edge[1]))
            };
            let inside: Vec<usize> = (0..=n / 2).filter(|&bin| weight(bin) > 0.0).collect();
            let Some(&start) = inside.first() else { return Err(band) };
            filters.push((start, inside.into_iter().map(weight).collect()));
        }
        Ok(Self { bands: filters })
    }

    /// Number of bands.
    pub fn len(&self) -> usize {
        self.bands.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bands.is_empty()
    }

    /// Energy of band `band`: the weighted sum of the powers.
    ///
    /// # Panics
    /// If there is no such band, or there are fewer powers than bins.
    #[track_caller]
    pub fn energy(&self, band: usize, powers: &[f64]) -> f64 {
        let (start, weights) = &self.bands[band];
        weights.iter().zip(&powers[*start..start + weights.len()]).map(|(weight, power)| weight * power).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_by_hand_and_back() {
        assert!((MelScale::Htk.mel(700.0) - 2595.0 * 2.0_f64.log10()).abs() < 1e-9);
        assert!((MelScale::Htk.mel(1000.0) - 1000.0).abs() < 0.1, "the scale was made so");
        assert!((MelScale::Slaney.mel(500.0) - 7.5).abs() < 1e-12 && (MelScale::Slaney.mel(6400.0) - 42.0).abs() < 1e-12);
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hz in [0.0, 20.0, 999.0, 1000.0, 1001.0, 7999.0] {
                assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-8, "{scale:?} {hz}");
            }
        }
    }

    /// One band of the Slaney scale from 0 to 800 Hz (linear there): up to 400 Hz, down to 800 Hz; bins each 100 Hz.
    #[test]
    fn a_triangle_by_hand() {
        let bank = MelBank::new(MelScale::Slaney, 1, 0.0, 800.0, 20, 2000.0).unwrap();
        let ones = [1.0; 11];
        assert!((bank.energy(0, &ones) - (0.25 + 0.5 + 0.75 + 1.0 + 0.75 + 0.5 + 0.25) * 2.0 / 800.0).abs() < 1e-12);
        let mut one = [0.0; 11];
        one[4] = 3.0;
        assert!((bank.energy(0, &one) - 3.0 * 2.0 / 800.0).abs() < 1e-12);
        assert_eq!(MelBank::new(MelScale::Htk, 40, 0.0, 4000.0, 64, 8000.0).unwrap_err(), 0);
    }
}
