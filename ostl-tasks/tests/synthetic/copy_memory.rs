use ostl_tasks::{CopyMemory, CopyMemoryConfig, CopyTargets, Metric, Split, Task};
use proptest::prelude::*;

use crate::support::{all, check_chance, check_reproducible, class, hot, refuses, score, sure};

fn task(targets: CopyTargets, seed: u64) -> CopyMemory {
    let config = CopyMemoryConfig { symbols: 3, length: 4, delay: 5, targets, train: 400, valid: 5, test: 400, seed };
    CopyMemory::new(config).unwrap()
}

/// The sequences of a seed are part of what a published run depends on: this test may never be adjusted to new code.
#[test]
fn the_sequences_of_a_seed_are_fixed() {
    let line = |targets| {
        let batch = task(targets, 42).batch(Split::Train, &[0]);
        let shown: String = hot(&batch, 0).into_iter().map(|input| b"abc.?"[input] as char).collect();
        let asked: String = (0..13).map(|step| class(&batch, 0, step).map_or(' ', |class| b"abc."[class] as char)).collect();
        (shown, asked)
    };
    assert_eq!(line(CopyTargets::Recall), ("bbcc....?....".into(), "         bbcc".into()));
    assert_eq!(line(CopyTargets::All), ("bbcc....?....".into(), ".........bbcc".into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_tape_solves_it(symbols in 2_usize..12, length in 1_usize..12, delay in 1_usize..30, everywhere: bool, seed: u64) {
        let targets = if everywhere { CopyTargets::All } else { CopyTargets::Recall };
        let config = CopyMemoryConfig { symbols, length, delay, targets, train: 6, valid: 4, test: 5, seed };
        let task = CopyMemory::new(config).unwrap();
        for split in Split::ALL {
            let batch = all(&task, split);
            prop_assert_eq!(batch.steps(), delay + 2 * length);
            let each = if everywhere { delay + 2 * length } else { length };
            prop_assert_eq!(batch.target_count(), batch.streams() * each);
            // Nothing until the cue was seen; then, so many steps after it, the symbol of so many steps after the beginning.
            let (loss, right) = score(&task, &batch, |inputs| {
                let cue = inputs[..inputs.len() - 1].iter().position(|input| input[symbols + 1] == 1.0);
                let symbol = |cue: usize| inputs[inputs.len() - 2 - cue].iter().position(|&value| value == 1.0).unwrap();
                sure(cue.map_or(symbols, symbol), task.outputs())
            });
            prop_assert!(loss < 1e-12 && right == 1.0, "{} {}", loss, right);
            prop_assert_eq!(task.goal().unwrap().best, Some(right));
        }
    }
}

#[test]
fn symbols_are_drawn_evenly() {
    let batch = all(&task(CopyTargets::Recall, 1), Split::Train);
    let mut counts = [[0_usize; 3]; 4];
    for stream in 0..400 {
        hot(&batch, stream)[..4].iter().zip(&mut counts).for_each(|(&symbol, counts)| counts[symbol] += 1);
    }
    // 133 each, standard deviation 9.4.
    assert!(counts.iter().flatten().all(|count| count.abs_diff(133) < 45), "{counts:?}");
}

#[test]
fn chance_is_that_of_equal_odds() {
    let recall = task(CopyTargets::Recall, 1);
    check_chance(&recall, &all(&recall, Split::Test), &[0.0; 3], 1e-12);
    // One who sees when, but not what: "nothing" before recall, then equal odds.
    let everywhere = task(CopyTargets::All, 1);
    let (loss, right) = score(&everywhere, &all(&everywhere, Split::Test), |inputs| match inputs.len() {
        0..10 => sure(3, 4),
        _ => vec![0.0, 0.0, 0.0, -50.0],
    });
    assert!((loss - everywhere.chance().unwrap()).abs() < 1e-12, "{loss}");
    assert!((right - everywhere.chance_accuracy().unwrap()).abs() < 0.02, "{right}");
    // Arjovsky et al.: 10 ln 8 / (T + 20).
    let theirs = CopyMemory::new(CopyMemoryConfig { delay: 100, targets: CopyTargets::All, ..Default::default() }).unwrap();
    assert!((theirs.chance().unwrap() - 10.0 * 8.0_f64.ln() / 120.0).abs() < 1e-12);
    let goal = theirs.goal().unwrap();
    assert_eq!(goal.metric, Metric::Accuracy);
    assert!((goal.reach - (1.0 - 0.1 / 120.0)).abs() < 1e-12, "one in a hundred symbols is one tenth of a step in 120");
}

#[test]
fn sequences_are_reproducible_and_settings_checked() {
    check_reproducible(&task(CopyTargets::All, 1), &task(CopyTargets::All, 2));
    check_reproducible(&task(CopyTargets::Recall, 1), &task(CopyTargets::Recall, 2));
    refuses!(CopyMemory, CopyMemoryConfig, counts);
    refuses!(CopyMemory, CopyMemoryConfig,
        symbols = 1 => symbols "1", symbols = 1_001 => symbols "1001", length = 0 => length "0", length = 1_001 => length "1001",
        delay = 0 => delay "0", delay = 1_000_001 => delay "1000001");
    assert_eq!(task(CopyTargets::All, 1).class_name(3), "nothing");
}
