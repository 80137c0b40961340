//! The gradient engine: a network, a method and what they have in hand, without a loss and without an optimiser.
//!
//! Here the gradient of a window is put together: lanes of streams on their threads, the sums over them, traces read out and moved on, how
//! long a window should be, and how much memory that takes.

pub(crate) mod accumulate;
mod batch;
pub(crate) mod error;
mod from_outside;
mod gradient;
pub(crate) mod inference;
mod inside;
pub(crate) mod lanes;
mod memory;
pub(crate) mod named;
pub(crate) mod predictor;
pub(crate) mod ranges;
mod reading;
mod refusals;
mod signal;
mod size;
mod steps;
pub(crate) mod streaming;
pub(crate) mod streams;
pub(crate) mod traces;
pub(crate) mod window_choice;
mod windows;

use crate::linalg::real::Real;
use crate::method::feedback::FeedbackWeights;
use crate::method::{Method, Update};
use crate::network::Network;
use crate::refusal::ConfigError;
pub(crate) use batch::{Column, Outset};
pub use gradient::Gradient;
pub use signal::Signal;
pub(crate) use streaming::Streaming;

/// A network's gradient, carried forward in time: the error comes from outside, step by step, and the weights are the caller's to change.
///
/// Each step goes [`predict`](Engine::predict), then [`learn`](Engine::learn) with ∂E/∂y of the step just predicted, or with nothing where there
/// is no error. When a window closes, its gradient is added to the sum that [`gradient`](Engine::gradient) shows by block, until
/// [`clear_gradient`](Engine::clear_gradient) or [`update`](Engine::update). [`Learner`](crate::Learner) is this, a loss and an optimiser.
///
/// The method's [`update`](crate::Method::update) says nothing here: whoever has the gradient changes the weights when they like. Between two
/// changes the sum is that of BPTT at these weights wherever the method is exact ([`gradient_check`](crate::gradient_check)); a trace
/// that was gathered at earlier weights stays as it is, which is what learning online means.
///
/// ```
/// use ostl_core::{Activation, Engine, Method, Network, Signal};
///
/// // A stateless network, so that the example needs no cell.
/// let network = Network::<f64>::builder(2).dense(3, Activation::Tanh).readout(1)?;
/// let mut engine = Engine::new(network, Method::ostl(), 1)?;
/// for step in 0..100 {
///     let input = f64::from(step % 2);
///     let y = engine.predict(&[input, 1.0])?[0];
///     // E = (y − input)² / 2.
///     let closed = engine.learn(&[Some(Signal::of_error(&[y - input]))])?;
///     if closed {
///         engine.update(|parameters, gradient| {
///             parameters.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.5 * g);
///         })?;
///     }
/// }
/// assert!((engine.predict(&[1.0, 1.0])?[0] - 1.0).abs() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Engine<T: Real> {
    pub(crate) network: Network<T>,
    pub(crate) method: Method,
    pub(crate) streaming: Streaming<T>,
    /// For each stream, whether it goes on after the window at hand.
    pub(crate) continues: Vec<bool>,
    frozen: bool,
    /// The caller may have written to connections that do not exist.
    changed_by_hand: bool,
    /// The last gradient that was requested; empty before. It is not what is gathered.
    shown: Vec<T>,
    /// Fixed feedback in the place of what the seed draws.
    pub(crate) own_feedback: Option<FeedbackWeights<T>>,
}

impl<T: Real> Engine<T> {
    /// An engine for `streams` streams side by side.
    ///
    /// # Errors
    /// If the method cannot be run on the network, there are no streams, or this machine has not the memory for it.
    #[inline(never)]
    pub fn new(network: Network<T>, method: Method, streams: usize) -> Result<Self, ConfigError> {
        // The gradient may be requested after every window: nothing of it is put off to the end of a sequence.
        Self::with_moments(network, Method { update: Update::Window, ..method }, streams, 0)
    }

    /// The same, beside an optimiser that keeps `moments` values per parameter, which updates when the method says.
    #[inline(never)]
    pub(crate) fn with_moments(
        mut network: Network<T>,
        method: Method,
        streams: usize,
        moments: usize,
    ) -> Result<Self, ConfigError> {
        method.validate_for(&network)?;
        if streams == 0 {
            return Err(ConfigError::out_of_range("streams", 0, "at least 1"));
        }
        network.check_need(true, &method, moments, [streams, 1], 0, None)?;
        network.prune();
        let streaming = Streaming::new(&network, &method, streams);
        Ok(Self {
            network,
            method,
            streaming,
            continues: vec![true; streams],
            frozen: false,
            changed_by_hand: false,
            shown: Vec::new(),
            own_feedback: None,
        })
    }

    /// The network with its present weights.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// The network, to change its weights by hand. [`update`](Engine::update) hands the gradient out, too.
    pub fn network_mut(&mut self) -> &mut Network<T> {
        self.close_past_windows();
        self.streaming.lanes.weights_changed();
        self.changed_by_hand = true;
        &mut self.network
    }

    /// After changes by hand: connections that do not exist are zero again.
    pub(crate) fn prune(&mut self) {
        if std::mem::take(&mut self.changed_by_hand) {
            self.network.prune();
        }
    }

    /// The learning method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Number of streams side by side.
    pub fn streams(&self) -> usize {
        self.streaming.lanes.streams()
    }

    /// Bytes that the eligibility traces take.
    pub fn trace_bytes(&self) -> usize {
        self.streaming.trace.bytes()
    }

    /// Steps taken since the beginning.
    pub fn steps_seen(&self) -> u64 {
        self.streaming.steps_seen
    }

    /// Whether it only predicts.
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    pub(crate) fn set_frozen_as_saved(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// Stops gathering gradients (`true`: predictions only, no traces) or goes on with it. An unfinished window is closed first, and what
    /// traces still owe the gradient is added; what happens while frozen leaves no trace. A prediction without an error so far gets none any
    /// more.
    #[inline(never)]
    pub fn set_frozen(&mut self, frozen: bool) {
        if frozen && !self.frozen {
            self.close_window();
            self.flush();
        }
        if frozen != self.frozen {
            // A prediction made before is no longer in any window.
            self.streaming.awaits_target = false;
        }
        if self.frozen && !frozen {
            self.streaming.trace.forget();
            self.streaming.lanes.forget_boundaries();
            self.streaming.lanes.open();
        }
        self.frozen = frozen;
    }

    /// The stream starts anew at its next step: s = 0, y = 0, and no gradient goes across.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn reset(&mut self, stream: usize) {
        assert!(stream < self.streams(), "stream {stream} of {}", self.streams());
        self.streaming.restarts[stream] = true;
    }
}
