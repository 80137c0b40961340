//! The catalogue against copies of the data sets whose sums were taken with `sha256sum`.
//!
//! Looks in the folder in `OSTL_DATA`: that of one data set, or one that holds a folder for each.

use std::path::PathBuf;

use ostl_tasks::catalogue::{DATA_SETS, Verdict};

#[test]
fn copies_are_as_published() {
    let near = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var_os("OSTL_DATA").map_or_else(|| PathBuf::from(near), PathBuf::from);
    let mut bytes = 0;
    for set in DATA_SETS {
        let Some(place) = set.found_in(&folder).unwrap() else {
            eprintln!("skipped: no copy of {} in {}; set OSTL_DATA to the folder that holds it", set.name, folder.display());
            continue;
        };
        for file in set.files() {
            let path = place.join(&*file.name);
            assert_eq!(file.check(&path).unwrap(), Verdict::Right, "{}", path.display());
            bytes += path.metadata().unwrap().len();
        }
        assert!(set.is_whole(&place).unwrap(), "{}", set.name);
    }
    eprintln!("{bytes} bytes checked");
}

/// What the catalogue says of sizes, against the sums of the files'.
#[test]
fn sizes_are_those_of_the_files() {
    let near = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var_os("OSTL_DATA").map_or_else(|| PathBuf::from(near), PathBuf::from);
    for set in DATA_SETS {
        let Some(place) = set.found_in(&folder).unwrap() else {
            eprintln!("skipped: no copy of {} in {}", set.name, folder.display());
            continue;
        };
        let found: u64 = set.files().iter().map(|file| place.join(&*file.name).metadata().unwrap().len()).sum();
        // Packed anew, MNIST's training images are a little smaller than as they were published.
        let slack = if set.name == "mnist" { set.bytes / 50 } else { 0 };
        assert!(found.abs_diff(set.bytes) <= slack, "{}: {found} {}", set.name, set.bytes);
    }
}
