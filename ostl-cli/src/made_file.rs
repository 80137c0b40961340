//! A file that a command makes because its user asked for it: whole or not at all, and never in the place of another without `--force`.

use std::path::Path;

use anyhow::{Context, Result};
use ostl_core::whole_file;

use crate::failure::UsageError;

/// Refuses, before any work, to make a file where there is one.
pub(crate) fn check_free(to: &Path, force: bool) -> Result<(), UsageError> {
    if to.exists() && !force {
        let problem = "is there already: give --out another name, or replace it with --force";
        return Err(UsageError::Other(format!("{}: {problem}", to.display())));
    }
    Ok(())
}

/// Writes the file.
pub(crate) fn write(to: &Path, content: &[u8], force: bool) -> Result<()> {
    check_free(to, force)?;
    whole_file::write(to, |file| file.write_all(content)).with_context(|| format!("{}: cannot be written", to.display()))
}
