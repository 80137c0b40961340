//! A learning method is a product: window × carry × feedback × when the weights change. The named methods are constructors.

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// How many steps the reverse sweep sees at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// K steps; K = 1 is OSTL as published. Memory does not grow with the sequence.
    Steps(usize),
    /// The whole sequence: backpropagation through time, memory proportional to the longest sequence.
    Sequence,
}

/// What is carried from window to window of the influence ε of the parameters on the state (equation 2 of the crate docs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Carry {
    /// Nothing: truncated BPTT.
    None,
    /// Per unit, its own parameters' influence on its own state: OSTL "without H". Exact for the parameters of the topmost
    /// recurrent layer where that has no H.
    Local,
    /// The whole influence matrix of each recurrent layer and of the stateless layers just below it: OSTL "with H". Exact
    /// for the topmost recurrent layer.
    Layer,
    /// The influence of every parameter on every recurrent state: RTRL of the whole network. Exact for everything.
    Network,
}

impl Carry {
    /// The carry's name in configs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Carry::None => "none",
            Carry::Local => "local",
            Carry::Layer => "layer",
            Carry::Network => "network",
        }
    }
}

/// How the learning signal comes down from the readout through the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Feedback {
    /// Through the transposed weights, as the gradient does.
    #[default]
    Symmetric,
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
    /// In sixteen bits (bfloat16), with half the memory and half the traffic. Every window rounds the trace by up to 2⁻⁸ of its
    /// value, so nothing that crosses a window's edge is exact any more. For [`Carry::Local`] only.
    Bf16,
}

/// A learning method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Steps seen at once.
    pub window: Window,
    /// What is carried from window to window.
    pub carry: Carry,
    /// How the learning signal comes down.
    pub feedback: Feedback,
    /// When the weights change.
    pub update: Update,
    /// How traces are kept.
    pub trace: TraceFormat,
}

impl Method {
    const fn new(window: Window, carry: Carry, update: Update) -> Self {
        Self { window, carry, feedback: Feedback::Symmetric, update, trace: TraceFormat::Full }
    }

    /// OSTL with H (Bohnstingl et al. 2022, eq. 12–15): the layer's whole influence, one step at a time.
    pub const fn ostl() -> Self {
        Self::new(Window::Steps(1), Carry::Layer, Update::Window)
    }

    /// OSTL without H (Bohnstingl et al. 2022, § III-C): each unit carries only its own influence, at the cost of BPTT.
    pub const fn ostl_without_h() -> Self {
        Self::new(Window::Steps(1), Carry::Local, Update::Window)
    }

    /// Real-time recurrent learning (Williams & Zipser 1989) of the whole network.
    pub const fn rtrl() -> Self {
        Self::new(Window::Steps(1), Carry::Network, Update::Window)
    }

    /// Backpropagation through time over the whole sequence.
    pub const fn bptt() -> Self {
        Self::new(Window::Sequence, Carry::None, Update::Sequence)
    }

    /// Truncated backpropagation through time in chunks of `steps`.
    pub const fn tbptt(steps: usize) -> Self {
        Self::new(Window::Steps(steps), Carry::None, Update::Window)
    }

    /// The same method with windows of so many steps.
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

    /// The same method for sequences of at most `longest` steps: a longer window would only take memory that is never used.
    #[must_use]
    pub fn for_sequences_of(self, longest: usize) -> Self {
        match self.window {
            Window::Steps(steps) if steps > longest => self.with_window(longest.max(1)),
            _ => self,
        }
    }

    /// What there is to carry: nothing where the window holds the whole sequence.
    pub(crate) fn carry_in_use(&self) -> Carry {
        if self.window == Window::Sequence { Carry::None } else { self.carry }
    }

    /// Checks that the method can be run.
    ///
    /// # Errors
    /// A window of no steps, or sixteen-bit traces with another carry than `local`.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.trace == TraceFormat::Bf16 && self.carry != Carry::Local {
            let allowed = "full: only the carry local keeps traces in sixteen bits";
            return Err(ConfigError::out_of_range("trace", "bf16", allowed));
        }
        match self.window {
            Window::Steps(0) => Err(ConfigError::out_of_range("window", 0, "at least 1 step, or the whole sequence")),
            _ => Ok(()),
        }
    }
}
