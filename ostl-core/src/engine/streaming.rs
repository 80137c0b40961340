//! What the engine has in hand between one step and the next.

use super::ranges::Touched;
use crate::engine::lanes::Lanes;
use crate::engine::traces::Trace;
use crate::linalg::real::Real;
use crate::method::{Method, Window};
use crate::network::Network;

/// Everything that the next step depends on besides the weights.
#[derive(Clone, Debug)]
pub(crate) struct Streaming<T: Real> {
    pub(crate) lanes: Lanes<T>,
    pub(crate) trace: Trace<T>,
    /// The readout of the last step, `outputs × streams`.
    pub(crate) outputs: Vec<T>,
    /// Σ over targets since it was last cleared.
    pub(crate) gradient: Vec<T>,
    /// Vectors of the embedding touched since then.
    pub(crate) touched: Touched,
    /// Streams that start anew at the next step.
    pub(crate) restarts: Vec<bool>,
    /// The last prediction has not been learned from.
    pub(crate) awaits_target: bool,
    /// Steps taken since the beginning.
    pub(crate) steps_seen: u64,
}

impl<T: Real> Streaming<T> {
    pub(crate) fn new(network: &Network<T>, method: &Method, streams: usize) -> Self {
        let capacity = match method.window {
            Window::Steps(steps) => steps,
            Window::Rolling(steps) => steps.saturating_mul(2),
            Window::Sequence => 1,
        };
        let trace = Trace::new(network, method, streams, capacity);
        Self {
            lanes: Lanes::new(network, &trace, method, streams, capacity),
            trace,
            outputs: vec![T::zero(); network.outputs() * streams],
            gradient: vec![T::zero(); network.parameters().len()],
            touched: Touched::new(network),
            restarts: vec![true; streams],
            awaits_target: false,
            steps_seen: 0,
        }
    }

    /// Every stream starts anew; an unfinished window is dropped.
    pub(crate) fn restart(&mut self) {
        self.restarts.fill(true);
        self.trace.forget();
        self.awaits_target = false;
        self.lanes.open();
    }

    /// Gives the memory of lanes and traces back, before others take their place: both need not be there at once.
    pub(crate) fn release(&mut self) {
        self.lanes.lanes = Vec::new();
        self.trace.release();
    }
}
