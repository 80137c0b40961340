//! Which class was taken for which.

use serde::{Deserialize, Serialize};

use super::add_counts;

/// Counts of (right class, answered class).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// All counts 0.
    pub(super) fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// One more time that `said` was answered where `class` was right.
    pub(super) fn merge(&mut self, other: &Self) {
        add_counts(&mut self.counts, &other.counts);
    }

    pub(super) fn add(&mut self, class: usize, said: usize) {
        self.counts[class * self.classes + said] += 1;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often `said` was answered where `class` was right.
    ///
    /// # Panics
    /// If there is no such class.
    #[track_caller]
    pub fn count(&self, class: usize, said: usize) -> u64 {
        assert!(class < self.classes && said < self.classes, "classes {class} and {said} of {}", self.classes);
        self.counts[class * self.classes + said]
    }

    /// What was answered where `class` was right: a count for each class.
    ///
    /// # Panics
    /// If there is no such class.
    #[track_caller]
    pub fn row(&self, class: usize) -> &[u64] {
        &self.counts[class * self.classes..(class + 1) * self.classes]
    }
}
