//! A learning method is a product: window × carry × feedback × when the weights change. The named methods are constructors.

use serde::{Deserialize, Serialize};

mod carry;
mod combination;
pub mod feedback;
mod named;
mod window;

pub use carry::Carry;
pub use window::Window;

/// How the learning signal comes down from the readout through the layers.
///
/// Only the way from one layer to the next is meant: inside a layer the reverse sweep of a window goes through Hᵀ, whatever the feedback. What is
/// carried across windows follows the same ways as the sweep within them, so that their length does not decide which signal a layer receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Feedback {
    /// Through the transposed weights, as the gradient does.
    #[default]
    Symmetric,
    /// From layer to layer through fixed random matrices of the weights' shapes (feedback alignment, Lillicrap et al. 2016; "OSTL rnd").
    Random,
    /// From the readout's error to every hidden layer through a fixed random matrix of its own (direct feedback alignment, Nøkland
    /// 2016; e-prop with random feedback).
    Direct,
    /// No error at all: every hidden layer is sent −B y*, a fixed random projection of the target, at steps that have one (direct random target
    /// projection, Frenkel et al. 2021; OSTTP, Ortner et al. 2023). A class is projected as its one-hot vector.
    TargetProjection,
}

impl Feedback {
    /// The feedback's name in configs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Feedback::Symmetric => "symmetric",
            Feedback::Random => "random",
            Feedback::Direct => "direct",
            Feedback::TargetProjection => "target-projection",
        }
    }
}

/// Whether a window's error reaches, through H, the outputs of the step before it (the window's edge).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// Yes: the window's first step receives y_{t₀} through H, and its adjoint from there is part of σ (equation 1), also where the trace leaves
    /// H out. It costs nothing and is one hop more than the published methods take.
    #[default]
    Heard,
    /// No: the trace is read out through the unit's own state alone, as e-prop, OSTL without H, RFLO, SnAp-1 and OTTT are published. For
    /// carries that keep each unit's own influence only.
    Cut,
}

/// When the weights change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// After every window; the carried influence then mixes slightly different weights, as in every online method.
    Window,
    /// At the sequence's end: the gradient is that of one set of weights.
    #[default]
    Sequence,
}

/// How a trace's values are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TraceFormat {
    /// As the scalar.
    #[default]
    Full,
    /// In sixteen bits (bfloat16), with half the memory and half the traffic. The trace is rounded by up to 2⁻⁸ of its value every time that it is
    /// moved on, so nothing that it carries is exact any more. For [`Carry::Local`], [`Carry::Layer`] and [`Carry::Network`].
    Bf16,
}

/// A learning method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Steps seen at once.
    pub window: Window,
    /// What is carried from window to window.
    pub carry: Carry,
    /// How the learning signal comes down.
    pub feedback: Feedback,
    /// When the weights change.
    pub update: Update,
    /// Whether a window's error reaches the step before it through H.
    pub edge: Edge,
    /// How traces are kept.
    pub trace: TraceFormat,
    /// Steps of a block, where the weights change at a sequence's end: traces are read out and moved on once for all its windows, whatever their
    /// length. It holds whole windows, at least one. `None`: as many as the sizes suggest. Never part of what is computed, only of what it costs.
    #[serde(default)]
    pub block: Option<usize>,
    /// Seed of fixed random feedback and of the random carries.
    pub seed: u64,
}

impl Method {
    /// The same method with windows of `steps` steps.
    #[must_use]
    pub const fn with_window(self, steps: usize) -> Self {
        Self { window: Window::Steps(steps), ..self }
    }

    /// The same method with another moment of update.
    #[must_use]
    pub const fn with_update(self, update: Update) -> Self {
        Self { update, ..self }
    }

    /// The same method with traces kept in another way.
    #[must_use]
    pub const fn with_trace(self, trace: TraceFormat) -> Self {
        Self { trace, ..self }
    }

    /// The same method with another feedback.
    #[must_use]
    pub const fn with_feedback(self, feedback: Feedback) -> Self {
        Self { feedback, ..self }
    }

    /// The same method with another edge.
    #[must_use]
    pub const fn with_edge(self, edge: Edge) -> Self {
        Self { edge, ..self }
    }

    /// The same method with another carry.
    #[must_use]
    pub const fn with_carry(self, carry: Carry) -> Self {
        Self { carry, ..self }
    }

    /// The same method with blocks of up to `steps` steps.
    #[must_use]
    pub const fn with_block(self, steps: usize) -> Self {
        Self { block: Some(steps), ..self }
    }

    /// The same method with another seed.
    #[must_use]
    pub const fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same method for sequences of at most `longest` steps: a longer window would only take memory that is never used.
    #[must_use]
    pub fn for_sequences_of(self, longest: usize) -> Self {
        match self.window {
            Window::Steps(steps) if steps > longest => self.with_window(longest.max(1)),
            // With as many more as make room for the next sweep nothing leaves the tape before the end.
            Window::Rolling { steps, every } if steps > longest.saturating_add(every) => {
                Self { window: self.window.with_steps(longest + every), ..self }
            }
            _ => self,
        }
    }

    /// What there is to carry: nothing where the window holds the whole sequence.
    pub(crate) fn carry_in_use(&self) -> Carry {
        if self.window == Window::Sequence { Carry::None } else { self.carry }
    }
}
