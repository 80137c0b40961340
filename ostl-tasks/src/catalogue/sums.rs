//! Lists of the sums of many files.

use super::{DataFile, Many, Sum};

impl Many {
    pub(super) const fn new(
        path: [&'static str; 2],
        name: [&'static str; 2],
        sums: &'static str,
        together: &'static str,
    ) -> Self {
        Self { path, name, sums, together }
    }

    /// The files, in the order of the list.
    pub(super) fn files(&self) -> impl Iterator<Item = DataFile> + '_ {
        let filled = |[before, after]: [&str; 2], place: &str| format!("{before}{place}{after}").into();
        self.sums.lines().filter_map(|line| line.split_once(' ')).map(move |(digits, place)| DataFile {
            path: filled(self.path, place),
            name: filled(self.name, place),
            sum: Sum::Begins(digits),
        })
    }
}
