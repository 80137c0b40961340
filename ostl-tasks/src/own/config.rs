//! Settings of data of one's own.

use ostl_core::{ConfigError, Loss};
use serde::{Deserialize, Serialize};

use super::class_names::Classes;

/// Most classes, inputs or outputs that are accepted.
pub(super) const MOST: usize = 1 << 20;

/// Settings of [`Own`](super::Own).
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `loss` | `softmax-cross-entropy` for classes, `mean-squared-error` for values | the loss | that, or `binary-cross-entropy` for values in 0 … 1 |
/// | `classes` | as `classes.json` says, or one more than the largest class in the files | how many classes there are, or the list of their names | 2 … 1 048 576 |
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnConfig {
    /// The loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// How many classes there are, or what they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Classes>,
}

impl OwnConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let Some(classes) = &self.classes else { return Ok(()) };
        classes.validate()?;
        if !self.classes_allowed() {
            return Err(ConfigError::OutOfRange {
                field: "classes".into(),
                value: classes.count().to_string(),
                allowed: "left out, since the `loss` is one of values".into(),
            });
        }
        Ok(())
    }

    /// Whether targets may be classes: the loss is not one of values.
    pub(super) fn classes_allowed(&self) -> bool {
        !matches!(self.loss, Some(Loss::BinaryCrossEntropy | Loss::MeanSquaredError))
    }
}
