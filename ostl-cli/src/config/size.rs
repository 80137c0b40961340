//! Whether the machine has the memory for what a configuration needs, before any of it is allocated.

use ostl_core::{ConfigError, Counted, NetworkBuilder, OptimizerSettings, Part, Real, TargetKind, TooLarge};
use ostl_tasks::Task;

use super::{Config, OutOfRange};
use crate::feed;
use crate::names::counted;

impl Config {
    /// Refuses layers whose weights the machine cannot hold, whatever the task.
    pub(super) fn check_weights(&self) -> Result<(), OutOfRange> {
        self.stack::<f32>(1, false)?.check_weights(None).map_err(|error| self.too_large(*error, None))
    }

    /// Refuses what the machine has not the memory for: the network, learning in `streams` streams, the batches (or stretches) that come in,
    /// evaluation, and checkpoints, for which what is saved is copied.
    pub(crate) fn check_memory(&self, task: &dyn Task, streams: usize) -> Result<(), OutOfRange> {
        let (longest, stretch) = (feed::longest(task), task.stretch());
        let steps = stretch.map_or(longest, |stretch| stretch.min(longest));
        let (method, optimizer) = (self.method().for_sequences_of(longest), self.optimizer());
        let (builder, outputs) = self.outline::<f32>(task.inputs(), task.outputs(), task.is_sparse())?;
        builder.check_weights(outputs).map_err(|error| self.too_large(*error, Some(task)))?;
        let need = builder.memory(outputs, &method, &optimizer, [streams, steps]);
        // Between whole sequences nothing but weights and moments is saved.
        let copy = if stretch.is_some() { need.total() } else { need.weights.saturating_add(need.updates) };
        let beside = [copy, need.evaluation, batch_bytes(task, streams, steps)].into_iter().fold(0, u64::saturating_add);
        let budget = self.method.budget();
        let checked = builder.check_memory(outputs, &method, &optimizer, [streams, steps], beside, budget);
        checked.map(drop).map_err(|error| self.too_large(*error, Some(task)))
    }

    /// The same for an audit of the method on a batch of `size`, sequences × steps.
    pub(crate) fn check_audit<T: Real>(
        &self,
        [inputs, outputs]: [usize; 2],
        events: bool,
        size: [usize; 2],
    ) -> Result<(), OutOfRange> {
        let method = self.method().for_sequences_of(size[1]);
        let (builder, outputs) = self.outline::<T>(inputs, outputs, events)?;
        let checked = builder.check_memory(outputs, &method, &OptimizerSettings::sgd(1.0), size, 0, None);
        checked.map(drop).map_err(|error| self.too_large(*error, None))
    }

    /// The layers, with a readout of a cell among them, and else the outputs of the stateless one that goes on top.
    fn outline<T: Real>(
        &self,
        inputs: usize,
        outputs: usize,
        events: bool,
    ) -> Result<(NetworkBuilder<T>, Option<usize>), OutOfRange> {
        let builder = self.stack(inputs, events)?;
        self.readout().outline(builder, outputs).map_err(|error| error.within("readout"))
    }

    /// What a learner or network cannot be, as it stands in a configuration.
    pub(crate) fn not_possible(&self, error: ConfigError) -> OutOfRange {
        match error {
            ConfigError::TooLarge(error) => self.too_large(*error, None),
            other => other.into(),
        }
    }

    fn too_large(&self, error: TooLarge, task: Option<&dyn Task>) -> OutOfRange {
        let of_streams = task.is_some_and(|task| task.stretch().is_some());
        let key = |part: &Part| match part {
            Part::Units { layer } => format!("layers.{layer}.units"),
            Part::Carry => "method.carry".into(),
            Part::Window => "method.window".into(),
            Part::Streams if of_streams => "task.streams".into(),
            _ => "training.batch".into(),
        };
        let budget = if error.counted == Counted::TracesAndWindows { " for method.memory" } else { "" };
        let shape = match (error.part, task) {
            (Part::Units { .. }, Some(task)) => {
                format!(" (the task has {} and {})", counted(task.inputs(), "input"), counted(task.outputs(), "output"))
            }
            _ => String::new(),
        };
        let allowed = format!("less{budget}: {}{shape}", error.reason(key));
        match error.part {
            Part::Carry => self.method.refuse(OutOfRange::new("carry", &error.value, allowed)),
            Part::Window => self.method.refuse(OutOfRange::new("window", &error.value, allowed)),
            part => OutOfRange::new(key(&part), &error.value, allowed),
        }
    }
}

/// Bytes of `streams` sequences (or stretches) side by side, about.
fn batch_bytes(task: &dyn Task, streams: usize, steps: usize) -> u64 {
    // A word or an event a step, where they are listed; and a class is as long as two numbers.
    let inputs = if task.is_sparse() { 2 } else { task.inputs() as u64 };
    let targets = match task.loss().target_kind() {
        TargetKind::Classes => 2,
        TargetKind::Values => task.outputs() as u64,
    };
    let a_step = inputs.saturating_add(targets).saturating_add(1).saturating_mul(size_of::<f32>() as u64);
    (streams as u64).saturating_mul(steps as u64).saturating_mul(a_step)
}
