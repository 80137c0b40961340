//! Forgetting, as a half-life.

use serde::{Deserialize, Serialize};

use crate::error::StreamError;

/// What the weight of the past is multiplied by at each row: λ = 2^(−1 / half-life), or 1 where nothing is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub(crate) struct Decay(f64);

impl Decay {
    /// Of a half-life in rows that was [checked](check_half_life).
    pub(crate) fn of(half_life: Option<f64>) -> Self {
        Self(half_life.map_or(1.0, |rows| (-1.0 / rows).exp2()))
    }

    /// λ.
    pub(crate) fn factor(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Decay {
    type Error = StreamError;

    fn try_from(factor: f64) -> Result<Self, StreamError> {
        StreamError::unless((0.5..=1.0).contains(&factor), "decay", factor, "between 0.5 and 1")?;
        Ok(Self(factor))
    }
}

impl From<Decay> for f64 {
    fn from(decay: Decay) -> f64 {
        decay.0
    }
}

/// A half-life is at least one row.
pub(crate) fn check_half_life(half_life: Option<f64>) -> Result<(), StreamError> {
    let rows = half_life.unwrap_or(1.0);
    StreamError::unless((1.0..=1e15).contains(&rows), "half_life", rows, "between 1 and 1e15 rows")
}
