//! The few short sequences that an audit is made on, and the beginnings that a method is timed on.

use std::ops::Range;

use ostl_core::{Real, SequenceBatch, Target, TargetKind, Targets};
use ostl_tasks::{Split, Task};

use crate::names::{counted, counted_range};

/// Sequences in the batch that is audited.
pub(super) const STREAMS: usize = 3;

/// What an audited batch is of its sequences.
pub(super) struct Taken {
    pub(super) described: String,
    /// What is not in it, and what that means.
    pub(super) unseen: Option<String>,
}

/// Steps of the sequences that are audited, the longest first.
pub(super) fn lengths(task: &dyn Task) -> Vec<usize> {
    indices(task).into_iter().map(|index| task.steps(Split::Valid, index)).collect()
}

/// The first few sequences of a task's validation split, the longest first.
fn indices(task: &dyn Task) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..task.sequences(Split::Valid).min(STREAMS)).collect();
    indices.sort_by_key(|&index| std::cmp::Reverse(task.steps(Split::Valid, index)));
    indices
}

/// The audited sequences, or what fits into `steps` steps of them, and which of the two.
pub(super) fn audited_batch(task: &dyn Task, steps: usize) -> (SequenceBatch<f64>, Taken) {
    let (indices, lengths) = (indices(task), lengths(task));
    let batch = match task.stretch() {
        None => task.batch(Split::Valid, &indices),
        // The sequences of a text are as long as the text: only its beginning is written.
        Some(_) => {
            let lengths: Vec<usize> = lengths.iter().map(|&length| length.min(steps)).collect();
            let mut batch = task.empty_batch(&lengths);
            for (stream, (&index, &length)) in indices.iter().zip(&lengths).enumerate() {
                task.write_stretch(Split::Valid, index, 0..length, &mut batch, stream);
            }
            batch
        }
    };
    let batch = ending(&batch.cast(), steps);
    let taken = Taken::new(&lengths, batch.lengths(), task.stretch().is_some());
    (batch, taken)
}

impl Taken {
    /// Of sequences of these lengths so many steps, the longest first: their beginnings, or their ends.
    fn new(lengths: &[usize], steps: &[usize], are_beginnings: bool) -> Self {
        let count = counted(lengths.len(), "sequence");
        let least = lengths.iter().copied().min().unwrap_or(0);
        let of = counted_range(least, lengths.iter().copied().max().unwrap_or(0), "step");
        if lengths == steps {
            return Self { described: format!("{count} of {of}, whole"), unseen: None };
        }
        let most = steps.iter().copied().max().unwrap_or(0);
        let part = if are_beginnings { "first" } else { "last" };
        Self {
            described: format!("the {part} {most} steps of {count} of {of}"),
            unseen: Some(format!(
                "Whole sequences take too long here: only the {part} {most} of {of} were looked at, and influence from further back is not measured"
            )),
        }
    }
}

/// The ends of the sequences of a batch, made ragged: the last `steps` of the first, one less of the next, and so on. Ends,
/// because a task may have targets only there.
fn ending(batch: &SequenceBatch<f64>, steps: usize) -> SequenceBatch<f64> {
    let kept = |stream: usize, length: usize| length.min(steps.saturating_sub(stream).max(1));
    let ranges = batch.lengths().iter().enumerate().map(|(stream, &length)| length - kept(stream, length)..length);
    cut(batch, &ranges.collect::<Vec<_>>())
}

/// The first `steps` of the sequences of a batch.
pub(crate) fn beginning(batch: &SequenceBatch<f32>, steps: usize) -> SequenceBatch<f32> {
    cut(batch, &batch.lengths().iter().map(|&length| 0..length.min(steps)).collect::<Vec<_>>())
}

/// So much of each sequence of a batch.
fn cut<T: Real>(batch: &SequenceBatch<T>, ranges: &[Range<usize>]) -> SequenceBatch<T> {
    let lengths: Vec<usize> = ranges.iter().map(Range::len).collect();
    let kind = match batch.targets() {
        Targets::Classes(_) => TargetKind::Classes,
        Targets::Values(_) => TargetKind::Values,
    };
    let new = if batch.is_sparse() { SequenceBatch::sparse } else { SequenceBatch::new };
    let mut part = new(batch.inputs(), batch.outputs(), kind, &lengths);
    for (stream, range) in ranges.iter().enumerate() {
        for (step, from) in range.clone().enumerate() {
            if batch.is_sparse() {
                let (rows, values) = batch.events(stream, from);
                rows.iter().zip(values).for_each(|(&row, &value)| part.push_event(stream, step, row as usize, value));
            } else {
                part.input_mut(stream, step).copy_from_slice(batch.input(stream, from));
            }
            if batch.is_reset(stream, from) && step > 0 {
                part.reset_before(stream, step);
            }
            match batch.target(stream, from) {
                Some(Target::Class(class)) => part.set_class(stream, step, class),
                Some(Target::Values(values)) => part.values_mut(stream, step).copy_from_slice(values),
                None => {}
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_keeps_the_last_steps() {
        let mut batch = SequenceBatch::<f64>::new(1, 2, ostl_core::TargetKind::Classes, &[6, 4]);
        for (stream, length) in [(0, 6), (1, 4)] {
            (0..length).for_each(|step| batch.input_mut(stream, step)[0] = step as f64);
            batch.set_class(stream, length - 1, 1);
        }
        batch.reset_before(0, 4);
        let end = ending(&batch, 3);
        assert_eq!(end.lengths(), [3, 2]);
        assert_eq!([end.input(0, 0)[0], end.input(0, 2)[0], end.input(1, 0)[0]], [3.0, 5.0, 2.0]);
        assert!(end.has_target(0, 2) && end.has_target(1, 1) && end.target_count() == 2);
        assert!(end.is_reset(0, 1) && !end.is_reset(0, 0));
        assert_eq!(ending(&batch, 100).lengths(), [6, 4]);
        let start = beginning(&batch.cast(), 5);
        assert_eq!(start.lengths(), [5, 4]);
        assert!(start.input(0, 4)[0] == 4.0 && start.is_reset(0, 4) && start.target_count() == 1);
    }

    #[test]
    fn an_ending_of_lists_is_that_of_their_matrix() {
        let mut batch = SequenceBatch::<f64>::sparse(4, 2, TargetKind::Classes, &[6, 4, 1]);
        for (stream, length) in [(0, 6), (1, 4), (2, 1)] {
            for step in 0..length {
                batch.push_event(stream, step, (stream + step) % 4, step as f64 + 1.0);
                batch.push_event(stream, step, 3, 0.5);
            }
            batch.set_class(stream, length - 1, 1);
        }
        let end = ending(&batch, 3);
        assert!(end.is_sparse() && end.lengths() == [3, 2, 1]);
        assert_eq!(end.to_dense(), ending(&batch.to_dense(), 3));
    }

    /// Texts: only their beginnings are written.
    #[test]
    fn of_a_text_a_short_stretch_is_taken() {
        let (batch, taken) = audited_batch(&crate::letters::Letters::new(4), 8);
        assert_eq!((batch.lengths(), batch.target_count(), batch.is_sparse()), (&[8, 7][..], 15, true));
        assert_eq!(taken.described, "the first 8 steps of 2 sequences of 11 to 14 steps");
        assert!(taken.unseen.unwrap().contains("is not measured"));
        for stretch in [0, 4] {
            let (whole, taken) = audited_batch(&crate::letters::Letters::new(stretch), usize::MAX);
            assert_eq!((whole.lengths(), taken.unseen), (&[14, 11][..], None));
            assert_eq!(taken.described, "2 sequences of 11 to 14 steps, whole");
        }
    }

    #[test]
    fn what_was_left_out_is_told() {
        let said = |lengths: &[usize], steps: &[usize]| Taken::new(lengths, steps, false);
        let all = said(&[12, 12], &[12, 12]);
        assert_eq!((all.described.as_str(), all.unseen), ("2 sequences of 12 steps, whole", None));
        let cut = said(&[784], &[24]);
        assert_eq!(cut.described, "the last 24 steps of 1 sequence of 784 steps");
        let unseen = "only the last 24 of 784 steps were looked at, and influence from further back is not measured";
        assert!(cut.unseen.unwrap().contains(unseen));
        assert_eq!(said(&[1], &[1]).described, "1 sequence of 1 step, whole");
    }
}
