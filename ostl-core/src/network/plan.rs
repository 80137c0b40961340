//! A network as a description from which it can be built again: sizes, options and seeds, without weights.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Network, NetworkBuilder};
use crate::cell::dynamics::Dynamics;
use crate::linalg::real::Real;
use crate::network::activity::Activity;
use crate::network::initialize::Initialization;
use crate::network::layer::Activation;
use crate::network::rates::LearningRates;
use crate::refusal::ConfigError;

/// How a network was built: what [`Network::plan`] returns and [`NetworkBuilder::of_plan`] follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetworkPlan {
    /// Number of inputs.
    pub inputs: usize,
    /// Seed of the starting weights, of connections and of dropout.
    pub seed: u64,
    /// How W starts.
    pub input_weights: Initialization,
    /// How H starts.
    pub recurrent_weights: Initialization,
    /// Inputs come as lists of events, or can be listed.
    pub events: bool,
    /// The readout's weights are the embedding's.
    pub tied: bool,
    /// All layers, the readout last.
    pub layers: Vec<LayerPlan>,
}

/// One layer of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerPlan {
    /// Units n.
    pub units: usize,
    /// The share of what it reads from below that is left out while learning.
    #[serde(default)]
    pub dropout: f64,
    /// Factors to the learning rate.
    #[serde(default)]
    pub learning_rates: LearningRates,
    /// What the layer is.
    pub kind: LayerKind,
}

/// What a layer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LayerKind {
    /// Like units.
    Recurrent {
        /// Their cell.
        cell: CellPlan,
        /// The share of H's connections that exist.
        density: f64,
        /// What their activity adds to the error.
        activity: Activity,
    },
    /// A stateless layer.
    Dense(Activation),
    /// A table of vectors, one an input.
    Embedding,
}

/// A cell by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CellPlan {
    /// [`Cell::name`](crate::Cell::name).
    pub name: String,
    /// [`Cell::settings`](crate::Cell::settings): `None` for a cell that only its author can make again.
    pub settings: Option<String>,
}

/// Makes the dynamics of a cell that is known by name: `ostl-cells` has one for its own cells.
pub type CellMaker<'a, T> = dyn Fn(&CellPlan) -> Result<Dynamics<T>, ConfigError> + 'a;

impl<T: Real> NetworkBuilder<T> {
    /// The builder of a network like the one that the plan was taken from; `cell` makes its cells.
    ///
    /// # Errors
    /// If `cell` does not know one.
    pub fn of_plan(plan: &NetworkPlan, cell: &CellMaker<'_, T>) -> Result<Self, ConfigError> {
        let mut builder = Self::new(plan.inputs).seed(plan.seed);
        builder = builder.initialization(plan.input_weights, plan.recurrent_weights);
        builder.reads_events = plan.events;
        builder.tied = plan.tied;
        for (index, layer) in plan.layers.iter().enumerate() {
            if layer.dropout != 0.0 {
                builder = builder.dropout(layer.dropout);
            }
            builder = match &layer.kind {
                LayerKind::Recurrent { cell: of, density, activity } => {
                    let builder = builder.recurrent_dynamics(cell(of)?, layer.units).activity(*activity);
                    if *density == 1.0 { builder } else { builder.density(*density) }
                }
                LayerKind::Dense(activation) => builder.dense(layer.units, *activation),
                LayerKind::Embedding if index == 0 => builder.embedding(layer.units),
                LayerKind::Embedding => {
                    return Err(ConfigError::out_of_range("embedding", format!("layer {index}"), "the first layer"));
                }
            };
            builder.rates.push(layer.learning_rates.clone());
        }
        Ok(builder)
    }

    /// What is planned so far.
    pub(super) fn plan(&self) -> NetworkPlan {
        let layer = |(index, planned): (usize, &super::builder::Planned<T>)| {
            let (units, kind) = planned.plan();
            let dropout = self.dropout.get(index).copied().unwrap_or(0.0);
            LayerPlan { units, dropout, learning_rates: self.rates_of(index), kind }
        };
        NetworkPlan {
            inputs: self.inputs,
            seed: self.seed,
            input_weights: self.input_weights,
            recurrent_weights: self.recurrent_weights,
            events: self.reads_events,
            tied: self.tied,
            layers: self.layers.iter().enumerate().map(layer).collect(),
        }
    }
}

impl<T: Real> super::builder::Planned<T> {
    /// Units, and what the layer is.
    fn plan(&self) -> (usize, LayerKind) {
        match self {
            Self::Recurrent { dynamics, units, density, activity } => {
                let cell = CellPlan { name: dynamics.name().to_owned(), settings: dynamics.settings() };
                (*units, LayerKind::Recurrent { cell, density: *density, activity: *activity })
            }
            Self::Dense(units, activation) => (*units, LayerKind::Dense(*activation)),
            Self::Embedding(units) => (*units, LayerKind::Embedding),
        }
    }
}

impl<T: Real> Network<T> {
    /// How the network was built.
    pub fn plan(&self) -> &NetworkPlan {
        &self.plan
    }

    /// The same, to be kept.
    pub(crate) fn shared_plan(&self) -> Arc<NetworkPlan> {
        self.plan.clone()
    }

    /// Whether it was built by this plan.
    pub(crate) fn is_of_plan(&self, plan: &Arc<NetworkPlan>) -> bool {
        Arc::ptr_eq(plan, &self.plan) || **plan == *self.plan
    }
}
