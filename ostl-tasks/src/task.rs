//! What a learner needs to know of a data set.

use std::borrow::Cow;
use std::ops::Range;

use ostl_core::{Loss, SequenceBatch};

use crate::metric::Metric;
use crate::split::Split;
use crate::vocabulary::Vocabulary;

/// A set of sequences to learn from, each a list of steps with an input and, at some steps, a target.
///
/// The trait is object-safe: programs hold a `Box<dyn Task>`. The crate's front page shows a task written from scratch.
pub trait Task: Send + Sync {
    /// The task's name in configurations and reports.
    fn name(&self) -> &str;

    /// Values in the input of a step.
    fn inputs(&self) -> usize;

    /// Outputs of the readout: classes, or values to predict.
    fn outputs(&self) -> usize;

    /// The loss the task is trained and reported with; it also says which kind of targets [`write`](Task::write) sets.
    fn loss(&self) -> Loss;

    /// Number of sequences in a split.
    fn sequences(&self, split: Split) -> usize;

    /// Steps of one sequence. Always the same answer for the same sequence.
    ///
    /// # Panics
    /// If the split has no such sequence.
    fn steps(&self, split: Split, index: usize) -> usize;

    /// Fills one stream of a batch with one sequence: its inputs, and its targets at the steps that have one.
    ///
    /// Streams start from rest, so a task sets a reset ([`SequenceBatch::reset_before`]) only in the middle of a sequence.
    /// For double precision, [`cast`](SequenceBatch::cast) the batch when it is full.
    ///
    /// # Panics
    /// If the split has no such sequence or the batch no such stream, or the batch was made for other inputs, outputs, kind
    /// of targets or length. [`batch`](Task::batch) makes one that fits.
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize);

    /// Whether the data has a test split of its own. `false` where [`Split::Test`] is the valid split once more: a figure measured on it
    /// is then one of the sequences that settings were chosen on, and reports have to say so.
    fn has_test(&self) -> bool {
        true
    }

    /// Whether [`write`](Task::write) pushes events ([`SequenceBatch::push_event`]) into a sparse batch instead of filling in columns.
    fn is_sparse(&self) -> bool {
        false
    }

    /// `Some(n)` where the sequences of a split are the parallel streams of one long recording (a text), all of them learned from side by
    /// side, `n` steps at a time, with the state carried on from one stretch to the next: see
    /// [`write_stretch`](Task::write_stretch). `None` where sequences are handed over whole.
    fn stretch(&self) -> Option<usize> {
        None
    }

    /// Like [`write`](Task::write), but only the steps of a range, into the steps of the stream from 0 on.
    ///
    /// # Panics
    /// As [`write`](Task::write); and where a task without [`stretch`](Task::stretch) is called for less than a whole sequence.
    #[track_caller]
    fn write_stretch(&self, split: Split, index: usize, steps: Range<usize>, batch: &mut SequenceBatch<f32>, stream: usize) {
        assert_eq!(steps, 0..self.steps(split, index), "{} hands its sequences over whole", self.name());
        self.write(split, index, batch, stream);
    }

    /// What is reported beside the loss, the most telling first.
    fn metrics(&self) -> &[Metric] {
        match self.loss() {
            Loss::SoftmaxCrossEntropy => &[Metric::Accuracy],
            _ => &[],
        }
    }

    /// The name of a class in reports.
    fn class_name(&self, class: usize) -> Cow<'_, str> {
        class.to_string().into()
    }

    /// Targets of each class in a split, where the task knows them without going through its sequences; [`class_counts`](crate::class_counts)
    /// counts those of any task. `None` also where targets are no classes.
    fn class_counts(&self, split: Split) -> Option<Vec<u64>> {
        let _ = split;
        None
    }

    /// The words or characters that inputs and classes stand for, where the task is to go on with a text: what is written after them can
    /// be drawn from the outputs.
    fn vocabulary(&self) -> Option<&Vocabulary> {
        None
    }

    /// What counts as having solved the task, where the literature or arithmetic says so.
    fn goal(&self) -> Option<Goal> {
        None
    }

    /// Mean loss at a target (in nats for the two cross-entropies) on the test split of the best guesser that never looks at
    /// the inputs: a network has learned something once it is below. `None` where it is not known.
    fn chance(&self) -> Option<f64> {
        None
    }

    /// Fraction of targets on the test split that the guesser of [`chance`](Task::chance) gets right, 0 … 1. `None` where
    /// targets are not classes or it is not known.
    fn chance_accuracy(&self) -> Option<f64> {
        None
    }

    /// What is worth telling whoever opens the task, a sentence each: data that can be learned from but may mislead, or are left out.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// The given sequences side by side, stream b holding `indices[b]`.
    ///
    /// # Panics
    /// If the split has no such sequence.
    #[track_caller]
    fn batch(&self, split: Split, indices: &[usize]) -> SequenceBatch<f32> {
        let lengths: Vec<usize> = indices.iter().map(|&index| self.steps(split, index)).collect();
        let mut batch = self.empty_batch(&lengths);
        for (stream, &index) in indices.iter().enumerate() {
            self.write(split, index, &mut batch, stream);
        }
        batch
    }

    /// A batch that fits the task, for sequences of these lengths, with nothing in it yet.
    fn empty_batch(&self, lengths: &[usize]) -> SequenceBatch<f32> {
        let new = if self.is_sparse() { SequenceBatch::sparse } else { SequenceBatch::new };
        new(self.inputs(), self.outputs(), self.loss().target_kind(), lengths)
    }
}

/// What counts as having solved a task, on its test split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// What is looked at.
    pub metric: Metric,
    /// As good as this, or better.
    pub reach: f64,
    /// The best that anyone can do, where it is known: 0 for what is fully determined, the entropy of what is not.
    pub best: Option<f64>,
}
