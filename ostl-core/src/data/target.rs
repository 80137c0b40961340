//! What an output should have been: a class, or values.

use crate::linalg::real::Real;

/// The target of one step of one stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a, T> {
    /// The index of the right class.
    Class(usize),
    /// One value per output.
    Values(&'a [T]),
}

/// A target, and how much it counts beside others: its loss and learning signal are multiplied by the weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted<'a, T> {
    /// The target.
    pub target: Target<'a, T>,
    /// Its weight, 0 or more; 1 for a target like any other.
    pub weight: T,
}

impl<'a, T: Real> From<Target<'a, T>> for Weighted<'a, T> {
    /// A target like any other.
    fn from(target: Target<'a, T>) -> Self {
        Self { target, weight: T::one() }
    }
}

/// Which of the two kinds of [targets](crate::Targets) a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One class of N.
    Classes,
    /// One value for each output.
    Values,
}
