//! Options of the leaky integrate-and-fire cells.

use serde::{Deserialize, Serialize};

use super::CellVisitor;
use super::options::decay;
use crate::alif::Alif;
use crate::error::CellError;
use crate::lif::Lif;
use crate::output::{OutputFunction, Sigmoid, Step};
use crate::reset::Reset;
use crate::surrogate::PseudoDerivativeKind;
use crate::synaptic::SynapticLif;

/// The output of an integrate-and-fire cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// `"step"`: it spikes.
    #[default]
    Step,
    /// `"sigmoid"`: the smooth twin, which has no use for the pseudo-derivative.
    Sigmoid,
}

/// Options of the LIF.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifConfig {
    /// The current sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The decay d, 0 … 1. Default: 0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay: Option<f64>,
    /// A time constant instead of the decay, in the unit of `step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_constant: Option<f64>,
    /// How long a step is. Default: 1.
    pub step: f64,
    /// The decay is learnt from where it stands, which must then be neither 0 nor 1. Default: false.
    pub learn_decay: bool,
    /// What a spike does: `"subtract"`, `"zero"`, `"none"`. Default: `"subtract"`.
    pub reset: Reset,
    /// Derivatives leave out the reset. Default: false.
    pub detach_reset: bool,
    /// The current enters times 1 − d. Default: false.
    pub scaled_input: bool,
    /// The threshold at the start, positive. Default: 1.
    pub threshold: f64,
    /// Steps after a spike in which there is none. Default: 0.
    pub refractory: u32,
    /// `"step"` or `"sigmoid"`. Default: `"step"`.
    pub output: OutputKind,
    /// What stands in for the derivative of the step. Default: `"tanh"`.
    pub pseudo_derivative: PseudoDerivativeKind,
}

/// Options of the LIF with a synaptic current.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynapticLifConfig {
    /// The current sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The synaptic decay α, 0 … 1. Default: 0.8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synaptic_decay: Option<f64>,
    /// A time constant instead, in the unit of `step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synaptic_time_constant: Option<f64>,
    /// The decay d of the potential, 0 … 1. Default: 0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay: Option<f64>,
    /// A time constant instead, in the unit of `step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_constant: Option<f64>,
    /// How long a step is. Default: 1.
    pub step: f64,
    /// Both decays are learnt from where they stand, which must then be neither 0 nor 1. Default: false.
    pub learn_decay: bool,
    /// What a spike does: `"subtract"`, `"zero"`, `"none"`. Default: `"subtract"`.
    pub reset: Reset,
    /// Derivatives leave out the reset. Default: false.
    pub detach_reset: bool,
    /// The threshold at the start, positive. Default: 1.
    pub threshold: f64,
    /// `"step"` or `"sigmoid"`. Default: `"step"`.
    pub output: OutputKind,
    /// What stands in for the derivative of the step. Default: `"tanh"`.
    pub pseudo_derivative: PseudoDerivativeKind,
}

/// Options of the adaptive LIF.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlifConfig {
    /// The current sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The decay d of the potential, 0 … 1. Default: 0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay: Option<f64>,
    /// A time constant instead, in the unit of `step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_constant: Option<f64>,
    /// The decay ρ of the adaptation, 0 … 1. Default: 0.98.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptation_decay: Option<f64>,
    /// A time constant instead, in the unit of `step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptation_time_constant: Option<f64>,
    /// How long a step is. Default: 1.
    pub step: f64,
    /// β, how much a spike raises the threshold; not negative. Default: 0.2.
    pub adaptation: f64,
    /// Derivatives leave out the reset of the potential. Default: false.
    pub detach_reset: bool,
    /// The threshold at the start, positive. Default: 1.
    pub threshold: f64,
    /// `"step"` or `"sigmoid"`. Default: `"step"`.
    pub output: OutputKind,
    /// What stands in for the derivative of the step. Default: `"tanh"`.
    pub pseudo_derivative: PseudoDerivativeKind,
}

impl Default for LifConfig {
    fn default() -> Self {
        Self {
            recurrent: true,
            decay: None,
            time_constant: None,
            step: 1.0,
            learn_decay: false,
            reset: Reset::default(),
            detach_reset: false,
            scaled_input: false,
            threshold: 1.0,
            refractory: 0,
            output: OutputKind::default(),
            pseudo_derivative: PseudoDerivativeKind::default(),
        }
    }
}

impl Default for SynapticLifConfig {
    fn default() -> Self {
        Self {
            recurrent: true,
            synaptic_decay: None,
            synaptic_time_constant: None,
            decay: None,
            time_constant: None,
            step: 1.0,
            learn_decay: false,
            reset: Reset::default(),
            detach_reset: false,
            threshold: 1.0,
            output: OutputKind::default(),
            pseudo_derivative: PseudoDerivativeKind::default(),
        }
    }
}

impl Default for AlifConfig {
    fn default() -> Self {
        Self {
            recurrent: true,
            decay: None,
            time_constant: None,
            adaptation_decay: None,
            adaptation_time_constant: None,
            step: 1.0,
            adaptation: 0.2,
            detach_reset: false,
            threshold: 1.0,
            output: OutputKind::default(),
            pseudo_derivative: PseudoDerivativeKind::default(),
        }
    }
}

impl LifConfig {
    pub(super) fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        match (self.output, self.refractory) {
            (OutputKind::Step, 0) => self.visit_as(self.cell(Step(self.pseudo_derivative))?, visitor),
            (OutputKind::Step, steps) => self.visit_as(self.cell(Step(self.pseudo_derivative))?.refractory(steps), visitor),
            (OutputKind::Sigmoid, 0) => self.visit_as(self.cell(Sigmoid)?, visitor),
            (OutputKind::Sigmoid, steps) => {
                let (value, allowed) = (f64::from(steps), "0 where the output is not a step");
                Err(CellError::OutOfRange { key: "refractory", value, allowed })
            }
        }
    }

    fn visit_as<O: OutputFunction, V: CellVisitor, const S: usize>(
        &self,
        lif: Lif<O, S>,
        visitor: V,
    ) -> Result<V::Output, CellError> {
        Ok(if self.learn_decay { visitor.visit(lif.learnable_decay()?) } else { visitor.visit(lif) })
    }

    fn cell<O: OutputFunction>(&self, output: O) -> Result<Lif<O>, CellError> {
        let lif = Lif::new(output).recurrent(self.recurrent).reset(self.reset).detach_reset(self.detach_reset);
        let lif = lif.scaled_input(self.scaled_input).threshold(self.threshold)?;
        match decay(("decay", self.decay), ("time_constant", self.time_constant), self.step)? {
            Some(decay) => lif.decay(decay),
            None => Ok(lif),
        }
    }
}

impl SynapticLifConfig {
    pub(super) fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        match self.output {
            OutputKind::Step => self.visit_with(Step(self.pseudo_derivative), visitor),
            OutputKind::Sigmoid => self.visit_with(Sigmoid, visitor),
        }
    }

    fn visit_with<O: OutputFunction, V: CellVisitor>(&self, output: O, visitor: V) -> Result<V::Output, CellError> {
        let mut cell = SynapticLif::new(output).recurrent(self.recurrent).threshold(self.threshold)?;
        cell = cell.reset(self.reset).detach_reset(self.detach_reset);
        let by_time = ("synaptic_time_constant", self.synaptic_time_constant);
        if let Some(decay) = decay(("synaptic_decay", self.synaptic_decay), by_time, self.step)? {
            cell = cell.synaptic_decay(decay)?;
        }
        if let Some(decay) = decay(("decay", self.decay), ("time_constant", self.time_constant), self.step)? {
            cell = cell.decay(decay)?;
        }
        Ok(if self.learn_decay { visitor.visit(cell.learnable_decays()?) } else { visitor.visit(cell) })
    }
}

impl AlifConfig {
    pub(super) fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        match self.output {
            OutputKind::Step => self.visit_with(Step(self.pseudo_derivative), visitor),
            OutputKind::Sigmoid => self.visit_with(Sigmoid, visitor),
        }
    }

    fn visit_with<O: OutputFunction, V: CellVisitor>(&self, output: O, visitor: V) -> Result<V::Output, CellError> {
        let mut cell = Alif::new(output).recurrent(self.recurrent).detach_reset(self.detach_reset);
        cell = cell.threshold(self.threshold)?.adaptation(self.adaptation)?;
        let by_time = ("adaptation_time_constant", self.adaptation_time_constant);
        if let Some(decay) = decay(("adaptation_decay", self.adaptation_decay), by_time, self.step)? {
            cell = cell.adaptation_decay(decay)?;
        }
        if let Some(decay) = decay(("decay", self.decay), ("time_constant", self.time_constant), self.step)? {
            cell = cell.decay(decay)?;
        }
        Ok(visitor.visit(cell))
    }
}
