//! From one window to the next: its gradient, and its traces moved on.

use super::lanes::Rolls;
use super::{Engine, Streaming};
use crate::linalg::real::Real;
use crate::method::Carry;

impl<T: Real> Engine<T> {
    /// Every stream starts anew, and nothing gathered so far is left.
    pub(crate) fn restart(&mut self) {
        self.clear_gradient();
        self.streaming.restart();
    }

    /// The window at hand has all its steps; of one that rolls, there are enough new ones for the next sweep.
    pub(crate) fn window_is_full(&self) -> bool {
        let new = self.streaming.lanes.new_steps();
        let full = match self.rolls() {
            Some(rolls) => new >= rolls.every,
            None => self.streaming.on_tape.steps.is_some_and(|most| new >= most),
        };
        full && !self.frozen
    }

    /// How a window rolls, if it does.
    pub(crate) fn rolls(&self) -> Option<Rolls> {
        self.streaming.lanes.rolls
    }

    /// There are steps whose gradient was not added.
    pub(crate) fn has_open_window(&self) -> bool {
        !self.frozen && self.streaming.lanes.new_steps() > 0
    }

    /// The gradient of the errors of all new steps, by a sweep over all that is on the tape and from the trace where that begins. Streams go on, or
    /// end.
    fn look_back(&mut self, rolls: Rolls, go_on: bool) {
        self.prune();
        if self.has_error() {
            let outputs = self.network.outputs();
            self.continues.fill(false);
            let Streaming { lanes, trace, .. } = &mut self.streaming;
            lanes.lanes.iter_mut().for_each(|lane| lane.look_back(outputs));
            lanes.sweep(&self.network, &mut trace.local.paths, &self.continues);
            self.read_out(go_on);
        }
        self.continues.fill(go_on);
        self.roll_on(rolls, go_on);
    }

    /// Some of the new steps have an error.
    pub(crate) fn has_error(&self) -> bool {
        self.streaming.lanes.lanes.iter().any(|lane| lane.has_error)
    }

    /// Both parts of the gradient after a sweep that looked back; traces stay, and `continues` says so of every stream.
    pub(crate) fn read_out(&mut self, may_defer: bool) {
        let moment = self.streaming.moment();
        let Streaming { lanes, trace, gradient, touched, .. } = &mut self.streaming;
        touched.note(&self.network, lanes);
        trace.read_out(&self.network, (&lanes.lanes, lanes.transposed()), &self.continues, (moment, may_defer), gradient);
    }

    /// After a sweep that looked back: the tape's first steps go, so that there is room for as many as come before the next, and the traces of streams
    /// follow to where the tape then begins, as far as `continues` says that they go on. What they owe the gradient is added unless it `may_defer`, also
    /// where there was no error to sweep back.
    pub(crate) fn roll_on(&mut self, rolls: Rolls, may_defer: bool) {
        let moment = self.streaming.moment();
        let Streaming { lanes, trace, gradient, .. } = &mut self.streaming;
        let steps = lanes.steps();
        let leaving = steps.saturating_sub(rolls.steps - rolls.every);
        if leaving > 0 && self.method.carry != Carry::None {
            lanes.follow(&self.network, leaving, &mut trace.local.paths, &self.continues);
            trace.close(&self.network, (&lanes.lanes, lanes.transposed()), &self.continues, (moment, may_defer), gradient);
            for lane in &mut lanes.lanes {
                lane.tape.keep_boundary(&self.network);
            }
            lanes.hold(steps);
        }
        lanes.lanes.iter_mut().for_each(|lane| lane.tape.looked_back());
        if leaving > 0 {
            lanes.drop_front(&self.network, leaving);
        }
    }

    /// Closes the window at hand, be it full or not: its gradient is added, and traces are moved to its end. Streams go on. Of a window that rolls the
    /// gradient of the newest steps is added, if they are fewer than it waits for; traces stay where its steps begin.
    #[inline(never)]
    pub fn close_window(&mut self) {
        if !self.has_open_window() {
            return;
        }
        match self.rolls() {
            Some(rolls) => self.look_back(rolls, true),
            None => {
                self.continues.fill(true);
                self.sweep_window();
            }
        }
    }

    /// Closes the last window of every stream: they end here, and what traces still owe the gradient is added.
    pub(crate) fn end(&mut self) {
        if self.frozen {
            return;
        }
        match self.rolls() {
            _ if !self.has_open_window() => self.flush(),
            Some(rolls) => {
                self.look_back(rolls, false);
                self.flush();
            }
            None => {
                self.continues.fill(false);
                self.sweep_window();
            }
        }
    }

    /// Closes the window at hand, where `continues` says which streams go on.
    fn sweep_window(&mut self) {
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
        self.streaming.lanes.hold(past);
        let Streaming { lanes, trace, .. } = &mut self.streaming;
        lanes.sweep(&self.network, &mut trace.local.paths, &self.continues);
        self.accumulate(true);
        self.streaming.lanes.hold(steps);
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
