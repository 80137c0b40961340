//! What to train and how: the configuration, from file and `--set` to checked values.

mod blame;
mod block;
mod file;
mod keys;
mod kinds;
mod layer;
mod method;
mod objective;
mod optimizer;
mod place;
mod rates;
mod readout;
mod size;
mod source;
mod spelling;
mod steps_or_word;
mod syntax;
mod task;
mod training;
mod tree;
mod window;
mod words;

use std::path::{Path, PathBuf};

use anyhow::Result;
use ostl_core::{
    Initialization, Loss, Method, Network, NetworkBuilder, Objective, OptimizerSettings, Real, Schedule, WindowChoice,
};
use ostl_tasks::{Split, Task};
use serde::{Deserialize, Serialize};

pub(crate) use block::BlockSetting;
pub(crate) use keys::elsewhere;
pub(crate) use layer::LayerConfig;
use method::MethodConfig;
pub(crate) use method::{MethodName, carry, trace};
use objective::TaskSection;
use optimizer::OptimizerConfig;
pub(crate) use optimizer::ScheduleEvery;
use readout::ReadoutConfig;
pub(crate) use source::{Source, load, load_file, load_for_stream, load_run, load_unsaid};
pub(crate) use task::{expect_at, open, open_alone, task};
pub(crate) use training::OnNonFinite;
use training::TrainingConfig;
pub(crate) use window::WindowSetting;

use crate::failure::UsageError;
use crate::feed;
use crate::weights::Starting;

const MOST_THREADS: usize = 4096;

/// The whole configuration. [`Source`] reads one; the resolved one in a run directory is written from it and reads back alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Seed of the starting weights and of the order of sequences.
    #[serde(default)]
    pub(crate) seed: u64,
    /// Number of threads; 0 takes as many as the machine has cores. Results do not depend on it.
    #[serde(default)]
    pub(crate) threads: usize,
    /// Where the task's data lies; `--data` overrules it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    /// A file of weights, or a run, that the network starts with in the place of drawn ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) init: Option<PathBuf>,
    pub(crate) task: TaskSection,
    /// From the input upwards; the readout's size follows from the task.
    pub(crate) layers: Vec<LayerConfig>,
    /// The layer whose outputs are the logits; dense and stateless if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) readout: Option<ReadoutConfig>,
    pub(crate) method: MethodConfig,
    pub(crate) optimizer: OptimizerConfig,
    #[serde(default)]
    pub(crate) initialization: InitializationConfig,
    pub(crate) training: TrainingConfig,
}

/// How W and H start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InitializationConfig {
    input: Initialization,
    recurrent: Initialization,
}

impl Default for InitializationConfig {
    fn default() -> Self {
        Self { input: Initialization::Glorot, recurrent: Initialization::Orthogonal }
    }
}

/// A setting out of range: its key below the section it was found in, and what is allowed.
#[derive(Debug)]
pub(crate) struct OutOfRange {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) allowed: String,
}

impl OutOfRange {
    pub(crate) fn new(key: impl Into<String>, value: impl ToString, allowed: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.to_string(), allowed: allowed.into() }
    }

    /// The key, part by part.
    fn path(&self) -> Vec<String> {
        self.key.split('.').map(str::to_owned).collect()
    }

    /// The same, seen from one section further out.
    pub(crate) fn within(self, section: &str) -> Self {
        Self { key: format!("{section}.{}", self.key), ..self }
    }
}

impl From<ostl_core::ConfigError> for OutOfRange {
    fn from(error: ostl_core::ConfigError) -> Self {
        match error {
            ostl_core::ConfigError::OutOfRange { field, value, allowed } => Self { key: field, value, allowed },
            other => Self::new("network", "", other.to_string()),
        }
    }
}

impl Config {
    /// Checks every value that its type does not; a task's settings are checked when the task is opened.
    pub(crate) fn validate(&self) -> Result<(), OutOfRange> {
        if self.threads > MOST_THREADS {
            return Err(OutOfRange::new("threads", self.threads, format!("0 (all cores) … {MOST_THREADS}")));
        }
        if self.layers.is_empty() {
            return Err(OutOfRange::new("layers", "[]", "at least one layer"));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            layer.validate().map_err(|error| error.within(&format!("layers.{index}")))?;
        }
        if let Some(readout) = &self.readout {
            readout.validate().map_err(|error| error.within("readout"))?;
        }
        // Whatever the task, it has an input and an output; the network is checked again when they are known.
        self.check_weights()?;
        self.method().validate().map_err(|error| self.method.refuse(error.into()))?;
        self.task.validate().map_err(|error| error.within("task"))?;
        self.optimizer.validate(self.training.epochs).map_err(|error| error.within("optimizer"))?;
        self.training.validate().map_err(|error| error.within("training"))
    }

    /// The learning method.
    pub(crate) fn method(&self) -> Method {
        self.method.method(self.seed)
    }

    /// Chooses the window if the configuration leaves that open, for a task's longest training sequence or stretch.
    pub(crate) fn choose_window(&mut self, task: &dyn Task) -> Result<Option<WindowChoice>, OutOfRange> {
        let (streams, longest) = match task.stretch() {
            Some(steps) => (task.sequences(Split::Train), steps.min(feed::longest(task))),
            // No batch is larger than the largest split.
            None => {
                let most = Split::ALL.into_iter().map(|split| task.sequences(split)).max().unwrap_or(1);
                (self.training.batch.unwrap_or(1).min(most.max(1)), feed::longest(task))
            }
        };
        self.choose_window_for(task.inputs(), task.outputs(), streams, longest)
    }

    /// The same, for a task of this shape.
    pub(crate) fn choose_window_for(
        &mut self,
        inputs: usize,
        outputs: usize,
        streams: usize,
        longest: usize,
    ) -> Result<Option<WindowChoice>, OutOfRange> {
        if !self.method.leaves_window_open() {
            return Ok(None);
        }
        // Whatever the window, a step it has.
        self.check_audit::<f32>([inputs, outputs], false, [streams, 1])?;
        let network = self.network::<f32>(inputs, outputs)?;
        Ok(self.method.choose_window(&network, streams, longest))
    }

    /// Puts numbers in the place of weights of classes that depend on the train split, and gives what is to be said of them.
    pub(crate) fn resolve_objective(&mut self, task: &dyn Task) -> Result<Option<String>, OutOfRange> {
        self.task.resolve(task).map_err(|error| error.within("task"))
    }

    /// What the network is to make small: the task's loss, with weights of classes (once they are
    /// [resolved](Config::resolve_objective)) and smoothed labels.
    pub(crate) fn objective(&self, task: &dyn Task) -> Result<Objective, OutOfRange> {
        self.objective_for(task.loss(), task.outputs())
    }

    /// The same, for a task with this loss and `outputs` outputs.
    pub(crate) fn objective_for(&self, loss: Loss, outputs: usize) -> Result<Objective, OutOfRange> {
        self.task.objective(loss, outputs).map_err(|error| error.within("task"))
    }

    /// The optimiser at the start of training.
    pub(crate) fn optimizer(&self) -> OptimizerSettings {
        self.optimizer.settings()
    }

    /// How the learning rate changes from epoch to epoch.
    pub(crate) fn schedule(&self) -> (Schedule, ScheduleEvery) {
        (self.optimizer.schedule, self.optimizer.schedule_every)
    }

    /// The network, with its starting weights, if the method can be used on it.
    pub(crate) fn network<T: Real>(&self, inputs: usize, outputs: usize) -> Result<Network<T>, OutOfRange> {
        self.build(inputs, outputs, false)
    }

    /// The network for a task, which reads lists of events where the task has such.
    pub(crate) fn network_for<T: Real>(&self, task: &dyn Task) -> Result<Network<T>, OutOfRange> {
        self.build(task.inputs(), task.outputs(), task.is_sparse())
    }

    fn build<T: Real>(&self, inputs: usize, outputs: usize, events: bool) -> Result<Network<T>, OutOfRange> {
        let builder = self.stack(inputs, events)?;
        let network = self.readout().finish(builder, outputs).map_err(|error| error.within("readout"))?;
        self.method().validate_for(&network).map_err(|error| self.method.refuse(error.into()))?;
        if network.blocks().iter().all(|block| network.learning_rate_scale(block.layer, block.name) == 0.0) {
            return Err(OutOfRange::new(
                "layers.0.frozen",
                "",
                "left out in some layer or the readout: here nothing is left to learn",
            ));
        }
        Ok(network)
    }

    /// The weights that it starts with, if they are not drawn.
    pub(crate) fn starting(&self) -> Result<Option<Starting>, UsageError> {
        self.init.as_deref().map(Starting::read).transpose()
    }

    /// Puts them into a network.
    pub(crate) fn start<T: Real>(&self, network: &mut Network<T>) -> Result<(), UsageError> {
        self.starting()?.map_or(Ok(()), |starting| starting.put_into(network))
    }

    /// The readout, a plain one if nothing is said of it.
    fn readout(&self) -> ReadoutConfig {
        self.readout.clone().unwrap_or_default()
    }

    /// The layers below the readout, nothing of which is allocated yet.
    fn stack<T: Real>(&self, inputs: usize, events: bool) -> Result<NetworkBuilder<T>, OutOfRange> {
        let mut builder = Network::builder(inputs)
            .seed(self.seed)
            .initialization(self.initialization.input, self.initialization.recurrent);
        if events {
            builder = builder.events();
        }
        for (index, layer) in self.layers.iter().enumerate() {
            builder = layer.add_to(builder).map_err(|error| error.within(&format!("layers.{index}")))?;
        }
        Ok(builder)
    }

    /// Where the data lies: as the command line says, else as the configuration says.
    pub(crate) fn data<'a>(&'a self, argument: Option<&'a Path>) -> Option<&'a Path> {
        argument.or(self.data.as_deref())
    }

    /// Opens the task; `source` is whom to blame for a wrong setting.
    pub(crate) fn open_task(&self, data: Option<&Path>, source: &Source) -> Result<Box<dyn Task>> {
        expect_at(data)?;
        open(&self.task.of, self.data(data), source)
    }

    /// The name of the run: task, first layer, method and seed, such as `store-recall-lstm-e_prop-0`.
    pub(crate) fn run_name(&self) -> String {
        let layer = self.layers.first().map_or_else(|| "readout".into(), LayerConfig::name);
        format!("{}-{layer}-{}-{}", self.task.name(), self.method.label(), self.seed)
    }
}

#[cfg(test)]
mod tests;
