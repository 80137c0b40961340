//! Losses, heads and optimisers as Python describes them.

use std::sync::Arc;

use ostl_core::loss::{Huber, Poisson};
use ostl_core::{ConfigError, Head, Heads, Loss, LossFunction, Objective, Real};
use serde::{Deserialize, Serialize};

/// A loss with its settings, in the words in which a learner saves it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LossSpec {
    /// A plain loss, perhaps with weights of classes and smoothed labels.
    Objective {
        /// The loss itself.
        loss: Loss,
        /// One weight for each class.
        class_weights: Option<Vec<f64>>,
        /// Share of a label that is spread over all classes.
        label_smoothing: f64,
    },
    /// Huber's.
    Huber {
        /// Where it turns from a parabola into lines.
        delta: f64,
    },
    /// Of counts.
    Poisson,
}

/// A head: a name, some of the outputs, a loss and a weight.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeadSpec {
    pub(crate) name: String,
    pub(crate) outputs: usize,
    pub(crate) loss: LossSpec,
    pub(crate) weight: f64,
}

/// What an objective is made of, or any other loss.
pub(crate) enum Made<T: Real> {
    Objective(Objective),
    Other(Arc<dyn LossFunction<T>>),
}

impl LossSpec {
    pub(crate) fn make<T: Real>(&self) -> Result<Made<T>, ConfigError> {
        Ok(match self {
            Self::Objective { loss, class_weights, label_smoothing } => {
                let mut objective = Objective::from(*loss);
                if let Some(weights) = class_weights {
                    objective = objective.with_class_weights(weights)?;
                }
                if *label_smoothing != 0.0 {
                    objective = objective.with_label_smoothing(*label_smoothing)?;
                }
                Made::Objective(objective)
            }
            Self::Huber { delta } => Made::Other(Arc::new(Huber::new(*delta)?)),
            Self::Poisson => Made::Other(Arc::new(Poisson)),
        })
    }
}

/// All heads.
pub(crate) fn heads<T: Real>(specs: &[HeadSpec]) -> Result<Heads<T>, ConfigError> {
    let head = |spec: &HeadSpec| {
        let head = match spec.loss.make()? {
            Made::Objective(objective) => Head::new(spec.name.as_str(), spec.outputs, objective),
            Made::Other(loss) => Head::with_loss(spec.name.as_str(), spec.outputs, loss),
        };
        Ok(head.weighted(spec.weight))
    };
    Heads::new(specs.iter().map(head).collect::<Result<Vec<_>, ConfigError>>()?)
}
