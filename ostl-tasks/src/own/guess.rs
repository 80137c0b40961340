//! What one achieves who never looks at the inputs.

use std::collections::BTreeMap;

use ostl_core::{Loss, Target};

use super::part::{Answers, Part};
use crate::numpy::Numbers;

/// Mean loss at a target of `asked` of the best guesser who knows the targets of `known`; for classes also how often the most frequent one
/// is right.
pub(super) fn chance(known: &Part, asked: &Part, loss: Loss, outputs: usize) -> (Option<f64>, Option<f64>) {
    match (&known.targets, &asked.targets) {
        (Answers::Values(_, known_values), Answers::Values(_, asked_values)) => {
            let guess = guess(known, known_values, loss, outputs);
            let (mut signal, mut target) = (vec![0.0; outputs], vec![0.0_f32; outputs]);
            let (mut sum, mut targets) = (0.0, 0.0);
            for at in asked.all_targets() {
                asked_values.copy(at * outputs..(at + 1) * outputs, &mut target);
                let target: Vec<f64> = target.iter().map(|&value| value.into()).collect();
                sum += loss.evaluate(&guess, Target::Values(&target), &mut signal);
                targets += 1.0;
            }
            (Some(sum / targets), None)
        }
        (Answers::Classes(known_classes), Answers::Classes(asked_classes)) => {
            let (known, asked) = (counts(known, known_classes), counts(asked, asked_classes));
            let total = |counts: &BTreeMap<usize, u64>| counts.values().sum::<u64>() as f64;
            let count = |counts: &BTreeMap<usize, u64>, class| counts.get(&class).copied().unwrap_or(0) as f64;
            // Each class counts once more than it is there (Laplace's rule of succession).
            let all = total(&known) + outputs as f64;
            let loss: f64 =
                asked.iter().map(|(&class, &times)| times as f64 * (all / (count(&known, class) + 1.0)).ln()).sum();
            let most = known.iter().rev().max_by_key(|&(_, &times)| times).map_or(0, |(&class, _)| class);
            (Some(loss / total(&asked)), Some(count(&asked, most) / total(&asked)))
        }
        // Splits are of one kind.
        _ => (None, None),
    }
}

/// How often each class is a target.
fn counts(part: &Part, classes: &Numbers) -> BTreeMap<usize, u64> {
    let mut counts = BTreeMap::new();
    part.all_targets().for_each(|at| *counts.entry(classes.get(at) as usize).or_insert(0) += 1);
    counts
}

/// The outputs that always say the same: the mean, or for the binary cross-entropy its log odds, with a one and a zero more.
fn guess(part: &Part, values: &Numbers, loss: Loss, outputs: usize) -> Vec<f64> {
    let mut sums = vec![0.0; outputs];
    let mut targets = 0.0;
    for at in part.all_targets() {
        sums.iter_mut().enumerate().for_each(|(output, sum)| *sum += values.get(at * outputs + output));
        targets += 1.0;
    }
    let guess = |sum: f64| match loss {
        Loss::BinaryCrossEntropy => ((sum + 1.0) / (targets - sum + 1.0)).ln(),
        _ => sum / targets,
    };
    sums.into_iter().map(guess).collect()
}
