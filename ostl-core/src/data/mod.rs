//! What is learned from, and by what measure: sequences as inputs and targets, losses and the signals they send down, scores.

pub mod batch;
pub mod loss;
pub(crate) mod objective;
pub(crate) mod score;
mod target;
