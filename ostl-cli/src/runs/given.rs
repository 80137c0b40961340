//! Which runs a command line means: `runs/*` has folders of runs and other files among them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::names::first_few;
use crate::output::tell;
use crate::run_directory::RunDirectory;

/// Most names of what is left out that are told.
const MOST_NAMED: usize = 3;

/// The runs among these paths, each once, and in the place of a folder that is none the runs in it. What else there is is said to be left out, unless
/// there is nothing else.
pub(crate) fn given(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let (mut runs, mut seen, mut others) = (Vec::new(), BTreeSet::new(), Vec::new());
    for path in paths {
        let found = match RunDirectory::open(path) {
            Ok(_) => vec![path.clone()],
            Err(error) if !path.exists() => return Err(error),
            Err(error) => {
                let found = within(path)?;
                if found.is_empty() {
                    others.push((path, error));
                }
                found
            }
        };
        let new = found.into_iter().filter(|run| seen.insert(run.canonicalize().unwrap_or_else(|_| run.clone())));
        runs.extend(new);
    }
    match others.len() {
        0 => {}
        _ if runs.is_empty() => return Err(others.swap_remove(0).1),
        1 => tell(&format!("left out: {}", others[0].1)),
        _ => {
            let names: Vec<String> = others.iter().map(|(path, _)| path.display().to_string()).collect();
            tell(&format!("left out, being no runs: {}", first_few(&names, MOST_NAMED)));
        }
    }
    Ok(runs)
}

/// The runs that lie in a folder, by their names.
fn within(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let unread = || format!("{}: cannot be read", folder.display());
    let entries = folder.read_dir().with_context(unread)?;
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.with_context(unread)?.path();
        if RunDirectory::open(&path).is_ok() {
            runs.push(path);
        }
    }
    runs.sort();
    Ok(runs)
}
