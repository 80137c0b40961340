//! What is learned from, and by what measure: sequences as inputs and targets, losses and the signals they send down, scores.

pub mod batch;
pub(crate) mod heads;
pub mod loss;
pub(crate) mod loss_function;
pub(crate) mod objective;
pub(crate) mod ready_loss;
pub(crate) mod regression;
pub(crate) mod score;
pub(crate) mod target;
