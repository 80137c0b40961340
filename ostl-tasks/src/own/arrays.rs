//! Arrays of NumPy → a split.

use std::path::Path;

use super::config::{MOST, OwnConfig};
use super::npy::{Array, Named};
use super::npz::Arrays;
use super::part::{Answers, Part, Place, There};
use crate::error::DatasetError;

/// Makes a split of the arrays of a file (or folder).
pub(super) fn part(mut arrays: Arrays, path: &Path, config: &OwnConfig) -> Result<Part, DatasetError> {
    let named = |name| Named { path, name };
    let missing = |name| named(name).broken("missing, expected the arrays `inputs` and `targets`: save it too");
    let inputs = arrays.remove("inputs").ok_or_else(|| missing("inputs"))?;
    let targets = arrays.remove("targets").ok_or_else(|| missing("targets"))?;
    let &[count, steps, features] = &inputs.shape[..] else {
        let problem = format!(
            "the shape {:?}, expected [sequences, steps, features]: add the missing axis with reshape",
            inputs.shape
        );
        return Err(named("inputs").broken(problem));
    };
    if count == 0 || steps == 0 || features == 0 || features > MOST {
        let problem = format!(
            "the shape {:?}, expected at least one sequence, step and feature, and {MOST} features at most",
            inputs.shape
        );
        return Err(named("inputs").broken(problem));
    }
    let lengths = match arrays.remove("lengths") {
        Some(lengths) => self::lengths(&lengths, count, steps, named("lengths"))?,
        None => vec![steps; count],
    };
    let sequences = lengths.into_iter().enumerate().map(|(sequence, length)| (sequence * steps, length)).collect();
    let (targets, place) = answers(targets, count, steps, config, named("targets"))?;
    let there = match arrays.remove("mask") {
        Some(mask) => There::Masked(self::mask(&mask, count, steps, place, named("mask"))?),
        None => There::Everywhere,
    };
    let part = Part { features, inputs: inputs.numbers, sequences, targets, place, there };
    check_classes(&part, named("targets"))?;
    Ok(part)
}

/// Steps of every sequence.
fn lengths(array: &Array, count: usize, steps: usize, named: Named<'_>) -> Result<Vec<usize>, DatasetError> {
    if array.shape != [count] || !array.numbers.are_whole() {
        let problem =
            format!("the shape {:?}, expected [{count}], a whole number for each sequence of `inputs`", array.shape);
        return Err(named.broken(problem));
    }
    let length = |sequence| {
        let length = array.numbers.get(sequence);
        if length >= 1.0 && length <= steps as f64 {
            return Ok(length as usize);
        }
        let problem =
            format!("{length} steps for sequence {sequence} (counted from 0), expected 1 to {steps}, the steps of `inputs`");
        Err(named.broken(problem))
    };
    (0..count).map(length).collect()
}

/// What kind of targets an array holds, and where they lie.
fn answers(
    array: Array,
    count: usize,
    steps: usize,
    config: &OwnConfig,
    named: Named<'_>,
) -> Result<(Answers, Place), DatasetError> {
    let Array { shape, numbers } = array;
    let classes = numbers.are_whole() && config.classes_allowed();
    match (&shape[..], classes) {
        (&[n], true) if n == count => Ok((Answers::Classes(numbers), Place::End)),
        (&[n, t], true) if (n, t) == (count, steps) => Ok((Answers::Classes(numbers), Place::EachStep)),
        (&[n, outputs], false) if n == count && (1..=MOST).contains(&outputs) => {
            Ok((Answers::Values(outputs, numbers), Place::End))
        }
        (&[n, t, outputs], false) if (n, t) == (count, steps) && (1..=MOST).contains(&outputs) => {
            Ok((Answers::Values(outputs, numbers), Place::EachStep))
        }
        _ => {
            let expected = if classes {
                format!(
                    "[{count}] or [{count}, {steps}] for whole numbers, which are classes (save values to predict as floats)"
                )
            } else {
                format!("[{count}, outputs] or [{count}, {steps}, outputs] for values (save classes as whole numbers)")
            };
            Err(named.broken(format!("the shape {shape:?}, expected {expected}")))
        }
    }
}

/// Which steps have a target.
fn mask(array: &Array, count: usize, steps: usize, place: Place, named: Named<'_>) -> Result<Vec<bool>, DatasetError> {
    if place == Place::End {
        return Err(named.broken("there, though every sequence has one target, at its end: leave it out"));
    }
    if array.shape != [count, steps] {
        let problem = format!("the shape {:?}, expected [{count}, {steps}], as in `inputs`", array.shape);
        return Err(named.broken(problem));
    }
    let truth = |index| match array.numbers.get(index) {
        0.0 => Ok(false),
        1.0 => Ok(true),
        other => {
            let (sequence, step) = (index / steps, index % steps);
            let problem = format!(
                "{other} at sequence {sequence}, step {step} (counted from 0), expected 0 (no target) or 1 (a target)"
            );
            Err(named.broken(problem))
        }
    };
    (0..array.numbers.len()).map(truth).collect()
}

/// Classes that are targets are whole numbers from 0 and not beyond all reason. Padding may be anything.
fn check_classes(part: &Part, named: Named<'_>) -> Result<(), DatasetError> {
    let Answers::Classes(numbers) = &part.targets else { return Ok(()) };
    match part.all_targets().find(|&at| !(0.0..MOST as f64).contains(&numbers.get(at))) {
        None => Ok(()),
        Some(at) => Err(named.broken(format!(
            "class {} as number {at} of the array (counted from 0), expected 0 to {}: number the classes from 0, and leave steps without \
             a target out with `mask`",
            numbers.get(at),
            MOST - 1
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::Numbers;
    use super::*;

    fn array(shape: &[usize], numbers: Numbers) -> Array {
        Array { shape: shape.to_vec(), numbers }
    }

    fn of(arrays: Vec<(&'static str, Array)>, config: &OwnConfig) -> Result<Part, String> {
        part(arrays.into_iter().collect(), Path::new("x.npz"), config).map_err(|error| error.to_string())
    }

    #[test]
    fn kinds_by_type_and_shape() {
        let inputs = || ("inputs", array(&[2, 3, 1], Numbers::U8(vec![0; 6])));
        let kind = |shape: &[usize], numbers, config: &OwnConfig| {
            of(vec![inputs(), ("targets", array(shape, numbers))], config).map(|part| (part.outputs(), part.place))
        };
        let inferred = OwnConfig::default();
        let values = OwnConfig { loss: Some(ostl_core::Loss::BinaryCrossEntropy), classes: None };
        assert_eq!(kind(&[2], Numbers::I32(vec![0; 2]), &inferred), Ok((None, Place::End)));
        assert_eq!(kind(&[2, 3], Numbers::U8(vec![0; 6]), &inferred), Ok((None, Place::EachStep)));
        assert_eq!(kind(&[2, 3], Numbers::U8(vec![0; 6]), &values), Ok((Some(3), Place::End)));
        assert_eq!(kind(&[2, 3], Numbers::F32(vec![0.0; 6]), &inferred), Ok((Some(3), Place::End)));
        assert_eq!(kind(&[2, 3, 4], Numbers::F32(vec![0.0; 24]), &inferred), Ok((Some(4), Place::EachStep)));
        for (shape, numbers, words) in [
            (&[2, 3, 1][..], Numbers::U8(vec![0; 6]), "save values to predict as floats"),
            (&[2], Numbers::F32(vec![0.0; 2]), "save classes as whole numbers"),
            (&[3], Numbers::U8(vec![0; 3]), "expected [2] or [2, 3]"),
            (&[2], Numbers::I32(vec![0, -1]), "class -1 as number 1"),
            (&[2], Numbers::I32(vec![0, 1 << 20]), "expected 0 to 1048575"),
        ] {
            let error = kind(shape, numbers, &inferred).unwrap_err();
            assert!(error.contains(words) && error.contains("x.npz: in `targets`"), "{error}");
        }
    }

    #[test]
    fn lengths_and_masks() {
        let with = |name, array_of: Array| {
            let inputs = ("inputs", array(&[2, 3, 1], Numbers::U8(vec![0; 6])));
            let targets = ("targets", array(&[2, 3], Numbers::I8(vec![1, 2, -1, 3, -100, 4])));
            of(vec![inputs, targets, (name, array_of)], &OwnConfig::default())
        };
        let part = with("mask", array(&[2, 3], Numbers::U8(vec![1, 1, 0, 1, 0, 1]))).unwrap();
        assert_eq!(part.all_targets().collect::<Vec<_>>(), [0, 1, 3, 5]);
        let lengths = |list| array(&[2], Numbers::U8(list));
        // The padding of a sequence may be anything; what is within its length may not.
        assert!(with("lengths", lengths(vec![2, 2])).unwrap_err().contains("class -100 as number 4"));
        let part = with("lengths", lengths(vec![2, 1])).unwrap();
        assert_eq!(part.all_targets().collect::<Vec<_>>(), [0, 1, 3]);
        assert!(with("lengths", lengths(vec![2, 4])).unwrap_err().contains("4 steps for sequence 1"));
        assert!(with("lengths", lengths(vec![0, 3])).unwrap_err().contains("0 steps for sequence 0"));
        assert!(with("mask", array(&[2, 3], Numbers::U8(vec![2; 6]))).unwrap_err().contains("2 at sequence 0, step 0"));
        assert!(with("mask", array(&[6], Numbers::U8(vec![1; 6]))).unwrap_err().contains("expected [2, 3]"));
    }
}
