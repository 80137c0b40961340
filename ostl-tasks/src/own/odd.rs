//! What the targets of a split look like.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

use super::part::{Answers, Part, Place};
use crate::split::Split;

/// Targets of each class; nothing where they are values.
pub(super) fn class_counts(part: &Part, classes: usize) -> Option<Vec<u64>> {
    let Answers::Classes(numbers) = &part.targets else { return None };
    let mut counts = vec![0; classes];
    part.all_targets().for_each(|at| counts[numbers.get(at) as usize] += 1);
    Some(counts)
}

/// Whether each sequence has one class at all of its targets, and some sequence more than one target.
pub(super) fn are_of_one_class_each<'p>(parts: impl Iterator<Item = &'p Part>) -> bool {
    let mut has_several = false;
    for part in parts {
        let Answers::Classes(numbers) = &part.targets else { return false };
        if part.place == Place::End {
            return false;
        }
        for (sequence, &(_, steps)) in part.sequences.iter().enumerate() {
            let mut classes = (0..steps).filter_map(|step| part.target(sequence, step)).map(|at| numbers.get(at));
            let Some(first) = classes.next() else { continue };
            for class in classes {
                if class != first {
                    return false;
                }
                has_several = true;
            }
        }
    }
    has_several
}

/// Whether targets are values that look like classes: rows of two or more, each of zeros and a single one.
pub(super) fn is_one_hot(part: &Part) -> bool {
    let Answers::Values(outputs, numbers) = &part.targets else { return false };
    let is_hot = |at: usize| {
        let mut ones = 0;
        (at * outputs..(at + 1) * outputs).all(|index| {
            let value = numbers.get(index);
            ones += u32::from(value == 1.0);
            value == 0.0 || value == 1.0
        }) && ones == 1
    };
    *outputs >= 2 && part.all_targets().all(is_hot)
}

/// What is said of sequences that come more than once with the same inputs and targets: in a split, and of other splits in the train split.
pub(super) fn repeated(splits: &[(Split, &Part)]) -> Vec<String> {
    let prints: Vec<(Split, Vec<u64>)> = splits.iter().map(|&(split, part)| (split, prints(part))).collect();
    let mut sentences = Vec::new();
    for (split, prints) in &prints {
        let different = prints.iter().collect::<HashSet<_>>().len();
        if different < prints.len() {
            let more = prints.len() - different;
            sentences.push(format!(
                "{more} of the {} sequences of {split} repeat others of it, inputs and targets alike",
                prints.len()
            ));
        }
    }
    if let Some(((_, train), others)) = prints.split_first() {
        let train: HashSet<&u64> = train.iter().collect();
        for (split, prints) in others {
            let known = prints.iter().filter(|print| train.contains(print)).count();
            if known > 0 {
                sentences.push(format!(
                    "{known} of the {} sequences of {split} are in train too, inputs and targets alike: the figures of {split} are then partly those of \
                     what was learned by heart",
                    prints.len()
                ));
            }
        }
    }
    sentences
}

/// A fingerprint of each sequence: of its inputs, of which steps have a target, and of the targets.
fn prints(part: &Part) -> Vec<u64> {
    let mut values = vec![0.0_f32; part.features];
    let mut print = |sequence: usize| {
        let (first, steps) = part.sequences[sequence];
        let mut hasher = DefaultHasher::new();
        for step in 0..steps {
            let start = (first + step) * part.features;
            part.inputs.copy(start..start + part.features, &mut values);
            values.iter().for_each(|value| hasher.write_u32(value.to_bits()));
            match (part.target(sequence, step), &part.targets) {
                (None, _) => hasher.write_u8(0),
                (Some(at), Answers::Classes(classes)) => hasher.write_u64(classes.get(at).to_bits()),
                (Some(at), Answers::Values(outputs, list)) => {
                    (at * outputs..(at + 1) * outputs).for_each(|index| hasher.write_u64(list.get(index).to_bits()));
                }
            }
        }
        hasher.finish()
    };
    (0..part.sequences.len()).map(&mut print).collect()
}
