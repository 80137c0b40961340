//! Who works in a run directory: one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use thiserror::Error;

use crate::output::tell;

/// The file that is locked. The lock is the system's and ends with the process, however that ends; the file is only what it hangs on.
pub(super) const LOCK: &str = ".lock";

/// Another process works there.
#[derive(Debug, Error)]
#[error("{}: another process{who} is at work on this run; wait until it has ended, or stop it", .run.display())]
pub(crate) struct InUse {
    run: PathBuf,
    who: String,
}

/// The right to write to a run directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// Nothing where the file system knows no locks.
    file: Option<File>,
}

impl Lock {
    /// Takes the lock of a run directory.
    ///
    /// # Errors
    /// [`InUse`] if another process has it.
    pub(super) fn take(run: &Path) -> Result<Self> {
        let path = run.join(LOCK);
        loop {
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = opened.with_context(|| format!("{}: cannot be made", path.display()))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut number = String::new();
                    // Where it cannot be read, the process goes without its number.
                    let _ = file.take(20).read_to_string(&mut number);
                    let number = number.trim();
                    let known = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                    let who = if known { format!(" (number {number})") } else { String::new() };
                    return Err(InUse { run: run.to_owned(), who }.into());
                }
                Err(TryLockError::Error(error)) => {
                    tell(&format!(
                        "{}: cannot be locked ({error}): see to it that no other process works on this run",
                        path.display()
                    ));
                    return Ok(Self { path, file: None });
                }
            }
            // Whoever had the lock before may have taken the file away in between: then this is the lock of a file that no process will find.
            if is_the_file(&file, &path) {
                let _ = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
                return Ok(Self { path, file: Some(file) });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // First the file, then (with the handle) the lock.
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether an open file is still the one at this path.
#[cfg(unix)]
fn is_the_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Whether an open file is still the one at this path: an open file's name is not given to another there.
#[cfg(not(unix))]
fn is_the_file(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).unwrap_err().to_string();
        let number = std::process::id().to_string();
        assert!(refused.contains(&number) && refused.contains("another process"), "{refused}");
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // What a killed process leaves is a file that no process has locked.
        fs::write(folder.path().join(LOCK), "4194305000").unwrap();
        drop(Lock::take(folder.path()).unwrap());
        assert!(!folder.path().join(LOCK).exists());
    }
}
