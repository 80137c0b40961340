//! Mel-frequency cepstral coefficients.

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::dct::Dct;
use super::deltas::with_deltas;
use super::features::Features;
use super::mel::{LogMel, MelConfig};
use super::range::whole;

/// Settings of [`Mfcc`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `coefficients` | 13 | coefficients a frame, number 0 among them | 1 … `mel.bands` |
/// | `deltas` | 2 | slopes beside them: 0 none, 1 slopes, 2 slopes and slopes of the slopes | 0 … 2 |
/// | `delta_reach` | 2 | frames to either side that a slope is taken from | 1 … 50 |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MfccConfig {
    /// Coefficients a frame, number 0 among them.
    pub coefficients: usize,
    /// How many orders of slopes there are beside them.
    pub deltas: usize,
    /// Frames to either side that a slope is taken from.
    pub delta_reach: usize,
}

impl Default for MfccConfig {
    fn default() -> Self {
        Self { coefficients: 13, deltas: 2, delta_reach: 2 }
    }
}

/// Mel-frequency cepstral coefficients (Davis and Mermelstein, IEEE Transactions on ASSP 1980): the orthonormal DCT-II of [`LogMel`]'s
/// log-energies, and [slopes](with_deltas).
///
/// The coefficients are those of `librosa.feature.mfcc(S=…, n_mfcc=coefficients, dct_type=2, norm='ortho', lifter=0)` of the natural
/// log-energies as [`LogMel`] has them (librosa itself would take 10 log₁₀ and cut 80 dB below the loudest).
#[derive(Clone)]
pub struct Mfcc {
    mel: LogMel,
    dct: Dct,
    config: MfccConfig,
}

impl Mfcc {
    /// For recordings of `rate` samples a second.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`MelConfig`] and [`MfccConfig`] give.
    pub fn new(mel: &MelConfig, config: &MfccConfig, rate: u32) -> Result<Self, ConfigError> {
        let mel = LogMel::new(mel, rate)?;
        whole("mfcc.coefficients", config.coefficients, 1, mel.bands())?;
        whole("mfcc.deltas", config.deltas, 0, 2)?;
        whole("mfcc.delta_reach", config.delta_reach, 1, 50)?;
        Ok(Self { dct: Dct::new(mel.bands(), config.coefficients), mel, config: config.clone() })
    }

    /// The log-energies that the coefficients are made of.
    pub fn mel(&self) -> &LogMel {
        &self.mel
    }

    /// Values a frame.
    pub fn width(&self) -> usize {
        self.config.coefficients * (self.config.deltas + 1)
    }

    /// The coefficients, then their slopes, then the slopes of these.
    pub fn extract(&mut self, samples: &[f32]) -> Features {
        let mut features = Features::with_capacity(self.config.coefficients, self.mel.frames(samples.len()));
        self.mel.each(samples, |bands| features.push(self.dct.of(bands).map(|value| value as f32)));
        with_deltas(&features, self.config.deltas, self.config.delta_reach)
    }
}
