//! The data sets themselves, where they are at hand, against what is published or known of them.
//!
//! They are looked for in the folder in `OSTL_DATA`, which holds a folder for each or is that of one, or else in `shared/data` beside the checkout. A test
//! whose data is not there counts as ignored, and says what it missed: that is found out when the tests run, which is why they have a harness of their own.

mod catalogue;
mod fsdd;
mod jsb;
mod language;
mod mnist;
mod nmnist;
#[cfg(feature = "hdf5")]
mod shd;

use std::path::PathBuf;

use libtest_mimic::{Arguments, Completion, Trial};

/// What a test would have needed.
pub(crate) struct Missing(pub(crate) String);

/// A test that failed has panicked.
pub(crate) type Outcome = Result<(), Missing>;

/// Where data sets are looked for.
pub(crate) fn data() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    std::env::var_os("OSTL_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from)
}

/// The folder of a data set, known by a file in it.
pub(crate) fn folder(name: &str, file: &str) -> Result<PathBuf, Missing> {
    let data = data();
    let places = [data.join(name), data.clone()];
    let found = places.into_iter().find(|place| place.join(file).is_file());
    found.ok_or_else(|| Missing(format!("no {file} in {}, nor in {name} there: set OSTL_DATA", data.display())))
}

/// A test under its name.
pub(crate) fn trial(name: impl Into<String>, test: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    Trial::ignorable_test(name, || {
        Ok(match test() {
            Ok(()) => Completion::Completed,
            Err(Missing(what)) => Completion::ignored_with(what),
        })
    })
}

/// The tests of a module by name, as `trials()`.
macro_rules! trials {
    ($($test:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(crate::trial(concat!(module_path!(), "::", stringify!($test)), $test)),+]
        }
    };
}
pub(crate) use trials;

fn main() {
    let mut trials = Vec::new();
    for of_module in [catalogue::trials, fsdd::trials, jsb::trials, language::trials, mnist::trials, nmnist::trials] {
        trials.extend(of_module());
    }
    #[cfg(feature = "hdf5")]
    trials.extend(shd::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
