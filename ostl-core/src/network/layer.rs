//! Layers: an affine map with a cell on top, or with a stateless activation.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cell::Leak;
use crate::cell::dynamics::LayerDynamics;
use crate::linalg::real::Real;
use crate::network::activity::Activity;
use crate::network::connections::Connections;
use crate::network::dropout::Dropout;
use crate::network::rates::LearningRates;

/// The activation of a stateless dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// y = a.
    Identity,
    /// y = tanh a.
    Tanh,
    /// y = 1/(1 + e⁻ᵃ).
    Sigmoid,
    /// y = max(a, 0), with derivative 0 at 0.
    Relu,
}

impl Activation {
    /// The activation's name, as it stands in reports.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Relu => "relu",
        }
    }

    /// Replaces a by y.
    pub fn apply<T: Real>(self, values: &mut [T]) {
        match self {
            Activation::Identity => {}
            Activation::Tanh => values.iter_mut().for_each(|v| *v = v.tanh()),
            Activation::Sigmoid => values.iter_mut().for_each(|v| *v = v.sigmoid()),
            Activation::Relu => values.iter_mut().for_each(|v| *v = v.at_least(T::zero())),
        }
    }

    /// ∂y/∂a, written in terms of y.
    #[inline(always)]
    pub fn derivative<T: Real>(self, y: T) -> T {
        match self {
            Activation::Identity => T::one(),
            Activation::Tanh => T::one() - y * y,
            Activation::Sigmoid => y * (T::one() - y),
            Activation::Relu => T::one().if_or(y > T::zero(), T::zero()),
        }
    }
}

impl Activation {
    /// Turns ∂E/∂y into δ = ∂E/∂a.
    pub(crate) fn through<T: Real>(self, outputs: &[T], signal: &mut [T]) {
        if self != Activation::Identity {
            for (signal, &y) in signal.iter_mut().zip(outputs) {
                *signal *= self.derivative(y);
            }
        }
    }
}

/// A recurrent layer: where its parameters lie, and the dynamics of its units.
///
/// W has `x_gates.len()·n` rows (gate-major) and m columns, H has `y_gates.len()·n` rows and n columns, and each gate with a
/// learnable constant has n of them.
#[derive(Clone)]
pub(crate) struct Recurrent<T> {
    pub(crate) dynamics: Arc<dyn LayerDynamics<T>>,
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    /// Gates that sum the inputs: one run.
    pub(crate) x_gates: Range<usize>,
    /// Gates that sum the previous outputs: one run, empty without H.
    pub(crate) y_gates: Range<usize>,
    /// Offset of W.
    pub(crate) w: usize,
    /// Offset of H.
    pub(crate) h: usize,
    /// Offset of each gate's constants.
    pub(crate) constants: Vec<Option<usize>>,
    /// What the layer's activity adds to the error.
    pub(crate) activity: Activity,
    /// The connections that H has; `None` if all.
    pub(crate) connections: Option<Arc<Connections>>,
    /// Of what W reads.
    pub(crate) dropout: Option<Dropout>,
    pub(crate) rates: LearningRates,
}

impl<T: Real> Recurrent<T> {
    pub(crate) fn states(&self) -> usize {
        self.dynamics.states()
    }

    pub(crate) fn gates(&self) -> usize {
        self.dynamics.gates().len()
    }

    /// The name of the block that holds a gate's constants.
    pub(crate) fn constants_name(&self, g: usize) -> &'static str {
        let gate = self.dynamics.gates()[g];
        if gate.is_constant() { gate.name } else { "b" }
    }

    /// Of one unit's parameters those that are not frozen: of W, of H for each connection to it, and constants.
    pub(crate) fn learned_by_a_unit(&self) -> [usize; 3] {
        let learns = |block: &str| usize::from(self.rates.learns(block));
        let has_constants = (0..self.gates()).filter(|&g| self.constants[g].is_some());
        let constants = has_constants.map(|g| learns(self.constants_name(g))).sum();
        [learns("W") * self.x_gates.len() * self.inputs, learns("H") * self.y_gates.len(), constants]
    }

    /// W's place among the parameters.
    pub(crate) fn w_range(&self) -> Range<usize> {
        self.w..self.w + self.x_gates.len() * self.units * self.inputs
    }

    /// H's place among the parameters.
    pub(crate) fn h_range(&self) -> Range<usize> {
        self.h..self.h + self.y_gates.len() * self.units * self.units
    }

    /// The rows of the x gates in a column of `G·n` activations.
    pub(crate) fn x_rows(&self) -> Range<usize> {
        self.x_gates.start * self.units..self.x_gates.end * self.units
    }

    /// The rows of the y gates in a column of `G·n` activations.
    pub(crate) fn y_rows(&self) -> Range<usize> {
        self.y_gates.start * self.units..self.y_gates.end * self.units
    }

    /// Whether a change of gate `g` now can be felt by what a unit carries without passing through H: directly, or because it moves
    /// the output and the output is read again, by the unit's own state (a reset) or by a filter.
    pub(crate) fn is_traced(&self, g: usize, output_is_heard: bool) -> bool {
        let gate = self.dynamics.gates()[g];
        gate.drives_state || (gate.drives_output && (output_is_heard || self.dynamics.resets()))
    }

    /// The units do nothing but leak and receive nothing from each other: all of their past is in one leaky sum of the inputs.
    pub(crate) fn only_leaks(&self) -> bool {
        self.y_gates.is_empty() && self.leak_of_inputs().is_some_and(|leak| leak.is_all)
    }

    /// The units' leak, where one single gate sums the inputs into it.
    pub(crate) fn leak_of_inputs(&self) -> Option<Leak> {
        self.dynamics.leak().filter(|_| self.x_gates.len() == 1)
    }

    /// Whether y_t depends on more than s_t and constants: a gate that drives the output sums a signal. Then y must be carried
    /// beside s where the whole influence is carried (LSTM's output gate).
    pub(crate) fn output_has_memory(&self) -> bool {
        self.dynamics.gates().iter().any(|gate| gate.drives_output && (gate.sums_input || gate.sums_output))
    }
}

/// A stateless layer y = f(W x + b).
#[derive(Clone)]
pub(crate) struct Dense {
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    pub(crate) activation: Activation,
    /// Offset of W, `units × inputs`.
    pub(crate) w: usize,
    /// Offset of b, `units`; `None` for an embedding, which has none.
    pub(crate) b: Option<usize>,
    /// Of what W reads.
    pub(crate) dropout: Option<Dropout>,
    pub(crate) rates: LearningRates,
}

impl Dense {
    /// W's place among the parameters.
    pub(crate) fn w_range(&self) -> Range<usize> {
        self.w..self.w + self.units * self.inputs
    }

    /// b's place among the parameters.
    pub(crate) fn b_range(&self) -> Range<usize> {
        self.b.map_or(0..0, |b| b..b + self.units)
    }

    /// Whether it is a table of vectors, one an input, without b.
    pub(crate) fn is_embedding(&self) -> bool {
        self.b.is_none()
    }
}

/// One layer of a network.
#[derive(Clone)]
pub(crate) enum Layer<T> {
    Recurrent(Recurrent<T>),
    Dense(Dense),
}

impl<T: Real> Layer<T> {
    pub(crate) fn units(&self) -> usize {
        match self {
            Layer::Recurrent(layer) => layer.units,
            Layer::Dense(layer) => layer.units,
        }
    }

    pub(crate) fn inputs(&self) -> usize {
        match self {
            Layer::Recurrent(layer) => layer.inputs,
            Layer::Dense(layer) => layer.inputs,
        }
    }

    /// Rows of a: gates × units.
    pub(crate) fn activations(&self) -> usize {
        match self {
            Layer::Recurrent(layer) => layer.gates() * layer.units,
            Layer::Dense(layer) => layer.units,
        }
    }

    /// The rows of a that sum the inputs.
    pub(crate) fn x_rows(&self) -> Range<usize> {
        match self {
            Layer::Recurrent(layer) => layer.x_rows(),
            Layer::Dense(layer) => 0..layer.units,
        }
    }

    /// W's place among the parameters.
    pub(crate) fn w_range(&self) -> Range<usize> {
        match self {
            Layer::Recurrent(layer) => layer.w_range(),
            Layer::Dense(layer) => layer.w_range(),
        }
    }

    /// The layer's name in reports: the cell's, or the activation's.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Layer::Recurrent(layer) => layer.dynamics.name(),
            Layer::Dense(layer) if layer.is_embedding() => "embedding",
            Layer::Dense(layer) => layer.activation.name(),
        }
    }

    pub(crate) fn recurrent(&self) -> Option<&Recurrent<T>> {
        match self {
            Layer::Recurrent(layer) => Some(layer),
            Layer::Dense(_) => None,
        }
    }

    /// The dropout of what the layer reads from below.
    pub(crate) fn dropout(&self) -> Option<Dropout> {
        match self {
            Layer::Recurrent(layer) => layer.dropout,
            Layer::Dense(layer) => layer.dropout,
        }
    }

    /// How fast its blocks learn.
    pub(crate) fn rates(&self) -> &LearningRates {
        match self {
            Layer::Recurrent(layer) => &layer.rates,
            Layer::Dense(layer) => &layer.rates,
        }
    }

    /// The same, to be set.
    pub(super) fn rates_mut(&mut self) -> &mut LearningRates {
        match self {
            Layer::Recurrent(layer) => &mut layer.rates,
            Layer::Dense(layer) => &mut layer.rates,
        }
    }

    /// A table of vectors, one an input.
    pub(crate) fn embedding(&self) -> Option<&Dense> {
        match self {
            Layer::Dense(layer) if layer.is_embedding() => Some(layer),
            _ => None,
        }
    }
}
