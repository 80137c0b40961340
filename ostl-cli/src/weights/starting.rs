//! Weights that a network starts with in the place of drawn ones.

use std::path::{Path, PathBuf};

use ostl_core::{Network, Real, Record};
use ostl_tasks::Task;

use crate::failure::UsageError;
use crate::run_directory::{IDENTITY, RunDirectory};

/// Names of what a file has that are shown where one is missing.
const MOST_SHOWN: usize = 8;

/// What `init` names.
#[derive(Debug)]
pub(crate) struct Starting {
    path: PathBuf,
    found: Record,
}

impl Starting {
    /// Reads the file, or of a run its best weights.
    pub(crate) fn read(path: &Path) -> Result<Self, UsageError> {
        let named = |error: &dyn std::fmt::Display| UsageError::Other(format!("init: {error}"));
        let path = match path.is_dir() {
            true => RunDirectory::open(path).map_err(|error| named(&error))?.best_path(),
            false => path.to_owned(),
        };
        let found = super::read(&path).map_err(|error| named(&error))?;
        Ok(Self { path, found })
    }

    /// Puts all weights of a network in the place of its own. What else is in the file is left alone; a network that lacks one is as it was.
    pub(crate) fn put_into<T: Real>(&self, network: &mut Network<T>) -> Result<(), UsageError> {
        let own = network.weights();
        let mut weights = Record::new();
        for name in own.names() {
            let shape = own.shape(name).unwrap_or_default();
            let values = self.values(name).ok_or_else(|| self.refused(&self.lacks(name, shape)))?;
            let found = self.found.shape(name).unwrap_or_default();
            if !is_same(shape, found) {
                let problem = format!("`{name}` has the shape {found:?}, and the network's has {shape:?}");
                return Err(self.refused(&format!("{problem}: its layers must be those of the network that was saved")));
            }
            weights.put(name, shape, values.into_iter().map(T::from_f64).collect());
        }
        network.set_weights(&weights).map_err(|error| self.refused(&error.to_string()))
    }

    /// What there is to say where the words or characters of the saved network are known to be others.
    pub(crate) fn other_vocabulary(&self, task: &dyn Task) -> Option<String> {
        let own = task.vocabulary().map(|vocabulary| format!("vocabulary {:016x}", vocabulary.fingerprint()))?;
        let identity = self.found.text(IDENTITY)?;
        (!identity.ends_with(&own)).then(|| {
            format!(
                "init: {} was learned with another vocabulary: its inputs and classes stood for other words",
                self.path.display()
            )
        })
    }

    /// An array of real numbers.
    fn values(&self, name: &str) -> Option<Vec<f64>> {
        let single = || Some(self.found.values::<f32>(name)?.iter().map(|&value| f64::from(value)).collect());
        self.found.values::<f64>(name).map(<[f64]>::to_vec).or_else(single)
    }

    fn lacks(&self, name: &str, shape: &[usize]) -> String {
        let there: Vec<&str> = self.found.names().filter(|name| self.values(name).is_some()).collect();
        let shown = there.iter().take(MOST_SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let and_more = if there.len() > MOST_SHOWN { ", …" } else { "" };
        let has = if there.is_empty() { "nothing of the kind".to_owned() } else { format!("{shown}{and_more}") };
        format!("has no array of real numbers `{name}` {shape:?}, which the network needs; it has {has}")
    }

    fn refused(&self, problem: &str) -> UsageError {
        UsageError::Other(format!("init: {}: {problem}", self.path.display()))
    }
}

/// Whether two shapes are the same but for axes of length one: constants are often saved without theirs.
fn is_same(one: &[usize], other: &[usize]) -> bool {
    let longer = |shape: &&usize| **shape != 1;
    one.iter().filter(longer).eq(other.iter().filter(longer))
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn axes_of_length_one_do_not_count() {
        assert!(is_same(&[3, 1], &[3]) && is_same(&[1, 1], &[]) && is_same(&[2, 3], &[2, 3]));
        assert!(!is_same(&[2, 3], &[3, 2]) && !is_same(&[3, 1], &[4]) && !is_same(&[6], &[2, 3]));
    }
}
