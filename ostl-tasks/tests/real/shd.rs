//! The Spiking Heidelberg Digits themselves, where they are at hand, against the counts published with them.
#![cfg(feature = "hdf5")]

use std::path::PathBuf;
use std::time::Instant;

use ostl_tasks::{Shd, ShdConfig, Split, Task};

#[test]
fn the_counts_are_the_published_ones() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/shd");
    let folder = std::env::var_os("OSTL_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if !folder.exists() {
        eprintln!("skipped: {} is not here", folder.display());
        return;
    }
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
}
