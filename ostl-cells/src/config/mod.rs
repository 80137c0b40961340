//! Cells as they are described in a configuration file, and the way from a description to a cell.
//!
//! ```toml
//! cell = "snu"
//! recurrent = false
//! decay = 0.9
//! pseudo_derivative = "fast-sigmoid"
//! ```

mod dynamics;
mod element_wise;
mod every;
mod options;
mod spiking;
#[cfg(test)]
mod tests;

use ostl_core::{Cell, ConfigError, NetworkBuilder, Real};
use serde::{Deserialize, Serialize};

pub use element_wise::{ELstmConfig, IndRnnConfig, LiConfig, LruConfig, MinGruConfig, MinLstmConfig, RtuConfig};
pub use options::{GruConfig, LstmConfig, RnnConfig, SnuConfig, SoftSnuConfig};
pub use spiking::{AlifConfig, LifConfig, OutputKind, SynapticLifConfig};

use crate::error::CellError;
use crate::gru::Gru;
use crate::lstm::Lstm;
use crate::min_gru::MinGru;
use crate::nonlinearity::Nonlinearity;
use crate::snu::StateFunction;
pub use crate::surrogate::PseudoDerivativeKind;

/// A cell and its options. The key `cell` names the cell; a key that this cell does not have is an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cell", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CellConfig {
    /// `cell = "snu"`: the spiking neural unit, step output ([`Snu::spiking`](crate::Snu::spiking)).
    Snu(SnuConfig),
    /// `cell = "ssnu"`: the soft spiking neural unit, logistic output ([`Snu::soft`](crate::Snu::soft)).
    Ssnu(SoftSnuConfig),
    /// `cell = "lif"`: leaky integrate and fire ([`Lif`](crate::Lif)).
    Lif(LifConfig),
    /// `cell = "synaptic-lif"`: leaky integrate and fire with a synaptic current ([`SynapticLif`](crate::SynapticLif)).
    SynapticLif(SynapticLifConfig),
    /// `cell = "alif"`: adaptive leaky integrate and fire ([`Alif`](crate::Alif)).
    Alif(AlifConfig),
    /// `cell = "li"`: the leaky integrator ([`Li`](crate::Li)).
    Li(LiConfig),
    /// `cell = "rnn"`: the tanh unit, perhaps leaky ([`Rnn`](crate::Rnn)).
    Rnn(RnnConfig),
    /// `cell = "lstm"`: long short-term memory ([`Lstm`]).
    Lstm(LstmConfig),
    /// `cell = "gru"`: the gated recurrent unit ([`Gru`]).
    Gru(GruConfig),
    /// `cell = "ind-rnn"`: the independently recurrent unit ([`IndRnn`](crate::IndRnn)).
    IndRnn(IndRnnConfig),
    /// `cell = "e-lstm"`: the LSTM with element-wise recurrence ([`ELstm`](crate::ELstm)).
    ELstm(ELstmConfig),
    /// `cell = "lru"`: the linear recurrent unit ([`Lru`](crate::Lru)).
    Lru(LruConfig),
    /// `cell = "rtu"`: the recurrent trace unit ([`Rtu`](crate::Rtu)).
    Rtu(RtuConfig),
    /// `cell = "min-gru"`: the minimal GRU ([`MinGru`]).
    MinGru(MinGruConfig),
    /// `cell = "min-lstm"`: the minimal LSTM ([`MinLstm`](crate::MinLstm)).
    MinLstm(MinLstmConfig),
}

/// Something to do with a cell of whatever type: what [`CellConfig::visit`] calls with the cell that was described.
pub trait CellVisitor {
    /// What comes of it.
    type Output;

    /// Called once, with the cell.
    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Self::Output;
}

impl CellConfig {
    /// The name that stands under the key `cell`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Snu(_) => "snu",
            Self::Ssnu(_) => "ssnu",
            Self::Lif(_) => "lif",
            Self::SynapticLif(_) => "synaptic-lif",
            Self::Alif(_) => "alif",
            Self::Li(_) => "li",
            Self::Rnn(_) => "rnn",
            Self::Lstm(_) => "lstm",
            Self::Gru(_) => "gru",
            Self::IndRnn(_) => "ind-rnn",
            Self::ELstm(_) => "e-lstm",
            Self::Lru(_) => "lru",
            Self::Rtu(_) => "rtu",
            Self::MinGru(_) => "min-gru",
            Self::MinLstm(_) => "min-lstm",
        }
    }

    /// The option `recurrent` of the cells that have it.
    fn recurrent_option(&mut self) -> Option<&mut bool> {
        match self {
            Self::Snu(options) => Some(&mut options.recurrent),
            Self::Ssnu(options) => Some(&mut options.recurrent),
            Self::Lif(options) => Some(&mut options.recurrent),
            Self::SynapticLif(options) => Some(&mut options.recurrent),
            Self::Alif(options) => Some(&mut options.recurrent),
            Self::Rnn(options) => Some(&mut options.recurrent),
            Self::Lstm(options) => Some(&mut options.recurrent),
            Self::Gru(options) => Some(&mut options.recurrent),
            Self::Li(_) | Self::IndRnn(_) | Self::ELstm(_) | Self::Lru(_) => None,
            Self::Rtu(_) | Self::MinGru(_) | Self::MinLstm(_) => None,
        }
    }

    /// Whether the layer sums its own previous outputs, that is has an H.
    pub fn is_recurrent(mut self) -> bool {
        self.recurrent_option().is_some_and(|recurrent| *recurrent)
    }

    /// The same cell, with or without H; cells whose recurrence is element-wise never have one, and stay as they are.
    pub fn with_recurrent(mut self, recurrent: bool) -> Self {
        if let Some(option) = self.recurrent_option() {
            *option = recurrent;
        }
        self
    }

    /// Whether the output is a step.
    pub fn is_spiking(&self) -> bool {
        match self {
            Self::Snu(_) => true,
            Self::Lif(options) => options.output == OutputKind::Step,
            Self::SynapticLif(options) => options.output == OutputKind::Step,
            Self::Alif(options) => options.output == OutputKind::Step,
            _ => false,
        }
    }

    /// Whether the cell, if it does not spike, has kinks: points without a derivative, as ReLU has, near which finite
    /// differences can be wrong.
    pub fn has_kinks(&self) -> bool {
        match self {
            Self::Snu(options) => options.state_function == StateFunction::Relu,
            Self::Ssnu(options) => options.state_function == StateFunction::Relu,
            Self::IndRnn(options) => options.nonlinearity == Nonlinearity::Relu,
            Self::Rtu(options) => options.nonlinearity == Nonlinearity::Relu,
            _ => false,
        }
    }

    /// As JSON: what [`Cell::settings`] returns for a ready cell, and [`from_settings`](Self::from_settings) reads.
    pub fn settings(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// The cell of these settings.
    ///
    /// # Errors
    /// If they are those of none.
    pub fn from_settings(settings: &str) -> Result<Self, ConfigError> {
        let refuse = |error: serde_json::Error| {
            let (field, value, allowed) = ("cell".into(), settings.into(), format!("a ready cell and its options: {error}"));
            ConfigError::OutOfRange { field, value, allowed }
        };
        serde_json::from_str(settings).map_err(refuse)
    }

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// If one is not; the error names it, its value and the range.
    pub fn validate(&self) -> Result<(), CellError> {
        self.visit(Nothing)
    }

    /// Puts a layer of `units` of these units on top of a network.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn add_to<T: Real>(&self, builder: NetworkBuilder<T>, units: usize) -> Result<NetworkBuilder<T>, CellError> {
        Ok(builder.recurrent_dynamics(self.dynamics()?, units))
    }

    /// Makes the cell and hands it to `visitor`.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        match self {
            Self::Snu(options) => options.visit(visitor),
            Self::Ssnu(options) => options.visit(visitor),
            Self::Lif(options) => options.visit(visitor),
            Self::SynapticLif(options) => options.visit(visitor),
            Self::Alif(options) => options.visit(visitor),
            Self::Li(options) => options.visit(visitor),
            Self::Rnn(options) => Ok(visitor.visit(options.cell()?)),
            Self::Lstm(options) => {
                Ok(visitor.visit(Lstm::new().recurrent(options.recurrent).forget_bias(options.forget_bias)?))
            }
            Self::Gru(options) => Ok(visitor.visit(Gru::new().recurrent(options.recurrent))),
            Self::IndRnn(options) => Ok(visitor.visit(options.cell()?)),
            Self::ELstm(options) => Ok(visitor.visit(options.cell()?)),
            Self::Lru(options) => Ok(visitor.visit(options.cell()?)),
            Self::Rtu(options) => Ok(visitor.visit(options.cell()?)),
            Self::MinGru(_) => Ok(visitor.visit(MinGru)),
            Self::MinLstm(options) => Ok(visitor.visit(options.cell()?)),
        }
    }
}

/// Makes the cell, to see whether it can be made.
struct Nothing;

impl CellVisitor for Nothing {
    type Output = ();

    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, _cell: C) {}
}
