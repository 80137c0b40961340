//! From one window to the next: its gradient, and its traces moved on.

use super::lanes::Lanes;
use super::{Engine, Streaming};
use crate::linalg::real::Real;
use crate::method::Window;

impl<T: Real> Engine<T> {
    /// Every stream starts anew, and nothing gathered so far is left.
    pub(crate) fn restart(&mut self) {
        self.clear_gradient();
        self.streaming.restart();
    }

    pub(crate) fn window_is_full(&self) -> bool {
        let full = self.streaming.on_tape.steps.is_some_and(|most| self.streaming.lanes.steps() >= most);
        full && !self.frozen && self.looks_back().is_none()
    }

    /// Steps that a rolling window looks back over from every step.
    pub(crate) fn looks_back(&self) -> Option<usize> {
        match self.method.window {
            Window::Rolling(steps) => Some(steps),
            _ => None,
        }
    }

    /// There are steps whose gradient was not added. A rolling window has added that of every step at once.
    pub(crate) fn has_open_window(&self) -> bool {
        !self.frozen && self.streaming.lanes.steps() > 0 && self.looks_back().is_none()
    }

    /// The gradient of the newest step's error, looking back over the last `steps`.
    pub(super) fn look_back(&mut self, steps: usize) {
        self.prune();
        let outputs = self.network.outputs();
        self.streaming.lanes.lanes.iter_mut().for_each(|lane| lane.look_back(outputs, steps));
        self.continues.fill(true);
        let Streaming { lanes, trace, .. } = &mut self.streaming;
        lanes.sweep(&self.network, &mut trace.local.paths, &self.continues);
        self.accumulate(true);
    }

    /// Closes the window at hand, be it full or not: its gradient is added, and traces are moved to its end. Streams go on.
    #[inline(never)]
    pub fn close_window(&mut self) {
        if self.has_open_window() {
            self.continues.fill(true);
            self.sweep_window();
        }
    }

    /// The same where `continues` says which streams go on.
    pub(super) fn sweep_window(&mut self) {
        self.prune();
        let Streaming { lanes, trace, .. } = &mut self.streaming;
        lanes.sweep(&self.network, &mut trace.local.paths, &self.continues);
        self.accumulate(true);
        self.streaming.lanes.open();
    }

    /// Before weights change by hand: the windows of a block that are over are closed, at the weights that they were taken with. The steps of the one
    /// at hand stay, and so does a step that was predicted and may still be learned from.
    #[inline(never)]
    pub(crate) fn close_past_windows(&mut self) {
        let steps = self.streaming.lanes.steps();
        let past = self.streaming.steps_past();
        if past == 0 || self.frozen {
            return;
        }
        self.continues.fill(true);
        let tapes = |lanes: &mut Lanes<T>, steps| lanes.lanes.iter_mut().for_each(|lane| lane.tape.steps = steps);
        tapes(&mut self.streaming.lanes, past);
        let Streaming { lanes, trace, .. } = &mut self.streaming;
        lanes.sweep(&self.network, &mut trace.local.paths, &self.continues);
        self.accumulate(true);
        tapes(&mut self.streaming.lanes, steps);
        for lane in &mut self.streaming.lanes.lanes {
            let active = lane.tape.active;
            lane.tape.drop_front(&self.network, past);
            lane.sweep.drop_front(past * active, steps * active);
        }
    }

    /// What traces still owe the gradient is added, and they are forgotten.
    pub(crate) fn flush(&mut self) {
        let Streaming { trace, gradient, .. } = &mut self.streaming;
        trace.flush(gradient);
    }

    /// Both parts of the gradient (equation 1), the traces advanced (equation 2), and what the next window's edge needs. `may_defer` says that
    /// streams that go on need not have added all of it before the next window.
    pub(crate) fn accumulate(&mut self, may_defer: bool) {
        let moment = self.streaming.moment();
        let Streaming { lanes, trace, gradient, touched, .. } = &mut self.streaming;
        touched.note(&self.network, lanes);
        trace.close(&self.network, (&lanes.lanes, lanes.transposed()), &self.continues, (moment, may_defer), gradient);
        for lane in &mut lanes.lanes {
            lane.tape.keep_boundary(&self.network);
        }
    }
}
