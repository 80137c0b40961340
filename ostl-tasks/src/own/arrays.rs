//! Arrays of NumPy → a split.

use std::path::Path;

use ostl_core::Loss;

use super::config::{MOST, OwnConfig};
use super::npz::Arrays;
use super::part::{Answers, Part, Place, There};
use crate::error::DatasetError;
use crate::numpy::{Array, Named};

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
    let is_clipped = [inputs.is_clipped, targets.is_clipped];
    let lengths = match arrays.remove("lengths") {
        Some(lengths) => self::lengths(&lengths, count, steps, named("lengths"))?,
        None => vec![steps; count],
    };
    let sequences: Vec<_> = lengths.into_iter().enumerate().map(|(sequence, length)| (sequence * steps, length)).collect();
    let (targets, place) = answers(targets, count, steps, config, named("targets"))?;
    let there = match arrays.remove("mask") {
        Some(mask) => There::Masked(self::mask(&mask, &sequences, [count, steps], place, named("mask"))?),
        None => There::Everywhere,
    };
    let part = Part { features, inputs: inputs.numbers, sequences, targets, place, there };
    check_inputs(&part, steps, is_clipped[0], named("inputs"))?;
    check_targets(&part, steps, is_clipped[1], named("targets"))?;
    Ok(part)
}

/// Steps of every sequence.
fn lengths(array: &Array, count: usize, steps: usize, named: Named<'_>) -> Result<Vec<usize>, DatasetError> {
    if array.shape != [count] {
        let problem =
            format!("the shape {:?}, expected [{count}], a whole number for each sequence of `inputs`", array.shape);
        return Err(named.broken(problem));
    }
    let length = |sequence| {
        let length = array.numbers.get(sequence);
        if length >= 1.0 && length <= steps as f64 && length.fract() == 0.0 {
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
    let Array { shape, numbers, .. } = array;
    // Floats of the shape of classes are classes that a table held as 2.0; of two axes they may be values, unless the loss says that they are not.
    let is_said = config.loss == Some(Loss::SoftmaxCrossEntropy) && shape.len() == 2;
    let classes = config.classes_allowed() && (numbers.are_whole() || shape.len() == 1 || is_said);
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
                let column = if shape == [count, 1] { "; reshape(-1) makes classes of a column" } else { "" };
                format!(
                    "[{count}] or [{count}, {steps}] for whole numbers, which are classes (save values to predict as floats){column}"
                )
            } else {
                format!("[{count}, outputs] or [{count}, {steps}, outputs] for values (save classes as whole numbers)")
            };
            Err(named.broken(format!("the shape {shape:?}, expected {expected}")))
        }
    }
}

/// Which steps have a target. What lies beyond a sequence's end may be anything.
fn mask(
    array: &Array,
    sequences: &[(usize, usize)],
    [count, steps]: [usize; 2],
    place: Place,
    named: Named<'_>,
) -> Result<Vec<bool>, DatasetError> {
    if place == Place::End {
        return Err(named.broken("there, though every sequence has one target, at its end: leave it out"));
    }
    if array.shape != [count, steps] {
        let problem = format!("the shape {:?}, expected [{count}, {steps}], as in `inputs`", array.shape);
        return Err(named.broken(problem));
    }
    let truth = |index: usize| match array.numbers.get(index) {
        _ if index % steps >= sequences[index / steps].1 => Ok(false),
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

/// Why a number cannot be used.
fn not_usable(number: f64, is_clipped: bool) -> String {
    if number.abs() == f64::from(f32::MAX) && is_clipped {
        return "a number beyond single precision, expected one within ±3.4e38: scale the values".into();
    }
    if is_clipped {
        return "a whole number outside −2³¹ … 2³¹ − 1, expected one within: save the array as floats".into();
    }
    format!("{number}, and every number must be finite (in single precision, at most 3.4e38): remove or replace it")
}

/// Inputs are finite, all of those that are ever read: padding may be anything.
fn check_inputs(part: &Part, steps: usize, is_clipped: bool, named: Named<'_>) -> Result<(), DatasetError> {
    for &(first, length) in &part.sequences {
        let range = first * part.features..(first + length) * part.features;
        let clipped = if is_clipped { part.inputs.first_extreme(range.clone()) } else { None };
        if let Some(at) = part.inputs.first_not_finite(range).or(clipped) {
            let (step, feature) = (at / part.features, at % part.features);
            let (sequence, step) = (step / steps, step % steps);
            let problem = not_usable(part.inputs.get(at), clipped == Some(at));
            let advice = match part.place {
                Place::EachStep if matches!(part.there, There::Masked(_)) => " (`mask` leaves out targets, not inputs)",
                _ => "",
            };
            return Err(named.broken(format!(
                "sequence {sequence}, step {step}, feature {feature} (counted from 0): {problem}{advice}"
            )));
        }
    }
    Ok(())
}

/// Targets are finite, and classes whole numbers from 0 and not beyond all reason. Where there is no target may be anything.
fn check_targets(part: &Part, steps: usize, is_clipped: bool, named: Named<'_>) -> Result<(), DatasetError> {
    let place = |at: usize| match part.place {
        Place::End => format!("sequence {at}"),
        Place::EachStep => format!("sequence {}, step {}", at / steps, at % steps),
    };
    match &part.targets {
        Answers::Values(outputs, numbers) => {
            for at in part.all_targets() {
                let range = at * outputs..(at + 1) * outputs;
                let clipped = if is_clipped { numbers.first_extreme(range.clone()) } else { None };
                if let Some(index) = numbers.first_not_finite(range.clone()).or(clipped) {
                    let problem = not_usable(numbers.get(index), clipped == Some(index));
                    let output = index - range.start;
                    return Err(named.broken(format!("{}, output {output} (counted from 0): {problem}", place(at))));
                }
            }
            Ok(())
        }
        Answers::Classes(numbers) => {
            let is_class = |number: f64| (0.0..MOST as f64).contains(&number) && number.fract() == 0.0;
            let Some(at) = part.all_targets().find(|&at| !is_class(numbers.get(at))) else { return Ok(()) };
            let class = numbers.get(at);
            let shown = if class.abs() < 1e15 { class.to_string() } else { format!("{class:.1e}") };
            let advice = if class.fract() == 0.0 {
                "number the classes from 0, and leave steps without a target out with `mask`"
            } else if class.is_nan() {
                "leave out what has no target, or give it its class"
            } else {
                "values to predict have one more axis, as targets[..., None] adds it"
            };
            let problem = format!(
                "class {shown} (sequences and steps counted from 0), expected a whole number from 0 to {}: {advice}",
                MOST - 1
            );
            Err(named.broken(format!("{}: {problem}", place(at))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numpy::Numbers;

    fn array(shape: &[usize], numbers: Numbers) -> Array {
        Array { shape: shape.to_vec(), numbers, is_clipped: false }
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
        let said = OwnConfig { loss: Some(Loss::SoftmaxCrossEntropy), classes: None };
        assert_eq!(kind(&[2, 3], Numbers::F32(vec![0.0; 6]), &said), Ok((None, Place::EachStep)));
        assert_eq!(kind(&[2], Numbers::F32(vec![0.0, 2.0]), &inferred), Ok((None, Place::End)));
        assert_eq!(kind(&[2, 3, 4], Numbers::F32(vec![0.0; 24]), &inferred), Ok((Some(4), Place::EachStep)));
        for (shape, numbers, words) in [
            (&[2, 3, 1][..], Numbers::U8(vec![0; 6]), "save values to predict as floats"),
            (&[2], Numbers::F32(vec![0.0, 1.5]), "sequence 1: class 1.5"),
            (&[2], Numbers::F32(vec![f32::NAN, 1.0]), "sequence 0: class NaN"),
            (&[2, 1], Numbers::U8(vec![0; 2]), "reshape(-1)"),
            (&[3], Numbers::U8(vec![0; 3]), "expected [2] or [2, 3]"),
            (&[2], Numbers::I32(vec![0, -1]), "sequence 1: class -1 "),
            (&[2], Numbers::I32(vec![0, 1 << 20]), "from 0 to 1048575"),
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
        assert!(with("lengths", lengths(vec![2, 2])).unwrap_err().contains("sequence 1, step 1: class -100 "));
        let part = with("lengths", lengths(vec![2, 1])).unwrap();
        assert_eq!(part.all_targets().collect::<Vec<_>>(), [0, 1, 3]);
        assert!(with("lengths", lengths(vec![2, 4])).unwrap_err().contains("4 steps for sequence 1"));
        assert!(with("lengths", lengths(vec![0, 3])).unwrap_err().contains("0 steps for sequence 0"));
        assert!(with("mask", array(&[2, 3], Numbers::U8(vec![2; 6]))).unwrap_err().contains("2 at sequence 0, step 0"));
        assert!(with("mask", array(&[6], Numbers::U8(vec![1; 6]))).unwrap_err().contains("expected [2, 3]"));
    }
}
