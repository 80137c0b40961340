//! The Spiking Heidelberg Digits themselves, where they are at hand, against the counts published with them.

use std::time::Instant;

use ostl_tasks::{Shd, ShdConfig, Split, Task};

use crate::{Outcome, folder, trials};

trials![the_counts_are_the_published_ones];

fn the_counts_are_the_published_ones() -> Outcome {
    // Packed or not.
    let file = "shd_train.h5";
    let folder = folder("shd", file).or_else(|_| folder("shd", &format!("{file}.gz")))?;
    let start = Instant::now();
    let task = Shd::open(&folder, &ShdConfig::default()).unwrap_or_else(|error| panic!("{error}"));
    eprintln!("opened in {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!(task.sequences(Split::Train) + task.sequences(Split::Valid), 8156);
    assert_eq!(task.sequences(Split::Test), 2264);
    for split in Split::ALL {
        let mut classes = [0; 20];
        (0..task.sequences(split)).for_each(|index| classes[task.recording(split, index).class] += 1);
        assert!(classes.iter().all(|&count| count > 0), "{split}: {classes:?}");
    }
    Ok(())
}
