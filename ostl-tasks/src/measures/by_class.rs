//! How well each class is distinguished from the others.

use serde::{Deserialize, Serialize};

use super::{add_counts, fraction};

/// For each class how often it was right, how often it was answered, and how often both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByClass {
    targets: Vec<u64>,
    answers: Vec<u64>,
    hits: Vec<u64>,
}

impl ByClass {
    /// All counts 0.
    pub(super) fn new(classes: usize) -> Self {
        Self { targets: vec![0; classes], answers: vec![0; classes], hits: vec![0; classes] }
    }

    /// One more time that `said` was answered where `class` was right.
    pub(super) fn merge(&mut self, other: &Self) {
        add_counts(&mut self.targets, &other.targets);
        add_counts(&mut self.answers, &other.answers);
        add_counts(&mut self.hits, &other.hits);
    }

    pub(super) fn add(&mut self, class: usize, said: usize) {
        self.targets[class] += 1;
        self.answers[said] += 1;
        self.hits[class] += u64::from(class == said);
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.targets.len()
    }

    /// How often each class was right.
    pub fn targets(&self) -> &[u64] {
        &self.targets
    }

    /// How often each class was answered.
    pub fn answers(&self) -> &[u64] {
        &self.answers
    }

    /// How often each class was answered where it was right.
    pub fn hits(&self) -> &[u64] {
        &self.hits
    }

    /// Hits / targets; `None` where the class is never a target, or there is no such class.
    pub fn recall(&self, class: usize) -> Option<f64> {
        fraction(*self.hits.get(class)?, self.targets[class])
    }

    /// Hits / answers; `None` where the class is never answered, or there is no such class.
    pub fn precision(&self, class: usize) -> Option<f64> {
        fraction(*self.hits.get(class)?, self.answers[class])
    }

    /// 2 · hits / (targets + answers), the harmonic mean of recall and precision; 0 where nothing is hit, and `None` where the class is neither a
    /// target nor an answer, or there is no such class.
    pub fn f1(&self, class: usize) -> Option<f64> {
        fraction(2 * *self.hits.get(class)?, self.targets[class] + self.answers[class])
    }

    /// Mean recall of the classes that have a target.
    pub(super) fn balanced_accuracy(&self) -> Option<f64> {
        mean((0..self.classes()).filter_map(|class| self.recall(class)))
    }

    /// Mean F1 of the classes that are a target or an answer.
    pub(super) fn macro_f1(&self) -> Option<f64> {
        mean((0..self.classes()).filter_map(|class| self.f1(class)))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}
