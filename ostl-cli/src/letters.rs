//! A small text to learn from, for tests: the parallel streams of one recording, one letter a step.

use std::ops::Range;
use std::sync::Mutex;

use ostl_core::{Loss, SequenceBatch};
use ostl_tasks::vocabulary::{Joint, Vocabulary};
use ostl_tasks::{Goal, Metric, Split, Task};

/// What is to happen when the training split has been written to so often.
type Alarm = (usize, Box<dyn FnMut() + Send>);

/// Three letters, each the one after the one before, but for a skip that depends on the place.
pub(crate) struct Letters {
    vocabulary: Vocabulary,
    /// Of the streams of the three splits.
    pub(crate) lengths: [Vec<usize>; 3],
    pub(crate) stretch: usize,
    pub(crate) goal: Option<Goal>,
    alarm: Mutex<Option<Alarm>>,
}

impl Letters {
    pub(crate) fn new(stretch: usize) -> Self {
        let mut vocabulary = Vocabulary::new(Joint::Nothing);
        ["a", "b", "c"].iter().for_each(|letter| assert!(vocabulary.add(letter) < 3));
        let lengths = [vec![20, 17, 20], vec![11, 14], vec![9, 9]];
        Self { vocabulary, lengths, stretch, goal: None, alarm: Mutex::new(None) }
    }

    /// Does something when a stretch of the training split is written for the `count`-th time from now on.
    pub(crate) fn after(&self, count: usize, what: impl FnMut() + Send + 'static) {
        *self.alarm.lock().unwrap() = Some((count, Box::new(what)));
    }

    fn fill(&self, split: Split, index: usize, steps: Range<usize>, batch: &mut SequenceBatch<f32>, stream: usize) {
        for (place, step) in steps.enumerate() {
            batch.push_event(stream, place, Self::letter(split, index, step), 1.0);
            batch.set_class(stream, place, Self::letter(split, index, step + 1));
        }
    }

    fn letter(split: Split, index: usize, step: usize) -> usize {
        let place = step + 5 * index + split.name().len();
        (place + place * place / 7) % 3
    }
}

impl Task for Letters {
    fn name(&self) -> &str {
        "letters"
    }
    fn inputs(&self) -> usize {
        3
    }
    fn outputs(&self) -> usize {
        3
    }
    fn loss(&self) -> Loss {
        Loss::SoftmaxCrossEntropy
    }
    fn sequences(&self, split: Split) -> usize {
        self.lengths[split as usize].len()
    }
    fn steps(&self, split: Split, index: usize) -> usize {
        self.lengths[split as usize][index]
    }
    fn is_sparse(&self) -> bool {
        true
    }
    fn stretch(&self) -> Option<usize> {
        (self.stretch > 0).then_some(self.stretch)
    }
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        self.fill(split, index, 0..self.steps(split, index), batch, stream);
    }
    fn write_stretch(&self, split: Split, index: usize, steps: Range<usize>, batch: &mut SequenceBatch<f32>, stream: usize) {
        if let (Split::Train, Some((count, what))) = (split, &mut *self.alarm.lock().unwrap()) {
            *count = count.wrapping_sub(1);
            if *count == 0 {
                what();
            }
        }
        self.fill(split, index, steps, batch, stream);
    }
    fn metrics(&self) -> &[Metric] {
        &[Metric::BitsPerCharacter, Metric::Accuracy]
    }
    fn vocabulary(&self) -> Option<&Vocabulary> {
        Some(&self.vocabulary)
    }
    fn goal(&self) -> Option<Goal> {
        self.goal
    }
}
