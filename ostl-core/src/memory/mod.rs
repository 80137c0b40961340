//! What a network and a method take of the machine's memory: worked out in one place, before anything is allocated.
//!
//! Every size is counted from the layers as they are, gates and filters included, in numbers that stop at the largest ([`Count`]). Tests hold
//! the sums to what a learner of every carry really allocates. What is more than can be had is refused with the part that takes most, how much
//! it is, and what would fit.

mod lane;
mod refusal;
mod traces;

use crate::linalg::real::Real;
use crate::method::{Method, Window};
use crate::network::Network;
use crate::optimizer::OptimizerSettings;
use crate::refusal::{Count, MemoryNeed};
use crate::sweep::Transposed;

use crate::network::size::{connections, parameters_of};

impl<T: Real> Network<T> {
    /// What learning takes with this network, in so many streams side by side whose sequences (or stretches) have up to `longest` steps.
    pub fn memory(&self, method: &Method, optimizer: &OptimizerSettings, streams: usize, longest: usize) -> MemoryNeed {
        Sizing::new(self, method, streams, longest).need(optimizer)
    }
}

/// A network, a method and how it is run: what every size follows from.
pub(crate) struct Sizing<'a, T: Real> {
    network: &'a Network<T>,
    method: &'a Method,
    filters: Vec<Vec<crate::cell::filter::Filter>>,
    streams: usize,
    /// Most steps of a window.
    capacity: usize,
}

impl<'a, T: Real> Sizing<'a, T> {
    pub(crate) fn new(network: &'a Network<T>, method: &'a Method, streams: usize, longest: usize) -> Self {
        let capacity = match method.window {
            Window::Steps(steps) => steps,
            Window::Rolling(steps) => steps.saturating_mul(2),
            Window::Sequence => longest.max(1),
        };
        Self { network, method, filters: crate::trace::filters(network, method), streams, capacity }
    }

    pub(crate) fn need(&self, optimizer: &OptimizerSettings) -> MemoryNeed {
        let scalar = size_of::<T>();
        let parameters: Count = self.network.layers.iter().map(parameters_of).sum();
        let moments = optimizer.rule.moments_a_parameter();
        let updates = parameters * (1 + moments) * scalar + Transposed::bytes(self.network, self.method);
        let traces = self.traces();
        MemoryNeed {
            weights: (Network::weight_bytes(&self.network.layers) + connections(&self.network.layers)).0,
            updates: updates.0,
            traces: traces.kept.0,
            windows: (self.lanes() + traces.beside).0,
            evaluation: self.evaluation().0,
        }
    }

    /// Bytes of the traces, and of what windows take whatever their length and for each of their steps.
    pub(crate) fn traces_and_windows(&self) -> [usize; 2] {
        let traces = self.traces();
        [traces.kept.size(), (self.lanes() + traces.beside).size()]
    }
}
