//! One step after another: an output for every input, and what is learned from its target.

use nalgebra::DMatrixView;

use super::{Learner, Streaming, add_loss};
use crate::data::loss::Target;
use crate::data::score::Score;
use crate::learner::error::LearnError;
use crate::linalg::real::{Real, all_finite};
use crate::method::Update;
use crate::tape::{Keep, Moment};

impl<T: Real> Learner<T> {
    /// One step of every stream: `inputs × streams` values, column by column. Returns the readout, `outputs × streams`.
    ///
    /// # Errors
    /// If the inputs have the wrong shape or are not finite; the learner is then as before the call. If the readout or a state would not be
    /// finite, or the gradient or update of a full window that is learned from first: the weights are then as before, and the streams
    /// start anew.
    pub fn predict(&mut self, inputs: &[T]) -> Result<DMatrixView<'_, T>, LearnError> {
        let streams = self.streams();
        let (m, o) = (self.network.inputs(), self.network.outputs());
        if inputs.len() != m * streams {
            return Err(LearnError::Shape { what: "inputs × streams", found: inputs.len(), expected: m * streams });
        }
        self.check_inputs(inputs)?;
        if !self.streaming.lanes.lanes[0].tape.has_room() {
            self.check_room(self.streaming.lanes.steps().saturating_add(1).saturating_mul(2))?;
        }
        self.prune();
        if self.frozen {
            self.streaming.lanes.open();
        } else if self.window_is_full() {
            self.continues.fill(true);
            self.close_window()?;
        }
        if self.streaming.lanes.steps() == 0 {
            self.streaming.lanes.open();
        }
        self.step(inputs);
        if !all_finite(&self.streaming.outputs) {
            return Err(self.broken("the output"));
        }
        if !self.states_are_finite() {
            return Err(self.broken("the state"));
        }
        Ok(DMatrixView::from_slice(&self.streaming.outputs, o, streams))
    }

    /// One step forward of every lane.
    fn step(&mut self, inputs: &[T]) {
        let (m, o) = (self.network.inputs(), self.network.outputs());
        let looks_back = self.looks_back().filter(|_| !self.frozen);
        let Streaming { lanes, restarts, outputs, steps_seen, awaits_target, .. } = &mut self.streaming;
        if let Some(back) = looks_back {
            lanes.make_room(&self.network, back - 1);
        }
        let step = lanes.steps();
        if !lanes.lanes[0].tape.has_room() {
            lanes.reserve(&self.network, 2 * (step + 1));
        }
        let (network, keep) = (&self.network, if self.frozen { Keep::Nothing } else { Keep::Partials });
        let work = network.parameters.len() * lanes.streams();
        let (outset, seen): (&[bool], u64) = (restarts, *steps_seen);
        lanes.each(work, |lane| {
            let (streams, tape) = (lane.tape.streams(), &mut lane.tape);
            let at = step * streams;
            tape.put_step(&inputs[lane.first * m..(lane.first + streams) * m]);
            for (goes_on, &restarts) in tape.goes_on[at..at + streams].iter_mut().zip(&outset[lane.first..]) {
                *goes_on = !restarts;
            }
            tape.counts[at..at + streams].fill(true);
            lane.sweep.clear(o, at..at + streams);
            lane.score = Score::default();
            lane.tape.forward(network, 1, keep, Moment { step: seen, stream: lane.first });
        });
        restarts.fill(false);
        for lane in &lanes.lanes {
            let logits = lane.tape.logits(o, step);
            outputs[lane.first * o..][..logits.len()].copy_from_slice(logits);
        }
        *steps_seen += 1;
        *awaits_target = true;
    }

    /// Learns from the targets of the step just predicted, one entry a stream; `None` where there is none. The weights change
    /// when the window closes, or, with [`Update::Sequence`], at [`finish`](Learner::finish).
    ///
    /// # Errors
    /// If a target does not fit or is not finite, or nothing was predicted: the learner is then as before the call, and can be told the right
    /// targets. If the loss, the gradient or the update is not finite: the weights are then as before, and the streams start anew.
    pub fn learn(&mut self, targets: &[Option<Target<'_, T>>]) -> Result<Score, LearnError> {
        let streams = self.streams();
        if targets.len() != streams {
            return Err(LearnError::Shape { what: "targets", found: targets.len(), expected: streams });
        }
        if !self.streaming.awaits_target {
            return Err(LearnError::NothingPredicted);
        }
        // Everything is looked at before anything is written.
        for (stream, target) in targets.iter().enumerate() {
            target.as_ref().map_or(Ok(()), |target| self.check_target(stream, target))?;
        }
        self.streaming.awaits_target = false;
        let step = self.streaming.lanes.steps() - 1;
        let mut score = Score { steps: streams as u64, ..Score::default() };
        for (stream, target) in targets.iter().enumerate() {
            if let Some(target) = target {
                let (lane, stream) = self.streaming.lanes.find(stream);
                let lane = &mut self.streaming.lanes.lanes[lane];
                add_loss(&self.objective, self.network.outputs(), lane, step, stream, *target, &mut score);
                lane.score.targets += 1;
            }
        }
        if !self.frozen {
            for lane in &mut self.streaming.lanes.lanes {
                lane.score.activity = lane.tape.activity(&self.network, step);
                score.activity += lane.score.activity;
            }
        }
        if !(score.loss + score.activity).is_finite() {
            return Err(self.broken("the loss"));
        }
        if self.frozen {
            return Ok(score);
        }
        self.streaming.targets += score.targets;
        if let Some(steps) = self.looks_back() {
            if score.targets > 0 || score.activity > 0.0 {
                self.look_back(steps)?;
            }
        } else if self.window_is_full() {
            self.continues.fill(true);
            self.close_window()?;
        }
        Ok(score)
    }

    /// The streams end here: learns from an unfinished window, updates the weights if they wait for the sequence's end, and
    /// starts every stream anew.
    ///
    /// # Errors
    /// If the gradient or the update is not finite: the weights are then as before, and every stream starts anew all the same.
    pub fn finish(&mut self) -> Result<(), LearnError> {
        if !self.frozen {
            if self.has_open_window() {
                self.continues.fill(false);
                self.close_window()?;
            } else {
                self.flush();
            }
            if self.method.update == Update::Sequence {
                self.update()?;
            }
            // Activity after the last target has nothing to be learned with.
            self.clear_gradient();
        }
        self.streaming.restart();
        Ok(())
    }
}
