//! Recordings as sequences of bins: what the tasks of events have in common.

use ostl_core::{ConfigError, SequenceBatch};

use super::binning::{Bin, BinValue, Binning};
use super::recordings::{Recording, Recordings};
use crate::labels::{LabelChance, TargetSteps};
use crate::split::Split;

/// Recordings of three splits, cut into steps.
#[derive(Clone, Debug)]
pub(super) struct Binned {
    splits: [Recordings; 3],
    cut: Cut,
    channels: usize,
    classes: usize,
    chance: LabelChance,
    remarks: Vec<String>,
}

/// How recordings become sequences.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    binning: Binning,
    /// Whether the place where recordings are cut off was not given.
    is_unasked: bool,
    value: BinValue,
    targets: TargetSteps,
}

impl Cut {
    /// # Errors
    /// [`ConfigError`] if a setting is out of range.
    pub(super) fn new(
        bin: Bin,
        max_steps: Option<usize>,
        value: BinValue,
        targets: TargetSteps,
    ) -> Result<Self, ConfigError> {
        Ok(Self { binning: Binning::new(bin, max_steps)?, is_unasked: max_steps.is_none(), value, targets })
    }
}

impl Binned {
    /// Every channel and class of the recordings must be below `channels` and `classes`.
    pub(super) fn new(mut splits: [Recordings; 3], cut: Cut, channels: usize, classes: usize) -> Self {
        splits.iter_mut().for_each(Recordings::shrink_to_fit);
        let targets = |split: Split| {
            let recordings = &splits[split.position()];
            (0..recordings.len()).map(move |index| {
                let recording = recordings.get(index);
                (recording.class, cut.targets.of(cut.binning.steps(&recording)).len())
            })
        };
        let chance = LabelChance::new(classes, targets(Split::Train), targets(Split::Test));
        let remarks = if cut.is_unasked { cut_off(&splits, &cut.binning) } else { Vec::new() };
        Self { splits, cut, channels, classes, chance, remarks }
    }

    /// The same with more that is worth telling.
    pub(super) fn remarked(mut self, remarks: Vec<String>) -> Self {
        self.remarks.extend(remarks);
        self
    }

    pub(super) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Targets of each class in a split.
    pub(super) fn class_counts(&self, split: Split) -> Vec<u64> {
        let recordings = self.recordings(split);
        let mut counts = vec![0; self.classes];
        for recording in (0..recordings.len()).map(|index| recordings.get(index)) {
            counts[recording.class] += self.cut.targets.of(self.cut.binning.steps(&recording)).len() as u64;
        }
        counts
    }

    pub(super) fn recordings(&self, split: Split) -> &Recordings {
        &self.splits[split.position()]
    }

    #[track_caller]
    pub(super) fn recording(&self, split: Split, index: usize) -> Recording<'_> {
        let recordings = self.recordings(split);
        assert!(index < recordings.len(), "recording {index} of the {} of {split}", recordings.len());
        recordings.get(index)
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    pub(super) fn chance(&self) -> LabelChance {
        self.chance
    }

    #[track_caller]
    pub(super) fn steps(&self, split: Split, index: usize) -> usize {
        self.cut.binning.steps(&self.recording(split, index))
    }

    #[track_caller]
    pub(super) fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let recording = self.recording(split, index);
        let mut room = Vec::new();
        for (step, events) in self.cut.binning.bins(&recording) {
            let binary = self.cut.value == BinValue::Binary;
            recording.push_bin(events, binary, batch, (stream, step), &mut room);
        }
        self.cut.targets.write(batch, stream, self.cut.binning.steps(&recording), recording.class);
    }
}

/// How many recordings of each split go on beyond the most steps.
fn cut_off(splits: &[Recordings; 3], binning: &Binning) -> Vec<String> {
    let said = |split: Split| {
        let recordings = &splits[split.position()];
        let count = (0..recordings.len()).filter(|&index| binning.is_cut_off(&recordings.get(index))).count();
        (count > 0).then(|| {
            let all = recordings.len();
            let most = Binning::MOST_STEPS;
            format!(
                "{count} of the {all} recordings of the {split} split go on beyond {most} steps and are cut off there: choose wider bins in `bin`"
            )
        })
    };
    Split::ALL.into_iter().filter_map(said).collect()
}

/// Writes [`Task`](crate::Task) for a type that has its recordings in a field `data`, and a method `name_of_class`; `$name` is its name in
/// configurations.
macro_rules! task_of_events {
    ($type:ty, $name:literal) => {
        impl crate::Task for $type {
            fn name(&self) -> &str {
                $name
            }

            fn inputs(&self) -> usize {
                self.data.channels()
            }

            fn outputs(&self) -> usize {
                self.data.classes()
            }

            fn loss(&self) -> ostl_core::Loss {
                ostl_core::Loss::SoftmaxCrossEntropy
            }

            fn sequences(&self, split: crate::Split) -> usize {
                self.data.recordings(split).len()
            }

            #[track_caller]
            fn steps(&self, split: crate::Split, index: usize) -> usize {
                self.data.steps(split, index)
            }

            #[track_caller]
            fn write(&self, split: crate::Split, index: usize, batch: &mut ostl_core::SequenceBatch<f32>, stream: usize) {
                self.data.write(split, index, batch, stream);
            }

            fn is_sparse(&self) -> bool {
                true
            }

            fn metrics(&self) -> &[crate::Metric] {
                &[crate::Metric::SequenceAccuracy, crate::Metric::Accuracy]
            }

            fn class_name(&self, class: usize) -> std::borrow::Cow<'_, str> {
                self.name_of_class(class)
            }

            /// The loss of one who knows how often each class is the target in the train split.
            fn chance(&self) -> Option<f64> {
                Some(self.data.chance().loss)
            }

            /// The share of the most frequent class of the train split.
            fn chance_accuracy(&self) -> Option<f64> {
                Some(self.data.chance().accuracy)
            }

            fn class_counts(&self, split: Split) -> Option<Vec<u64>> {
                Some(self.data.class_counts(split))
            }

            fn remarks(&self) -> Vec<String> {
                self.data.remarks().to_vec()
            }
        }
    };
}

pub(super) use task_of_events;

#[cfg(test)]
mod tests {
    use super::*;
    use ostl_core::{Target, TargetKind};

    fn binned(value: BinValue, targets: TargetSteps) -> Binned {
        let mut train = Recordings::new();
        for (time, channel, weight) in [(0, 3, 1.0), (10, 1, 0.5), (999, 3, 2.0), (3000, 0, 1.0)] {
            train.push(time, channel, weight);
        }
        train.finish(1);
        let mut other = Recordings::new();
        other.push(1500, 2, 1.0);
        other.finish(0);
        let cut = Cut::new(Bin::WidthMs(1.0), None, value, targets).unwrap();
        Binned::new([train, other.clone(), other], cut, 4, 2)
    }

    #[test]
    fn a_batch_by_hand() {
        let counted = binned(BinValue::Count, TargetSteps::Every);
        let mut batch = SequenceBatch::sparse(4, 2, TargetKind::Classes, &[counted.steps(Split::Train, 0)]);
        counted.write(Split::Train, 0, &mut batch, 0);
        assert_eq!(batch.events(0, 0), (&[1, 3][..], &[0.5, 3.0][..]));
        assert_eq!(batch.events(0, 1).0.len() + batch.events(0, 2).0.len(), 0);
        assert_eq!(batch.events(0, 3), (&[0][..], &[1.0][..]));
        assert_eq!((batch.steps(), batch.target_count()), (4, 4));

        let binary = binned(BinValue::Binary, TargetSteps::Last);
        let mut batch = SequenceBatch::sparse(4, 2, TargetKind::Classes, &[4]);
        binary.write(Split::Train, 0, &mut batch, 0);
        assert_eq!(batch.events(0, 0), (&[1, 3][..], &[1.0, 1.0][..]));
        assert_eq!((batch.target_count(), batch.target(0, 3)), (1, Some(Target::Class(1))));
    }

    #[test]
    fn chance_counts_targets() {
        // Train: 4 targets of class 1; test: 2 of class 0. With one more of each: 1/6 for class 0.
        let chance = binned(BinValue::Count, TargetSteps::Every).chance();
        assert!((chance.loss - 6.0_f64.ln()).abs() < 1e-12 && chance.accuracy == 0.0, "{chance:?}");
    }
}
