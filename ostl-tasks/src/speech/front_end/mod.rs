//! From samples to what a network sees, in steps that can also be used alone:
//!
//! | step | |
//! | --- | --- |
//! | [`frames`] | pre-emphasis, cutting into frames |
//! | [`window`] | Hann and Hamming windows |
//! | [`spectrum`] | power spectrum |
//! | [`mel_bank`] | mel filters, HTK's and Slaney's |
//! | [`mel`] | all of these and the logarithm |
//! | [`dct`], [`deltas`], [`mfcc`] | cepstral coefficients and their slopes |
//! | [`normaliser`] | mean 0 and variance 1 |
//! | [`crossings`], [`bins`] | spikes where a band's energy crosses a level, or that say between which it is |

pub mod bins;
pub mod config;
pub mod crossings;
pub mod dct;
pub mod deltas;
pub mod features;
pub mod frames;
pub mod mel;
pub mod mel_bank;
pub mod mfcc;
pub mod normaliser;
pub(crate) mod range;
pub mod spectrum;
pub mod window;

pub use bins::LevelBins;
pub use config::{FrontEnd, FrontEndConfig, SpikeCode, SpikesConfig};
pub use crossings::LevelCrossings;
pub use features::Features;
pub use mel::{LogMel, MelConfig};
pub use mel_bank::MelScale;
pub use mfcc::{Mfcc, MfccConfig};
pub use normaliser::Normaliser;
pub use window::Window;
