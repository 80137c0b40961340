//! Whether a loss has changed.

mod adwin;
mod page_hinkley;

pub use adwin::{Adwin, AdwinConfig};
pub use page_hinkley::{PageHinkley, PageHinkleyConfig};

use serde::{Deserialize, Serialize};

use crate::error::StreamError;

/// Which changes of a mean raise an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Direction {
    /// A rise: a loss that falls is a learner that learns.
    #[default]
    Rise,
    /// A rise or a fall.
    Both,
}

/// Settings of a [`DriftDetector`]; in files `method = "page-hinkley"` or `method = "adwin"` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DriftConfig {
    /// Those of [`PageHinkley`].
    PageHinkley(PageHinkleyConfig),
    /// Those of [`Adwin`].
    Adwin(AdwinConfig),
}

impl Default for DriftConfig {
    fn default() -> Self {
        Self::Adwin(AdwinConfig::default())
    }
}

/// What tells whether a loss has changed.
///
/// [`PageHinkley`] is quick, and needs to be told how large a change matters. [`Adwin`] needs to be told the range of the loss only, and
/// finds small changes after many rows and large ones after few.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DriftDetector {
    /// The test of Page and Hinkley.
    PageHinkley(PageHinkley),
    /// A window of adaptive length.
    Adwin(Adwin),
}

impl DriftDetector {
    /// One that was shown nothing.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(config: DriftConfig) -> Result<Self, StreamError> {
        Ok(match config {
            DriftConfig::PageHinkley(config) => Self::PageHinkley(PageHinkley::new(config)?),
            DriftConfig::Adwin(config) => Self::Adwin(Adwin::new(config)?),
        })
    }

    /// Takes the loss of a row. Whether it raises an alarm.
    pub fn observe(&mut self, loss: f64) -> bool {
        match self {
            Self::PageHinkley(detector) => detector.observe(loss),
            Self::Adwin(detector) => detector.observe(loss),
        }
    }

    /// Mean of the losses since the last change.
    pub fn mean(&self) -> Option<f64> {
        match self {
            Self::PageHinkley(detector) => detector.mean(),
            Self::Adwin(detector) => detector.mean(),
        }
    }

    /// How many losses that mean is taken over.
    pub fn rows(&self) -> u64 {
        match self {
            Self::PageHinkley(detector) => detector.rows(),
            Self::Adwin(detector) => detector.rows(),
        }
    }

    /// How many alarms were raised.
    pub fn raised(&self) -> u64 {
        match self {
            Self::PageHinkley(detector) => detector.raised(),
            Self::Adwin(detector) => detector.raised(),
        }
    }

    /// How many losses were ignored, as they are not numbers within ±[`LARGEST`](crate::LARGEST).
    pub fn ignored(&self) -> u64 {
        match self {
            Self::PageHinkley(detector) => detector.ignored(),
            Self::Adwin(detector) => detector.ignored(),
        }
    }
}

impl From<PageHinkley> for DriftDetector {
    fn from(detector: PageHinkley) -> Self {
        Self::PageHinkley(detector)
    }
}

impl From<Adwin> for DriftDetector {
    fn from(detector: Adwin) -> Self {
        Self::Adwin(detector)
    }
}
