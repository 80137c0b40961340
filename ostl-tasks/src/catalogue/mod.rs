//! Which data sets there are, where they come from, and whether a copy is the right one.
//!
//! Nothing here goes to the network: [`DataSet::files`] says what to fetch from where, and [`DataFile::check`] whether what arrived is
//! what was published. `ostl data fetch` is a program that does so.

mod check;
mod sums;
mod table;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub use check::{Verdict, sha256_of};
pub use table::DATA_SETS;

use crate::error::DatasetError;

/// A published data set.
#[derive(Clone, Copy, Debug)]
pub struct DataSet {
    /// Its name, and that of the folder it is kept in.
    pub name: &'static str,
    /// What it holds, in a few words.
    pub what: &'static str,
    /// The tasks that are learned from it, as they are called in configurations.
    pub tasks: &'static [&'static str],
    /// Inputs and outputs of the task, in words.
    pub shape: &'static str,
    /// Bytes on the disk, about.
    pub bytes: u64,
    /// The licence it is given under.
    pub licence: &'static str,
    /// What to cite.
    pub citation: &'static str,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a data set comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// Files at an address, with sums to check them by.
    Files {
        /// The address that the files' paths are appended to.
        base: &'static str,
        /// Files listed one by one.
        listed: &'static [Listed],
        /// Many files of one kind.
        many: Option<Many>,
    },
    /// An address to fetch it from by hand.
    ByHand {
        /// The address.
        address: &'static str,
        /// Why it is not fetched.
        why: &'static str,
    },
}

/// A file of a data set.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its path below the address.
    pub path: &'static str,
    /// Its path in the data set's folder.
    pub name: &'static str,
    /// What it must be.
    pub sum: Sum,
}

/// What a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// A file of this size with this sha256.
    Plain {
        /// Size.
        bytes: u64,
        /// In hexadecimal digits.
        sha256: &'static str,
    },
    /// A gzip file whose content has this size and this sha256. Packed anew it would be other bytes with the same content.
    Unpacked {
        /// Size of the content.
        bytes: u64,
        /// Of the content, in hexadecimal digits.
        sha256: &'static str,
    },
    /// A file whose sha256 begins so. Enough to notice which of many files is broken; that all are right is for
    /// [`Many::together`] to say.
    Begins(&'static str),
}

/// Many files of one kind: their paths differ in one place.
#[derive(Clone, Copy, Debug)]
pub struct Many {
    /// What stands before and after that place in the path below the address.
    pub path: [&'static str; 2],
    /// The same in the data set's folder.
    pub name: [&'static str; 2],
    /// A line a file: the first twelve digits of its sha256, and what stands in that place.
    sums: &'static str,
    /// The sha256 of the list `sha256sum` makes of all files of the data set, sorted by path: lines of the digest in hexadecimal digits,
    /// two spaces, the path in the data set's folder, and a line feed.
    pub together: &'static str,
}

/// A file to fetch or to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its path below the data set's address.
    pub path: Cow<'static, str>,
    /// Its path in the data set's folder.
    pub name: Cow<'static, str>,
    /// What it must be.
    pub sum: Sum,
}

impl DataSet {
    /// The data set of this name, or else the first one that a task of this name is learned from.
    pub fn named(name: &str) -> Option<&'static DataSet> {
        let of_task = || DATA_SETS.iter().find(|set| set.tasks.contains(&name));
        DATA_SETS.iter().find(|set| set.name == name).or_else(of_task)
    }

    /// The files it consists of; none where it is to be fetched by hand.
    pub fn files(&self) -> Vec<DataFile> {
        let Origin::Files { listed, many, .. } = self.origin else { return Vec::new() };
        let one = |file: &Listed| DataFile { path: file.path.into(), name: file.name.into(), sum: file.sum };
        listed.iter().map(one).chain(many.iter().flat_map(Many::files)).collect()
    }

    /// The folder that the data set lies in: `folder` itself or its subfolder of the data set's name, whichever holds any of its files.
    ///
    /// # Errors
    /// If the operating system does not let the folders be looked at.
    pub fn found_in(&self, folder: &Path) -> Result<Option<PathBuf>, DatasetError> {
        let files = self.files();
        for place in [folder.to_owned(), folder.join(self.name)] {
            for file in &files {
                if crate::files::look(&place.join(&*file.name))?.is_some() {
                    return Ok(Some(place));
                }
            }
        }
        Ok(None)
    }

    /// Whether all files, each of which has been [checked](DataFile::check), are right together; true where each has its own whole sum.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn is_whole(&self, folder: &Path) -> Result<bool, DatasetError> {
        let Origin::Files { many: Some(many), .. } = self.origin else { return Ok(true) };
        Ok(check::together(folder, &self.files())? == many.together)
    }
}

#[cfg(test)]
mod tests;
