//! Log-energies of mel bands, frame by frame.

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::features::Features;
use super::frames::{frame, frame_count, pre_emphasise};
use super::mel_bank::{MelBank, MelScale};
use super::range::{number, whole};
use super::spectrum::PowerSpectrum;
use super::window::Window;

/// What is added to nothing at all: energies below count as this much, so that silence has a logarithm.
pub const FLOOR: f64 = 1e-10;

/// Settings of [`LogMel`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `frame_ms` | 25 | length of a frame, in milliseconds | 1 … 1 000 |
/// | `hop_ms` | 10, for spikes 5 | from a frame's start to the next's, in milliseconds | 1 … 1 000 |
/// | `window` | `"hann"` | `"hann"` or `"hamming"` | |
/// | `pre_emphasis` | 0.97 | share of the sample before that is taken off | 0 … 1 |
/// | `bands` | 40, for spikes 32 | mel bands | 1 … 256, each with a spectral bin |
/// | `scale` | `"htk"` | `"htk"` or `"slaney"`: formula of the mel and height of the filters | |
/// | `low_hz` | 20 | lower edge of the first band, in Hz | 0 … `high_hz` |
/// | `high_hz` | half the sampling rate | upper edge of the last band, in Hz | `low_hz` … half the sampling rate |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MelConfig {
    /// Length of a frame, in milliseconds.
    pub frame_ms: f64,
    /// From a frame's start to the next's, in milliseconds; where it is not set, [`LogMel`] takes 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop_ms: Option<f64>,
    /// The window's shape.
    pub window: Window,
    /// Share of the sample before that is taken off.
    pub pre_emphasis: f64,
    /// Mel bands; where it is not set, [`LogMel`] takes 40.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bands: Option<usize>,
    /// Formula of the mel and height of the filters.
    pub scale: MelScale,
    /// Lower edge of the first band, in Hz.
    pub low_hz: f64,
    /// Upper edge of the last band, in Hz; where it is not set, half the sampling rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_hz: Option<f64>,
}

impl Default for MelConfig {
    fn default() -> Self {
        Self {
            frame_ms: 25.0,
            hop_ms: None,
            window: Window::Hann,
            pre_emphasis: 0.97,
            bands: None,
            scale: MelScale::Htk,
            low_hz: 20.0,
            high_hz: None,
        }
    }
}

/// Log-energies of mel bands: pre-emphasis, frames, window, power spectrum, mel filters, natural logarithm of at least [`FLOOR`].
///
/// The transform has the smallest power of two of samples that is at least twice the frame; the frame is filled up with zeros. With frame
/// and hop in samples, the same as
/// `np.log(np.maximum(librosa.feature.melspectrogram(y=pad(x), sr=rate, n_fft=n, win_length=frame, hop_length=hop, window=…, center=False,
/// power=2, n_mels=bands, fmin=low_hz, fmax=high_hz, htk=…, norm=…), 1e-10))`, where x is pre-emphasised and `pad` puts
/// ⌊(n − frame)/2⌋ zeros before it and the rest behind (librosa puts a short window into the middle of a transform).
#[derive(Clone)]
pub struct LogMel {
    frame: usize,
    hop: usize,
    pre_emphasis: f64,
    window: Vec<f64>,
    spectrum: PowerSpectrum,
    bank: MelBank,
}

impl LogMel {
    /// For recordings of `rate` samples a second.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`MelConfig`] gives.
    pub fn new(config: &MelConfig, rate: u32) -> Result<Self, ConfigError> {
        let rate = f64::from(rate);
        number("mel.frame_ms", config.frame_ms, 1.0, 1_000.0)?;
        let hop_ms = number("mel.hop_ms", config.hop_ms.unwrap_or(10.0), 1.0, 1_000.0)?;
        number("mel.pre_emphasis", config.pre_emphasis, 0.0, 1.0)?;
        let bands = whole("mel.bands", config.bands.unwrap_or(40), 1, 256)?;
        let high = number("mel.high_hz", config.high_hz.unwrap_or(rate / 2.0), 0.0, rate / 2.0)?;
        number("mel.low_hz", config.low_hz, 0.0, high)?;
        let samples = |ms: f64| ((ms * rate / 1_000.0).round() as usize).max(1);
        let (frame, hop) = (samples(config.frame_ms), samples(hop_ms));
        let n = (2 * frame).next_power_of_two();
        let bank = MelBank::new(config.scale, bands, config.low_hz, high, n, rate).map_err(|band| {
            let allowed = format!(
                "fewer, or further between `mel.low_hz` and `mel.high_hz`, or `mel.frame_ms` longer: band {band} (counted from 0) lies \
                 between two bins of the spectrum, which are {:.1} Hz apart",
                rate / n as f64
            );
            ConfigError::OutOfRange { field: "mel.bands".to_owned(), value: bands.to_string(), allowed }
        })?;
        let window = config.window.values(frame);
        Ok(Self { frame, hop, pre_emphasis: config.pre_emphasis, window, spectrum: PowerSpectrum::new(n), bank })
    }

    /// Mel bands.
    pub fn bands(&self) -> usize {
        self.bank.len()
    }

    /// Samples in a frame.
    pub fn frame(&self) -> usize {
        self.frame
    }

    /// Samples from a frame's start to the next's.
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Calls `each` with the natural log-energies of every frame's bands; at least one frame.
    pub fn each(&mut self, samples: &[f32], mut each: impl FnMut(&[f64])) {
        let emphasised = pre_emphasise(samples, self.pre_emphasis);
        let (mut values, mut powers) = (vec![0.0; self.frame], vec![0.0; self.spectrum.bins()]);
        let mut bands = vec![0.0; self.bank.len()];
        for index in 0..self.frames(samples.len()) {
            frame(&emphasised, index, self.hop, &mut values);
            values.iter_mut().zip(&self.window).for_each(|(value, weight)| *value *= weight);
            self.spectrum.of(&values, &mut powers);
            for (band, energy) in bands.iter_mut().enumerate() {
                *energy = self.bank.energy(band, &powers).max(FLOOR).ln();
            }
            each(&bands);
        }
    }

    /// Frames of a recording of `samples` samples.
    pub fn frames(&self, samples: usize) -> usize {
        frame_count(samples, self.frame, self.hop)
    }

    /// The natural log-energies, one value a band.
    pub fn extract(&mut self, samples: &[f32]) -> Features {
        let mut features = Features::with_capacity(self.bank.len(), self.frames(samples.len()));
        self.each(samples, |bands| features.push(bands.iter().map(|&value| value as f32)));
        features
    }
}
