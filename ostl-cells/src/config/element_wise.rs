//! Options of the cells whose recurrence stays inside the unit: no H, and no option `recurrent`.

use serde::{Deserialize, Serialize};

use super::CellVisitor;
use super::options::decay;
use crate::e_lstm::ELstm;
use crate::error::CellError;
use crate::ind_rnn::IndRnn;
use crate::li::Li;
use crate::lru::Lru;
use crate::min_lstm::MinLstm;
use crate::nonlinearity::Nonlinearity;
use crate::ring::Ring;
use crate::rtu::Rtu;

/// Options of the leaky integrator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiConfig {
    /// The decay κ, 0 … 1. Default: 0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay: Option<f64>,
    /// A time constant instead, in the unit of `step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_constant: Option<f64>,
    /// How long a step is. Default: 1.
    pub step: f64,
    /// The decay is learnt from where it stands, which must then be neither 0 nor 1. Default: false.
    pub learn_decay: bool,
    /// The input enters times 1 − κ. Default: false.
    pub scaled_input: bool,
}

/// Options of the independently recurrent unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndRnnConfig {
    /// The function f: `"relu"` or `"tanh"`. Default: `"relu"`.
    pub nonlinearity: Nonlinearity,
    /// The recurrent weights start spread from 0 to this, positive. Default: 1.
    pub largest_weight: f64,
}

/// Options of the LSTM with element-wise recurrence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ELstmConfig {
    /// Where the forget gate's constant starts. Default: 0.
    pub forget_bias: f64,
}

/// Options of the linear recurrent unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LruConfig {
    /// The least |λ| at the start, at least 0 and less than 1. Default: 0.
    pub r_min: f64,
    /// The greatest, at least `r_min` and at most 1. Default: 1.
    pub r_max: f64,
    /// The greatest phase at the start, positive and at most 2π. Default: 2π.
    pub max_phase: f64,
}

/// Options of the recurrent trace unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RtuConfig {
    /// The function f: `"relu"` or `"tanh"`. Default: `"relu"`.
    pub nonlinearity: Nonlinearity,
    /// f is inside the recurrence. Default: false.
    pub nonlinear_recurrence: bool,
    /// The least r at the start, at least 0 and less than 1. Default: 0.
    pub r_min: f64,
    /// The greatest, at least `r_min` and at most 1. Default: 1.
    pub r_max: f64,
    /// The greatest angle at the start, positive and at most 2π. Default: 2π.
    pub max_phase: f64,
}

/// Options of the minimal GRU: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinGruConfig {}

/// Options of the minimal LSTM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinLstmConfig {
    /// Where the forget gate's constant starts. Default: 0.
    pub forget_bias: f64,
}

impl Default for LiConfig {
    fn default() -> Self {
        Self { decay: None, time_constant: None, step: 1.0, learn_decay: false, scaled_input: false }
    }
}

impl Default for IndRnnConfig {
    fn default() -> Self {
        Self { nonlinearity: Nonlinearity::default(), largest_weight: 1.0 }
    }
}

impl Default for LruConfig {
    fn default() -> Self {
        let Ring { r_min, r_max, max_phase } = Ring::DISC;
        Self { r_min, r_max, max_phase }
    }
}

impl Default for RtuConfig {
    fn default() -> Self {
        let Ring { r_min, r_max, max_phase } = Ring::DISC;
        Self { nonlinearity: Nonlinearity::default(), nonlinear_recurrence: false, r_min, r_max, max_phase }
    }
}

impl LiConfig {
    pub(super) fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        let mut li = Li::new().scaled_input(self.scaled_input);
        if let Some(decay) = decay(("decay", self.decay), ("time_constant", self.time_constant), self.step)? {
            li = li.decay(decay)?;
        }
        Ok(if self.learn_decay { visitor.visit(li.learnable_decay()?) } else { visitor.visit(li) })
    }
}

impl IndRnnConfig {
    pub(super) fn cell(&self) -> Result<IndRnn, CellError> {
        IndRnn::new().nonlinearity(self.nonlinearity).largest_weight(self.largest_weight)
    }
}

impl ELstmConfig {
    pub(super) fn cell(&self) -> Result<ELstm, CellError> {
        ELstm::new().forget_bias(self.forget_bias)
    }
}

impl LruConfig {
    pub(super) fn cell(&self) -> Result<Lru, CellError> {
        Lru::new().ring(self.r_min, self.r_max, self.max_phase)
    }
}

impl RtuConfig {
    pub(super) fn cell(&self) -> Result<Rtu, CellError> {
        let rtu = Rtu::new().nonlinearity(self.nonlinearity).nonlinear_recurrence(self.nonlinear_recurrence);
        rtu.ring(self.r_min, self.r_max, self.max_phase)
    }
}

impl MinLstmConfig {
    pub(super) fn cell(&self) -> Result<MinLstm, CellError> {
        MinLstm::new().forget_bias(self.forget_bias)
    }
}
