//! The chorales themselves, where they are at hand, against the counts published with them.

use std::collections::BTreeSet;

use ostl_tasks::{Batches, JsbChorales, Split, Task};

use crate::{Missing, Outcome, folder, trials};

trials![the_counts_are_the_published_ones, an_epoch_has_a_target_at_every_step, chance_is_what_the_readme_says];

fn chorales() -> Result<JsbChorales, Missing> {
    let folder = folder("jsb", "jsb-chorales-quarter.json")?;
    Ok(JsbChorales::open(&folder).unwrap_or_else(|error| panic!("{error}")))
}

/// Sequences, chords, shortest and longest, notes, empty chords, distinct pitches.
const COUNTS: [(Split, [usize; 7]); 3] = [
    (Split::Train, [229, 13_807, 25, 129, 53_824, 18, 51]),
    (Split::Valid, [76, 4_602, 32, 144, 17_811, 29, 48]),
    (Split::Test, [77, 4_725, 32, 160, 18_367, 17, 51]),
];

fn the_counts_are_the_published_ones() -> Outcome {
    let task = chorales()?;
    for (split, counts) in COUNTS {
        let lengths: Vec<usize> = (0..task.sequences(split)).map(|i| task.chords(split, i)).collect();
        let chords: Vec<&[u8]> = lengths
            .iter()
            .enumerate()
            .flat_map(|(i, &n)| (0..n).map(move |t| (i, t)))
            .map(|(i, t)| task.chord(split, i, t))
            .collect();
        let pitches: BTreeSet<u8> = chords.iter().copied().flatten().copied().collect();
        let found = [
            lengths.len(),
            chords.len(),
            *lengths.iter().min().unwrap(),
            *lengths.iter().max().unwrap(),
            chords.iter().map(|chord| chord.len()).sum(),
            chords.iter().filter(|chord| chord.is_empty()).count(),
            pitches.len(),
        ];
        assert_eq!(found, counts, "{split}");
    }
    Ok(())
}

fn an_epoch_has_a_target_at_every_step() -> Outcome {
    let task = chorales()?;
    for (split, [sequences, chords, _, longest, ..]) in COUNTS {
        let batches = Batches::shuffled(&task, split, 16, 3, 0);
        let built: Vec<_> = batches.iter().collect();
        assert_eq!(built.iter().map(|batch| batch.streams()).sum::<usize>(), sequences);
        assert_eq!(built.iter().map(|batch| batch.target_count()).sum::<usize>(), chords - sequences);
        assert_eq!(built.iter().map(|batch| batch.steps()).max(), Some(longest - 1));
    }
    Ok(())
}

fn chance_is_what_the_readme_says() -> Outcome {
    let task = chorales()?;
    // A coin for each key costs 88 ln 2 = 61 nats; published recurrent networks reach 8 to 9.
    let chance = task.chance().unwrap();
    assert!((chance - 11.09).abs() < 0.005, "the README's table says 11.09: {chance}");
    Ok(())
}
