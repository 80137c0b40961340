#![doc = include_str!("../README.md")]

pub mod config;
mod error;
pub mod gru;
pub mod lstm;
pub mod output;
#[cfg(test)]
mod partials_check;
pub mod rnn;
pub mod snu;
pub mod surrogate;

pub use config::{CellConfig, CellVisitor, PseudoDerivativeKind};
pub use error::CellError;
pub use gru::Gru;
pub use lstm::Lstm;
pub use output::{OutputFunction, Sigmoid, Step};
pub use rnn::Rnn;
pub use snu::{Snu, SnuWithLearnableDecay, SoftSnu, SpikingSnu, StateFunction};
pub use surrogate::{Arctan, FastSigmoid, PseudoDerivative, SigmoidDerivative, TanhDerivative, Triangle};
