#![doc = include_str!("../README.md")]

pub mod alif;
pub mod config;
mod decay;
pub mod e_lstm;
mod error;
pub mod gru;
pub mod ind_rnn;
pub mod li;
pub mod lif;
pub mod lru;
pub mod lstm;
pub mod min_gru;
pub mod min_lstm;
mod nonlinearity;
pub mod output;
#[cfg(test)]
mod partials_check;
mod reset;
mod ring;
pub mod rnn;
pub mod rtu;
mod saved;
pub mod snu;
pub mod surrogate;
pub mod synaptic;

pub use alif::Alif;
pub use config::{CellConfig, CellVisitor};
pub use e_lstm::ELstm;
pub use error::CellError;
pub use gru::Gru;
pub use ind_rnn::IndRnn;
pub use li::Li;
pub use lif::Lif;
pub use lru::Lru;
pub use lstm::Lstm;
pub use min_gru::MinGru;
pub use min_lstm::MinLstm;
pub use nonlinearity::Nonlinearity;
pub use output::{OutputFunction, Sigmoid, Step};
pub use reset::Reset;
pub use rnn::Rnn;
pub use rtu::Rtu;
pub use saved::{LoadError, load, load_with, ready};
pub use snu::{Snu, SnuWithLearnableDecay, SoftSnu, SpikingSnu, StateFunction};
pub use surrogate::{
    Arctan, FastSigmoid, PseudoDerivative, PseudoDerivativeKind, SigmoidDerivative, TanhDerivative, Triangle,
};
pub use synaptic::SynapticLif;

pub use ostl_core;

/// What a program that learns needs, cells and engine: `use ostl_cells::prelude::*;`, and no other dependency.
pub mod prelude {
    pub use crate::{
        Alif, ELstm, Gru, IndRnn, Li, Lif, Lru, Lstm, MinGru, MinLstm, Rnn, Rtu, Snu, SynapticLif,
        surrogate::{Arctan, FastSigmoid, SigmoidDerivative, TanhDerivative, Triangle},
    };
    pub use ostl_core::{
        Activation, Carry, Engine, Feedback, Head, Heads, Learner, Loss, LossFunction, Method, Network, OptimizerSettings,
        ParameterRun, Predictor, Publisher, Real, Score, SequenceBatch, Signal, Target, TargetKind, Update, UpdateRule,
        UpdateStep, Window,
    };
}
