//! Options of the SNU, the tanh unit, the LSTM and the GRU; and what options of several cells share.

use serde::{Deserialize, Serialize};

use super::CellVisitor;
use crate::decay::of_time_constant;
use crate::error::CellError;
use crate::output::{OutputFunction, Sigmoid, Step};
use crate::rnn::Rnn;
use crate::snu::{Snu, StateFunction};
use crate::surrogate::{
    Arctan, FastSigmoid, PseudoDerivative, PseudoDerivativeKind, SigmoidDerivative, TanhDerivative, Triangle,
};

/// Options of the SNU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnuConfig {
    /// The current sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The decay d, 0 … 1. Default: 0.8.
    pub decay: f64,
    /// The decay is learnt, from `decay` on, which must then be neither 0 nor 1. Default: false.
    pub learn_decay: bool,
    /// The state function g: `"identity"` or `"relu"`. Default: `"identity"`.
    pub state_function: StateFunction,
    /// What stands in for the derivative of the step. Default: `"tanh"`.
    pub pseudo_derivative: PseudoDerivativeKind,
    /// Where the bias b starts (the threshold starts at −b). Default: −0.5.
    pub initial_bias: f64,
}

/// Options of the sSNU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftSnuConfig {
    /// The current sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The decay d, 0 … 1. Default: 0.8.
    pub decay: f64,
    /// The decay is learnt, from `decay` on, which must then be neither 0 nor 1. Default: false.
    pub learn_decay: bool,
    /// The state function g: `"identity"` or `"relu"`. Default: `"identity"`.
    pub state_function: StateFunction,
    /// Where the bias b starts. Default: 0.
    pub initial_bias: f64,
}

/// Options of the tanh unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RnnConfig {
    /// The gate sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The leak α, more than 0 and at most 1. Default: 1, no memory but through H.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak: Option<f64>,
    /// A time constant instead of the leak, in the unit of `step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_constant: Option<f64>,
    /// How long a step is. Default: 1.
    pub step: f64,
}

/// Options of the LSTM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LstmConfig {
    /// The gates sum y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// Where the forget gate's constant starts. Default: 1.
    pub forget_bias: f64,
}

/// Options of the GRU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GruConfig {
    /// The gates sum y_{t-1} through H. Default: true.
    pub recurrent: bool,
}

impl Default for SnuConfig {
    fn default() -> Self {
        Self {
            recurrent: true,
            decay: 0.8,
            learn_decay: false,
            state_function: StateFunction::default(),
            pseudo_derivative: PseudoDerivativeKind::default(),
            initial_bias: <Step<TanhDerivative> as OutputFunction>::INITIAL_BIAS,
        }
    }
}

impl Default for SoftSnuConfig {
    fn default() -> Self {
        Self {
            recurrent: true,
            decay: 0.8,
            learn_decay: false,
            state_function: StateFunction::default(),
            initial_bias: Sigmoid::INITIAL_BIAS,
        }
    }
}

impl Default for RnnConfig {
    fn default() -> Self {
        Self { recurrent: true, leak: None, time_constant: None, step: 1.0 }
    }
}

impl Default for LstmConfig {
    fn default() -> Self {
        Self { recurrent: true, forget_bias: 1.0 }
    }
}

impl Default for GruConfig {
    fn default() -> Self {
        Self { recurrent: true }
    }
}

impl SnuConfig {
    pub(super) fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        match self.pseudo_derivative {
            PseudoDerivativeKind::Tanh => self.visit_with(TanhDerivative, visitor),
            PseudoDerivativeKind::FastSigmoid => self.visit_with(FastSigmoid, visitor),
            PseudoDerivativeKind::Triangle => self.visit_with(Triangle::default(), visitor),
            PseudoDerivativeKind::Arctan => self.visit_with(Arctan, visitor),
            PseudoDerivativeKind::Sigmoid => self.visit_with(SigmoidDerivative, visitor),
        }
    }

    fn visit_with<P: PseudoDerivative, V: CellVisitor>(
        &self,
        pseudo_derivative: P,
        visitor: V,
    ) -> Result<V::Output, CellError> {
        let snu = Snu::spiking(pseudo_derivative).recurrent(self.recurrent).state_function(self.state_function);
        visit_snu(snu.decay(self.decay)?.initial_bias(self.initial_bias)?, self.learn_decay, visitor)
    }
}

impl SoftSnuConfig {
    pub(super) fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        let snu = Snu::soft().recurrent(self.recurrent).state_function(self.state_function);
        visit_snu(snu.decay(self.decay)?.initial_bias(self.initial_bias)?, self.learn_decay, visitor)
    }
}

fn visit_snu<O: OutputFunction, V: CellVisitor>(snu: Snu<O>, learn_decay: bool, visitor: V) -> Result<V::Output, CellError> {
    Ok(if learn_decay { visitor.visit(snu.learnable_decay()?) } else { visitor.visit(snu) })
}

impl RnnConfig {
    pub(super) fn cell(&self) -> Result<Rnn, CellError> {
        let rnn = Rnn::new().recurrent(self.recurrent);
        match choice(("leak", self.leak), ("time_constant", self.time_constant))? {
            Some(Choice::Share(leak)) => rnn.leak(leak),
            Some(Choice::TimeConstant(time_constant)) => rnn.time_constant(time_constant, self.step),
            None => Ok(rnn),
        }
    }
}

/// Which of two ways to say how fast something decays was taken.
enum Choice {
    Share(f64),
    TimeConstant(f64),
}

/// The decay that a share or a time constant of so long steps says, or neither; both are an error that names them.
pub(super) fn decay(
    share: (&'static str, Option<f64>),
    time_constant: (&'static str, Option<f64>),
    step: f64,
) -> Result<Option<f64>, CellError> {
    Ok(match choice(share, time_constant)? {
        Some(Choice::Share(share)) => Some(share),
        Some(Choice::TimeConstant(value)) => Some(of_time_constant(time_constant.0, value, step)?),
        None => None,
    })
}

/// One of a share and a time constant, or neither; both are an error that names them.
fn choice(
    (share_key, share): (&'static str, Option<f64>),
    (time_key, time_constant): (&'static str, Option<f64>),
) -> Result<Option<Choice>, CellError> {
    match (share, time_constant) {
        (Some(_), Some(_)) => Err(CellError::Exclusive { keys: [share_key, time_key] }),
        (Some(share), None) => Ok(Some(Choice::Share(share))),
        (None, Some(time_constant)) => Ok(Some(Choice::TimeConstant(time_constant))),
        (None, None) => Ok(None),
    }
}
