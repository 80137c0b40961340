//! A learner from one file: network, cells, loss, method, optimiser and state.

use std::path::Path;
use std::sync::Arc;

use ostl_core::checkpoint::{self, CheckpointError};
use ostl_core::{CellPlan, ConfigError, Dynamics, Learner, LossFunction, Real};

use crate::config::CellConfig;

/// Why a learner could not be made from a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is not whole.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What it holds makes no learner here.
    #[error("{path}: {source}")]
    Config {
        /// The file.
        path: String,
        /// What does not fit.
        source: ConfigError,
    },
}

/// The learner that a file was written of by [`checkpoint::write`] and [`Learner::save`], to go on bit for bit.
///
/// # Errors
/// If the file is not whole, is of another scalar, or holds a cell or a loss that is none of the ready ones: see [`load_with`].
pub fn load<T: Real>(path: impl AsRef<Path>) -> Result<Learner<T>, LoadError> {
    load_with(path, |_| None, None)
}

/// The same for a learner with custom cells or a custom loss. `cells` is called for every cell that is not ready, by its
/// [name](ostl_core::Cell::name) and [settings](ostl_core::Cell::settings), and makes it with [`dynamics_of`](ostl_core::dynamics_of).
///
/// # Errors
/// As [`load`], and if `cells` does not know a cell.
pub fn load_with<T: Real>(
    path: impl AsRef<Path>,
    cells: impl Fn(&CellPlan) -> Option<Dynamics<T>>,
    loss: Option<Arc<dyn LossFunction<T>>>,
) -> Result<Learner<T>, LoadError> {
    let path = path.as_ref();
    let record = checkpoint::read(path)?;
    let cell = |plan: &CellPlan| match cells(plan) {
        Some(dynamics) => Ok(dynamics),
        None => ready(plan),
    };
    Learner::from_record(record, &cell, loss)
        .map_err(|source| LoadError::Config { path: path.display().to_string(), source })
}

/// The dynamics of a ready cell: what [`NetworkBuilder::of_plan`](ostl_core::NetworkBuilder::of_plan) needs.
///
/// # Errors
/// If it is none.
pub fn ready<T: Real>(plan: &CellPlan) -> Result<Dynamics<T>, ConfigError> {
    let refuse = |allowed: String| ConfigError::OutOfRange { field: "cell".into(), value: plan.name.clone(), allowed };
    let Some(settings) = &plan.settings else {
        return Err(refuse("a ready cell, or made by whoever wrote it: give it to `load_with`".into()));
    };
    CellConfig::from_settings(settings)?.dynamics().map_err(|error| refuse(format!("a cell that can be made: {error}")))
}
