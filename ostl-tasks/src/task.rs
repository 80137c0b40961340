//! What a learner needs to know of a data set.

use ostl_core::{Loss, SequenceBatch};

use crate::split::Split;

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

    /// Mean loss at a target (in nats for the two cross-entropies) on the test split of the best guesser that never looks at
    /// the inputs: a network has learned something once it is below. `None` where nobody has worked it out.
    fn chance(&self) -> Option<f64> {
        None
    }

    /// Fraction of targets on the test split that the guesser of [`chance`](Task::chance) gets right, 0 … 1. `None` where
    /// targets are not classes or nobody has worked it out.
    fn chance_accuracy(&self) -> Option<f64> {
        None
    }

    /// The given sequences side by side, stream b holding `indices[b]`.
    ///
    /// # Panics
    /// If the split has no such sequence.
    #[track_caller]
    fn batch(&self, split: Split, indices: &[usize]) -> SequenceBatch<f32> {
        let lengths: Vec<usize> = indices.iter().map(|&index| self.steps(split, index)).collect();
        let mut batch = SequenceBatch::new(self.inputs(), self.outputs(), self.loss().target_kind(), &lengths);
        for (stream, &index) in indices.iter().enumerate() {
            self.write(split, index, &mut batch, stream);
        }
        batch
    }
}
