//! Settings of the spoken digits.

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use crate::labels::TargetSteps;
use crate::speech::front_end::{FrontEnd, FrontEndConfig, MelConfig, MfccConfig, SpikesConfig};

/// The first index of a speaker's recordings that is train in the published split; those below are test.
pub(super) const FIRST_TRAIN: u32 = 5;

/// Settings of [`Fsdd`](super::Fsdd).
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `front_end` | `"mfcc"` | inputs: `"mfcc"`, `"log-mel"` or `"spikes"` (sparse) | |
/// | `targets` | `"every"` | the digit is the target at `"every"` step or the `"last"` | |
/// | `valid` | 5, 6, 7, 8, 9 | recordings of each digit and speaker that are held back for validation, by their index | 5 and above; with `held_out`, 0 and above |
/// | `held_out` | none | the speaker whose recordings are the test split, all of them | a speaker |
/// | `mel` | | frames and mel bands, see [`MelConfig`] | |
/// | `mfcc` | | see [`MfccConfig`] | |
/// | `spikes` | | see [`SpikesConfig`] | |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FsddConfig {
    /// What the network gets to see.
    pub front_end: FrontEnd,
    /// The steps with the digit as their target.
    pub targets: TargetSteps,
    /// Recordings of each digit and speaker that are held back for validation, by their index.
    pub valid: Vec<u32>,
    /// The speaker whose recordings are the test split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<String>,
    /// Frames and mel bands.
    pub mel: MelConfig,
    /// Cepstral coefficients.
    pub mfcc: MfccConfig,
    /// Spikes.
    pub spikes: SpikesConfig,
}

impl Default for FsddConfig {
    fn default() -> Self {
        Self {
            front_end: FrontEnd::default(),
            targets: TargetSteps::Every,
            valid: (5..10).collect(),
            held_out: None,
            mel: MelConfig::default(),
            mfcc: MfccConfig::default(),
            spikes: SpikesConfig::default(),
        }
    }
}

impl FsddConfig {
    pub(super) fn inputs(&self) -> FrontEndConfig {
        let Self { front_end, mel, mfcc, spikes, .. } = self;
        FrontEndConfig { kind: *front_end, mel: mel.clone(), mfcc: mfcc.clone(), spikes: spikes.clone() }
    }

    pub(super) fn validate(&self, speakers: &[&str]) -> Result<(), ConfigError> {
        let refuse = |field: &str, value: String, allowed: String| {
            Err(ConfigError::OutOfRange { field: field.to_owned(), value, allowed })
        };
        if let Some(speaker) = &self.held_out {
            if !speakers.contains(&speaker.as_str()) {
                return refuse("held_out", format!("{speaker:?}"), format!("one of the speakers: {}", speakers.join(", ")));
            }
        } else if let Some(index) = self.valid.iter().find(|&&index| index < FIRST_TRAIN) {
            let allowed = format!("indices from {FIRST_TRAIN} on: the recordings below are the test split");
            return refuse("valid", index.to_string(), allowed);
        }
        if self.valid.is_empty() {
            return refuse("valid", "[]".to_owned(), "at least one index".to_owned());
        }
        Ok(())
    }
}
