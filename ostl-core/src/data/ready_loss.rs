//! The ready losses as texts, from which they can be made again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::heads::{Head, Heads};
use crate::data::loss::Loss;
use crate::data::loss_function::LossFunction;
use crate::data::objective::Objective;
use crate::data::regression::{Huber, Poisson};
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// What a head is made from; without the settings of a loss that is its author's own.
#[derive(Debug, Serialize, Deserialize)]
struct HeadSettings {
    name: String,
    outputs: usize,
    weight: f64,
    loss: Option<String>,
}

/// What a ready loss is made from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReadyLoss {
    Objective { loss: Loss, class_weights: Option<Vec<f64>>, label_smoothing: f64 },
    Huber { delta: f64 },
    Poisson,
}

/// A loss that is learned from, and the one that is reported.
pub(crate) type LearnedAndReported<T> = [Arc<dyn LossFunction<T>>; 2];

impl ReadyLoss {
    /// As JSON.
    pub(super) fn settings(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// The loss of these [settings](LossFunction::settings), and what is reported of it.
pub(crate) fn learned_and_reported<T: Real>(settings: &str) -> Result<LearnedAndReported<T>, ConfigError> {
    let refuse = |error: serde_json::Error| ConfigError::out_of_range("loss", settings, format!("a ready loss: {error}"));
    Ok(match serde_json::from_str(settings).map_err(refuse)? {
        ReadyLoss::Objective { loss, class_weights, label_smoothing } => {
            let mut objective = Objective::from(loss);
            if let Some(weights) = class_weights {
                objective = objective.with_class_weights(&weights)?;
            }
            if label_smoothing != 0.0 {
                objective = objective.with_label_smoothing(label_smoothing)?;
            }
            [Arc::new(objective), Arc::new(loss)]
        }
        ReadyLoss::Huber { delta } => {
            let huber = Arc::new(Huber::new(delta)?);
            [huber.clone(), huber]
        }
        ReadyLoss::Poisson => [Arc::new(Poisson), Arc::new(Poisson)],
    })
}

/// The ready loss of these [settings](LossFunction::settings).
///
/// # Errors
/// If they are those of none.
pub fn of_settings<T: Real>(settings: &str) -> Result<Arc<dyn LossFunction<T>>, ConfigError> {
    let [learned, _] = learned_and_reported(settings)?;
    Ok(learned)
}

/// What heads are made from, as JSON; nothing where the readout is one as a whole.
pub(crate) fn settings_of_heads<T: Real>(heads: &Heads<T>) -> Option<String> {
    if heads.is_whole() {
        return None;
    }
    let settings = |head: &Head<T>| HeadSettings {
        name: head.name().to_owned(),
        outputs: head.outputs(),
        weight: head.weight(),
        loss: head.loss().settings(),
    };
    serde_json::to_string(&heads.iter().map(settings).collect::<Vec<_>>()).ok()
}

/// The heads of these settings.
pub(crate) fn heads_of_settings<T: Real>(settings: &str) -> Result<Heads<T>, ConfigError> {
    let refuse =
        |error: serde_json::Error| ConfigError::out_of_range("heads", settings, format!("as they were saved: {error}"));
    let all: Vec<HeadSettings> = serde_json::from_str(settings).map_err(refuse)?;
    let made = all.into_iter().map(|HeadSettings { name, outputs, weight, loss }| {
        let Some(loss) = loss else {
            let allowed = "a ready one: make the learner by Learner::with_heads and let it restore what was saved";
            return Err(ConfigError::out_of_range(
                format!("saved loss of head {name:?}"),
                "one of its author's own",
                allowed,
            ));
        };
        Ok(Head::of_losses(name, outputs, learned_and_reported(&loss)?).weighted(weight))
    });
    Heads::checked(made.collect::<Result<_, _>>()?)
}
