//! What learning or evaluation came to.

use ostl_core::Score as CoreScore;
use pyo3::prelude::*;

/// Loss and hits, summed over the steps that had a target.
#[pyclass(frozen, get_all, module = "ostl._ostl")]
pub(crate) struct Score {
    /// Sum of the loss.
    loss: f64,
    /// Sum of what layers' own activity added to the error.
    activity: f64,
    /// Sum of what the targets weighed.
    weight: f64,
    /// Number of targets.
    targets: u64,
    /// Targets that the largest output hit.
    correct: u64,
    /// Steps, with or without a target.
    steps: u64,
}

impl From<CoreScore> for Score {
    fn from(score: CoreScore) -> Self {
        let CoreScore { loss, activity, weight, targets, correct, steps } = score;
        Self { loss, activity, weight, targets, correct, steps }
    }
}

#[pymethods]
impl Score {
    /// Loss a target; NaN without one.
    #[getter]
    fn mean_loss(&self) -> f64 {
        self.loss / self.weight
    }

    /// Share of targets that were hit; NaN without one.
    #[getter]
    fn accuracy(&self) -> f64 {
        self.correct as f64 / self.targets as f64
    }

    fn __repr__(&self) -> String {
        let Self { loss, targets, correct, steps, .. } = self;
        format!("Score(loss={loss}, targets={targets}, correct={correct}, steps={steps})")
    }
}
