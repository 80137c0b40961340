//! The compiled half of the Python package `ostl`. What Python sees is documented in `python/ostl`; here arrays are read, the interpreter is let
//! go, and the engine called.

mod arrays;
mod engine;
mod errors;
mod inputs;
mod layers;
mod learner;
mod losses;
mod methods;
mod network;
mod records;
mod score;
mod targets;

use pyo3::prelude::*;

/// The compiled half of the Python package `ostl`.
#[pymodule]
mod _ostl {
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::errors::NonFiniteError;
    #[pymodule_export]
    use super::learner::Learner;
    #[pymodule_export]
    use super::methods::{method_names, resolve_method};
    #[pymodule_export]
    use super::network::Network;
    #[pymodule_export]
    use super::records::{encode_checkpoint, read_checkpoint};
    #[pymodule_export]
    use super::score::Score;
    #[pymodule_export]
    use super::set_threads;
}

/// Sets the number of threads, before anything has been learned; the environment's `RAYON_NUM_THREADS` says the same.
#[pyfunction]
fn set_threads(threads: usize) -> PyResult<()> {
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    built.map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()))
}
