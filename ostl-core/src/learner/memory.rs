//! What learning takes of the machine's memory, optimiser included.

use crate::learner::optimizer::{OptimizerSettings, UpdateRule};
use crate::linalg::real::Real;
use crate::method::Method;
use crate::network::{Network, NetworkBuilder};
use crate::refusal::{MemoryNeed, TooLarge};
use crate::trace::Sizing;

impl<T: Real> Network<T> {
    /// What learning takes with this network, in `streams` streams side by side whose sequences (or stretches) have up to `longest` steps.
    pub fn memory(
        &self,
        method: &Method,
        optimizer: &OptimizerSettings<impl UpdateRule<T>>,
        streams: usize,
        longest: usize,
    ) -> MemoryNeed {
        self.memory_with(method, optimizer.rule.state().len(), streams, longest)
    }

    /// The same with an optimiser that keeps `moments` values per parameter.
    #[inline(never)]
    pub(crate) fn memory_with(&self, method: &Method, moments: usize, streams: usize, longest: usize) -> MemoryNeed {
        Sizing::new(self, method, streams, longest).need(moments)
    }

    /// Whether this machine has the memory for learning with it, the network itself being there already, and for `beside` other bytes.
    /// `budget` is what traces and windows may take, if there is such a limit. [`Learner::new`](crate::Learner::new) checks it without the two.
    ///
    /// # Errors
    /// The part that takes most, how much it is, and what would fit.
    pub fn check_memory(
        &self,
        method: &Method,
        optimizer: &OptimizerSettings<impl UpdateRule<T>>,
        size: [usize; 2],
        beside: u64,
        budget: Option<u64>,
    ) -> Result<MemoryNeed, Box<TooLarge>> {
        self.check_need(true, method, optimizer.rule.state().len(), size, beside, budget)
    }
}

impl<T: Real> NetworkBuilder<T> {
    /// What learning will take with these layers and that readout: [`Network::memory`], before the network is there.
    pub fn memory(
        &self,
        readout: Option<usize>,
        method: &Method,
        optimizer: &OptimizerSettings<impl UpdateRule<T>>,
        [streams, longest]: [usize; 2],
    ) -> MemoryNeed {
        self.outline_of_all(readout).memory(method, optimizer, streams, longest)
    }

    /// Whether this machine has the memory for learning with these layers and that readout: [`Network::check_memory`], before the network
    /// is there, and for its weights, too.
    ///
    /// # Errors
    /// The part that takes most, how much it is, and what would fit.
    pub fn check_memory(
        &self,
        readout: Option<usize>,
        method: &Method,
        optimizer: &OptimizerSettings<impl UpdateRule<T>>,
        size: [usize; 2],
        beside: u64,
        budget: Option<u64>,
    ) -> Result<MemoryNeed, Box<TooLarge>> {
        self.check_weights(readout)?;
        self.outline_of_all(readout).check_need(false, method, optimizer.rule.state().len(), size, beside, budget)
    }

    /// All layers by their sizes alone.
    #[inline(never)]
    pub(crate) fn outline_of_all(&self, readout: Option<usize>) -> Network<T> {
        self.outline(readout, true)
    }
}
