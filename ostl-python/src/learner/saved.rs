//! A learner as a checkpoint: written, read, made again.

use std::path::{Path, PathBuf};

use ostl_cells::ready;
use ostl_core::{Learner, Record, checkpoint};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Either;
use crate::arrays::Scalar;
use crate::errors::{of_checkpoint, of_config, refuse};
use crate::losses::{HeadSpec, LossSpec};
use crate::network::description;
use crate::records::to_dict;

/// A learner of what was saved, in whatever scalar that is.
pub(super) fn made(py: Python<'_>, bytes: Option<&[u8]>, path: Option<PathBuf>) -> PyResult<Either> {
    let read = || match (bytes, &path) {
        (Some(bytes), _) => checkpoint::decode(bytes, Path::new("the bytes given")).map(Some),
        (None, Some(path)) => checkpoint::read(path).map(Some),
        (None, None) => Ok(None),
    };
    let record = py.detach(read).map_err(|error| of_checkpoint(&error))?;
    let mut record = record.ok_or_else(|| refuse("Learner", "expected a network and settings, or something saved"))?;
    // What the program keeps beside a learner.
    record.take_all("run.");
    record.take_all("outset.");
    match record.text("scalar") {
        Some("f32") => of_record(py, record).map(Either::Single),
        Some("f64") => of_record(py, record).map(Either::Double),
        found => Err(refuse("scalar", format!("expected f32 or f64, found {found:?}: this is no learner's checkpoint"))),
    }
}

fn of_record<T: Scalar>(py: Python<'_>, record: Record) -> PyResult<Box<Learner<T>>> {
    py.detach(|| Learner::from_record(record, &ready, None)).map(Box::new).map_err(of_config)
}

pub(super) fn write<T: Scalar>(py: Python<'_>, learner: &Learner<T>, path: &Path) -> PyResult<()> {
    py.detach(|| checkpoint::write(path, &learner.save())).map_err(|error| of_checkpoint(&error))
}

pub(super) fn encoded<T: Scalar>(py: Python<'_>, learner: &Learner<T>) -> Vec<u8> {
    py.detach(|| checkpoint::encode(&learner.save()))
}

/// What the network is made again from, and its weights.
pub(super) fn described<'py, T: Scalar>(py: Python<'py>, learner: &Learner<T>) -> PyResult<(String, Bound<'py, PyDict>)> {
    let network = learner.network();
    Ok((description(network, &head_specs(learner)?)?, to_dict(py, &network.weights())?))
}

/// The heads of a learner, none where the readout is one as a whole.
fn head_specs<T: Scalar>(learner: &Learner<T>) -> PyResult<Vec<HeadSpec>> {
    let spec = |head: &ostl_core::Head<T>| {
        let loss = loss_of(head.loss().settings())?;
        Ok(HeadSpec { name: head.name().to_owned(), outputs: head.outputs(), loss, weight: head.weight() })
    };
    learner.heads().iter().filter(|head| !head.name().is_empty()).map(spec).collect()
}

/// A loss from the words in which it is saved.
pub(super) fn loss_of(settings: Option<String>) -> PyResult<LossSpec> {
    let settings = settings.ok_or_else(|| refuse("loss", "only its author can make it again"))?;
    serde_json::from_str(&settings).map_err(|error| refuse("loss", error))
}

/// The method, the optimiser and, of a learner without heads, the loss, as JSON.
pub(super) fn settings<T: Scalar>(learner: &Learner<T>) -> PyResult<(String, String, Option<String>)> {
    let json = |value: serde_json::Result<String>| value.map_err(|error| refuse("settings", error));
    let whole = learner.heads().iter().all(|head| head.name().is_empty());
    let loss = if whole { learner.loss().settings() } else { None };
    let optimizer = learner.optimizer();
    let rest = serde_json::json!({
        "rule": optimizer.rule().name(),
        "learning_rate": optimizer.learning_rate(),
        "clip_norm": optimizer.clip_norm(),
    });
    Ok((json(serde_json::to_string(learner.method()))?, rest.to_string(), loss))
}
