//! What is in a split.

use ostl_core::{SequenceBatch, Target, TargetKind};
use ostl_tasks::{Metric, Split, Stretches, Task};

/// Counts over the sequences of one split.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Statistics {
    /// Steps of each sequence, from the shortest on.
    lengths: Vec<usize>,
    pub(super) targets: u64,
    /// How often each class is right: at a target, or of a sequence where sequences are judged as wholes.
    pub(super) classes: Vec<u64>,
    /// Inputs that are not zero.
    active: u64,
    inputs: usize,
}

impl Statistics {
    /// Goes once through the whole split.
    pub(super) fn new(task: &dyn Task, split: Split) -> Self {
        let mut lengths: Vec<usize> = (0..task.sequences(split)).map(|index| task.steps(split, index)).collect();
        lengths.sort_unstable();
        let classes = match task.loss().target_kind() {
            TargetKind::Classes => vec![0; task.outputs()],
            TargetKind::Values => Vec::new(),
        };
        let mut statistics = Self { lengths, classes, inputs: task.inputs(), ..Self::default() };
        match task.stretch() {
            None => {
                let by_sequence = task.metrics().contains(&Metric::SequenceAccuracy);
                (0..task.sequences(split)).for_each(|index| statistics.add(&task.batch(split, &[index]), by_sequence));
            }
            Some(steps) => {
                let stretches = Stretches::new(task, split, steps.max(1));
                (0..stretches.len()).for_each(|index| statistics.add(&stretches.build(index), false));
            }
        }
        statistics
    }

    fn add(&mut self, batch: &SequenceBatch<f32>, by_sequence: bool) {
        for (stream, &length) in batch.lengths().iter().enumerate() {
            let mut last = None;
            for step in 0..length {
                self.active += if batch.is_sparse() {
                    batch.events(stream, step).1.iter().filter(|value| **value != 0.0).count() as u64
                } else {
                    batch.input(stream, step).iter().filter(|value| **value != 0.0).count() as u64
                };
                let Some(target) = batch.target(stream, step) else { continue };
                self.targets += 1;
                if let Target::Class(class) = target {
                    last = Some(class);
                    self.classes[class] += u64::from(!by_sequence);
                }
            }
            if let (true, Some(class)) = (by_sequence, last) {
                self.classes[class] += 1;
            }
        }
    }

    pub(super) fn sequences(&self) -> usize {
        self.lengths.len()
    }

    pub(super) fn steps(&self) -> u64 {
        self.lengths.iter().map(|&length| length as u64).sum()
    }

    /// Steps of the shortest, the middle and the longest sequence; of an even number, the middle is the upper one of two.
    pub(super) fn shortest_median_longest(&self) -> Option<[usize; 3]> {
        Some([*self.lengths.first()?, self.lengths[self.lengths.len() / 2], *self.lengths.last()?])
    }

    /// The fraction of the inputs that is not zero.
    pub(super) fn density(&self) -> Option<f64> {
        let all = self.steps() as f64 * self.inputs as f64;
        (all > 0.0).then(|| self.active as f64 / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters::Letters;

    #[test]
    fn a_text_in_stretches_or_whole() {
        let found = Statistics::new(&Letters::new(4), Split::Train);
        assert_eq!(found, Statistics::new(&Letters::new(0), Split::Train));
        assert_eq!((found.sequences(), found.steps(), found.targets), (3, 57, 57));
        assert_eq!(found.shortest_median_longest(), Some([17, 20, 20]));
        assert_eq!(found.classes.iter().sum::<u64>(), 57);
        assert!((found.density().unwrap() - 1.0 / 3.0).abs() < 1e-12, "one letter in three a step");
    }

    /// Every sequence shows the bit and the cue at store, one value for each distractor, and the cue at recall.
    #[test]
    fn of_store_and_recall_by_hand() {
        let config =
            ostl_tasks::StoreRecallConfig { delay: 9, min_delay: Some(9), distractors: 2, train: 40, ..Default::default() };
        let found = Statistics::new(&ostl_tasks::StoreRecall::new(config).unwrap(), Split::Train);
        assert_eq!((found.sequences(), found.steps(), found.targets), (40, 400, 40));
        assert_eq!(found.shortest_median_longest(), Some([10, 10, 10]));
        assert_eq!(found.active, 40 * (2 + 2 + 1));
        assert_eq!(found.classes.iter().sum::<u64>(), 40);
    }
}
