//! Whole batches of sequences: the windows one after another, layer by layer within each.

use super::{Learner, add_loss};
use crate::data::batch::{SequenceBatch, TargetKind, Targets};
use crate::data::score::Score;
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::method::{Update, Window};
use crate::refusal::Counted;
use crate::tape::{Keep, Moment};
use crate::trace::Lane;

/// Where streams begin a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// From s = 0, y = 0.
    Rest,
    /// From where the last batch left them.
    WhereItIs,
}

impl<T: Real> Learner<T> {
    /// Learns from whole sequences, each from a fresh state: window after window, with updates as the method says. Streams in
    /// progress start anew. While [frozen](Learner::set_frozen) it only evaluates.
    ///
    /// # Errors
    /// If the batch does not fit the network, or holds an input or a target that is not finite: the learner is then as before the call.
    /// If a state, the loss, the gradient or an update is not finite: the weights are then as the last update before it left them (with
    /// [`Update::Window`] windows before the one that broke have been learned from), and the streams start anew.
    pub fn learn_batch(&mut self, batch: &SequenceBatch<T>) -> Result<Score, LearnError> {
        if self.is_frozen() {
            return self.evaluate_batch(batch);
        }
        self.check_batch(batch)?;
        self.restart();
        let score = self.learn_windows(batch, From::Rest)?;
        // Activity after the last target has nothing to be learned with.
        self.restart();
        Ok(score)
    }

    /// Learns from the next stretch of every stream, which goes on where the last one ended: states and traces are carried on, so that
    /// a recording of any length can be handed over piece by piece. A stream whose sequence is shorter than the batch ends with it. After
    /// the last stretch, call [`finish`](Learner::finish). With [`Update::Sequence`] the weights change at the end of the stretch, and a
    /// window does not reach from one stretch into the next: make stretches a multiple of it.
    ///
    /// # Errors
    /// As [`learn_batch`](Learner::learn_batch), and if the batch has other than [`streams`](Learner::streams) streams or the learner is
    /// frozen: the learner is then as before the call.
    pub fn learn_next(&mut self, batch: &SequenceBatch<T>) -> Result<Score, LearnError> {
        self.check_stretch(batch)?;
        if batch.steps() == 0 {
            return Ok(Score::default());
        }
        // A prediction made before is in no window any more.
        self.streaming.awaits_target = false;
        if self.has_open_window() {
            self.continues.fill(true);
            self.close_window()?;
        }
        let score = self.learn_windows(batch, From::WhereItIs)?;
        // What comes after the end of a sequence is another one.
        for (restarts, &length) in self.streaming.restarts.iter_mut().zip(batch.lengths()) {
            *restarts |= length < batch.steps();
        }
        Ok(score)
    }

    fn learn_windows(&mut self, batch: &SequenceBatch<T>, from: From) -> Result<Score, LearnError> {
        let score = self.run_batch(batch, from, self.method.update == Update::Window)?;
        if self.method.update == Update::Sequence {
            self.update()?;
        }
        Ok(score)
    }

    /// The gradient of the summed loss of a batch at the present weights, by the learner's window and carry, each sequence from a fresh state.
    /// Nothing is updated, and nothing is learned from it later; streams in progress start anew. Laid out as
    /// [`Network::parameters`](crate::Network::parameters).
    ///
    /// # Errors
    /// As [`learn_batch`](Learner::learn_batch).
    pub fn gradient(&mut self, batch: &SequenceBatch<T>) -> Result<(Score, &[T]), LearnError> {
        self.check_batch(batch)?;
        self.prune();
        self.restart();
        let score = self.run_batch(batch, From::Rest, false)?;
        let gradient = &mut self.streaming.gradient;
        self.network.apply_mask(gradient);
        self.network.tie(gradient);
        if let Some(parameter) = gradient.iter().position(|g| !g.is_finite()) {
            return Err(self.broken_at("the gradient", parameter));
        }
        std::mem::swap(gradient, &mut self.shown);
        gradient.resize(self.shown.len(), T::zero());
        self.restart();
        Ok((score, &self.shown))
    }

    fn run_batch(&mut self, batch: &SequenceBatch<T>, from: From, update_every_window: bool) -> Result<Score, LearnError> {
        self.prune();
        let (window, kept) = match self.method.window {
            Window::Steps(steps) => (steps, steps),
            Window::Rolling(steps) => (1, steps.saturating_mul(2)),
            Window::Sequence => (batch.steps().max(1), batch.steps()),
        };
        self.streaming.lanes.reserve(&self.network, kept.min(batch.steps()));
        self.streaming.lanes.weights_changed();
        let mut score = Score::default();
        for start in (0..batch.steps()).step_by(window) {
            let steps = window.min(batch.steps() - start);
            let in_window = self.run_window(batch, from, start, steps)?;
            self.streaming.targets += in_window.targets;
            score += in_window;
            // After the last window of a stretch the weights may change.
            self.accumulate(start + steps < batch.steps());
            if self.looks_back().is_none() {
                self.streaming.lanes.open();
            }
            if update_every_window {
                self.update()?;
            }
        }
        Ok(score)
    }

    /// Forward, losses and reverse sweep of one window, lane by lane.
    fn run_window(&mut self, batch: &SequenceBatch<T>, from: From, start: usize, steps: usize) -> Result<Score, LearnError> {
        for (continues, &length) in self.continues.iter_mut().zip(batch.lengths()) {
            *continues = length > start + steps || (from == From::WhereItIs && length == batch.steps());
        }
        self.continues[batch.streams()..].fill(false);
        let (network, objective, looks_back) = (&self.network, &self.objective, self.looks_back());
        let work = network.parameters.len() * batch.streams() * steps;
        let has_activity_terms = network.has_activity_terms();
        let restarts: &[bool] = &self.streaming.restarts;
        let seen = self.streaming.steps_seen;
        let forward = |lane: &mut Lane<T>| {
            let outset = &restarts[lane.first..];
            match looks_back {
                Some(back) => {
                    if start == 0 && from == From::Rest {
                        lane.tape.open_for(batch, lane.first);
                    }
                    lane.tape.roll(network, batch, (lane.first, outset), start, back - 1);
                }
                None => {
                    lane.tape.load(batch, (lane.first, outset), start, steps);
                    let streams = lane.first..lane.first + lane.tape.live;
                    if !has_activity_terms && !batch.has_targets(streams, start..start + steps) {
                        lane.tape.ignore_error();
                    }
                }
            }
            lane.score = Score::default();
            let (o, from, live) = (network.outputs(), lane.tape.steps, lane.tape.live);
            lane.sweep.clear(o, from * live..(from + steps) * live);
            lane.tape.forward(network, steps, Keep::Partials, Moment { step: seen, stream: lane.first });
            let mut score = Score::default();
            for step in 0..steps {
                score.activity += lane.tape.activity(network, from + step);
                for stream in 0..lane.tape.live {
                    if let Some(target) = batch.target(lane.first + stream, start + step) {
                        add_loss(objective, o, lane, from + step, stream, target, &mut score);
                    }
                }
            }
            for stream in lane.first..lane.first + lane.tape.live {
                let length = batch.lengths()[stream];
                score.steps += (length.min(start + steps) - length.min(start)) as u64;
            }
            lane.score = score;
            if let Some(back) = looks_back {
                lane.look_back(o, back);
            }
        };
        self.streaming.lanes.window(network, work, forward, &self.continues);
        self.streaming.restarts.fill(false);
        self.streaming.steps_seen += steps as u64;
        let mut score = Score::default();
        for lane in &self.streaming.lanes.lanes {
            score += lane.score;
        }
        if !(score.loss + score.activity).is_finite() {
            return Err(self.broken("the loss"));
        }
        if !self.states_are_finite() {
            return Err(self.broken("the state"));
        }
        Ok(score)
    }

    fn check_stretch(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        if self.is_frozen() {
            return Err(LearnError::Frozen);
        }
        let (found, expected) = (batch.streams(), self.streams());
        if found != expected {
            return Err(LearnError::Shape { what: "streams of the batch", found, expected });
        }
        self.check_batch_shape(batch)?;
        self.check_batch_values(batch)?;
        self.check_room(batch.steps())
    }

    pub(super) fn check_batch_shape(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        for (what, found, expected) in [
            ("inputs of the batch", batch.inputs(), self.network.inputs()),
            ("outputs of the batch", batch.outputs(), self.network.outputs()),
        ] {
            if found != expected {
                return Err(LearnError::Shape { what, found, expected });
            }
        }
        let kind = match batch.targets() {
            Targets::Classes(_) => TargetKind::Classes,
            Targets::Values(_) => TargetKind::Values,
        };
        if kind != self.objective.loss().target_kind() {
            return Err(LearnError::Target {
                stream: 0,
                problem: format!("the batch holds {kind:?}, the loss wants {:?}", self.objective.loss().target_kind()),
            });
        }
        Ok(())
    }

    fn check_batch(&self, batch: &SequenceBatch<T>) -> Result<(), LearnError> {
        if batch.streams() > self.streams() {
            return Err(LearnError::Shape {
                what: "streams of the batch",
                found: batch.streams(),
                expected: self.streams(),
            });
        }
        self.check_batch_shape(batch)?;
        self.check_batch_values(batch)?;
        self.check_room(batch.steps())
    }
    /// Whether there is the memory for a sequence of so many steps, where the window holds all of it.
    pub(super) fn check_room(&self, steps: usize) -> Result<(), LearnError> {
        if self.method.window != Window::Sequence || steps <= self.streaming.lanes.capacity() {
            return Ok(());
        }
        let size = [self.streams(), steps];
        Ok(self.network.check_room(&self.method, self.optimizer.settings(), size, Counted::Windows)?)
    }
}
