//! Which front end, and its settings.

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::bins::LevelBins;
use super::crossings::LevelCrossings;
use super::features::Features;
use super::mel::{LogMel, MelConfig};
use super::mfcc::{Mfcc, MfccConfig};
use super::range::{number, whole};

/// What a network gets to see of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontEnd {
    /// [`Mfcc`], normalised.
    #[default]
    Mfcc,
    /// [`LogMel`], normalised.
    LogMel,
    /// [`LevelCrossings`] or [`LevelBins`] of [`LogMel`], normalised: sparse inputs.
    Spikes,
}

/// What spikes say of a band's log-energy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpikeCode {
    /// That it crosses a level: [`LevelCrossings`].
    #[default]
    Crossings,
    /// Between which levels it lies: [`LevelBins`].
    Bins,
}

/// What makes spikes of values.
#[derive(Clone, Debug, PartialEq)]
pub enum SpikeEncoder {
    /// Where a value crosses a level.
    Crossings(LevelCrossings),
    /// Between which levels a value lies.
    Bins(LevelBins),
}

impl SpikeEncoder {
    /// Inputs for frames of `width` values.
    pub fn inputs(&self, width: usize) -> usize {
        match self {
            SpikeEncoder::Crossings(crossings) => crossings.inputs(width),
            SpikeEncoder::Bins(bins) => bins.inputs(width),
        }
    }

    /// Calls `event` with the step and the input number of each event, in the order of steps and, within one, of inputs.
    pub fn events(&self, features: &Features, event: impl FnMut(usize, usize)) {
        match self {
            SpikeEncoder::Crossings(crossings) => crossings.events(features, event),
            SpikeEncoder::Bins(bins) => bins.events(features, event),
        }
    }
}

/// Settings of the spikes.
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `code` | `"crossings"` | `"crossings"`: an event where a level is crossed, up and down apart; `"bins"`: an event a band and step, that says between which levels it is | |
/// | `levels` | −1.5, −1, −0.5, 0, 0.5, 1, 1.5 | levels that are watched, in standard deviations of a band's log-energy from its mean | 1 … 64 ascending numbers, −100 … 100 |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpikesConfig {
    /// What spikes say.
    pub code: SpikeCode,
    /// The levels, ascending.
    pub levels: Vec<f32>,
}

impl Default for SpikesConfig {
    fn default() -> Self {
        Self { code: SpikeCode::default(), levels: vec![-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5] }
    }
}

impl SpikesConfig {
    fn encoder(&self) -> Result<SpikeEncoder, ConfigError> {
        whole("spikes.levels (how many)", self.levels.len(), 1, 64)?;
        for &level in &self.levels {
            number("spikes.levels", f64::from(level), -100.0, 100.0)?;
        }
        if !self.levels.is_sorted_by(|a, b| a < b) {
            let (value, allowed) = (format!("{:?}", self.levels), "in ascending order, none twice".to_owned());
            return Err(ConfigError::OutOfRange { field: "spikes.levels".to_owned(), value, allowed });
        }
        let levels = self.levels.clone();
        Ok(match self.code {
            SpikeCode::Crossings => SpikeEncoder::Crossings(LevelCrossings::new(levels)),
            SpikeCode::Bins => SpikeEncoder::Bins(LevelBins::new(levels)),
        })
    }
}

/// A front end with its settings; those of the others are not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrontEndConfig {
    /// Which one.
    pub kind: FrontEnd,
    /// Frames and mel bands, for all of them.
    pub mel: MelConfig,
    /// For [`FrontEnd::Mfcc`].
    pub mfcc: MfccConfig,
    /// For [`FrontEnd::Spikes`].
    pub spikes: SpikesConfig,
}

impl FrontEndConfig {
    /// The front end for recordings of `rate` samples a second.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is out of its range.
    pub fn extractor(&self, rate: u32) -> Result<Extractor, ConfigError> {
        Ok(match self.kind {
            FrontEnd::Mfcc => Extractor { steps: Steps::Mfcc(Mfcc::new(&self.mel, &self.mfcc, rate)?), encoder: None },
            FrontEnd::LogMel => Extractor { steps: Steps::LogMel(LogMel::new(&self.mel, rate)?), encoder: None },
            FrontEnd::Spikes => {
                let mut mel = self.mel.clone();
                mel.hop_ms = mel.hop_ms.or(Some(5.0));
                mel.bands = mel.bands.or(Some(32));
                Extractor { steps: Steps::LogMel(LogMel::new(&mel, rate)?), encoder: Some(self.spikes.encoder()?) }
            }
        })
    }
}

/// A front end at work.
#[derive(Clone)]
pub struct Extractor {
    steps: Steps,
    encoder: Option<SpikeEncoder>,
}

#[derive(Clone)]
enum Steps {
    LogMel(LogMel),
    Mfcc(Mfcc),
}

impl Extractor {
    /// The values of all frames, neither normalised nor made into spikes yet.
    pub fn extract(&mut self, samples: &[f32]) -> Features {
        match &mut self.steps {
            Steps::LogMel(mel) => mel.extract(samples),
            Steps::Mfcc(mfcc) => mfcc.extract(samples),
        }
    }

    /// Values in a frame that [`extract`](Extractor::extract) gives.
    pub fn width(&self) -> usize {
        match &self.steps {
            Steps::LogMel(mel) => mel.bands(),
            Steps::Mfcc(mfcc) => mfcc.width(),
        }
    }

    /// What makes spikes of the normalised values, if spikes are requested.
    pub fn encoder(&self) -> Option<&SpikeEncoder> {
        self.encoder.as_ref()
    }

    /// The sample in the middle of a frame.
    pub fn middle(&self, frame: usize) -> usize {
        let mel = match &self.steps {
            Steps::LogMel(mel) => mel,
            Steps::Mfcc(mfcc) => mfcc.mel(),
        };
        frame * mel.hop() + mel.frame() / 2
    }
}
