//! The gradient that was gathered, by named block, and updates of the weights by the caller.

use std::ops::Deref;

use super::Engine;
use crate::engine::error::EngineError;
use crate::linalg::real::Real;
use crate::network::rates::RatedRange;
use crate::network::{Block, Network};

/// ∂E/∂Θ, laid out as [`Network::parameters`]: a slice of all of it, or block by block.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a, T: Real> {
    network: &'a Network<T>,
    values: &'a [T],
}

impl<'a, T: Real> Gradient<'a, T> {
    /// Every block with its gradient, in the order of the parameters.
    pub fn blocks(&self) -> impl Iterator<Item = (&'a Block, &'a [T])> + use<'a, T> {
        let values = self.values;
        self.network.blocks().iter().map(move |block| (block, &values[block.range()]))
    }

    /// The gradient of one block, `rows × columns`, column by column: `"W"`, `"H"` or `"b"` of a layer, or the constant of that name.
    pub fn block(&self, layer: usize, name: &str) -> Option<&'a [T]> {
        self.blocks().find(|(block, _)| block.layer == layer && block.name == name).map(|(_, values)| values)
    }

    /// The norm of each block.
    pub fn norms(&self) -> impl Iterator<Item = (&'a Block, f64)> + use<'a, T> {
        self.blocks().map(|(block, values)| (block, Self::norm(values)))
    }

    /// The Euclidean norm of a block's gradient, or of all of it.
    pub fn norm(values: &[T]) -> f64 {
        values.iter().map(|g| g.to_f64() * g.to_f64()).sum::<f64>().sqrt()
    }
}

impl<T: Real> Deref for Gradient<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.values
    }
}

/// What an update needs.
pub(crate) struct Gathered<'a, T> {
    pub(crate) parameters: &'a mut [T],
    pub(crate) gradient: &'a mut [T],
    /// The parameters that change, and how fast.
    pub(crate) changed: &'a [RatedRange],
    /// Those whose gradient counts towards a norm.
    pub(crate) counted: &'a [RatedRange],
}

impl<T: Real> Engine<T> {
    /// The gradient of everything that windows closed over since it was last cleared: Σ of ∂E/∂Θ over steps and streams, divided by nothing.
    /// An open window is not in it: [`close_window`](Engine::close_window) ends one early.
    ///
    /// # Errors
    /// If it is not finite: the streams then start anew.
    #[inline(never)]
    pub fn gradient(&mut self) -> Result<Gradient<'_, T>, EngineError> {
        self.look_at_gradient()?;
        Ok(self.looked_at())
    }

    /// Makes the gradient ready to be [looked at](Engine::looked_at).
    ///
    /// # Errors
    /// If it is not finite: the streams then start anew.
    pub(crate) fn look_at_gradient(&mut self) -> Result<(), EngineError> {
        self.network.apply_mask(&mut self.streaming.gradient);
        self.check_gradient()?;
        if self.network.tied.is_some() {
            // The sum over both copies is only to be seen: what is gathered goes on apart.
            self.shown.clone_from(&self.streaming.gradient);
            self.network.tie(&mut self.shown);
        }
        Ok(())
    }

    /// The gradient as it was when it was made ready.
    pub(crate) fn looked_at(&self) -> Gradient<'_, T> {
        let values = if self.network.tied.is_some() { &self.shown } else { &self.streaming.gradient };
        Gradient { network: &self.network, values }
    }

    /// Takes the gradient to where it is only looked at, and leaves none.
    ///
    /// # Errors
    /// If it is not finite: the streams then start anew.
    pub(crate) fn show(&mut self) -> Result<(), EngineError> {
        self.make_whole();
        self.check_gradient()?;
        std::mem::swap(&mut self.streaming.gradient, &mut self.shown);
        self.streaming.gradient.resize(self.shown.len(), T::zero());
        Ok(())
    }

    /// What [`show`](Engine::show) took.
    pub(crate) fn shown(&self) -> &[T] {
        &self.shown
    }

    /// The gradient is zero from here on.
    #[inline(never)]
    pub fn clear_gradient(&mut self) {
        self.streaming.gradient.fill(T::zero());
        self.streaming.touched.forget();
    }

    /// Hands the parameters and the gradient to `change`, and then clears the gradient. Both are laid out as [`Network::parameters`];
    /// what `change` writes to connections that a [sparse](crate::NetworkBuilder::density) H does not have stands for nothing.
    ///
    /// # Errors
    /// If the gradient is not finite: `change` is not called, and the streams start anew. If a parameter is not finite afterwards: likewise,
    /// and the parameters are as `change` left them.
    pub fn update(&mut self, change: impl FnOnce(&mut [T], &[T])) -> Result<(), EngineError> {
        self.gather_for_update()?;
        change(&mut self.network.parameters, &self.shown);
        self.changed_by_hand = true;
        self.streaming.lanes.weights_changed();
        self.clear_gradient();
        match self.network.parameters.iter().position(|w| !w.is_finite()) {
            Some(parameter) => Err(self.broken_at("a parameter", parameter)),
            None => Ok(()),
        }
    }

    /// What [`update`](Engine::update) does before the caller's part: a function of its own, since crates above compile `update` themselves.
    ///
    /// # Errors
    /// If the gradient is not finite: the streams then start anew.
    #[inline(never)]
    pub(crate) fn gather_for_update(&mut self) -> Result<(), EngineError> {
        self.close_past_windows();
        self.show()
    }

    /// What an optimiser changes and by what. Afterwards the gradient is zero where parameters changed, unless `change` failed.
    pub(crate) fn update_gathered<E>(&mut self, change: impl FnOnce(Gathered<'_, T>) -> Result<(), E>) -> Result<(), E> {
        self.make_whole();
        let state = &mut self.streaming;
        let (changed, counted) = state.touched.ranges(&self.network, &state.gradient);
        change(Gathered { parameters: &mut self.network.parameters, gradient: &mut state.gradient, changed, counted })?;
        state.lanes.weights_changed();
        // Elsewhere the gradient is zero already.
        changed.iter().for_each(|rated| state.gradient[rated.range.clone()].fill(T::zero()));
        state.touched.forget();
        Ok(())
    }

    fn check_gradient(&mut self) -> Result<(), EngineError> {
        match self.streaming.gradient.iter().position(|g| !g.is_finite()) {
            Some(parameter) => Err(self.broken_at("the gradient", parameter)),
            None => Ok(()),
        }
    }

    /// Connections that do not exist have no gradient, and weights in two places have the sum of both.
    fn make_whole(&mut self) {
        self.network.apply_mask(&mut self.streaming.gradient);
        self.network.tie(&mut self.streaming.gradient);
    }
}
