//! The settings of the Heidelberg spike data sets.

use serde::{Deserialize, Serialize};

use super::binning::{Bin, BinValue};
use crate::labels::TargetSteps;

/// Settings of `Shd`, the Spiking Heidelberg Digits.
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `bin` | `{ width_ms = 10 }` | which spikes make up a step | `width_ms`: 0.001 … 4 000 000; `count`: 1 … |
/// | `max_steps` | 1 000 000 | steps after which a recording is cut off | 1 … 1 000 000 |
/// | `value` | `"binary"` | an input is 1 where there are spikes, or their number | `"binary"`, `"count"` |
/// | `targets` | `"every"` | the steps with the class as their target | `"every"`, `"last"` |
/// | `pool` | 1 | neighbouring channels that share an input | 1 … 700, a divisor of 700 |
/// | `valid_speakers` | the two highest of the training file, one if it has only two | the speakers of the valid split | speakers of the training file, not all |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShdConfig {
    /// Which spikes make up a step.
    pub bin: Bin,
    /// Steps after which a recording is cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// Whether an input is 1 where there are spikes, or their number.
    pub value: BinValue,
    /// The steps with the class as their target.
    pub targets: TargetSteps,
    /// Neighbouring channels that share an input.
    pub pool: usize,
    /// The speakers whose training recordings are the valid split; the two with the highest numbers if it is not set, or one if there are
    /// only two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_speakers: Option<Vec<i64>>,
}

impl Default for ShdConfig {
    fn default() -> Self {
        let SscConfig { bin, max_steps, value, targets, pool } = SscConfig::default();
        Self { bin, max_steps, value, targets, pool, valid_speakers: None }
    }
}

/// Settings of `Ssc`, the Spiking Speech Commands.
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `bin` | `{ width_ms = 10 }` | which spikes make up a step | `width_ms`: 0.001 … 4 000 000; `count`: 1 … |
/// | `max_steps` | 1 000 000 | steps after which a recording is cut off | 1 … 1 000 000 |
/// | `value` | `"binary"` | an input is 1 where there are spikes, or their number | `"binary"`, `"count"` |
/// | `targets` | `"every"` | the steps with the class as their target | `"every"`, `"last"` |
/// | `pool` | 1 | neighbouring channels that share an input | 1 … 700, a divisor of 700 |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SscConfig {
    /// Which spikes make up a step.
    pub bin: Bin,
    /// Steps after which a recording is cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<usize>,
    /// Whether an input is 1 where there are spikes, or their number.
    pub value: BinValue,
    /// The steps with the class as their target.
    pub targets: TargetSteps,
    /// Neighbouring channels that share an input.
    pub pool: usize,
}

impl Default for SscConfig {
    fn default() -> Self {
        Self { bin: Bin::WidthMs(10.0), max_steps: None, value: BinValue::Binary, targets: TargetSteps::Every, pool: 1 }
    }
}
