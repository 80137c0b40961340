//! The streaming face: a network, a method and an optimiser that learn step by step, or from whole batches of sequences.

mod batches;
pub mod checkpoint;
pub(crate) mod error;
mod evaluation;
mod likeness;
mod memory;
pub mod optimizer;
mod ranges;
mod refusals;
pub mod schedule;
mod state;
mod steps;
mod streaming;
#[cfg(test)]
mod tests;
mod units;
mod walk;
pub mod whole_file;
mod windows;

use crate::data::loss::{Loss, Target};
use crate::data::objective::Objective;
use crate::data::score::Score;
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::method::Method;
use crate::network::Network;
use crate::refusal::ConfigError;
use crate::trace::Lane;
use optimizer::{Optimizer, OptimizerSettings};

pub(crate) use evaluation::EVALUATION_STEPS;
use evaluation::Evaluation;
pub use evaluation::Observation;
pub use state::LearnerState;
pub(crate) use streaming::Streaming;
pub use units::UnitsSeen;
use units::Watch;

/// Learns online: [`predict`](Learner::predict) an output for one step's inputs, then [`learn`](Learner::learn) from the target,
/// on a stream that never ends; memory does not grow.
///
/// With windows of K steps it predicts at once and learns when the window closes. It never sees a future input. Several
/// streams run side by side, and each may be [`reset`](Learner::reset) before any step: no gradient and no trace crosses a reset.
/// For sequences with an end call [`finish`](Learner::finish) there, or hand over whole batches with
/// [`learn_batch`](Learner::learn_batch).
///
/// The gradient of an update is the sum over the targets it covers, divided by their number ([`Objective`] says what a target weighs).
pub struct Learner<T: Real> {
    pub(crate) network: Network<T>,
    pub(crate) method: Method,
    pub(crate) optimizer: Optimizer<T>,
    objective: Objective,
    pub(crate) streaming: Streaming<T>,
    frozen: bool,
    /// Somebody may have written to connections that do not exist.
    changed_by_hand: bool,
    evaluation: Option<Evaluation<T>>,
    /// What is seen of units while evaluating, if they are watched.
    watch: Option<Watch<T>>,
    continues: Vec<bool>,
    /// The last gradient that was asked for; empty before. It is not what is learned from.
    shown: Vec<T>,
}

impl<T: Real> Learner<T> {
    /// A learner for so many streams side by side, of a [`Loss`] or of an [`Objective`] with weights for classes or smoothed labels.
    ///
    /// # Errors
    /// If the method or the optimiser's settings cannot be run, there are no streams, weights of classes are not one for each output, or this
    /// machine has not the [memory](Network::memory) for it.
    pub fn new(
        mut network: Network<T>,
        objective: impl Into<Objective>,
        method: Method,
        optimizer: OptimizerSettings,
        streams: usize,
    ) -> Result<Self, ConfigError> {
        method.validate_for(&network)?;
        let objective = objective.into();
        objective.check_outputs(network.outputs())?;
        if streams == 0 {
            return Err(ConfigError::out_of_range("streams", 0, "at least 1"));
        }
        optimizer.validate()?;
        network.check_memory(&method, &optimizer, [streams, 1], 0, None)?;
        let optimizer = Optimizer::new(optimizer, network.parameters().len())?;
        network.prune();
        let streaming = Streaming::new(&network, &method, streams);
        Ok(Self {
            network,
            method,
            optimizer,
            objective,
            streaming,
            frozen: false,
            changed_by_hand: false,
            evaluation: None,
            watch: None,
            continues: vec![true; streams],
            shown: Vec::new(),
        })
    }

    /// The network with its present weights.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// The network, to change its weights by hand.
    pub fn network_mut(&mut self) -> &mut Network<T> {
        self.streaming.lanes.weights_changed();
        self.optimizer.parameters_changed();
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

    /// The loss it learns to make small, and by which it is evaluated.
    pub fn loss(&self) -> Loss {
        self.objective.loss()
    }

    /// The loss with the weights of classes and smoothed labels that it learns with.
    pub fn objective(&self) -> &Objective {
        &self.objective
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
    /// If it is negative or not finite in the learner's precision, or weights would decay by more than the whole of them.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<(), ConfigError> {
        self.optimizer.set_learning_rate(rate)
    }

    /// Clips the gradient's global norm to this from the next update on, or no longer clips it.
    ///
    /// # Errors
    /// If it is not a positive number.
    pub fn set_clip_norm(&mut self, norm: Option<f64>) -> Result<(), ConfigError> {
        self.optimizer.set_clip_norm(norm)
    }

    /// Stops learning (`true`: predictions only, no traces) or goes on with it. An unfinished window is learned from first;
    /// what happens while frozen leaves no trace. A prediction that was not learned from cannot be any more. What waits for the end of
    /// the sequence ([`Update::Sequence`](crate::Update::Sequence)) waits for the first [`finish`](Learner::finish) after the learner learns again.
    ///
    /// # Errors
    /// If the unfinished window's gradient or update is not finite: the streams then start anew, and the learner still learns.
    pub fn set_frozen(&mut self, frozen: bool) -> Result<(), LearnError> {
        if frozen && !self.frozen {
            if self.has_open_window() {
                self.continues.fill(true);
                self.close_window()?;
            }
            self.flush();
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
}

/// Adds the loss of one stream's step and leaves its learning signal with the sweep.
fn add_loss<T: Real>(
    objective: &Objective,
    outputs: usize,
    lane: &mut Lane<T>,
    step: usize,
    stream: usize,
    target: Target<'_, T>,
    score: &mut Score,
) {
    let column = step * lane.tape.live + stream;
    let logits = &lane.tape.logits(outputs, step)[stream * outputs..(stream + 1) * outputs];
    lane.sweep.set_target(objective, outputs, column, target);
    let signal = &mut lane.sweep.readout_signal()[column * outputs..(column + 1) * outputs];
    add_score(objective, logits, target, signal, score);
}

fn add_score<T: Real>(objective: &Objective, logits: &[T], target: Target<'_, T>, signal: &mut [T], score: &mut Score) {
    score.loss += objective.evaluate(logits, target, signal).to_f64();
    score.weight += objective.weight(target);
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
