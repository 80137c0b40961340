//! Long recordings side by side, a stretch at a time.

use std::cmp::Reverse;

use ostl_core::SequenceBatch;

use crate::split::Split;
use crate::task::Task;

/// One pass over all sequences of a split side by side, some steps at a time: for tasks with a [`stretch`](Task::stretch), whose
/// sequences are the parallel streams of one long recording.
///
/// The longest sequence comes first. A stream whose sequence is over has length 0 in the stretches after it. Only indices are held;
/// a stretch is written when it is requested.
#[derive(Clone)]
pub struct Stretches<'t> {
    task: &'t dyn Task,
    split: Split,
    /// Steps of a stretch.
    steps: usize,
    order: Vec<usize>,
    /// Of the sequences in that order.
    lengths: Vec<usize>,
}

impl<'t> Stretches<'t> {
    /// All sequences of a split, `steps` at a time. The task decides whether it can be cut so: see [`Task::write_stretch`].
    ///
    /// # Panics
    /// If `steps` is 0.
    #[track_caller]
    pub fn new(task: &'t dyn Task, split: Split, steps: usize) -> Self {
        assert!(steps > 0, "a stretch has at least one step");
        let mut order: Vec<usize> = (0..task.sequences(split)).collect();
        order.sort_by_cached_key(|&index| Reverse(task.steps(split, index)));
        let lengths = order.iter().map(|&index| task.steps(split, index)).collect();
        Self { task, split, steps, order, lengths }
    }

    /// Number of streams: the sequences of the split.
    pub fn streams(&self) -> usize {
        self.order.len()
    }

    /// Number of stretches.
    pub fn len(&self) -> usize {
        self.lengths.first().map_or(0, |longest| longest.div_ceil(self.steps))
    }

    /// Whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Stretch `i` of every stream, inputs and targets filled in.
    ///
    /// # Panics
    /// If there is no stretch `i`.
    #[track_caller]
    pub fn build(&self, i: usize) -> SequenceBatch<f32> {
        self.share(i, 0, 1)
    }

    /// The same of those streams that fall to one of `shards` shards, dealt out one by one.
    ///
    /// # Panics
    /// If there is no stretch `i`, or no such shard.
    #[track_caller]
    pub fn share(&self, i: usize, shard: usize, shards: usize) -> SequenceBatch<f32> {
        assert!(i < self.len(), "stretch {i} of {}", self.len());
        assert!(shard < shards, "shard {shard} of {shards}");
        let of_shard = || self.order.iter().zip(&self.lengths).skip(shard).step_by(shards);
        let start = i * self.steps;
        let within = |length: usize| start.min(length)..start.saturating_add(self.steps).min(length);
        let lengths: Vec<usize> = of_shard().map(|(_, &length)| within(length).len()).collect();
        let mut batch = self.task.empty_batch(&lengths);
        for (stream, (&index, &length)) in of_shard().enumerate() {
            let steps = within(length);
            if !steps.is_empty() {
                self.task.write_stretch(self.split, index, steps, &mut batch, stream);
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use ostl_core::Loss;

    use super::*;

    /// Sequence i has `lengths[i]` steps; the input of each is 100 i + step.
    struct Recording(Vec<usize>);

    impl Task for Recording {
        fn name(&self) -> &str {
            "recording"
        }
        fn inputs(&self) -> usize {
            1
        }
        fn outputs(&self) -> usize {
            2
        }
        fn loss(&self) -> Loss {
            Loss::SoftmaxCrossEntropy
        }
        fn sequences(&self, _: Split) -> usize {
            self.0.len()
        }
        fn steps(&self, _: Split, index: usize) -> usize {
            self.0[index]
        }
        fn stretch(&self) -> Option<usize> {
            Some(3)
        }
        fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
            self.write_stretch(split, index, 0..self.0[index], batch, stream);
        }
        fn write_stretch(&self, _: Split, index: usize, steps: Range<usize>, batch: &mut SequenceBatch<f32>, stream: usize) {
            for (place, step) in steps.enumerate() {
                batch.input_mut(stream, place)[0] = (100 * index + step) as f32;
                batch.set_class(stream, place, step % 2);
            }
        }
    }

    #[test]
    fn shares_are_those_streams_of_the_whole() {
        let task = Recording(vec![5, 9, 2, 7, 7]);
        let stretches = Stretches::new(&task, Split::Train, 4);
        for i in 0..stretches.len() {
            let whole = stretches.build(i);
            for shard in 0..2 {
                let share = stretches.share(i, shard, 2);
                let expected: Vec<usize> = whole.lengths().iter().copied().skip(shard).step_by(2).collect();
                assert_eq!(share.lengths(), expected);
                for (stream, &length) in expected.iter().enumerate() {
                    for step in 0..length {
                        assert_eq!(share.input(stream, step), whole.input(2 * stream + shard, step));
                    }
                }
            }
        }
    }

    #[test]
    fn every_step_comes_once_and_in_order() {
        let task = Recording(vec![3, 7, 5, 0]);
        let stretches = Stretches::new(&task, Split::Train, 3);
        assert_eq!((stretches.streams(), stretches.len()), (4, 3));
        let lengths: Vec<_> = (0..3).map(|i| stretches.build(i).lengths().to_vec()).collect();
        assert_eq!(lengths, [[3, 3, 3, 0], [3, 2, 0, 0], [1, 0, 0, 0]]);
        let mut seen = [const { Vec::new() }; 4];
        for i in 0..stretches.len() {
            let batch = stretches.build(i);
            for (stream, seen) in seen.iter_mut().enumerate() {
                seen.extend((0..batch.lengths()[stream]).map(|step| batch.input(stream, step)[0] as usize));
            }
        }
        assert_eq!(seen, [(100..107).collect::<Vec<_>>(), (200..205).collect(), (0..3).collect(), Vec::new()]);
        assert_eq!(Stretches::new(&task, Split::Train, usize::MAX).build(0).lengths(), [7, 5, 3, 0]);
        assert!(Stretches::new(&Recording(Vec::new()), Split::Test, 3).is_empty());
    }
}
