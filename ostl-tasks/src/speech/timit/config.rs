//! Settings of TIMIT.

use serde::{Deserialize, Serialize};

use crate::speech::front_end::{FrontEnd, FrontEndConfig, MelConfig, MfccConfig, SpikesConfig};

/// Settings of [`Timit`](super::Timit).
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `phones` | 39 | phones that are distinguished | 39, 48 or 61 |
/// | `front_end` | `"mfcc"` | inputs: `"mfcc"`, `"log-mel"` or `"spikes"` (sparse) | |
/// | `mel` | | frames and mel bands, see [`MelConfig`] | |
/// | `mfcc` | | see [`MfccConfig`] | |
/// | `spikes` | | see [`SpikesConfig`] | |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimitConfig {
    /// Phones that are distinguished.
    pub phones: usize,
    /// What the network gets to see.
    pub front_end: FrontEnd,
    /// Frames and mel bands.
    pub mel: MelConfig,
    /// Cepstral coefficients.
    pub mfcc: MfccConfig,
    /// Spikes.
    pub spikes: SpikesConfig,
}

impl Default for TimitConfig {
    fn default() -> Self {
        Self {
            phones: 39,
            front_end: FrontEnd::default(),
            mel: MelConfig::default(),
            mfcc: MfccConfig::default(),
            spikes: SpikesConfig::default(),
        }
    }
}

impl TimitConfig {
    pub(super) fn inputs(&self) -> FrontEndConfig {
        let Self { front_end, mel, mfcc, spikes, .. } = self;
        FrontEndConfig { kind: *front_end, mel: mel.clone(), mfcc: mfcc.clone(), spikes: spikes.clone() }
    }
}
