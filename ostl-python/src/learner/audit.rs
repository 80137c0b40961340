//! What a method promises of each block, and how far its gradient is from that of BPTT.

use ostl_core::Learner;
use ostl_core::gradient_check::{Claim, audit as core_audit, claims as core_claims};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::batches::Given;
use super::saved::loss_of;
use crate::arrays::Scalar;
use crate::errors::{of_config, of_learn, refuse};
use crate::losses::Made;
use crate::network::of_plan;

fn word(claim: Claim) -> &'static str {
    match claim {
        Claim::Exact => "exact",
        Claim::Approximate => "approximate",
        Claim::Frozen => "frozen",
    }
}

pub(super) fn claims<'py, T: Scalar>(py: Python<'py>, learner: &Learner<T>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let claims = core_claims(learner.network(), learner.method());
    for (block, claim) in learner.network().blocks().iter().zip(claims) {
        dict.set_item(format!("layers.{}.{}", block.layer, block.name), word(claim))?;
    }
    Ok(dict)
}

pub(super) fn audit<'py, T: Scalar>(
    py: Python<'py>,
    learner: &Learner<T>,
    given: &Given<'_, 'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut heads = learner.heads().iter();
    let (Some(head), None) = (heads.next(), heads.next()) else {
        return Err(refuse("check", "a learner with several heads cannot be audited: check one without heads"));
    };
    let loss = loss_of(head.loss().settings())?;
    let Made::<f64>::Objective(objective) = loss.make().map_err(of_config)? else {
        return Err(refuse("check", "only cross-entropies and the squared error can be audited: check with one of these"));
    };
    let batch = given.batch(learner)?.cast::<f64>();
    let mut network = of_plan::<f64>(learner.network().plan())?;
    network.copy_parameters(learner.network().parameters()).map_err(of_config)?;
    let method = learner.method();
    let found = py.detach(|| core_audit(&network, objective, method, &batch)).map_err(|error| of_learn("inputs", error))?;
    let rows = PyList::empty(py);
    for block in &found.blocks {
        let row = PyDict::new(py);
        row.set_item("layer", block.layer)?;
        row.set_item("name", &block.layer_name)?;
        row.set_item("block", &block.block)?;
        row.set_item("claim", word(block.claim))?;
        row.set_item("norm", block.norm)?;
        row.set_item("relative_error", block.relative_error)?;
        row.set_item("cosine", block.cosine)?;
        row.set_item("holds", block.holds())?;
        rows.append(row)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("rows", rows)?;
    dict.set_item("loss", found.loss)?;
    dict.set_item("norm", found.norm)?;
    dict.set_item("relative_error", found.whole.relative_error)?;
    dict.set_item("cosine", found.whole.cosine)?;
    dict.set_item("residual", found.residual)?;
    dict.set_item("firing_rate", found.firing_rate)?;
    Ok(dict)
}
