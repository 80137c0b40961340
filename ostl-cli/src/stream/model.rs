//! The network that learns, and, where targets come late, its twin that is ahead of it by as many rows.

use anyhow::{Context, Result};
use ostl_core::{LearnError, Learner, Loss, Network, OptimizerSettings, Record};

use super::labels::Taught;
use super::settings::{Settings, method};
use crate::arguments::TaskKind;
use crate::config::{Config, Source};

/// What stands before the names of the twin.
const AHEAD: &str = "ahead.";
/// Updates are clipped to this norm where nothing else is said.
const CLIP_NORM: f64 = 1.0;
/// After so many failures in a row the learning rate is halved.
const FAILURES: u32 = 3;

pub(super) struct Model {
    learner: Learner<f32>,
    /// The same weights, in the state of the newest row: it never learns by itself.
    ahead: Option<Learner<f32>>,
}

/// What became of a step.
pub(super) enum Step<V> {
    Done(V),
    /// A number broke: the streams start anew, and the weights are as before.
    Broke,
}

impl Model {
    pub(super) fn new(config: &Config, source: &Source, settings: &Settings, [inputs, outputs]: [usize; 2]) -> Result<Self> {
        let network: Network<f32> = config.network(inputs, outputs).map_err(|error| source.out_of_range(error))?;
        let loss = if settings.task == TaskKind::Classify { Loss::SoftmaxCrossEntropy } else { Loss::MeanSquaredError };
        let mut optimizer: OptimizerSettings = config.optimizer();
        optimizer.clip_norm = optimizer.clip_norm.or(Some(CLIP_NORM));
        let learner = |network| Learner::new(network, loss, method(config), optimizer, 1);
        let twin = (settings.lag() > 0).then(|| network.clone());
        let mut ahead = twin.map(learner).transpose().map_err(|error| source.out_of_range(error.into()))?;
        if let Some(ahead) = &mut ahead {
            ahead.set_frozen(true)?;
        }
        let learner = learner(network).map_err(|error| source.out_of_range(error.into()))?;
        Ok(Self { learner, ahead })
    }

    /// The network in a line.
    pub(super) fn description(&self) -> String {
        self.learner.network().description()
    }

    pub(super) fn parameters(&self) -> usize {
        self.learner.network().parameters().len()
    }

    pub(super) fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        Ok(self.learner.set_learning_rate(rate)?)
    }

    pub(super) fn set_frozen(&mut self, frozen: bool) -> Result<()> {
        Ok(self.learner.set_frozen(frozen)?)
    }

    /// What the network that learns says of a row.
    pub(super) fn predict(&mut self, inputs: &[f32]) -> Result<Step<Vec<f32>>> {
        outputs(&mut self.learner, inputs)
    }

    /// What its twin says of a newer row, with the newest weights.
    pub(super) fn predict_ahead(&mut self, inputs: &[f32]) -> Result<Step<Vec<f32>>> {
        let Some(ahead) = &mut self.ahead else { return self.predict(inputs) };
        ahead.network_mut().copy_parameters(self.learner.network().parameters())?;
        outputs(ahead, inputs)
    }

    /// Learns from the row just predicted.
    pub(super) fn learn(&mut self, taught: Option<&Taught>) -> Result<Step<()>> {
        step(self.learner.learn(&[taught.map(Taught::lesson)]).map(|_| ()))
    }

    /// A new sequence begins.
    pub(super) fn restart(&mut self) -> Result<Step<()>> {
        if let Some(ahead) = &mut self.ahead {
            ahead.reset(0);
        }
        step(self.learner.finish())
    }

    /// Takes smaller steps after some failures in a row; the rate from then on.
    pub(super) fn after_failures(&mut self, in_a_row: u32) -> Result<Option<f64>> {
        if !in_a_row.is_multiple_of(FAILURES) {
            return Ok(None);
        }
        let rate = self.learner.optimizer().learning_rate() / 2.0;
        self.learner.set_learning_rate(rate)?;
        Ok(Some(rate))
    }

    pub(super) fn save(&self) -> Record {
        let mut record = self.learner.save();
        if let Some(ahead) = &self.ahead {
            record.put_all(AHEAD, ahead.save());
        }
        record
    }

    pub(super) fn restore(&mut self, mut record: Record) -> Result<()> {
        let twin = record.take_all(AHEAD);
        if let Some(ahead) = &mut self.ahead {
            ahead.restore(twin).context("the network that is ahead")?;
        }
        Ok(self.learner.restore(record)?)
    }
}

fn outputs(learner: &mut Learner<f32>, inputs: &[f32]) -> Result<Step<Vec<f32>>> {
    step(learner.predict(inputs).map(|outputs| outputs.iter().copied().collect()))
}

fn step<V>(came: Result<V, LearnError>) -> Result<Step<V>> {
    match came {
        Ok(value) => Ok(Step::Done(value)),
        Err(error) if error.is_non_finite() => Ok(Step::Broke),
        Err(error) => Err(error.into()),
    }
}
