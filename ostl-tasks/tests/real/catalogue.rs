//! The catalogue against copies of the data sets whose sums were taken with `sha256sum`.

use std::path::PathBuf;

use libtest_mimic::Trial;
use ostl_tasks::catalogue::{DATA_SETS, DataSet, Verdict};

use crate::{Missing, Outcome, data, trial};

/// Two for each data set.
pub(crate) fn trials() -> Vec<Trial> {
    let of_set = |set: &'static DataSet| {
        let name = |test: &str| format!("{}::{test}::{}", module_path!(), set.name);
        [
            trial(name("copies_are_as_published"), || copies_are_as_published(set)),
            trial(name("sizes_are_those_of_the_files"), || sizes_are_those_of_the_files(set)),
        ]
    };
    DATA_SETS.iter().flat_map(of_set).collect()
}

fn copy_of(set: &DataSet) -> Result<PathBuf, Missing> {
    let data = data();
    let found = set.found_in(&data).unwrap();
    found.ok_or_else(|| Missing(format!("no copy of {} in {}: set OSTL_DATA", set.name, data.display())))
}

fn copies_are_as_published(set: &DataSet) -> Outcome {
    let place = copy_of(set)?;
    for file in set.files() {
        let path = place.join(&*file.name);
        assert_eq!(file.check(&path).unwrap(), Verdict::Right, "{}", path.display());
    }
    assert!(set.is_whole(&place).unwrap(), "{}", set.name);
    Ok(())
}

/// What the catalogue says of sizes, against the sums of the files'.
fn sizes_are_those_of_the_files(set: &DataSet) -> Outcome {
    let place = copy_of(set)?;
    let found: u64 = set.files().iter().map(|file| place.join(&*file.name).metadata().unwrap().len()).sum();
    // Packed anew, MNIST's training images are a little smaller than as they were published.
    let slack = if set.name == "mnist" { set.bytes / 50 } else { 0 };
    assert!(found.abs_diff(set.bytes) <= slack, "{}: {found} {}", set.name, set.bytes);
    Ok(())
}
