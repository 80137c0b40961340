//! From one window to the next: its gradient, its traces, and the update of the weights.

use super::{Learner, Streaming};
use crate::learner::error::LearnError;
use crate::learner::optimizer::{Ranges, Refusal};
use crate::linalg::real::Real;
use crate::method::{Update, Window};

impl<T: Real> Learner<T> {
    /// Every stream starts anew, and nothing gathered so far is learned from.
    pub(super) fn restart(&mut self) {
        self.clear_gradient();
        self.streaming.restart();
    }

    pub(super) fn clear_gradient(&mut self) {
        self.streaming.gradient.fill(T::zero());
        self.streaming.touched.forget();
        self.streaming.targets = 0;
    }

    pub(super) fn window_is_full(&self) -> bool {
        matches!(self.method.window, Window::Steps(steps) if self.streaming.lanes.steps() >= steps)
    }

    /// Steps that a rolling window looks back over from every step.
    pub(super) fn looks_back(&self) -> Option<usize> {
        match self.method.window {
            Window::Rolling(steps) => Some(steps),
            _ => None,
        }
    }

    /// There are steps that were not learned from. A rolling window has learned from every step at once.
    pub(super) fn has_open_window(&self) -> bool {
        self.streaming.lanes.steps() > 0 && self.looks_back().is_none()
    }

    /// Learns from the error of the newest step, looking back over the last `steps`.
    pub(super) fn look_back(&mut self, steps: usize) -> Result<(), LearnError> {
        self.prune();
        let outputs = self.network.outputs();
        self.streaming.lanes.lanes.iter_mut().for_each(|lane| lane.look_back(outputs, steps));
        self.continues.fill(true);
        self.streaming.lanes.sweep(&self.network, &self.continues);
        self.accumulate(true);
        if self.method.update == Update::Window { self.update() } else { Ok(()) }
    }

    /// Learns from the steps taken since the last window closed.
    pub(super) fn close_window(&mut self) -> Result<(), LearnError> {
        self.prune();
        self.streaming.lanes.sweep(&self.network, &self.continues);
        self.accumulate(true);
        self.streaming.lanes.open();
        if self.method.update == Update::Window { self.update() } else { Ok(()) }
    }

    /// What traces still owe the gradient is added, and they are forgotten.
    pub(super) fn flush(&mut self) {
        let Streaming { lanes, trace, gradient, .. } = &mut self.streaming;
        self.continues.fill(false);
        trace.flush(&self.network, &mut lanes.lanes, &self.continues, gradient);
    }

    /// Both parts of the gradient (equation 1), the traces advanced (equation 2), and what the next window's edge needs. `may_defer` says that
    /// streams that go on need not have added all of it before the next window.
    pub(super) fn accumulate(&mut self, may_defer: bool) {
        let Streaming { lanes, trace, gradient, touched, steps_seen, .. } = &mut self.streaming;
        touched.note(&self.network, lanes);
        trace.close(&self.network, (&lanes.lanes, lanes.transposed()), &self.continues, (*steps_seen, may_defer), gradient);
        for lane in &mut lanes.lanes {
            lane.tape.keep_boundary(&self.network);
        }
    }

    /// Changes the weights by what was gathered since the last update, unless it is not finite.
    pub(super) fn update(&mut self) -> Result<(), LearnError> {
        let state = &mut self.streaming;
        if state.targets == 0 {
            return Ok(());
        }
        self.network.apply_mask(&mut state.gradient);
        self.network.tie(&mut state.gradient);
        let (changed, counted) = state.touched.ranges(&self.network, &state.gradient);
        let (scale, ranges) = (1.0 / state.targets as f64, Ranges { changed, counted });
        match self.optimizer.update(&mut self.network.parameters, &mut state.gradient, scale, ranges) {
            Ok(()) => {
                state.lanes.weights_changed();
                // Elsewhere the gradient is zero already.
                changed.iter().for_each(|place| state.gradient[place.clone()].fill(T::zero()));
                state.touched.forget();
                state.targets = 0;
                Ok(())
            }
            Err(Refusal { what, parameter }) => Err(self.broken_at(what, parameter)),
        }
    }
}
