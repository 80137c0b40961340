use ostl_tasks::{Adding, AddingConfig, Split, Task};
use proptest::prelude::*;

use crate::support::{all, check_chance, check_reproducible, refuses, score, values};

fn task(length: usize, seed: u64) -> Adding {
    Adding::new(AddingConfig { length, train: 4_000, valid: 5, test: 4_000, seed }).unwrap()
}

/// The sequences of a seed are part of what a published run depends on: this test may never be adjusted to new code.
#[test]
fn the_sequences_of_a_seed_are_fixed() {
    let batch = task(6, 42).batch(Split::Train, &[0]);
    let shown: Vec<(f32, f32)> = (0..6).map(|step| (batch.input(0, step)[0], batch.input(0, step)[1])).collect();
    assert_eq!(
        shown,
        [(0.43318313, 1.0), (0.78765345, 0.0), (0.05356908, 0.0), (0.3614009, 1.0), (0.2057311, 0.0), (0.74099034, 0.0)]
    );
    assert_eq!(values(&batch, 0, 5), Some(&[0.43318313_f32 + 0.3614009][..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn adding_up_what_is_marked_solves_it(length in 2_usize..40, seed: u64) {
        let task = Adding::new(AddingConfig { length, train: 6, valid: 4, test: 5, seed }).unwrap();
        for split in Split::ALL {
            let batch = all(&task, split);
            prop_assert_eq!(batch.target_count(), batch.streams());
            let (loss, _) = score(&task, &batch, |inputs| {
                assert_eq!(inputs.len(), length, "asked at the last step alone");
                let (first, second) = inputs.split_at(length / 2);
                assert!([first, second].iter().all(|half| half.iter().filter(|input| input[1] == 1.0).count() == 1));
                assert!(inputs.iter().all(|input| (0.0..1.0).contains(&input[0]) && [0.0, 1.0].contains(&input[1])));
                vec![inputs.iter().map(|input| f64::from(input[0] * input[1])).sum()]
            });
            // Sums of two are exact: both are multiples of 2⁻²⁴ below 1, but for the last bit above 1.
            prop_assert!(loss < 1e-13, "{}", loss);
            prop_assert_eq!(task.goal().unwrap().best, Some(0.0));
        }
    }
}

#[test]
fn marks_and_values_are_drawn_evenly() {
    let batch = all(&task(5, 1), Split::Train);
    let (mut marks, mut tenths) = ([0_usize; 5], [0_usize; 10]);
    for stream in 0..4_000 {
        for (step, marks) in marks.iter_mut().enumerate() {
            let &[value, mark] = batch.input(stream, step) else { panic!("two inputs") };
            *marks += mark as usize;
            tenths[(10.0 * value) as usize] += 1;
        }
    }
    // Standard deviations: 32, 30 and 42.
    assert!(marks[..2].iter().all(|count| count.abs_diff(2_000) < 130), "{marks:?}");
    assert!(marks[2..].iter().all(|count| count.abs_diff(1_333) < 120), "{marks:?}");
    assert!(tenths.iter().all(|count| count.abs_diff(2_000) < 170), "{tenths:?}");
}

#[test]
fn chance_is_the_variance_of_the_sum() {
    let task = task(10, 1);
    // The squared error of 4000 sums varies by √(7/180)/√4000 = 0.003.
    check_chance(&task, &all(&task, Split::Test), &[1.0], 0.012);
    assert!((task.chance().unwrap() - 0.1667).abs() < 1e-4, "the number of the literature");
}

#[test]
fn sequences_are_reproducible_and_settings_checked() {
    check_reproducible(&task(9, 1), &task(9, 2));
    refuses!(Adding, AddingConfig, counts);
    refuses!(Adding, AddingConfig, length = 1 => length "1", length = 1_000_001 => length "1000001");
}
