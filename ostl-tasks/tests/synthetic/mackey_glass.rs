use ostl_tasks::{MackeyGlass, MackeyGlassConfig, Split, Task};

use crate::support::{all, check_chance, check_reproducible, nrmse, refuses, values};

fn task(config: MackeyGlassConfig) -> MackeyGlass {
    MackeyGlass::new(config).unwrap()
}

/// The series of one sequence, to a scale and a shift.
fn series(task: &MackeyGlass, split: Split, index: usize) -> Vec<f64> {
    let batch = task.batch(split, &[index]);
    (0..batch.steps()).map(|step| batch.input(0, step)[0].into()).collect()
}

/// The sequences of a seed are part of what a published run depends on: this test may never be adjusted to new code.
#[test]
fn the_sequences_of_a_seed_are_fixed() {
    let task = task(MackeyGlassConfig { length: 6, washout: 2, seed: 42, ..Default::default() });
    let first: Vec<f32> = series(&task, Split::Train, 0).into_iter().map(|value| value as f32).collect();
    assert_eq!(first, [-0.21281703, 0.016247071, 0.21751045, 0.38914487, 0.53065664, 0.64241594]);
}

/// The series follows the equation: an integration of another kind (Euler's, in much finer steps) that starts from what is shown goes where
/// the series goes. Scale and shift are found from the equation too, by a fit of dx/dt.
#[test]
fn the_future_is_the_equations() {
    let task = task(MackeyGlassConfig { length: 400, washout: 0, train: 64, ..Default::default() });
    // x = shift + scale · shown. The task says only that the train split's mean and deviation are 0 and 1, so look for both: a grid around
    // the values known for τ = 17 (0.93 and 0.23), refined.
    let shown = series(&task, Split::Train, 3);
    let error = |shift: f64, scale: f64| -> f64 {
        // dx/dt by the five-point rule against the equation's right side.
        (20..380)
            .map(|t| {
                let x = |t: usize| shift + scale * shown[t];
                let slope = (x(t - 2) - 8.0 * x(t - 1) + 8.0 * x(t + 1) - x(t + 2)) / 12.0;
                let delayed = x(t - 17);
                (slope - (0.2 * delayed / (1.0 + delayed.powi(10)) - 0.1 * x(t))).powi(2)
            })
            .sum::<f64>()
            / 360.0
    };
    let (mut shift, mut scale, mut reach) = (0.9, 0.25, 0.08);
    for _ in 0..12 {
        let near = |middle: f64| (-4..=4).map(move |i| middle + reach * f64::from(i) / 4.0);
        let tried = near(shift).flat_map(|shift| near(scale).map(move |scale| (shift, scale)));
        (shift, scale) = tried.min_by(|a, b| error(a.0, a.1).total_cmp(&error(b.0, b.1))).unwrap();
        reach /= 1.8;
    }
    assert!(error(shift, scale).sqrt() < 1e-3, "{shift} {scale} {}", error(shift, scale).sqrt());
    assert!((0.88..0.97).contains(&shift) && (0.2..0.26).contains(&scale), "{shift} {scale}");

    let parts = 1_000;
    for index in 0..3 {
        let shown: Vec<f64> = series(&task, Split::Train, index).iter().map(|value| shift + scale * value).collect();
        // The past between whole times by cubic interpolation, the future by Euler's rule in thousandths.
        let at = |time: usize, part: usize| -> f64 {
            let p = part as f64 / parts as f64;
            let [a, b, c, d] = [shown[time - 1], shown[time], shown[time + 1], shown[time + 2]];
            b + 0.5 * p * (c - a + p * (2.0 * a - 5.0 * b + 4.0 * c - d + p * (3.0 * (b - c) + d - a)))
        };
        let mut x = shown[30];
        for time in 30..45 {
            for part in 0..parts {
                let delayed = at(time - 17, part);
                x += (0.2 * delayed / (1.0 + delayed.powi(10)) - 0.1 * x) / parts as f64;
            }
            assert!((x - shown[time + 1]).abs() < 2e-3, "{index} {time} {x} {}", shown[time + 1]);
        }
    }
}

#[test]
fn targets_are_the_series_later_on() {
    for horizon in [1, 6, 84] {
        let task = task(MackeyGlassConfig { horizon, length: 200, washout: 30, ..Default::default() });
        let batch = all(&task, Split::Test);
        assert_eq!(batch.target_count(), 16 * 170);
        // The solver that has seen the future: the same sequences, longer.
        let longer = self::task(MackeyGlassConfig { horizon, length: 200 + horizon, washout: 30, ..Default::default() });
        let future: Vec<_> = (0..16).map(|index| series(&longer, Split::Test, index)).collect();
        let (error, _) = nrmse(&batch, |stream, step| vec![future[stream][step + horizon]]);
        // The scale is that of the train split, to which the longer sequences have a little more.
        assert!(error < 0.02, "{error}");
        let steps = 0..200 - horizon;
        for step in steps.filter(|step| *step >= 30) {
            assert_eq!(values(&batch, 0, step), Some(batch.input(0, step + horizon)));
        }
        assert!((0..30).all(|step| values(&batch, 0, step).is_none()));
    }
}

#[test]
fn the_goal_takes_memory() {
    // The best line through the present value, and the last value itself, are far from the goal.
    let task = task(MackeyGlassConfig::default());
    let batch = all(&task, Split::Test);
    let (mut xx, mut xy) = (0.0, 0.0);
    for stream in 0..batch.streams() {
        for step in 50..batch.steps() {
            let (now, later) =
                (f64::from(batch.input(stream, step)[0]), f64::from(values(&batch, stream, step).unwrap()[0]));
            xx += now * now;
            xy += now * later;
        }
    }
    let (line, _) = nrmse(&batch, |stream, step| vec![xy / xx * f64::from(batch.input(stream, step)[0])]);
    let goal = task.goal().unwrap();
    assert!(line > 5.0 * goal.reach, "{line}");
    assert_eq!(goal.best, Some(0.0));
}

#[test]
fn chance_is_the_mean_square_and_scale_that_of_the_train_split() {
    let task = task(MackeyGlassConfig { train: 70, test: 70, ..Default::default() });
    let batch = task.batch(Split::Test, &(0..64).collect::<Vec<_>>());
    check_chance(&task, &batch, &[0.0], 1e-9);
    let chance = task.chance().unwrap();
    assert!((0.8..1.2).contains(&chance), "{chance}");
    let train: Vec<f64> = (0..64).flat_map(|index| series(&task, Split::Train, index)).collect();
    let mean = train.iter().sum::<f64>() / train.len() as f64;
    let variance = train.iter().map(|value| value * value).sum::<f64>() / train.len() as f64;
    assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.01, "{mean} {variance}");
    assert!(train.iter().all(|value| value.abs() < 4.0));
}

#[test]
fn sequences_are_reproducible_and_settings_checked() {
    let seed = |seed| task(MackeyGlassConfig { length: 60, seed, ..Default::default() });
    check_reproducible(&seed(1), &seed(2));
    refuses!(MackeyGlass, MackeyGlassConfig, counts);
    refuses!(MackeyGlass, MackeyGlassConfig,
        tau = 0 => tau "0", tau = 1_001 => tau "1001", horizon = 0 => horizon "0", horizon = 10_001 => horizon "10001",
        length = 0 => length "0", length = 100_001 => length "100001", washout = 300 => washout "300", length = 50 => washout "50");
}
