//! What happens inside a network while it goes through a sequence: outputs, states, eligibility traces and learning signals, step by step, at weights
//! that stay as they are.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use ostl_core::{Learner, Method, Network, Objective, OptimizerSettings, SequenceBatch, Target, Targets, Update, Window};
use ostl_tasks::{Split, Task};

use crate::failure::UsageError;
use crate::weights;

/// Memory that a recording may take.
const MOST_BYTES: usize = 1 << 31;

/// What is kept beside inputs, targets and predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) outputs: bool,
    pub(crate) states: bool,
    pub(crate) traces: bool,
    pub(crate) signals: bool,
}

/// A value for every step: `steps` times what `shape` says, one step after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Course {
    /// Of one step.
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// What was seen of a recurrent layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerCourse {
    /// Its place, from 0.
    pub(crate) layer: usize,
    pub(crate) name: &'static str,
    /// Its units spike.
    pub(crate) spikes: bool,
    /// y: one value a unit.
    pub(crate) outputs: Option<Course>,
    /// s: variables × units.
    pub(crate) states: Option<Course>,
    /// L = ∂E/∂y as the layers above send it at the step itself: one value a unit.
    pub(crate) signals: Option<Course>,
}

/// The targets of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TargetCourse {
    /// The class of each step that has a target.
    Classes(Vec<Option<usize>>),
    /// Values; not a number where a step has none.
    Values(Course),
}

/// One sequence.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) steps: usize,
    pub(crate) inputs: Course,
    pub(crate) targets: TargetCourse,
    /// Of the readout, before any softmax or sigmoid.
    pub(crate) predictions: Course,
    /// The loss of each step; 0 where there is no target.
    pub(crate) losses: Vec<f32>,
    /// The recurrent layers, from the bottom up.
    pub(crate) layers: Vec<LayerCourse>,
    /// The traces at the end of each step, by their names in checkpoints.
    pub(crate) traces: BTreeMap<String, Course>,
}

/// A sequence of a task, or its first `steps` steps.
pub(crate) fn sequence(task: &dyn Task, split: Split, index: usize, steps: Option<usize>) -> SequenceBatch<f32> {
    let length = task.steps(split, index);
    let wanted = steps.unwrap_or(length).min(length);
    if task.stretch().is_some() {
        let mut batch = task.empty_batch(&[wanted]);
        task.write_stretch(split, index, 0..wanted, &mut batch, 0);
        return batch;
    }
    crate::gradient_report::beginning(&task.batch(split, &[index]), wanted)
}

/// Takes a network through a sequence, step by step. Traces and signals are those of `method` with windows of a single step: what an update
/// at that step would be made of.
pub(crate) fn record(
    network: Network<f32>,
    objective: Objective,
    method: &Method,
    batch: &SequenceBatch<f32>,
    wanted: Wanted,
) -> Result<Recording> {
    let method = Method { window: Window::Steps(1), block: None, update: Update::Window, ..*method };
    check_size(&network, &method, batch, wanted)?;
    let mut learner = Learner::new(network, objective, method, OptimizerSettings::sgd(1.0), 1)?;
    // The weights stay as they are.
    learner.set_learning_rate(0.0)?;
    let (steps, inputs, outputs) = (batch.steps(), batch.inputs(), batch.outputs());
    let mut recording = Recording {
        steps,
        inputs: Course::of(&[inputs]),
        targets: match batch.targets() {
            Targets::Classes(_) => TargetCourse::Classes(Vec::new()),
            Targets::Values(_) => TargetCourse::Values(Course::of(&[outputs])),
        },
        predictions: Course::of(&[outputs]),
        losses: Vec::new(),
        layers: Vec::new(),
        traces: BTreeMap::new(),
    };
    for step in 0..steps {
        if batch.is_reset(0, step) && step > 0 {
            learner.reset(0);
        }
        let at = || format!("step {}", step + 1);
        let input = batch.input_values(0, step);
        let predicted: Vec<f32> = learner.predict(&input).with_context(at)?.iter().copied().collect();
        let target = batch.target(0, step);
        let score = learner.learn(&[target]).with_context(at)?;
        recording.inputs.values.extend(input);
        recording.predictions.values.extend(predicted);
        recording.losses.push(score.loss as f32);
        recording.targets.push(target, outputs);
        recording.look(&learner, wanted);
    }
    Ok(recording)
}

impl Course {
    fn of(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: Vec::new() }
    }

    /// Values of one step.
    pub(crate) fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The values of a step.
    pub(crate) fn at(&self, step: usize) -> &[f32] {
        let width = self.width();
        &self.values[step * width..(step + 1) * width]
    }
}

impl TargetCourse {
    fn push(&mut self, target: Option<Target<'_, f32>>, outputs: usize) {
        match (self, target) {
            (TargetCourse::Classes(classes), Some(Target::Class(class))) => classes.push(Some(class)),
            (TargetCourse::Classes(classes), _) => classes.push(None),
            (TargetCourse::Values(course), Some(Target::Values(values))) => course.values.extend(values),
            (TargetCourse::Values(course), _) => course.values.extend(std::iter::repeat_n(f32::NAN, outputs)),
        }
    }
}

impl Recording {
    /// What the step just learned from has left.
    fn look(&mut self, learner: &Learner<f32>, wanted: Wanted) {
        let (engine, network) = (learner.engine(), learner.network());
        if self.layers.is_empty() {
            let recurrent = (0..network.depth()).filter(|&layer| engine.state(layer, 0).is_some());
            self.layers = recurrent
                .map(|layer| {
                    let (y, s) =
                        (engine.output(layer, 0).map_or(0, <[f32]>::len), engine.state(layer, 0).map_or(0, <[f32]>::len));
                    LayerCourse {
                        layer,
                        name: network.layer_name(layer),
                        spikes: network.spikes(layer),
                        outputs: wanted.outputs.then(|| Course::of(&[y])),
                        states: wanted.states.then(|| Course::of(&[s / y.max(1), y])),
                        signals: wanted.signals.then(|| Course::of(&[y])),
                    }
                })
                .collect();
        }
        for of_layer in &mut self.layers {
            let seen = [
                (&mut of_layer.outputs, engine.output(of_layer.layer, 0)),
                (&mut of_layer.states, engine.state(of_layer.layer, 0)),
                (&mut of_layer.signals, engine.learning_signal(of_layer.layer, 0)),
            ];
            for (course, values) in seen {
                let Some(course) = course else { continue };
                match values {
                    Some(values) => course.values.extend_from_slice(values),
                    None => course.values.extend(std::iter::repeat_n(0.0, course.width())),
                }
            }
        }
        if !wanted.traces {
            return;
        }
        let traces = engine.traces();
        for name in traces.names() {
            let Some([_, shape @ ..]) = traces.shape(name) else { continue };
            let course = || Course::of(shape);
            if let Some(values) = traces.values::<f32>(name) {
                self.traces.entry(name.to_owned()).or_insert_with(course).values.extend_from_slice(values);
            } else if let Some(bits) = traces.bf16_bits(name) {
                self.traces.entry(name.to_owned()).or_insert_with(course).values.extend(bits.into_iter().map(weights::wide));
            }
        }
    }
}

/// Refuses what would not fit into memory.
fn check_size(network: &Network<f32>, method: &Method, batch: &SequenceBatch<f32>, wanted: Wanted) -> Result<()> {
    // Of a unit at most: an output, a signal and some variables of state.
    let units: usize = network.blocks().iter().filter(|block| block.name == "W").map(|block| block.rows).sum();
    let traces = if wanted.traces { network.memory(method, &OptimizerSettings::sgd(1.0), 1, 1).traces } else { 0 };
    let traces = usize::try_from(traces).unwrap_or(usize::MAX);
    let of_step = (batch.inputs() + batch.outputs() + 4 * units).saturating_mul(size_of::<f32>()).saturating_add(traces);
    if of_step.saturating_mul(batch.steps()) <= MOST_BYTES {
        return Ok(());
    }
    let fits = MOST_BYTES / of_step.max(1);
    let way = if fits == 0 { "leave `trace` out of --what".to_owned() } else { format!("--steps {fits} would fit") };
    let problem = format!(
        "{} steps of {of_step} bytes are more than the {} GiB that a recording may have: {way}",
        batch.steps(),
        MOST_BYTES >> 30
    );
    Err(UsageError::Other(problem).into())
}

#[cfg(test)]
mod tests;
