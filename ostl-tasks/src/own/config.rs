//! Settings of data of one's own.

use ostl_core::{ConfigError, Loss};
use serde::{Deserialize, Serialize};

/// Most classes, inputs or outputs that are accepted.
pub(super) const MOST: usize = 1 << 20;

/// Settings of [`Own`](super::Own).
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `loss` | `softmax-cross-entropy` for classes, `mean-squared-error` for values | the loss | that, or `binary-cross-entropy` for values in 0 … 1 |
/// | `classes` | one more than the largest class in the files | how many classes there are | 2 … 1 048 576 |
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnConfig {
    /// The loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// How many classes there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
}

impl OwnConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let out_of_range = |allowed: &str, value: String| {
            Err(ConfigError::OutOfRange { field: "classes".into(), value, allowed: allowed.into() })
        };
        match (self.classes, self.loss) {
            (Some(classes), _) if !(2..=MOST).contains(&classes) => {
                out_of_range(&format!("a whole number from 2 to {MOST}"), classes.to_string())
            }
            (Some(classes), Some(Loss::BinaryCrossEntropy | Loss::MeanSquaredError)) => {
                out_of_range("left out, since the `loss` is one of values", classes.to_string())
            }
            _ => Ok(()),
        }
    }

    /// Whether targets may be classes: the loss is not one of values.
    pub(super) fn classes_allowed(&self) -> bool {
        !matches!(self.loss, Some(Loss::BinaryCrossEntropy | Loss::MeanSquaredError))
    }
}
