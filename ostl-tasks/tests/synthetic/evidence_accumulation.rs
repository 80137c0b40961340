use ostl_tasks::{EvidenceAccumulation, EvidenceAccumulationConfig, Metric, Split, Task};

use crate::support::{all, check_chance, check_reproducible, class, refuses, score, sure};

/// Steps of 10 ms, so that tests are quick.
fn config(seed: u64) -> EvidenceAccumulationConfig {
    EvidenceAccumulationConfig { step: 10, train: 400, valid: 5, test: 400, seed, ..Default::default() }
}

fn task(seed: u64) -> EvidenceAccumulation {
    EvidenceAccumulation::new(config(seed)).unwrap()
}

/// The sequences of a seed are part of what a published run depends on: this test may never be adjusted to new code.
#[test]
fn the_sequences_of_a_seed_are_fixed() {
    let small = EvidenceAccumulationConfig {
        step: 50,
        cues: 3,
        delay: 100,
        min_delay: Some(50),
        recall: 100,
        neurons: 2,
        rate: 15.0,
        noise: 5.0,
        ..config(42)
    };
    let batch = EvidenceAccumulation::new(small).unwrap().batch(Split::Train, &[0]);
    let events: Vec<Vec<u32>> = (0..batch.steps()).map(|step| batch.events(0, step).0.to_vec()).collect();
    // Left neurons are 0 and 1, of recall 4 and 5, of the background 6 and 7: three cues on the left, a delay of one step, recall.
    let timetable: [&[u32]; 12] = [&[6], &[1, 6], &[0, 1], &[6], &[6, 7], &[0], &[6], &[0, 1, 6], &[1], &[6], &[5], &[4, 5]];
    assert_eq!(events, timetable.map(<[u32]>::to_vec));
    let asked: Vec<_> = (0..12).map(|step| class(&batch, 0, step)).collect();
    assert_eq!(asked, [[None; 10].as_slice(), &[Some(0); 2]].concat());
}

/// Which of a sequence's cues were on the right, from the spikes and the timetable of the paper.
fn sides(inputs: &[Vec<f32>]) -> Vec<bool> {
    (0..7)
        .map(|cue| {
            let spikes = |group: usize, steps: std::ops::Range<usize>| -> f32 {
                steps.flat_map(|step| &inputs[step][10 * group..10 * group + 10]).sum()
            };
            let (gap, on) = (15 * cue..15 * cue + 5, 15 * cue + 5..15 * cue + 15);
            assert_eq!(spikes(0, gap.clone()) + spikes(1, gap), 0.0, "silence before a cue");
            let (left, right) = (spikes(0, on.clone()), spikes(1, on));
            assert!((left == 0.0) != (right == 0.0), "one side at a time");
            right > 0.0
        })
        .collect()
}

#[test]
fn counting_solves_it() {
    let task = task(3);
    let batch = all(&task, Split::Test);
    let (loss, right) = score(&task, &batch, |inputs| {
        assert!(inputs.last().unwrap().iter().all(|&spike| spike == 0.0 || spike == 1.0));
        let right = sides(inputs).into_iter().filter(|&right| right).count();
        sure(usize::from(right >= 4), 2)
    });
    assert!(loss < 1e-12 && right == 1.0, "{loss} {right}");
    assert_eq!(task.goal().unwrap().best, Some(right));
    // A target at each of the 15 steps of recall, and at no other; recall neurons fire then and only then.
    assert_eq!(batch.target_count(), 400 * 15);
    for stream in 0..400 {
        let steps = batch.lengths()[stream];
        assert!((105 + 50 + 15..=105 + 150 + 15).contains(&steps));
        let asked: Vec<usize> = (0..steps).filter(|&step| batch.has_target(stream, step)).collect();
        assert_eq!(asked, (steps - 15..steps).collect::<Vec<_>>());
        let recall = |step| batch.events(stream, step).0.iter().filter(|&&row| (20..30).contains(&row)).count();
        assert_eq!((0..steps - 15).map(recall).sum::<usize>(), 0);
        assert!(asked.into_iter().map(recall).sum::<usize>() > 0);
    }
}

#[test]
fn rates_sides_and_delays_are_as_set() {
    let batch = all(&task(1), Split::Train);
    let (mut cue, mut background, mut steps, mut left, mut minority) = (0, 0, 0, 0, [0_usize; 4]);
    let mut delays = [0_usize; 4];
    for stream in 0..400 {
        let length = batch.lengths()[stream];
        let inputs: Vec<Vec<f32>> = (0..length).map(|step| batch.input_values(stream, step)).collect();
        let right = sides(&inputs).into_iter().filter(|&right| right).count();
        left += usize::from(right < 4);
        minority[right.min(7 - right)] += 1;
        delays[((length - 120 - 50) * 4 / 101).min(3)] += 1;
        for step in 0..length {
            cue += batch.events(stream, step).0.iter().filter(|&&row| row < 20 && step < 105).count();
            background += batch.events(stream, step).0.iter().filter(|&&row| row >= 30).count();
        }
        steps += length;
    }
    // 7 cues of 10 steps and 10 neurons at 0.4 spikes: 280 a sequence, standard deviation of the mean √(700 · 0.24 / 400) = 0.65.
    let mean = cue as f64 / 400.0;
    assert!((mean - 280.0).abs() < 3.0, "{mean}");
    let noise = background as f64 / (steps * 10) as f64;
    assert!((noise - 0.1).abs() < 0.002, "{noise}");
    assert!(left.abs_diff(200) < 45, "{left}");
    // The chance of k cues on the smaller side: C(7, k) (0.3ᵏ 0.7⁷⁻ᵏ + 0.7ᵏ 0.3⁷⁻ᵏ).
    let choose = [1.0, 7.0, 21.0, 35.0];
    for (k, count) in minority.into_iter().enumerate() {
        let odds = |p: f64| p.powi(k as i32) * (1.0 - p).powi(7 - k as i32);
        let expected = 400.0 * choose[k] * (odds(0.3) + odds(0.7));
        assert!((count as f64 - expected).abs() < 4.5 * expected.sqrt(), "{k}: {count} {expected}");
    }
    assert!(delays.iter().all(|count| count.abs_diff(100) < 40), "{delays:?}");
}

#[test]
fn chance_is_a_coin_and_a_silent_cue_has_no_best() {
    let task = task(1);
    check_chance(&task, &all(&task, Split::Test), &[0.0, 0.0], 1e-12);
    let goal = |config| EvidenceAccumulation::new(config).unwrap().goal().unwrap();
    assert_eq!(goal(config(1)).metric, Metric::SequenceAccuracy);
    // A neuron that fires once a second passes over a cue of 100 ms nine times out of ten.
    assert_eq!(goal(EvidenceAccumulationConfig { neurons: 1, rate: 1.0, ..config(1) }).best, None);
}

#[test]
fn sequences_are_reproducible_and_settings_checked() {
    check_reproducible(&task(1), &task(2));
    refuses!(EvidenceAccumulation, EvidenceAccumulationConfig, counts);
    refuses!(EvidenceAccumulation, EvidenceAccumulationConfig,
        step = 0 => step "0", step = 1_001 => step "1001", step = 101 => cue "100", step = 7 => cue "100",
        cues = 0 => cues "0", cues = 6 => cues "6", cues = 1_001 => cues "1001",
        cue = 0 => cue "0", cue = 100_001 => cue "100001", gap = 100_001 => gap "100001",
        delay = 100_001 => delay "100001", min_delay = Some(1_501) => min_delay "1501",
        recall = 0 => recall "0", recall = 100_001 => recall "100001",
        neurons = 0 => neurons "0", neurons = 1_001 => neurons "1001",
        rate = 0.5 => rate "0.5", rate = 1_000.5 => rate "1000.5", rate = f64::NAN => rate "NaN",
        noise = -0.1 => noise "-0.1", noise = f64::INFINITY => noise "inf", noise = f64::NAN => noise "NaN",
        rarer = -0.1 => rarer "-0.1", rarer = 0.6 => rarer "0.6", rarer = f64::NAN => rarer "NaN");
    let coarse = |change: fn(&mut EvidenceAccumulationConfig)| {
        let mut coarse = config(1);
        change(&mut coarse);
        EvidenceAccumulation::new(coarse).err().unwrap().to_string()
    };
    for (error, field) in [
        (coarse(|c| c.cue = 95), "cue = 95"),
        (coarse(|c| c.gap = 45), "gap = 45"),
        (coarse(|c| c.delay = 1_505), "delay = 1505"),
        (coarse(|c| c.min_delay = Some(505)), "min_delay = 505"),
        (coarse(|c| c.recall = 155), "recall = 155"),
    ] {
        assert!(error.contains(field) && error.contains("multiple of `step`, 10 ms"), "{error}");
    }
    assert!(coarse(|c| c.rate = 101.0).contains("from 1 to 100"));
    assert_eq!((task(1).class_name(0), task(1).class_name(1)), ("left".into(), "right".into()));
    // The paper's: steps of 1 ms.
    let task = EvidenceAccumulation::new(EvidenceAccumulationConfig::default()).unwrap();
    assert!((1_050 + 500 + 150..=1_050 + 1_500 + 150).contains(&task.steps(Split::Train, 0)));
}
