//! A learner made again from what was saved of it, without one to begin with.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::Learner;
use super::optimizer::{OptimizerSettings, SavedRule};
use crate::data::heads::Heads;
use crate::data::loss_function::LossFunction;
use crate::data::ready_loss::{heads_of_settings, learned_and_reported};
use crate::linalg::real::Real;
use crate::method::Method;
use crate::network::NetworkBuilder;
use crate::network::plan::{CellMaker, NetworkPlan};
use crate::record::{Record, refused};
use crate::refusal::ConfigError;

impl<T: Real> Learner<T> {
    /// The learner that a record was [saved](Learner::save) of, to go on bit for bit: network, loss, method, optimiser and state. `cells` makes its
    /// cells, which `ostl_cells::load` does for all of its own; a custom loss has to be given; a learner with heads of such
    /// losses is made by [`with_heads`](Learner::with_heads) and [restores](Learner::restore).
    ///
    /// # Errors
    /// If the record is not whole, `cells` does not know a cell, the loss is none of the ready ones and none is given, the update rule is none of the
    /// ready ones, or this machine has not the
    /// memory for it.
    #[inline(never)]
    pub fn from_record(
        record: Record,
        cells: &CellMaker<'_, T>,
        loss: Option<Arc<dyn LossFunction<T>>>,
    ) -> Result<Self, ConfigError> {
        let plan: NetworkPlan = of_json(&record, "network.plan")?;
        let method: Method = of_json(&record, "method")?;
        let optimizer: OptimizerSettings<SavedRule> = of_json(&record, "optimizer.settings")?;
        let rule = match optimizer.rule {
            SavedRule::Ready(rule) => rule,
            SavedRule::Own { own } => {
                let allowed = "a ready rule: a learner with one of its author's own is made first, and then restored";
                return Err(refused("optimizer.settings", &own, allowed));
            }
        };
        let streams = of_json(&record, "streams")?;
        let network = NetworkBuilder::of_plan(&plan, cells)?.finish()?;
        let whole = |losses| Heads::whole(network.outputs(), losses);
        let heads = match (loss, record.text("heads"), record.text("loss")) {
            (Some(_), Some(_), _) => {
                return Err(refused("loss", "given", "left out: the learner has heads, each with its own"));
            }
            (None, Some(heads), _) => heads_of_settings(heads).and_then(|heads| heads.fitted(network.outputs())),
            (Some(loss), None, _) => whole([loss.clone(), loss]),
            (None, None, Some(settings)) => whole(learned_and_reported(settings)?),
            (None, None, None) => {
                return Err(refused("loss", "one of its author's own", "given, since only its author can make it"));
            }
        };
        // A schedule may have brought the rate to zero, where no learner begins.
        let begun = OptimizerSettings {
            rule,
            learning_rate: if optimizer.learning_rate == 0.0 { 1.0 } else { optimizer.learning_rate },
            clip_norm: optimizer.clip_norm,
        };
        let mut learner = Self::of_heads(network, heads, method, begun.in_use(), streams)?;
        learner.restore(record)?;
        Ok(learner)
    }
}

/// A value that stands there as JSON.
fn of_json<V: DeserializeOwned>(record: &Record, name: &str) -> Result<V, ConfigError> {
    let Some(text) = record.text(name) else {
        return Err(refused(name, "missing", "the text that a saved learner has there"));
    };
    serde_json::from_str(text).map_err(|error| refused(name, text, &format!("as it was saved: {error}")))
}
