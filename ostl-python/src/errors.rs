//! What Python is told when something does not fit: `ValueError` for what was given, `RuntimeError` for a call at the wrong time,
//! `ostl.NonFiniteError` (a `RuntimeError`) for a number that broke on the way, `MemoryError` and `OSError` as everywhere.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use ostl_cells::CellError;
use ostl_core::checkpoint::CheckpointError;
use ostl_core::{ConfigError, EngineError, LearnError};
use pyo3::create_exception;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;

create_exception!(
    ostl,
    NonFiniteError,
    PyRuntimeError,
    "From finite numbers an infinite or undefined one came about; the message says what became of states, traces and weights."
);

/// `ValueError: argument: problem`.
pub(crate) fn refuse(argument: &str, problem: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!("{argument}: {problem}"))
}

/// A setting that cannot be run.
pub(crate) fn of_config(error: ConfigError) -> PyErr {
    match error {
        ConfigError::TooLarge(_) => PyMemoryError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// An option of a cell, of this layer.
pub(crate) fn of_cell(layer: usize, error: &CellError) -> PyErr {
    refuse(&format!("layers[{layer}]"), error)
}

/// What a learner refused, of this argument.
pub(crate) fn of_learn(argument: &str, error: LearnError) -> PyErr {
    match error {
        LearnError::NonFinite { .. } => NonFiniteError::new_err(error.to_string()),
        LearnError::NothingPredicted | LearnError::Frozen => PyRuntimeError::new_err(error.to_string()),
        LearnError::Config(error) => of_config(error),
        _ => refuse(argument, error),
    }
}

/// What an engine refused, of this argument.
pub(crate) fn of_engine(argument: &str, error: EngineError) -> PyErr {
    match error {
        EngineError::NonFinite { .. } => NonFiniteError::new_err(error.to_string()),
        EngineError::NothingPredicted => PyRuntimeError::new_err(error.to_string()),
        EngineError::Config(error) => of_config(error),
        _ => refuse(argument, error),
    }
}

/// A file that is none, or cannot be read or written.
pub(crate) fn of_checkpoint(error: &CheckpointError) -> PyErr {
    match error {
        CheckpointError::Read { .. } | CheckpointError::Write { .. } => PyOSError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// Lets `work` have what a mutex holds. A panic does not cross into Python: it is a `RuntimeError`, and what it left half done is not used again.
pub(crate) fn guarded<V, R>(py: Python<'_>, held: &Mutex<V>, work: impl FnOnce(&mut V) -> PyResult<R>) -> PyResult<R> {
    let at_work = AssertUnwindSafe(|| match held.lock_py_attached(py) {
        Ok(mut value) => work(&mut value),
        Err(_) => Err(PyRuntimeError::new_err("an internal error in an earlier call left this object unusable")),
    });
    catch_unwind(at_work).unwrap_or_else(|panic| Err(PyRuntimeError::new_err(format!("internal error: {}", words(&*panic)))))
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}
