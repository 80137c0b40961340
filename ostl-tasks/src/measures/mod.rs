//! Every [`Metric`] of a network, from its answers.
//!
//! [`Measures`] is shown each answer as an evaluation comes to it ([`Observation`]) and keeps sums only, so a split of any length can be
//! measured batch after batch.

mod by_class;
mod confusion;
mod frames;
mod sequences;
mod values;

use serde::{Deserialize, Serialize};

use ostl_core::{Loss, Observation, Real, Target, TargetKind};

use crate::metric::Metric;
use crate::task::Task;

pub use by_class::ByClass;
pub use confusion::Confusion;
use frames::Frames;
use sequences::Sequences;
use values::Values;

/// Most classes that a [`Confusion`] is kept for.
pub const MOST_CLASSES: usize = 100;

/// Sums over the answers of a network, from which every metric is worked out.
///
/// ```
/// use ostl_core::{Learner, Method, Network, OptimizerSettings};
/// use ostl_tasks::{Batches, Measures, Metric, Split, StoreRecall, StoreRecallConfig, Task};
///
/// let task = StoreRecall::new(StoreRecallConfig::default())?;
/// let network = Network::<f32>::builder(task.inputs()).dense(8, ostl_core::Activation::Tanh).readout(task.outputs())?;
/// let mut learner = Learner::new(network, task.loss(), Method::ostl(), OptimizerSettings::sgd(0.1), 16)?;
/// let mut measures = Measures::new(&task);
/// for batch in Batches::in_order(&task, Split::Valid, 16).iter() {
///     learner.evaluate_batch_with(&batch, |answer| measures.observe(&answer))?;
///     measures.end_sequences();
/// }
/// let accuracy = measures.value(Metric::Accuracy).unwrap();
/// assert!((0.0..=1.0).contains(&accuracy) && measures.targets() == 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measures {
    targets: u64,
    loss: f64,
    classes: Option<Classes>,
    sequences: Option<Sequences>,
    values: Option<Values>,
    frames: Option<Frames>,
}

/// Where targets are classes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Classes {
    correct: u64,
    /// Of targets, or of sequences where they are judged as wholes.
    by_class: ByClass,
    /// Of the same.
    confusion: Option<Confusion>,
}

impl Classes {
    /// One more time that `said` was answered where `class` was right.
    fn add(&mut self, class: usize, said: usize) {
        self.by_class.add(class, said);
        if let Some(confusion) = &mut self.confusion {
            confusion.add(class, said);
        }
    }
}

impl Measures {
    /// Nothing measured yet; to measure the task's [`metrics`](Task::metrics), that of its [`goal`](Task::goal), the loss, and with
    /// classes the accuracy, what goes by class and, for up to [`MOST_CLASSES`], the confusion matrix.
    pub fn new(task: &dyn Task) -> Self {
        let goal = task.goal().map(|goal| goal.metric);
        let wanted: Vec<Metric> = task.metrics().iter().copied().chain(goal).collect();
        Self::of(task.loss(), task.outputs(), &wanted)
    }

    /// The same, for a network with `outputs` outputs under such a loss.
    pub fn of(loss: Loss, outputs: usize, wanted: &[Metric]) -> Self {
        let wants = |metrics: &[Metric]| wanted.iter().any(|metric| metrics.contains(metric));
        let of_classes = loss.target_kind() == TargetKind::Classes;
        let confusion = (outputs <= MOST_CLASSES).then(|| Confusion::new(outputs));
        // An output is on above one half: of a probability, whose logit is then above 0, or of the output itself.
        let threshold = if loss == Loss::BinaryCrossEntropy { 0.0 } else { 0.5 };
        Self {
            targets: 0,
            loss: 0.0,
            classes: of_classes.then(|| Classes { correct: 0, by_class: ByClass::new(outputs), confusion }),
            sequences: (of_classes && wants(&[Metric::SequenceAccuracy])).then(|| Sequences::new(outputs)),
            values: (!of_classes && wants(&[Metric::R2, Metric::Nrmse])).then(|| Values::new(outputs)),
            frames: (!of_classes && wants(&[Metric::FrameAccuracy])).then(|| Frames::new(threshold)),
        }
    }

    /// Takes one answer in. What is needed of a sequence is kept under its stream until [`end_sequences`](Measures::end_sequences).
    pub fn observe<T: Real>(&mut self, answer: &Observation<'_, T>) {
        self.targets += 1;
        self.loss += answer.loss;
        match answer.target {
            Target::Class(class) => {
                let Some(classes) = &mut self.classes else { return };
                let said = largest(answer.outputs.iter().map(|output| output.to_f64()));
                classes.correct += u64::from(said == class);
                match &mut self.sequences {
                    Some(sequences) => sequences.add(answer.stream, answer.outputs, class),
                    None => classes.add(class, said),
                }
            }
            Target::Values(targets) => {
                if let Some(values) = &mut self.values {
                    values.add(answer.outputs, targets);
                }
                if let Some(frames) = &mut self.frames {
                    frames.add(answer.outputs, targets);
                }
            }
        }
    }

    /// The streams observed so far have come to the end of their sequences: to be called after each batch of whole sequences, or after
    /// the last stretch of a recording.
    pub fn end_sequences(&mut self) {
        if let (Some(sequences), Some(classes)) = (&mut self.sequences, &mut self.classes) {
            sequences.end(|class, said| classes.add(class, said));
        }
    }

    /// Adds what was measured elsewhere, of the same task and metrics. Sequences that are under way on either side stay apart:
    /// [`end_sequences`](Measures::end_sequences) goes before.
    pub fn merge(&mut self, other: &Self) {
        self.targets += other.targets;
        self.loss += other.loss;
        if let (Some(own), Some(others)) = (&mut self.classes, &other.classes) {
            own.correct += others.correct;
            own.by_class.merge(&others.by_class);
            if let (Some(own), Some(others)) = (&mut own.confusion, &others.confusion) {
                own.merge(others);
            }
        }
        if let (Some(own), Some(others)) = (&mut self.sequences, &other.sequences) {
            own.merge(others);
        }
        if let (Some(own), Some(others)) = (&mut self.values, &other.values) {
            own.merge(others);
        }
        if let (Some(own), Some(others)) = (&mut self.frames, &other.frames) {
            own.merge(others);
        }
    }

    /// Targets seen.
    pub fn targets(&self) -> u64 {
        self.targets
    }

    /// A metric over everything seen so far.
    ///
    /// `None` if the metric is not among those that are measured, or is not defined for what was seen: nothing at all, targets that do
    /// not vary ([`Metric::R2`], [`Metric::Nrmse`]), a class without targets ([`Metric::Recall`]), or silence that was answered by silence
    /// ([`Metric::FrameAccuracy`]). What goes by class is of whole sequences where [`Metric::SequenceAccuracy`] is measured.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        let mean_loss = (self.targets > 0).then(|| self.loss / self.targets as f64);
        match metric {
            Metric::Loss => mean_loss,
            Metric::Accuracy => self.classes.as_ref().and_then(|classes| fraction(classes.correct, self.targets)),
            Metric::SequenceAccuracy => self.sequences.as_ref().and_then(Sequences::accuracy),
            Metric::BalancedAccuracy => self.by_class().and_then(ByClass::balanced_accuracy),
            Metric::MacroF1 => self.by_class().and_then(ByClass::macro_f1),
            Metric::Recall(class) => self.by_class().and_then(|classes| classes.recall(class as usize)),
            Metric::Perplexity => mean_loss.filter(|_| self.classes.is_some()).map(f64::exp),
            Metric::BitsPerCharacter => {
                mean_loss.filter(|_| self.classes.is_some()).map(|loss| loss / std::f64::consts::LN_2)
            }
            Metric::R2 => self.values.as_ref().and_then(Values::r2),
            Metric::Nrmse => self.values.as_ref().and_then(Values::nrmse),
            Metric::FrameAccuracy => self.frames.as_ref().and_then(Frames::accuracy),
        }
    }

    /// How well each class is distinguished from the others. Of targets, or of whole sequences where [`Metric::SequenceAccuracy`] is measured. `None`
    /// where targets are no classes.
    pub fn by_class(&self) -> Option<&ByClass> {
        self.classes.as_ref().map(|classes| &classes.by_class)
    }

    /// Which class was answered for which. Of targets, or of whole sequences where [`Metric::SequenceAccuracy`] is measured. `None` where
    /// targets are no classes, or more than [`MOST_CLASSES`].
    pub fn confusion(&self) -> Option<&Confusion> {
        self.classes.as_ref().and_then(|classes| classes.confusion.as_ref())
    }
}

/// The position of the largest value, the first of its size.
fn largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, value) in values.enumerate() {
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

/// Adds counts one by one.
fn add_counts(to: &mut [u64], from: &[u64]) {
    to.iter_mut().zip(from).for_each(|(sum, count)| *sum += count);
}

fn fraction(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests;
