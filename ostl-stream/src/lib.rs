#![doc = include_str!("../README.md")]

pub mod alarm;
pub mod bounded;
pub mod categories;
mod decay;
pub mod delay_line;
pub mod drift;
pub mod error;
mod moments;
pub mod normaliser;
mod number;
pub mod prequential;
pub mod quantile;

pub use alarm::{Alarm, AlarmConfig};
pub use bounded::{Slot, Slots};
pub use categories::Categories;
pub use delay_line::{DelayById, DelayLine};
pub use drift::{Adwin, AdwinConfig, Direction, DriftConfig, DriftDetector, PageHinkley, PageHinkleyConfig};
pub use error::StreamError;
pub use normaliser::{Normaliser, NormaliserConfig};
pub use number::LARGEST;
pub use prequential::{
    ClassificationFigures, Figures, Outcome, PastTargets, Prequential, PrequentialConfig, RegressionFigures, Views,
};
pub use quantile::{Quantiles, QuantilesConfig};
