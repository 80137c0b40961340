//! The streaming face: a network, a method and an optimiser that learn step by step, or from whole batches of sequences.

mod batches;
mod evaluation;
mod places;
mod refusals;
mod state;
mod streaming;

use nalgebra::DMatrixView;

use crate::error::{ConfigError, LearnError};
use crate::lane::Lane;
use crate::loss::{Loss, Target};
use crate::method::{Method, Update, Window};
use crate::network::Network;
use crate::optimizer::{Optimizer, OptimizerSettings, Places};
use crate::real::Real;
use crate::score::Score;
use crate::window::{Keep, Moment};

use evaluation::Evaluation;
pub use evaluation::Observation;
pub use state::LearnerState;
pub(crate) use streaming::Streaming;

/// Learns online: [`predict`](Learner::predict) an output for one step's inputs, then [`learn`](Learner::learn) from the target,
/// on a stream that never ends; memory does not grow.
///
/// With windows of K steps it predicts at once and learns when the window closes. It never sees a future input. Several
/// streams run side by side, and each may be [`reset`](Learner::reset) before any step: no gradient and no trace crosses a reset.
/// For sequences with an end call [`finish`](Learner::finish) there, or hand over whole batches with
/// [`learn_batch`](Learner::learn_batch).
///
/// The gradient of an update is the mean over the targets it covers.
pub struct Learner<T: Real> {
    pub(crate) network: Network<T>,
    pub(crate) method: Method,
    pub(crate) optimizer: Optimizer<T>,
    loss: Loss,
    pub(crate) streaming: Streaming<T>,
    frozen: bool,
    /// Somebody may have written to connections that do not exist.
    changed_by_hand: bool,
    evaluation: Option<Evaluation<T>>,
    continues: Vec<bool>,
    /// The gradient is one that was asked for, and not gathered to learn from.
    shown: bool,
}

impl<T: Real> Learner<T> {
    /// A learner for so many streams side by side.
    ///
    /// # Errors
    /// If the method or the optimiser's settings cannot be run, or there are no streams.
    pub fn new(
        mut network: Network<T>,
        loss: Loss,
        method: Method,
        optimizer: OptimizerSettings,
        streams: usize,
    ) -> Result<Self, ConfigError> {
        method.validate_for(&network)?;
        if streams == 0 {
            return Err(ConfigError::out_of_range("streams", 0, "at least 1"));
        }
        let optimizer = Optimizer::new(optimizer, network.parameters().len())?;
        network.prune();
        let streaming = Streaming::new(&network, &method, streams);
        Ok(Self {
            network,
            method,
            optimizer,
            loss,
            streaming,
            frozen: false,
            changed_by_hand: false,
            evaluation: None,
            continues: vec![true; streams],
            shown: false,
        })
    }

    /// The network with its present weights.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// The network, to change its weights by hand.
    pub fn network_mut(&mut self) -> &mut Network<T> {
        self.streaming.lanes.weights_changed();
        self.changed_by_hand = true;
        &mut self.network
    }

    /// After changes by hand: connections that do not exist are zero again.
    fn prune(&mut self) {
        if std::mem::take(&mut self.changed_by_hand) {
            self.network.prune();
        }
    }

    /// The learning method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The loss it learns to make small.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The optimiser and its moments.
    pub fn optimizer(&self) -> &Optimizer<T> {
        &self.optimizer
    }

    /// Number of streams side by side.
    pub fn streams(&self) -> usize {
        self.streaming.lanes.streams()
    }

    /// Bytes that the eligibility traces take.
    pub fn trace_bytes(&self) -> usize {
        self.streaming.trace.bytes()
    }

    /// Steps taken since the beginning.
    pub fn steps_seen(&self) -> u64 {
        self.streaming.steps_seen
    }

    /// Changes the learning rate from the next update on.
    ///
    /// # Errors
    /// If it is negative or not a number.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<(), ConfigError> {
        self.optimizer.set_learning_rate(rate)
    }

    /// Stops learning (`true`: predictions only, no traces) or goes on with it. An unfinished window is learned from first;
    /// what happens while frozen leaves no trace. A prediction that was not learned from cannot be any more.
    ///
    /// # Errors
    /// If the unfinished window's gradient is not finite.
    pub fn set_frozen(&mut self, frozen: bool) -> Result<(), LearnError> {
        if frozen && !self.frozen {
            if self.has_open_window() {
                self.continues.fill(true);
                self.close_window()?;
            }
            self.settle();
        }
        if frozen != self.frozen {
            // A prediction made before is no longer in any window.
            self.streaming.awaits_target = false;
        }
        if self.frozen && !frozen {
            self.streaming.trace.forget();
            for lane in &mut self.streaming.lanes.lanes {
                lane.tape.forget_boundary();
            }
            self.streaming.lanes.open();
        }
        self.frozen = frozen;
        Ok(())
    }

    /// Whether it only predicts.
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// The stream starts anew at its next step: s = 0, y = 0, and nothing is learned across.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn reset(&mut self, stream: usize) {
        assert!(stream < self.streams(), "stream {stream} of {}", self.streams());
        self.streaming.restarts[stream] = true;
    }

    /// One step of every stream: `inputs × streams` values, column by column. Returns the readout, `outputs × streams`.
    ///
    /// # Errors
    /// If the inputs have the wrong shape, or they or the readout are not finite.
    pub fn predict(&mut self, inputs: &[T]) -> Result<DMatrixView<'_, T>, LearnError> {
        let streams = self.streams();
        let (m, o) = (self.network.inputs(), self.network.outputs());
        if inputs.len() != m * streams {
            return Err(LearnError::Shape { what: "inputs × streams", found: inputs.len(), expected: m * streams });
        }
        if !inputs.iter().all(|x| x.is_finite()) {
            return Err(self.not_finite("an input", 0));
        }
        self.prune();
        if std::mem::take(&mut self.shown) {
            self.clear_gradient();
        }
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
        if !self.streaming.outputs.iter().all(|y| y.is_finite()) {
            return Err(self.broken("the output"));
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
    /// If a target does not fit, nothing was predicted, or the loss or gradient is not finite; the weights are then unchanged.
    pub fn learn(&mut self, targets: &[Option<Target<'_, T>>]) -> Result<Score, LearnError> {
        let streams = self.streams();
        if targets.len() != streams {
            return Err(LearnError::Shape { what: "targets", found: targets.len(), expected: streams });
        }
        if !self.streaming.awaits_target {
            return Err(LearnError::NothingPredicted);
        }
        let step = self.streaming.lanes.steps() - 1;
        let mut score = Score { steps: streams as u64, ..Score::default() };
        for (stream, target) in targets.iter().enumerate() {
            if let Some(target) = target {
                self.check_target(stream, target)?;
                let (lane, stream) = self.streaming.lanes.find(stream);
                let lane = &mut self.streaming.lanes.lanes[lane];
                add_loss(self.loss, self.network.outputs(), lane, step, stream, *target, &mut score);
                lane.score.targets += 1;
                if !score.loss.is_finite() {
                    return Err(self.broken("the loss"));
                }
            }
        }
        self.streaming.awaits_target = false;
        if self.frozen {
            return Ok(score);
        }
        for lane in &mut self.streaming.lanes.lanes {
            lane.score.activity = lane.tape.activity(&self.network, step);
            score.activity += lane.score.activity;
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
    /// If the gradient is not finite.
    pub fn finish(&mut self) -> Result<(), LearnError> {
        if !self.frozen {
            if self.has_open_window() {
                self.continues.fill(false);
                self.close_window()?;
            } else {
                self.settle();
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

    /// Every stream starts anew, and nothing gathered so far is learned from.
    pub(crate) fn restart(&mut self) {
        self.clear_gradient();
        self.streaming.restart();
    }

    fn clear_gradient(&mut self) {
        self.streaming.gradient.fill(T::zero());
        self.streaming.touched.forget();
        self.streaming.targets = 0;
    }

    fn window_is_full(&self) -> bool {
        matches!(self.method.window, Window::Steps(steps) if self.streaming.lanes.steps() >= steps)
    }

    /// Steps that a rolling window looks back over from every step.
    fn looks_back(&self) -> Option<usize> {
        match self.method.window {
            Window::Rolling(steps) => Some(steps),
            _ => None,
        }
    }

    /// There are steps that were not learned from. A rolling window has learned from every step at once.
    fn has_open_window(&self) -> bool {
        self.streaming.lanes.steps() > 0 && self.looks_back().is_none()
    }

    /// Learns from the error of the newest step, looking back over the last `steps`.
    fn look_back(&mut self, steps: usize) -> Result<(), LearnError> {
        let outputs = self.network.outputs();
        self.streaming.lanes.lanes.iter_mut().for_each(|lane| lane.look_back(outputs, steps));
        self.continues.fill(true);
        self.streaming.lanes.sweep(&self.network, &self.continues);
        self.accumulate();
        if self.method.update == Update::Window { self.update() } else { Ok(()) }
    }

    /// Learns from the steps taken since the last window closed.
    fn close_window(&mut self) -> Result<(), LearnError> {
        self.streaming.lanes.sweep(&self.network, &self.continues);
        self.accumulate();
        self.streaming.lanes.open();
        if self.method.update == Update::Window { self.update() } else { Ok(()) }
    }

    /// What traces still owe the gradient is added, and they are forgotten.
    fn settle(&mut self) {
        let Streaming { lanes, trace, gradient, .. } = &mut self.streaming;
        self.continues.fill(false);
        trace.settle(&self.network, &mut lanes.lanes, &self.continues, gradient);
    }

    /// Both parts of the gradient (equation 1), the traces advanced (equation 2), and what the next window's edge needs.
    fn accumulate(&mut self) {
        let Streaming { lanes, trace, gradient, touched, steps_seen, .. } = &mut self.streaming;
        touched.note(&self.network, lanes);
        trace.close(&self.network, lanes, &self.continues, *steps_seen, gradient);
        for lane in &mut lanes.lanes {
            lane.tape.keep_boundary(&self.network);
        }
    }

    /// Changes the weights by what was gathered since the last update, unless it is not finite.
    fn update(&mut self) -> Result<(), LearnError> {
        let state = &mut self.streaming;
        if state.targets == 0 {
            return Ok(());
        }
        self.network.clear_absent(&mut state.gradient);
        self.network.tie(&mut state.gradient);
        let (changed, counted) = state.touched.places(&self.network, &state.gradient);
        let (scale, places) = (1.0 / state.targets as f64, Places { changed, counted });
        if self.optimizer.update(&mut self.network.parameters, &state.gradient, scale, places) {
            state.lanes.weights_changed();
            // Elsewhere the gradient is zero already.
            changed.iter().for_each(|place| state.gradient[place.clone()].fill(T::zero()));
            state.touched.forget();
            state.targets = 0;
            return Ok(());
        }
        let broken =
            |range: std::ops::Range<usize>| state.gradient[range].iter().any(|g| !(g.to_f64() * g.to_f64()).is_finite());
        let block = self.network.blocks().iter().find(|block| broken(block.range()));
        let (layer, name) = block.map_or((0, "all"), |block| (block.layer, block.name));
        let name = format!("{}, {name}", self.network.layer_name(layer));
        let step = state.steps_seen;
        self.restart();
        Err(LearnError::NonFinite { what: "the gradient", layer, name, step })
    }
}

/// Adds the loss of one stream's step and leaves its learning signal with the sweep.
fn add_loss<T: Real>(
    loss: Loss,
    outputs: usize,
    lane: &mut Lane<T>,
    step: usize,
    stream: usize,
    target: Target<'_, T>,
    score: &mut Score,
) {
    let column = step * lane.tape.live + stream;
    let logits = &lane.tape.logits(outputs, step)[stream * outputs..(stream + 1) * outputs];
    lane.sweep.set_target(outputs, column, target);
    let signal = &mut lane.sweep.readout_signal()[column * outputs..(column + 1) * outputs];
    add_score(loss, logits, target, signal, score);
}

fn add_score<T: Real>(loss: Loss, logits: &[T], target: Target<'_, T>, signal: &mut [T], score: &mut Score) {
    score.loss += loss.evaluate(logits, target, signal).to_f64();
    score.targets += 1;
    if let Target::Class(class) = target {
        score.correct += u64::from(is_first_maximum(logits, class));
    }
}

/// Whether this is the largest value, and the first of its size.
fn is_first_maximum<T: Real>(values: &[T], index: usize) -> bool {
    let value = values[index];
    let (before, after) = values.split_at(index);
    let any = |found, beats: bool| found | beats;
    !before.iter().map(|&other| other >= value).fold(false, any)
        && !after.iter().map(|&other| other > value).fold(false, any)
}
