//! What is worth telling of recordings though they can be learned from.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::split::Split;

/// How many names are listed at most.
const NAMED: usize = 3;

/// What lies in several splits can be known by heart: how many recordings of a split are in the train split, too.
pub(super) fn shared(split: Split, train: &[PathBuf], other: &[PathBuf]) -> Option<String> {
    let known: HashSet<&PathBuf> = train.iter().collect();
    let both: Vec<&PathBuf> = other.iter().filter(|path| known.contains(path)).collect();
    let names = first_of(both.iter().map(|path| crate::files::name_of(path)).collect());
    (!both.is_empty()).then(|| {
        let (count, all) = (both.len(), other.len());
        format!("{count} of the {all} recordings of the {split} split are learned from, too: {names}")
    })
}

/// Some names, and how many more there are.
fn first_of(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_counted_and_named() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let train = paths(&["d/a", "d/b", "d/c", "d/e", "d/f"]);
        assert_eq!(shared(Split::Test, &train, &paths(&["d/g", "e/a"])), None);
        let said = shared(Split::Valid, &train, &paths(&["d/f", "d/g", "d/a", "d/b", "d/c"])).unwrap();
        assert_eq!(said, "4 of the 5 recordings of the valid split are learned from, too: f, a, b and 1 more");
    }
}
