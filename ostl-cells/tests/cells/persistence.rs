//! How random cases are drawn and kept: a case that failed once is committed and tried first from then on.

use proptest::test_runner::{Config, FailurePersistence, FileFailurePersistence};

/// So many cases, or as many as `PROPTEST_CASES` says, for the tests of a `source` (`file!()`). The seeds of cases that fail go to
/// `tests/proptest-regressions/`, into a file of the source's name, which is to be committed: they are drawn again before any others.
pub(crate) fn config(cases: u32, source: &'static str) -> Config {
    let all = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { all.cases } else { cases };
    Config { cases, source_file: Some(source), ..all }
}

/// Committed seeds are found from here, whatever the folder that tests are run in.
#[test]
fn seeds_that_failed_are_found_again() {
    let kept = FileFailurePersistence::default().load_persisted_failures2(Some(crate::wide_claims::SOURCE));
    assert!(kept.len() >= 2, "{kept:?}");
}
