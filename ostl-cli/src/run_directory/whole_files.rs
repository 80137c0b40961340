//! A run's files are whole or are not there, and what was left unfinished is removed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ostl_core::whole_file;

/// What stood before the random part of the name of an unfinished checkpoint in earlier versions.
const CHECKPOINT: &str = ".checkpoint-";
/// Characters of the random part, and what stands after it.
const RANDOM: usize = 6;
const END: &str = ".tmp";

/// Replaces a file of a folder by this content, or leaves it as it was.
pub(super) fn replace(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    whole_file::write(&path, |file| file.write_all(content))
        .with_context(|| format!("{}: cannot be written", path.display()))
}

/// Removes what processes left that were killed while they wrote one of these files, also by the names of earlier versions.
pub(super) fn sweep(folder: &Path, names: &[&str]) -> Result<()> {
    for name in names {
        let path = folder.join(name);
        whole_file::remove_left_over(&path)
            .with_context(|| format!("{}: what was left of it cannot be removed", path.display()))?;
    }
    let entries = fs::read_dir(folder).with_context(|| format!("{}: cannot be read", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let is_left = entry.file_name().to_str().is_some_and(|name| is_left_over(name, names));
        if is_left && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            fs::remove_file(&path).with_context(|| format!("{}: cannot be removed", path.display()))?;
        }
    }
    Ok(())
}

/// Whether a name is that of an unfinished file of an earlier version.
fn is_left_over(name: &str, names: &[&str]) -> bool {
    let starts = names.iter().chain(&[CHECKPOINT]);
    let middle = |start: &&str| name.strip_prefix(start).and_then(|rest| rest.strip_suffix(END));
    starts.filter_map(middle).any(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let left = [
            ".last.ckpt-aB3xYz.tmp",
            ".metrics.csv-aB3xYz.tmp",
            ".checkpoint-aB3xYz.tmp",
            "metrics.csvQ0w9Er.tmp",
            "config.tomlabcdef.tmp",
        ];
        let kept = ["metrics.csv", "notes.tmp", "config.toml.tmp", "metrics.csv-of-mine.tmp", ".checkpoint-.tmp"];
        left.iter().chain(&kept).for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
        sweep(folder.path(), &["config.toml", "metrics.csv", "last.ckpt"]).unwrap();
        let mut there: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        there.sort();
        let mut kept = kept.to_vec();
        kept.sort_unstable();
        assert_eq!(there, kept);
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        replace(folder.path(), "a", b"one").unwrap();
        replace(folder.path(), "a", b"two").unwrap();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = replace(&folder.path().join("none"), "a", b"").unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
    }
}
