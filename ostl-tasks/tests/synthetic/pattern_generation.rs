use std::f64::consts::TAU;

use ostl_tasks::{PatternGeneration, PatternGenerationConfig, PatternInput, Split, Task};

use crate::support::{all, check_chance, nrmse, refuses, values};

fn task(config: PatternGenerationConfig) -> PatternGeneration {
    PatternGeneration::new(config).unwrap()
}

/// The outputs of one sequence, a list each.
fn curves(task: &PatternGeneration) -> Vec<Vec<f64>> {
    let batch = task.batch(Split::Train, &[0]);
    (0..task.outputs())
        .map(|output| (0..batch.steps()).map(|step| values(&batch, 0, step).unwrap()[output].into()).collect())
        .collect()
}

/// The sequences of a seed are part of what a published run depends on: this test may never be adjusted to new code.
#[test]
fn the_sequences_of_a_seed_are_fixed() {
    let small =
        PatternGenerationConfig { step: 100, rate: 10.0, neurons: 4, groups: 2, outputs: 2, seed: 42, ..Default::default() };
    let spikes = |input, rate| -> Vec<Vec<u32>> {
        let batch = task(PatternGenerationConfig { input, rate, ..small.clone() }).batch(Split::Train, &[0]);
        (0..batch.steps()).map(|step| batch.events(0, step).0.to_vec()).collect()
    };
    let clock = spikes(PatternInput::Clock, 5.0);
    let turn = |neurons: [u32; 2]| [vec![], neurons.to_vec()];
    assert_eq!(clock, [turn([0, 1]), turn([0, 1]), [vec![], vec![2, 3]], turn([2, 3]), turn([2, 3])].concat());
    let frozen: [&[u32]; 10] = [&[1, 2], &[2], &[0, 1, 2], &[1], &[0, 1, 2], &[0, 2], &[0, 2], &[0, 1], &[0, 2], &[0, 1, 2]];
    assert_eq!(spikes(PatternInput::Frozen, 4.0), frozen.map(<[u32]>::to_vec));
    let first: Vec<f32> = curves(&task(small))[0].iter().map(|&value| value as f32).collect();
    assert_eq!(
        first,
        [
            -0.36219862,
            -0.10309057,
            1.5381795,
            1.178255,
            0.16074051,
            -0.50744367,
            1.1216516,
            -0.039031874,
            -1.2702919,
            -1.71677
        ]
    );
}

/// A sum of sines, fitted by the scalar products with sines and cosines over whole periods, which are orthogonal.
#[test]
fn each_curve_is_four_sines_and_nothing_else() {
    for (duration, seed) in [(1_000, 1), (2_000, 2), (1_000, 3)] {
        let task = task(PatternGenerationConfig { duration, outputs: 2, seed, ..Default::default() });
        let mut amplitudes = Vec::new();
        for curve in curves(&task) {
            let mut rest = curve.clone();
            for frequency in [1.0, 2.0, 3.0, 5.0] {
                let angle = |step: usize| TAU * frequency * step as f64 / 1_000.0;
                let half = duration as f64 / 2.0;
                let sine = curve.iter().enumerate().map(|(step, value)| value * angle(step).sin()).sum::<f64>() / half;
                let cosine = curve.iter().enumerate().map(|(step, value)| value * angle(step).cos()).sum::<f64>() / half;
                for (step, rest) in rest.iter_mut().enumerate() {
                    *rest -= sine * angle(step).sin() + cosine * angle(step).cos();
                }
                amplitudes.push(sine.hypot(cosine));
            }
            // What single precision leaves.
            assert!(rest.iter().all(|rest| rest.abs() < 1e-6));
            // Unit variance is half the sum of squared amplitudes; before scaling each was from 0.5 to 2, so no two are more than fourfold apart.
            let of = &amplitudes[amplitudes.len() - 4..];
            assert!((of.iter().map(|a| a * a / 2.0).sum::<f64>() - 1.0).abs() < 1e-6);
            assert!(of.iter().all(|a| of.iter().all(|b| a / b < 4.0001)), "{of:?}");
        }
        assert!((amplitudes[0] - amplitudes[4]).abs() > 1e-3, "outputs differ");
    }
}

#[test]
fn one_who_knows_the_curve_by_heart_solves_it_from_the_step_alone() {
    let task = task(PatternGenerationConfig::default());
    let by_heart = curves(&task);
    let batch = all(&task, Split::Train);
    let (error, square) = nrmse(&batch, |_, step| by_heart.iter().map(|curve| curve[step]).collect());
    assert_eq!(Some(error), task.goal().unwrap().best);
    assert!((square - task.chance().unwrap()).abs() < 1e-12 && (square - 1.0).abs() < 1e-6, "{square}");
    check_chance(&task, &batch, &[0.0; 3], 1e-12);
}

#[test]
fn a_clock_beats_regularly_and_frozen_spikes_at_their_rate() {
    let clock = task(PatternGenerationConfig::default()).batch(Split::Valid, &[0]);
    for step in 0..1_000 {
        let (neurons, sizes) = clock.events(0, step);
        let group = step as u32 / 200;
        let expected: Vec<u32> = if step % 10 == 9 { (4 * group..4 * group + 4).collect() } else { Vec::new() };
        assert_eq!(neurons, expected);
        assert!(sizes.iter().all(|&size| size == 1.0));
    }
    let config =
        PatternGenerationConfig { input: PatternInput::Frozen, neurons: 100, rate: 50.0, groups: 7, ..Default::default() };
    let frozen = task(config.clone());
    let first = frozen.batch(Split::Train, &[0]);
    let count: usize = (0..1_000).map(|step| first.events(0, step).0.len()).sum();
    // 100 000 chances of 0.05: standard deviation 69.
    assert!(count.abs_diff(5_000) < 300, "{count}");
    for other in [frozen.batch(Split::Train, &[15]), frozen.batch(Split::Test, &[0])] {
        assert_eq!(first, other, "the same every time");
    }
    assert_ne!(first, task(PatternGenerationConfig { seed: 2, ..config }).batch(Split::Train, &[0]));
}

#[test]
fn settings_are_checked() {
    refuses!(PatternGeneration, PatternGenerationConfig, counts);
    refuses!(PatternGeneration, PatternGenerationConfig,
        step = 0 => step "0", step = 101 => step "101", step = 3 => duration "1000",
        duration = 9 => duration "9", duration = 100_001 => duration "100001",
        outputs = 0 => outputs "0", outputs = 101 => outputs "101", neurons = 0 => neurons "0", neurons = 10_001 => neurons "10001",
        groups = 0 => groups "0", groups = 21 => groups "21", groups = 3 => neurons "20",
        rate = 0.9 => rate "0.9", rate = 1_001.0 => rate "1001", rate = f64::NAN => rate "NaN");
}
