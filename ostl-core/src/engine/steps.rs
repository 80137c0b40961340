//! One step after another: an output for every input, and what its error asks of the weights.

use nalgebra::DMatrixView;

use super::refusals::check_inputs;
use super::{Column, Engine, Signal, Streaming};
use crate::engine::error::EngineError;
use crate::linalg::real::{Real, all_finite};
use crate::tape::Keep;

impl<T: Real> Engine<T> {
    /// One step of every stream: `inputs × streams` values, column by column. Returns the readout, `outputs × streams`. A full window is closed
    /// first, if no [`learn`](Engine::learn) did.
    ///
    /// # Errors
    /// If the inputs have the wrong shape or are not finite. If the readout or a state would not be finite: the streams then start anew.
    #[inline(never)]
    pub fn predict(&mut self, inputs: &[T]) -> Result<DMatrixView<'_, T>, EngineError> {
        self.check_step(inputs)?;
        if self.window_is_full() {
            self.close_window();
        }
        self.step(inputs)
    }

    /// Refuses a step that cannot be taken, before anything has changed.
    pub(crate) fn check_step(&self, inputs: &[T]) -> Result<(), EngineError> {
        check_inputs(&self.network, self.streams(), inputs)?;
        if !self.streaming.lanes.lanes[0].tape.has_room() {
            self.check_room(self.streaming.next_capacity())?;
        }
        Ok(())
    }

    /// The step itself, of inputs that are sound and in a window that has room.
    pub(crate) fn step(&mut self, inputs: &[T]) -> Result<DMatrixView<'_, T>, EngineError> {
        self.prune();
        if self.frozen || self.streaming.lanes.steps() == 0 {
            self.streaming.lanes.open();
        }
        self.forward(inputs);
        if !all_finite(&self.streaming.outputs) {
            return Err(self.broken("the output"));
        }
        if !self.states_are_finite() {
            return Err(self.broken("the state"));
        }
        Ok(self.outputs())
    }

    /// The readout of the last step, `outputs × streams`.
    pub(crate) fn outputs(&self) -> DMatrixView<'_, T> {
        DMatrixView::from_slice(&self.streaming.outputs, self.network.outputs(), self.streams())
    }

    /// One step forward of every lane.
    fn forward(&mut self, inputs: &[T]) {
        let (m, o) = (self.network.inputs(), self.network.outputs());
        if !self.streaming.lanes.lanes[0].tape.has_room() {
            self.streaming.reserve(&self.network, self.streaming.next_capacity());
        }
        let moment = self.streaming.moment();
        let Streaming { lanes, restarts, outputs, steps_seen, awaits_target, .. } = &mut self.streaming;
        let step = lanes.steps();
        let (network, keep) = (&self.network, if self.frozen { Keep::Nothing } else { Keep::Partials });
        let work = network.parameters.len() * lanes.streams();
        let outset: &[bool] = restarts;
        lanes.each(work, |lane| {
            let (streams, tape) = (lane.tape.streams(), &mut lane.tape);
            let at = step * streams;
            tape.put_step(&inputs[lane.first * m..(lane.first + streams) * m], &outset[lane.first..]);
            lane.sweep.clear(o, at..at + streams);
            lane.has_error &= lane.tape.swept < step;
            lane.tape.forward(network, 1, keep, moment.of(lane.first));
        });
        restarts.fill(false);
        for lane in &lanes.lanes {
            let logits = lane.tape.logits(o, step);
            outputs[lane.first * o..][..logits.len()].copy_from_slice(logits);
        }
        *steps_seen += 1;
        *awaits_target = true;
    }

    /// The error of the step just predicted, one entry a stream; `None` where there is none. Says whether this closed a window, so that its
    /// gradient has been added. While [frozen](Engine::set_frozen) signals are only checked.
    ///
    /// # Errors
    /// If a signal does not fit or is not finite, or nothing was predicted: the right ones can then be given. If a unit's activity is not
    /// finite: the streams then start anew.
    #[inline(never)]
    pub fn learn(&mut self, signals: &[Option<Signal<'_, T>>]) -> Result<bool, EngineError> {
        let streams = self.streams();
        if signals.len() != streams {
            return Err(EngineError::Shape { what: "signals", found: signals.len(), expected: streams });
        }
        self.check_awaits_target()?;
        // Everything is looked at before anything is written.
        for (stream, signal) in signals.iter().enumerate() {
            signal.map_or(Ok(()), |signal| self.check_signal(stream, signal))?;
        }
        if self.frozen {
            return Ok(self.close_if_due());
        }
        for (stream, signal) in signals.iter().enumerate() {
            if let Some(Signal { error, target }) = signal {
                let mut column = self.newest(stream);
                column.outputs_and_signal().1.copy_from_slice(error);
                if let Some(target) = target {
                    column.set_target(|to| to.copy_from_slice(target));
                }
                column.lane.has_error = true;
            }
        }
        if !self.add_activity().is_finite() {
            return Err(self.broken("the activity"));
        }
        Ok(self.close_if_due())
    }

    /// Refuses to learn from a step twice, or from none.
    pub(crate) fn check_awaits_target(&self) -> Result<(), EngineError> {
        if self.streaming.awaits_target { Ok(()) } else { Err(EngineError::NothingPredicted) }
    }

    /// Where the signal of a stream's newest step goes.
    pub(crate) fn newest(&mut self, stream: usize) -> Column<'_, T> {
        let (step, outputs) = (self.streaming.lanes.steps() - 1, self.network.outputs());
        let (lane, stream) = self.streaming.lanes.find(stream);
        Column { lane: &mut self.streaming.lanes.lanes[lane], outputs, step, stream }
    }

    /// What the newest step's activity adds to the error.
    pub(crate) fn add_activity(&mut self) -> f64 {
        let step = self.streaming.lanes.steps() - 1;
        let mut sum = 0.0;
        for lane in &mut self.streaming.lanes.lanes {
            let activity = lane.tape.activity(&self.network, step);
            lane.has_error |= activity > 0.0;
            sum += activity;
        }
        sum
    }

    /// The signals of the newest step are there: closes the window if it is full. Says whether the gradient has grown.
    pub(crate) fn close_if_due(&mut self) -> bool {
        self.streaming.awaits_target = false;
        if self.frozen {
            return false;
        }
        if !self.window_is_full() {
            return false;
        }
        let has_grown = self.rolls().is_none() || self.has_error();
        self.close_window();
        has_grown
    }

    /// The streams end here: an unfinished window is closed, what traces still owe the gradient is added, and every stream starts anew.
    #[inline(never)]
    pub fn finish(&mut self) {
        self.end();
        self.streaming.restart();
    }
}
