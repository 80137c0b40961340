//! By what the data of a run are known again: what was read of them, however it was stored.

use std::fmt;
use std::ops::Range;

use ostl_core::{SequenceBatch, Target};
use ostl_tasks::{Split, Task};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Values that are looked at in all, half a gigabyte of them. Of larger data every sequence's length counts, and what is in
/// every second, third, … of them, evenly spread.
const MOST: usize = 1 << 27;
/// An entry of a list of events costs about as much as this many values.
const EVENT: usize = 4;
/// The sequences of a text are as long as the text: they are looked at in pieces of this many steps.
const PIECE: usize = 4096;

/// The training and validation data of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    train: Part,
    valid: Part,
}

/// One split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    sequences: u64,
    steps: u64,
    /// Of lengths, inputs, targets and resets.
    sum: u64,
}

impl Fingerprint {
    /// Of the data that a task hands over.
    pub(crate) fn of(task: &dyn Task) -> Self {
        Self { train: Part::of(task, Split::Train, MOST), valid: Part::of(task, Split::Valid, MOST) }
    }

    /// In what way other data differ from these, if they do.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let of = |name: &str, own: &Part, other: &Part| {
            let sizes = |part: &Part| format!("{} {name} sequences of {} steps", part.sequences, part.steps);
            if own == other {
                None
            } else if (own.sequences, own.steps) == (other.sequences, other.steps) {
                Some(format!("{} then and now, but with other numbers in them", sizes(own)))
            } else {
                Some(format!("{} then, {} now", sizes(own), sizes(other)))
            }
        };
        of("training", &self.train, &other.train).or_else(|| of("validation", &self.valid, &other.valid))
    }
}

impl fmt::Display for Fingerprint {
    /// As `summary.json` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.train.sum, self.valid.sum)
    }
}

impl Part {
    /// Of a split, looking at no more than `most` values. The same for any number of threads.
    fn of(task: &dyn Task, split: Split, most: usize) -> Self {
        let lengths: Vec<usize> = (0..task.sequences(split)).map(|index| task.steps(split, index)).collect();
        let mut sum = Sum::new();
        [task.inputs(), task.outputs(), lengths.len()]
            .into_iter()
            .chain(lengths.iter().copied())
            .for_each(|n| sum.add(n as u64));
        let piece = if task.stretch().is_some() { PIECE } else { usize::MAX };
        let pieces: Vec<(usize, Range<usize>)> = lengths
            .iter()
            .enumerate()
            .flat_map(|(index, &length)| {
                (0..length).step_by(piece).map(move |start| (index, start..start.saturating_add(piece).min(length)))
            })
            .collect();
        let steps: usize = lengths.iter().sum();
        let width = if task.is_sparse() { EVENT } else { task.inputs() };
        let every = steps.saturating_mul(width).div_ceil(most).max(1);
        let looked_at: Vec<_> = pieces.iter().step_by(every).collect();
        let sums: Vec<u64> = looked_at
            .par_iter()
            .map(|(index, steps)| {
                let mut batch = task.empty_batch(&[steps.len()]);
                if *steps == (0..lengths[*index]) {
                    task.write(split, *index, &mut batch, 0);
                } else {
                    task.write_stretch(split, *index, steps.clone(), &mut batch, 0);
                }
                of_sequence(&batch)
            })
            .collect();
        sums.into_iter().for_each(|of_piece| sum.add(of_piece));
        Self { sequences: lengths.len() as u64, steps: steps as u64, sum: sum.0 }
    }
}

/// The sum of a batch of one sequence.
fn of_sequence(batch: &SequenceBatch<f32>) -> u64 {
    let mut sum = Sum::new();
    for step in 0..batch.steps() {
        if batch.is_sparse() {
            let (rows, values) = batch.events(0, step);
            sum.add(rows.len() as u64);
            rows.iter().zip(values).for_each(|(&row, value)| sum.add(u64::from(row) << 32 | u64::from(value.to_bits())));
        } else {
            sum.values(batch.input(0, step));
        }
        sum.add(u64::from(batch.is_reset(0, step)));
        match batch.target(0, step) {
            None => sum.add(u64::MAX),
            Some(Target::Class(class)) => sum.add(class as u64),
            Some(Target::Values(values)) => sum.values(values),
        }
    }
    sum.0
}

/// A running sum that depends on the order of what is added: every step of it can be turned back, so that no single change is lost.
struct Sum(u64);

impl Sum {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn values(&mut self, values: &[f32]) {
        for pair in values.chunks(2) {
            let low = u64::from(pair[0].to_bits());
            self.add(pair.get(1).map_or(low, |high| u64::from(high.to_bits()) << 32 | low));
        }
    }
}

#[cfg(test)]
mod tests {
    use ostl_core::Loss;

    use super::*;
    use crate::letters::Letters;

    /// Sequences of these values, the sum of each its target.
    struct Rows(Vec<Vec<f32>>);

    impl Task for Rows {
        fn name(&self) -> &str {
            "rows"
        }
        fn inputs(&self) -> usize {
            1
        }
        fn outputs(&self) -> usize {
            1
        }
        fn loss(&self) -> Loss {
            Loss::MeanSquaredError
        }
        fn sequences(&self, _: Split) -> usize {
            self.0.len()
        }
        fn steps(&self, _: Split, index: usize) -> usize {
            self.0[index].len()
        }
        fn write(&self, _: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
            for (step, &value) in self.0[index].iter().enumerate() {
                batch.input_mut(stream, step)[0] = value;
            }
            batch.values_mut(stream, self.0[index].len() - 1)[0] = self.0[index].iter().sum();
        }
    }

    #[test]
    fn any_one_change_shows() {
        let rows = || vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0], vec![0.0]];
        let own = Fingerprint::of(&Rows(rows()));
        assert_eq!(own.difference(&Fingerprint::of(&Rows(rows()))), None);
        let mut seen = vec![own.clone()];
        for (index, step) in [(0, 0), (0, 2), (1, 1), (2, 0)] {
            let mut other = rows();
            other[index][step] += 0.5;
            let other = Fingerprint::of(&Rows(other));
            let difference = own.difference(&other).unwrap();
            assert!(
                difference.contains("3 training sequences of 6 steps") && difference.contains("other numbers"),
                "{difference}"
            );
            assert!(!seen.contains(&other));
            seen.push(other);
        }
        // The same numbers in another order, and other lengths.
        let mut turned = rows();
        turned.swap(0, 1);
        assert_ne!(Fingerprint::of(&Rows(turned)), own);
        let longer = Fingerprint::of(&Rows([rows(), vec![vec![7.0]]].concat()));
        let difference = own.difference(&longer).unwrap();
        assert_eq!(difference, "3 training sequences of 6 steps then, 4 training sequences of 7 steps now");
    }

    #[test]
    fn large_data_are_looked_at_here_and_there() {
        let rows = |changed: usize| (0..100).map(|row| vec![if row == changed { -1.0 } else { row as f32 }; 10]).collect();
        let of = |changed: usize, most: usize| Part::of(&Rows(rows(changed)), Split::Train, most).sum;
        assert_ne!(of(99, 1000), of(98, 1000));
        // A quarter of the values: every fourth sequence.
        assert_eq!([of(1, 250), of(2, 250)], [of(3, 250); 2]);
        assert_ne!(of(4, 250), of(3, 250));
    }

    #[test]
    fn texts_count_by_the_piece() {
        let task = Letters::new(6);
        let whole = Part::of(&task, Split::Train, MOST);
        assert_eq!((whole.sequences, whole.steps), (3, 57));
        let mut other = Letters::new(6);
        other.lengths[0][1] += 1;
        assert_ne!(Part::of(&other, Split::Train, MOST), whole);
        let mut long = Letters::new(6);
        long.lengths[0] = vec![3 * PIECE + 1];
        assert_eq!(Part::of(&long, Split::Train, MOST).steps, 3 * 4096 + 1);
    }
}
