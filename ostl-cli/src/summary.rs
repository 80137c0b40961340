//! `summary.json`: what a run came to.

use ostl_core::{Carry, Edge, Feedback, Loss, Score, Update};
use ostl_tasks::Task;
use serde::Serialize;

use crate::config::{Config, window_name};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// All epochs done, or no better for as long as `training.patience` says.
    Finished,
    /// Asked to stop; can be resumed.
    Interrupted,
}

/// What was measured on one split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Measured {
    /// Mean over the targets, in nats for the two cross-entropies.
    pub(crate) loss: f64,
    /// Fraction of the targets; where targets are classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accuracy: Option<f64>,
}

impl Measured {
    pub(crate) fn new(score: &Score, loss: Loss) -> Self {
        Self { loss: score.mean_loss(), accuracy: (loss == Loss::SoftmaxCrossEntropy).then(|| score.accuracy()) }
    }

    /// What guessing without looking at the input comes to.
    pub(crate) fn chance(task: &dyn Task) -> Option<Self> {
        task.chance().map(|loss| Self { loss, accuracy: task.chance_accuracy() })
    }
}

#[derive(Clone, Debug, Serialize)]
struct MethodSummary {
    window: String,
    carry: Carry,
    feedback: Feedback,
    update: Update,
    edge: Edge,
    seed: u64,
}

/// Everything a reader of many runs wants to know of one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    status: Status,
    task: String,
    network: String,
    method: MethodSummary,
    seed: u64,
    loss: Loss,
    /// Epochs done.
    pub(crate) epochs: u64,
    /// Epoch of the lowest validation loss, from 1; everything below is measured there.
    pub(crate) best_epoch: Option<u64>,
    pub(crate) valid: Option<Measured>,
    /// Nothing where the run was interrupted: the test split is looked at once, at the end.
    pub(crate) test: Option<Measured>,
    pub(crate) chance: Option<Measured>,
    /// Wall clock of this process, or of the whole run where it was not interrupted.
    pub(crate) seconds: f64,
    parameters: usize,
    trace_bytes: usize,
    version: &'static str,
}

/// What a summary says beside the results.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) network: String,
    pub(crate) parameters: usize,
    pub(crate) trace_bytes: usize,
    pub(crate) seconds: f64,
    pub(crate) epochs: u64,
}

impl Summary {
    /// The summary of a run that has ended so.
    pub(crate) fn new(status: Status, config: &Config, task: &dyn Task, circumstances: Circumstances) -> Self {
        let method = config.method();
        Self {
            status,
            task: task.name().to_owned(),
            network: circumstances.network,
            method: MethodSummary {
                window: window_name(method.window),
                carry: method.carry,
                feedback: method.feedback,
                update: method.update,
                edge: method.edge,
                seed: method.seed,
            },
            seed: config.seed,
            loss: task.loss(),
            epochs: circumstances.epochs,
            best_epoch: None,
            valid: None,
            test: None,
            chance: Measured::chance(task),
            seconds: circumstances.seconds,
            parameters: circumstances.parameters,
            trace_bytes: circumstances.trace_bytes,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
