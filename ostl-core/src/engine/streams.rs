//! What an engine holds of its streams, as a value that can be put aside: one set of weights serves many streams that take turns.

use std::sync::Arc;

use super::lanes::Lanes;
use super::named::InHand;
use super::traces::Trace;
use super::{Engine, Streaming};
use crate::linalg::real::Real;
use crate::method::Method;
use crate::network::Network;
use crate::network::plan::NetworkPlan;
use crate::record::Book;
use crate::refusal::{ConfigError, Counted};
use crate::trace::Lane;

/// What a learner or an engine holds of its streams: states, traces, and which of them start anew. Not the weights, the optimiser's moments or the
/// gradient gathered so far, which all streams share.
///
/// One learner of one stream can so serve many that take turns (machines, users), each with a past of its own:
/// [`Learner::exchange_streams`](crate::Learner::exchange_streams) swaps pointers and copies nothing.
///
/// ```
/// use ostl_core::{Activation, Learner, Loss, Method, Network, OptimizerSettings, Target};
///
/// // A stateless network, so that the example needs no cell.
/// let network = Network::<f32>::builder(1).dense(3, Activation::Tanh).readout(1)?;
/// let mut learner = Learner::new(network, Loss::MeanSquaredError, Method::ostl(), OptimizerSettings::adam(0.01), 1)?;
/// // The learner has the first of two streams, and the other waits.
/// let mut waiting = learner.fresh_streams()?;
/// for row in 0..10 {
///     learner.predict(&[row as f32])?;
///     learner.learn(&[Some(Target::Values(&[0.5]))])?;
///     learner.exchange_streams(&mut waiting)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Streams<T: Real> {
    /// Without transposed weights, which are the engine's.
    lanes: Lanes<T>,
    trace: Trace<T>,
    outputs: Vec<T>,
    restarts: Vec<bool>,
    awaits_target: bool,
    method: Method,
    plan: Arc<NetworkPlan>,
}

impl<T: Real> Streams<T> {
    /// At rest.
    fn new(network: &Network<T>, method: &Method, streams: usize) -> Self {
        let Streaming { mut lanes, trace, outputs, restarts, awaits_target, .. } = Streaming::new(network, method, streams);
        lanes.leave_weights();
        Self { lanes, trace, outputs, restarts, awaits_target, method: *method, plan: network.shared_plan() }
    }

    /// Number of streams side by side.
    pub fn streams(&self) -> usize {
        self.restarts.len()
    }

    /// Whether they start anew at their next step, and nothing is remembered.
    pub fn is_fresh(&self) -> bool {
        self.restarts.iter().all(|&restarts| restarts) && self.trace.is_forgotten() && self.lanes.steps() == 0
    }

    /// All of them start anew, as fresh ones do, in the memory that they have; an unfinished window is dropped.
    #[inline(never)]
    pub fn restart(&mut self) {
        self.restarts.fill(true);
        self.trace.forget();
        self.awaits_target = false;
        self.lanes.open();
    }

    /// All of them by name.
    pub(crate) fn pass(&mut self, network: &Network<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let Self { lanes, trace, outputs, restarts, awaits_target, .. } = self;
        InHand { lanes, trace, outputs, restarts, awaits_target }.pass(network, book)
    }
}

impl<T: Real> Engine<T> {
    /// Streams at rest, as many as the engine has, to [exchange](Engine::exchange_streams) them for its own.
    ///
    /// # Errors
    /// If this machine has not the memory for them.
    #[inline(never)]
    pub fn fresh_streams(&self) -> Result<Streams<T>, ConfigError> {
        self.network.check_room(&self.method, [self.streams(), 1], Counted::All)?;
        Ok(Streams::new(&self.network, &self.method, self.streams()))
    }

    /// Goes on with these streams, and puts its own in their place. A window at hand is closed first, so that its gradient is gathered; a
    /// prediction without an error so far gets none any more. What [`Update::Sequence`](crate::Update::Sequence) lets traces owe the gradient they owe
    /// it until their own streams end. The steps seen so far are the engine's, whatever streams took them. Nothing is copied.
    ///
    /// While the engine is frozen, streams that it puts aside lose their traces: those could not follow the states.
    ///
    /// # Errors
    /// If they are of another network, method or number of streams; then nothing has changed.
    #[inline(never)]
    pub fn exchange_streams(&mut self, streams: &mut Streams<T>) -> Result<(), ConfigError> {
        self.check_streams(streams)?;
        self.close_window();
        self.swap_streams(streams);
        Ok(())
    }

    /// Whether all streams start anew at their next step, and nothing is remembered of them.
    pub(crate) fn is_fresh(&self) -> bool {
        let state = &self.streaming;
        state.restarts.iter().all(|&restarts| restarts) && state.trace.is_forgotten() && state.lanes.steps() == 0
    }

    /// Forgets what traces hold of the past; states stay. A window at hand is closed first, so that its gradient is gathered.
    #[inline(never)]
    pub fn forget_traces(&mut self) {
        self.close_window();
        self.streaming.trace.forget();
        self.streaming.lanes.forget_boundaries();
        if self.rolls().is_some() {
            // Its steps are the past, too.
            self.streaming.lanes.open();
        }
    }

    /// Refuses streams of something else.
    pub(crate) fn check_streams(&self, streams: &Streams<T>) -> Result<(), ConfigError> {
        if streams.streams() != self.streams() {
            return Err(ConfigError::out_of_range("streams", streams.streams(), self.streams().to_string()));
        }
        let is_own_plan = self.network.is_of_plan(&streams.plan);
        if !is_own_plan || streams.method != self.method {
            let found = format!("of {:?} and {:?}", streams.plan, streams.method);
            return Err(ConfigError::out_of_range("streams", found, "those of the same network and method"));
        }
        Ok(())
    }

    /// The exchange itself, where no window is open.
    pub(crate) fn swap_streams(&mut self, other: &mut Streams<T>) {
        let own = &mut self.streaming;
        if self.frozen {
            own.trace.forget();
            own.lanes.forget_boundaries();
            own.lanes.open();
        }
        own.lanes.exchange(&mut other.lanes);
        std::mem::swap(&mut own.trace, &mut other.trace);
        std::mem::swap(&mut own.outputs, &mut other.outputs);
        std::mem::swap(&mut own.restarts, &mut other.restarts);
        own.awaits_target = std::mem::take(&mut other.awaits_target);
    }
}

impl<T: Real> Lanes<T> {
    /// The same network's lanes in the place of these; each side keeps what brings signals down.
    fn exchange(&mut self, other: &mut Self) {
        std::mem::swap::<Vec<Lane<T>>>(&mut self.lanes, &mut other.lanes);
    }

    /// No gradient goes across to what came before; the states stay.
    pub(crate) fn forget_boundaries(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.tape.forget_boundary());
    }
}
