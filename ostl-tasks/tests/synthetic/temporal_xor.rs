use ostl_tasks::{Split, Task, TemporalXor, TemporalXorConfig};
use proptest::prelude::*;

use crate::support::{all, check_chance, check_reproducible, class, refuses, score, sure};

fn task(gap: usize, min_gap: Option<usize>, delay: usize, min_delay: Option<usize>, seed: u64) -> TemporalXor {
    TemporalXor::new(TemporalXorConfig { gap, min_gap, delay, min_delay, train: 4_000, valid: 5, test: 4_000, seed })
        .unwrap()
}

/// The sequences of a seed are part of what a published run depends on: this test may never be adjusted to new code.
#[test]
fn the_sequences_of_a_seed_are_fixed() {
    let task = task(5, None, 4, None, 42);
    let line = |index| -> String {
        let batch = task.batch(Split::Train, &[index]);
        let mark = |step| match batch.input(0, step) {
            [1.0, 0.0, 0.0] => '0',
            [0.0, 1.0, 0.0] => '1',
            [0.0, 0.0, 1.0] => '?',
            [0.0, 0.0, 0.0] => '.',
            other => panic!("{other:?}"),
        };
        let answer = class(&batch, 0, batch.steps() - 1).unwrap();
        (0..batch.steps()).map(mark).chain([if answer == 1 { '≠' } else { '=' }]).collect()
    };
    assert_eq!([line(0), line(1), line(2), line(3)], ["0...0..?=", "0..1..?≠", "0....0..?=", "1....1..?="]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn comparing_solves_it(
        (gap, min_gap) in (1_usize..20).prop_flat_map(|most| (Just(most), 1..=most)),
        (delay, min_delay) in (1_usize..20).prop_flat_map(|most| (Just(most), 1..=most)),
        seed: u64,
    ) {
        let config =
            TemporalXorConfig { gap, min_gap: Some(min_gap), delay, min_delay: Some(min_delay), train: 9, valid: 4, test: 5, seed };
        let task = TemporalXor::new(config).unwrap();
        for split in Split::ALL {
            let batch = all(&task, split);
            prop_assert_eq!(batch.target_count(), batch.streams());
            let (loss, right) = score(&task, &batch, |inputs| {
                assert_eq!(inputs.last().unwrap(), &[0.0, 0.0, 1.0], "asked at the cue");
                let shown: Vec<usize> = (0..inputs.len() - 1).filter(|&step| inputs[step] != [0.0; 3]).collect();
                let &[first, second] = &shown[..] else { panic!("two bits, but {shown:?}") };
                assert_eq!(first, 0);
                assert!((min_gap..=gap).contains(&second));
                assert!((min_delay..=delay).contains(&(inputs.len() - 1 - second)));
                sure(usize::from(inputs[first] != inputs[second]), 2)
            });
            prop_assert!(loss < 1e-12 && right == 1.0, "{} {}", loss, right);
            prop_assert_eq!(task.goal().unwrap().best, Some(right));
        }
    }
}

#[test]
fn bits_gaps_and_delays_are_drawn_evenly() {
    let batch = all(&task(3, Some(2), 4, Some(1), 1), Split::Train);
    let (mut pairs, mut times) = ([0_usize; 4], [[0_usize; 4]; 2]);
    for stream in 0..4_000 {
        let cue = batch.lengths()[stream] - 1;
        let second = (1..cue).find(|&step| batch.input(stream, step) != [0.0; 3]).unwrap();
        pairs[(2.0 * batch.input(stream, 0)[1] + batch.input(stream, second)[1]) as usize] += 1;
        times[second - 2][cue - second - 1] += 1;
    }
    // Standard deviations: 27 and 21.
    assert!(pairs.iter().all(|count| count.abs_diff(1_000) < 120), "{pairs:?}");
    assert!(times.iter().flatten().all(|count| count.abs_diff(500) < 90), "{times:?}");
}

#[test]
fn chance_is_a_coin() {
    let task = task(3, None, 3, None, 1);
    check_chance(&task, &all(&task, Split::Test), &[0.0, 0.0], 1e-12);
}

#[test]
fn sequences_are_reproducible_and_settings_checked() {
    check_reproducible(&task(3, None, 30, None, 1), &task(3, None, 30, None, 2));
    refuses!(TemporalXor, TemporalXorConfig, counts);
    refuses!(TemporalXor, TemporalXorConfig,
        gap = 0 => gap "0", gap = 1_000_001 => gap "1000001", min_gap = Some(0) => min_gap "0", min_gap = Some(11) => min_gap "11",
        delay = 0 => delay "0", delay = 1_000_001 => delay "1000001", min_delay = Some(0) => min_delay "0",
        min_delay = Some(11) => min_delay "11");
    let shortest = task(1, None, 1, None, 1);
    assert_eq!(shortest.steps(Split::Train, 0), 3);
    assert_eq!((shortest.class_name(0), shortest.class_name(1)), ("same".into(), "different".into()));
}
