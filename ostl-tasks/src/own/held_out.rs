//! A valid split for data that come without one: a part of the train split.

use std::collections::BTreeMap;

use super::part::{Answers, Part, There};
use crate::numpy::Numbers;

/// One in this many sequences is held out.
const ONE_IN: usize = 5;

/// The rest of a split, and what is held out of it: of each class every fifth sequence, in the order of the file, or the last where there are two
/// to four; of values every fifth, or the last. Nothing is held out of a class of one sequence. For splits with a target at the end of each sequence.
pub(super) fn hold_out(part: &Part) -> (Part, Part) {
    let groups = groups(part);
    let mut is_held = vec![false; part.sequences.len()];
    for group in groups.values() {
        let held = |place: usize| match group.len() {
            1 => false,
            2..ONE_IN => place + 1 == group.len(),
            _ => (place + 1).is_multiple_of(ONE_IN),
        };
        group.iter().enumerate().for_each(|(place, &sequence)| is_held[sequence] = held(place));
    }
    let those = |held: bool| -> Vec<usize> { (0..is_held.len()).filter(|&sequence| is_held[sequence] == held).collect() };
    (subset(part, &those(false)), subset(part, &those(true)))
}

/// Which sequences of a split are held out, in words.
pub(super) fn which(part: &Part) -> String {
    let groups = groups(part);
    let lengths = || groups.values().map(Vec::len).filter(|&length| length > 1);
    let (least, most) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
    match (&part.targets, least < ONE_IN, most < ONE_IN) {
        (Answers::Values(..), true, _) => "the last".to_owned(),
        (Answers::Values(..), false, _) => format!("every {ONE_IN}th"),
        (Answers::Classes(_), true, true) => "the last of each class".to_owned(),
        (Answers::Classes(_), true, false) => format!("every {ONE_IN}th of each class, or its last where it has fewer"),
        (Answers::Classes(_), false, _) => format!("every {ONE_IN}th of each class"),
    }
}

/// The sequences of each class; of values all.
fn groups(part: &Part) -> BTreeMap<i64, Vec<usize>> {
    let mut groups: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for sequence in 0..part.sequences.len() {
        let group = match &part.targets {
            Answers::Classes(classes) => classes.get(sequence) as i64,
            Answers::Values(..) => 0,
        };
        groups.entry(group).or_default().push(sequence);
    }
    groups
}

/// Some sequences of a split.
fn subset(part: &Part, chosen: &[usize]) -> Part {
    let mut inputs = Vec::new();
    let mut sequences = Vec::with_capacity(chosen.len());
    let mut first = 0;
    for &sequence in chosen {
        let (start, steps) = part.sequences[sequence];
        let from = inputs.len();
        inputs.resize(from + steps * part.features, 0.0);
        part.inputs.copy(start * part.features..(start + steps) * part.features, &mut inputs[from..]);
        sequences.push((first, steps));
        first += steps;
    }
    let targets = match &part.targets {
        Answers::Classes(classes) => {
            Answers::Classes(Numbers::I32(chosen.iter().map(|&sequence| classes.get(sequence) as i32).collect()))
        }
        Answers::Values(outputs, values) => {
            let mut list = vec![0.0; chosen.len() * outputs];
            for (to, &sequence) in list.chunks_exact_mut(*outputs).zip(chosen) {
                values.copy(sequence * outputs..(sequence + 1) * outputs, to);
            }
            Answers::Values(*outputs, Numbers::F32(list))
        }
    };
    Part {
        features: part.features,
        inputs: Numbers::F32(inputs),
        sequences,
        targets,
        place: part.place,
        there: There::Everywhere,
    }
}
