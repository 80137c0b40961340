//! What the tests of several generators need.

use ostl_core::{ConfigError, Loss, SequenceBatch, Target};
use ostl_tasks::{Split, Task};

/// All sequences of a split as one batch.
pub(crate) fn all(task: &dyn Task, split: Split) -> SequenceBatch<f32> {
    task.batch(split, &(0..task.sequences(split)).collect::<Vec<_>>())
}

/// The class that is asked for at a step.
#[track_caller]
pub(crate) fn class(batch: &SequenceBatch<f32>, stream: usize, step: usize) -> Option<usize> {
    match batch.target(stream, step)? {
        Target::Class(class) => Some(class),
        Target::Values(_) => panic!("values"),
    }
}

/// The values that are asked for at a step.
#[track_caller]
pub(crate) fn values(batch: &SequenceBatch<f32>, stream: usize, step: usize) -> Option<&[f32]> {
    match batch.target(stream, step)? {
        Target::Class(_) => panic!("a class"),
        Target::Values(values) => Some(values),
    }
}

/// Which single input is one at each step of a stream; the others must be zero.
#[track_caller]
pub(crate) fn hot(batch: &SequenceBatch<f32>, stream: usize) -> Vec<usize> {
    (0..batch.lengths()[stream])
        .map(|step| {
            let input = batch.input(stream, step);
            assert_eq!(input.iter().filter(|&&value| value != 0.0).count(), 1, "{input:?}");
            input.iter().position(|&value| value == 1.0).unwrap()
        })
        .collect()
}

/// Mean loss at a target, and fraction of right classes, of one who answers with logits.
///
/// `answer` is given the inputs of a stream up to a step, and no targets.
pub(crate) fn score(
    task: &dyn Task,
    batch: &SequenceBatch<f32>,
    mut answer: impl FnMut(&[Vec<f32>]) -> Vec<f64>,
) -> (f64, f64) {
    let (mut loss, mut right, mut count) = (0.0, 0, 0);
    let mut signal = vec![0.0; task.outputs()];
    for stream in 0..batch.streams() {
        let inputs: Vec<Vec<f32>> = (0..batch.lengths()[stream]).map(|step| batch.input_values(stream, step)).collect();
        for step in 0..inputs.len() {
            let Some(target) = batch.target(stream, step) else { continue };
            let logits = answer(&inputs[..=step]);
            let wide: Vec<f64>;
            let target = match target {
                Target::Class(class) => {
                    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
                    right += usize::from(best == class);
                    Target::Class(class)
                }
                Target::Values(values) => {
                    wide = values.iter().map(|&value| value.into()).collect();
                    Target::Values(&wide[..])
                }
            };
            loss += task.loss().evaluate(&logits, target, &mut signal);
            count += 1;
        }
    }
    (loss / count as f64, right as f64 / count as f64)
}

/// Logits of one who is sure of a class.
pub(crate) fn sure(class: usize, of: usize) -> Vec<f64> {
    (0..of).map(|other| if other == class { 50.0 } else { 0.0 }).collect()
}

/// Checks what `chance` and `chance_accuracy` say against one who always gives the same answer.
#[track_caller]
pub(crate) fn check_chance(task: &dyn Task, batch: &SequenceBatch<f32>, answer: &[f64], tolerance: f64) {
    let (loss, right) = score(task, batch, |_| answer.to_vec());
    let chance = task.chance().unwrap();
    assert!((loss - chance).abs() <= tolerance, "{chance} {loss}");
    assert_eq!(task.chance_accuracy().is_some(), task.loss() == Loss::SoftmaxCrossEntropy);
    if let Some(accuracy) = task.chance_accuracy() {
        assert!((accuracy - right).abs() < 0.05, "{accuracy} {right}");
    }
}

/// The field, the value and the allowed range that an error names.
#[track_caller]
pub(crate) fn refused<T>(opened: Result<T, ConfigError>, field: &str, value: &str) {
    let error = opened.err().unwrap_or_else(|| panic!("{field} = {value} was accepted"));
    let ConfigError::OutOfRange { field: named, value: given, allowed } = &error else { panic!("{error}") };
    assert_eq!((named.as_str(), given.as_str()), (field, value), "{error}");
    assert!(!allowed.is_empty() && error.to_string().contains("must be"), "{error}");
}

/// Refuses a change to the default settings, and says which: `refuses!(Config, Task, field = value)`.
macro_rules! refuses {
    ($task:ident, $config:ident, $($field:ident = $value:expr => $named:ident $shown:expr),+ $(,)?) => {$(
        crate::support::refused(
            ostl_tasks::$task::new(ostl_tasks::$config { $field: $value, ..Default::default() }),
            stringify!($named),
            $shown,
        );
    )+};
    ($task:ident, $config:ident, counts) => {
        refuses!($task, $config,
            train = 0 => train "0", valid = 0 => valid "0", test = 0 => test "0",
            train = 10_000_001 => train "10000001", valid = usize::MAX => valid "18446744073709551615",
            test = 10_000_001 => test "10000001");
    };
}
pub(crate) use refuses;

/// What must hold of any task: the same sequence whenever and wherever it is asked for, and another for another split, index or seed.
#[track_caller]
pub(crate) fn check_reproducible(task: &dyn Task, other_seed: &dyn Task) {
    let first = task.batch(Split::Train, &[0]);
    assert_eq!(first, task.batch(Split::Train, &[0]));
    let pair = task.batch(Split::Train, &[1, 0]);
    for step in 0..first.steps() {
        assert_eq!(pair.input_values(1, step), first.input_values(0, step));
        assert_eq!(pair.target(1, step), first.target(0, step));
    }
    assert_eq!(first.lengths(), [task.steps(Split::Train, 0)]);
    for other in [
        task.batch(Split::Train, &[1]),
        task.batch(Split::Valid, &[0]),
        task.batch(Split::Test, &[0]),
        other_seed.batch(Split::Train, &[0]),
    ] {
        assert_ne!(first, other);
    }
    // A stream that held a sequence of the same length holds nothing of it after another was written.
    if !task.is_sparse() {
        let alike = (1..task.sequences(Split::Train)).find(|&i| task.steps(Split::Train, i) == first.steps()).unwrap();
        let mut used = task.batch(Split::Train, &[alike]);
        task.write(Split::Train, 0, &mut used, 0);
        assert_eq!(used, first);
    }
}

/// Squared error divided by the targets' variance, rooted, of one who answers with values; and the targets' mean square.
pub(crate) fn nrmse(batch: &SequenceBatch<f32>, mut answer: impl FnMut(usize, usize) -> Vec<f64>) -> (f64, f64) {
    let (mut error, mut count) = (0.0, 0.0);
    let mut sums = vec![(0.0, 0.0); batch.outputs()];
    for stream in 0..batch.streams() {
        for step in 0..batch.lengths()[stream] {
            let Some(target) = values(batch, stream, step) else { continue };
            count += 1.0;
            for ((answer, &target), sums) in answer(stream, step).into_iter().zip(target).zip(&mut sums) {
                let target = f64::from(target);
                error += (answer - target) * (answer - target);
                sums.0 += target;
                sums.1 += target * target;
            }
        }
    }
    let variance: f64 = sums.iter().map(|(sum, square)| square / count - (sum / count) * (sum / count)).sum();
    let square: f64 = sums.iter().map(|(_, square)| square / count).sum::<f64>() / sums.len() as f64;
    ((error / count / variance).sqrt(), square)
}
