//! Windows of whole batches of sequences: forward, errors and reverse sweep, lane by lane, layer by layer within each.

use super::Engine;
use crate::data::batch::SequenceBatch;
use crate::data::score::{LaneScores, Score};
use crate::engine::error::EngineError;
use crate::engine::lanes::BesideLanes;
use crate::linalg::real::Real;
use crate::tape::{BatchStreams, Keep};
use crate::trace::{Lane, OnTape};

/// Where streams begin a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outset {
    /// From s = 0, y = 0.
    Rest,
    /// From where the last batch left them.
    WhereItIs,
}

/// Where a target is that has to become a signal: its column in a lane.
pub(crate) struct Column<'a, T: Real> {
    pub(crate) lane: &'a mut Lane<T>,
    pub(crate) outputs: usize,
    pub(crate) step: usize,
    pub(crate) stream: usize,
}

impl<T: Real> Engine<T> {
    /// Makes room for a batch.
    pub(crate) fn open_batch(&mut self, batch: &SequenceBatch<T>) {
        self.prune();
        let most = self.streaming.on_tape.steps.unwrap_or(batch.steps());
        self.streaming.reserve(&self.network, most.min(batch.steps()));
        self.streaming.lanes.weights_changed();
    }

    /// How many steps of a batch are learned from together, from `start` on: a window, or a block of several. The first block is the short one, since
    /// a trace that is zero need not be read, and the last need not be moved on. Windows before the first target are blocks of their own, whose
    /// error need not be swept back.
    pub(crate) fn stretch(&self, batch: &SequenceBatch<T>, start: usize) -> usize {
        let left = batch.steps() - start;
        let OnTape { steps, cuts } = self.streaming.on_tape;
        let Some(every) = cuts.every else {
            let steps = self.rolls().map_or(steps, |rolls| Some(rolls.every));
            return steps.unwrap_or(left).clamp(1, left);
        };
        let most = steps.unwrap_or(left) / every;
        let windows = match left.div_ceil(every) % most {
            0 => most,
            rest => rest,
        };
        let end = |windows: usize| left.min(windows * every);
        let has_error = |window: usize| {
            let range = start + end(window)..start + end(window + 1);
            self.network.has_activity_terms() || batch.has_targets(0..batch.streams(), range)
        };
        let without = (0..windows).take_while(|&window| !has_error(window)).count();
        end(if without > 0 { without } else { windows })
    }

    /// A window of a batch, or a block of windows, `steps` from `start` on: `error` is given every stream and step of the batch that has a target,
    /// leaves its signal and adds to its lane's `scores`. The window's gradient is added, and traces are moved to its end.
    ///
    /// # Errors
    /// If the loss or a state is not finite: the streams then start anew.
    pub(crate) fn learn_window(
        &mut self,
        batch: &SequenceBatch<T>,
        outset: Outset,
        [start, steps]: [usize; 2],
        scores: &mut [LaneScores],
        error: impl Fn(Column<'_, T>, [usize; 2], &mut LaneScores) + Send + Sync,
    ) -> Result<Score, EngineError> {
        let rolls = self.rolls();
        match rolls {
            // Traces are read out first, and follow later.
            Some(_) => self.continues.fill(false),
            None => self.see_who_goes_on(batch, outset, start + steps),
        }
        let network = &self.network;
        let work = network.parameters.len() * batch.streams() * steps;
        let has_activity_terms = network.has_activity_terms();
        let restarts: &[bool] = &self.streaming.restarts;
        let moment = self.streaming.moment();
        let forward = |lane: &mut Lane<T>, scores: &mut LaneScores| {
            let streams = BatchStreams { first: lane.first, restarts: &restarts[lane.first..] };
            if rolls.is_none() {
                lane.tape.load(batch, streams, start, steps);
                let streams = lane.first..lane.first + lane.tape.active;
                if !has_activity_terms && !batch.has_targets(streams, start..start + steps) {
                    lane.tape.ignore_error();
                }
            } else {
                if start == 0 && outset == Outset::Rest {
                    lane.tape.open_for(batch, lane.first);
                }
                lane.tape.put(batch, streams, start, steps);
            }
            scores.window = Score::default();
            let (outputs, from, active) = (network.outputs(), lane.tape.steps, lane.tape.active);
            lane.sweep.clear(outputs, from * active..(from + steps) * active);
            lane.tape.forward(network, steps, Keep::Partials, moment.of(lane.first));
            for step in 0..steps {
                scores.window.activity += lane.tape.activity(network, from + step);
                for stream in 0..lane.tape.active {
                    let place = [lane.first + stream, start + step];
                    if batch.has_target(place[0], place[1]) {
                        error(Column { lane: &mut *lane, outputs, step: from + step, stream }, place, scores);
                    }
                }
            }
            for stream in lane.first..lane.first + lane.tape.active {
                let length = batch.lengths()[stream];
                scores.window.steps += (length.min(start + steps) - length.min(start)) as u64;
            }
            lane.has_error = scores.window.targets > 0 || scores.window.activity > 0.0;
            if rolls.is_some() {
                lane.look_back(outputs);
            }
        };
        let beside = BesideLanes { paths: &mut self.streaming.trace.local.paths, scores: &mut *scores };
        self.streaming.lanes.window(network, work, beside, forward, &self.continues);
        self.streaming.restarts.fill(false);
        self.streaming.steps_seen += steps as u64;
        let mut score = Score::default();
        for lane in &*scores {
            score += lane.window;
        }
        if !(score.loss + score.activity).is_finite() {
            return Err(self.broken("the loss"));
        }
        if !self.states_are_finite() {
            return Err(self.broken("the state"));
        }
        // After the last window of a batch the weights may change.
        let may_defer = start + steps < batch.steps();
        match rolls {
            None => {
                self.accumulate(may_defer);
                self.streaming.lanes.open();
            }
            Some(rolls) => {
                if self.has_error() {
                    self.read_out(may_defer);
                }
                self.see_who_goes_on(batch, outset, start + steps);
                self.roll_on(rolls, may_defer);
            }
        }
        Ok(score)
    }

    /// Which streams go on after so many steps of a batch.
    fn see_who_goes_on(&mut self, batch: &SequenceBatch<T>, outset: Outset, steps: usize) {
        for (continues, &length) in self.continues.iter_mut().zip(batch.lengths()) {
            *continues = length > steps || (outset == Outset::WhereItIs && length == batch.steps());
        }
        self.continues[batch.streams()..].fill(false);
    }
}

impl<T: Real> Column<'_, T> {
    /// The readout at this step, and where its ∂E/∂y goes.
    pub(crate) fn outputs_and_signal(&mut self) -> (&[T], &mut [T]) {
        let (o, column) = (self.outputs, self.step * self.lane.tape.active + self.stream);
        let outputs = &self.lane.tape.logits(o, self.step)[self.stream * o..(self.stream + 1) * o];
        (outputs, &mut self.lane.sweep.readout_signal()[column * o..(column + 1) * o])
    }

    /// Keeps the target itself, where signals are made of targets.
    pub(crate) fn set_target(&mut self, write: impl FnOnce(&mut [T])) {
        let column = self.step * self.lane.tape.active + self.stream;
        self.lane.sweep.set_target(self.outputs, column, write);
    }
}
