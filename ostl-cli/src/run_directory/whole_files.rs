//! Files that are whole or are not there: written beside their place, flushed to the disk, and moved there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// What stands before the random part of the name of a checkpoint that is being written.
const CHECKPOINT: &str = ".checkpoint-";
/// Characters of the random part, and what stands after it.
const RANDOM: usize = 6;
const END: &str = ".tmp";

/// Replaces a file of a folder by this content, or leaves it as it was.
pub(super) fn replace(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let write = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix(name).rand_bytes(RANDOM).suffix(END);
        // Readable by whom the user's umask lets read files, not only by the user as temporary files are.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        sync(folder)
    };
    write().with_context(|| format!("{}: cannot be written", path.display()))
}

/// Sees a folder's new names written to the disk, where the system can do that.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes what processes left that were killed while they wrote one of these files or a checkpoint.
pub(super) fn sweep(folder: &Path, names: &[&str]) -> Result<()> {
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

/// Whether a name is that of an unfinished file.
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
        let left = [".checkpoint-aB3xYz.tmp", "metrics.csvQ0w9Er.tmp", "config.tomlabcdef.tmp"];
        let kept = ["metrics.csv", "notes.tmp", "config.toml.tmp", "metrics.csv-of-mine.tmp", ".checkpoint-.tmp"];
        left.iter().chain(&kept).for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
        sweep(folder.path(), &["config.toml", "metrics.csv"]).unwrap();
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
