//! The streaming face: a network, a method and an optimiser that learn step by step, or from whole batches of sequences.

mod batches;
pub mod checkpoint;
pub(crate) mod error;
mod evaluation;
mod from_record;
mod memory;
pub mod optimizer;
mod refusals;
pub mod schedule;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod units;
mod updates;
pub mod whole_file;

use std::sync::Arc;

use crate::data::loss::Target;
use crate::data::loss_function::LossFunction;
use crate::data::objective::Objective;
use crate::data::score::Score;
use crate::data::target::Weighted;
use crate::engine::error::EngineError;
use crate::engine::inference::Inference;
use crate::engine::{Column, Engine};
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::method::feedback::FeedbackWeights;
use crate::method::{Method, Update};
use crate::network::Network;
use crate::refusal::ConfigError;
use optimizer::{InUse, Optimizer, OptimizerSettings, UpdateRule};

pub use evaluation::Observation;
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
    pub(crate) engine: Engine<T>,
    pub(crate) optimizer: Optimizer<T>,
    loss: Arc<dyn LossFunction<T>>,
    /// What is reported: the loss without the weights of classes and smoothed labels.
    plain: Arc<dyn LossFunction<T>>,
    /// Targets since the last update.
    targets: u64,
    evaluation: Option<Inference<T>>,
    /// What is seen of units while evaluating, if they are watched.
    watch: Option<Watch<T>>,
}

impl<T: Real> Learner<T> {
    /// A learner for so many streams side by side, of a [`Loss`](crate::Loss) or of an [`Objective`] with weights for classes or smoothed labels,
    /// and of a ready [`Rule`](crate::Rule) or an [`UpdateRule`] of one's own.
    ///
    /// # Errors
    /// If the method or the optimiser's settings cannot be run, there are no streams, weights of classes are not one for each output, or this
    /// machine has not the [memory](Network::memory) for it.
    pub fn new(
        network: Network<T>,
        objective: impl Into<Objective>,
        method: Method,
        optimizer: OptimizerSettings<impl UpdateRule<T>>,
        streams: usize,
    ) -> Result<Self, ConfigError> {
        let objective = objective.into();
        let plain = Arc::new(objective.loss());
        Self::of_losses(network, [Arc::new(objective), plain], method, optimizer.in_use(), streams)
    }

    /// The same with any loss, which it is evaluated by, too.
    ///
    /// # Errors
    /// As [`new`](Learner::new).
    pub fn with_loss(
        network: Network<T>,
        loss: Arc<dyn LossFunction<T>>,
        method: Method,
        optimizer: OptimizerSettings<impl UpdateRule<T>>,
        streams: usize,
    ) -> Result<Self, ConfigError> {
        Self::of_losses(network, [loss.clone(), loss], method, optimizer.in_use(), streams)
    }

    #[inline(never)]
    pub(crate) fn of_losses(
        network: Network<T>,
        [loss, plain]: [Arc<dyn LossFunction<T>>; 2],
        method: Method,
        optimizer: OptimizerSettings<InUse<T>>,
        streams: usize,
    ) -> Result<Self, ConfigError> {
        method.validate_for(&network)?;
        loss.check_outputs(network.outputs())?;
        optimizer.validate_for::<T>()?;
        let parameters = network.parameters().len();
        let engine = Engine::with_moments(network, method, streams, optimizer.rule.state().len())?;
        let optimizer = Optimizer::in_use(optimizer, parameters)?;
        Ok(Self { engine, optimizer, loss, plain, targets: 0, evaluation: None, watch: None })
    }

    /// The engine that finds the gradient: network, traces, what is in hand.
    pub fn engine(&self) -> &Engine<T> {
        &self.engine
    }

    /// The network with its present weights.
    pub fn network(&self) -> &Network<T> {
        self.engine.network()
    }

    /// The network, to change its weights by hand.
    pub fn network_mut(&mut self) -> &mut Network<T> {
        self.optimizer.parameters_changed();
        self.engine.network_mut()
    }

    /// The learning method.
    pub fn method(&self) -> &Method {
        self.engine.method()
    }

    /// The loss that it learns to make small.
    pub fn loss(&self) -> &dyn LossFunction<T> {
        &*self.loss
    }

    /// The optimiser and what it keeps.
    pub fn optimizer(&self) -> &Optimizer<T> {
        &self.optimizer
    }

    /// ∂E/∂y of a hidden layer at the step just predicted, beside the loss of the outputs; see [`Engine::signal_hidden`]. An update divides
    /// this, too, by the number of targets, and there is none without a target.
    ///
    /// # Errors
    /// As there; the learner is then as before the call.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn signal_hidden(&mut self, layer: usize, stream: usize, error: &[T]) -> Result<(), EngineError> {
        self.engine.signal_hidden(layer, stream, error)
    }

    /// Puts feedback matrices of one's own in the place of those that the seed draws; see [`Engine::set_feedback`].
    ///
    /// # Errors
    /// As there.
    pub fn set_feedback(&mut self, weights: FeedbackWeights<T>) -> Result<(), ConfigError> {
        self.engine.set_feedback(weights)
    }

    /// Number of streams side by side.
    pub fn streams(&self) -> usize {
        self.engine.streams()
    }

    /// Bytes that the eligibility traces take.
    pub fn trace_bytes(&self) -> usize {
        self.engine.trace_bytes()
    }

    /// Steps taken since the beginning.
    pub fn steps_seen(&self) -> u64 {
        self.engine.steps_seen()
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
    #[inline(never)]
    pub fn set_frozen(&mut self, frozen: bool) -> Result<(), LearnError> {
        if frozen && self.engine.has_open_window() {
            self.engine.close_window();
            self.update_after_window()?;
        }
        self.engine.set_frozen(frozen);
        Ok(())
    }

    /// Whether it only predicts.
    pub fn is_frozen(&self) -> bool {
        self.engine.is_frozen()
    }

    /// The stream starts anew at its next step: s = 0, y = 0, and nothing is learned across.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn reset(&mut self, stream: usize) {
        self.engine.reset(stream);
    }

    /// A window has closed: the weights change if they do so after every window.
    fn update_after_window(&mut self) -> Result<(), LearnError> {
        if self.engine.method.update == Update::Window { self.update() } else { Ok(()) }
    }
}

/// Adds the loss of one stream's step, of a target that weighs so much, and leaves its learning signal with the engine.
fn add_loss<T: Real>(loss: &dyn LossFunction<T>, mut column: Column<'_, T>, target: Weighted<'_, T>, score: &mut Score) {
    let Weighted { target: answer, weight } = target;
    let scale = |values: &mut [T]| {
        if weight != T::one() {
            values.iter_mut().for_each(|value| *value *= weight);
        }
    };
    column.set_target(|to| {
        loss.write_target(answer, to);
        scale(to);
    });
    let (outputs, signal) = column.outputs_and_signal();
    add_score(loss, outputs, target, signal, score);
    scale(signal);
}

fn add_score<T: Real>(
    loss: &dyn LossFunction<T>,
    outputs: &[T],
    Weighted { target, weight }: Weighted<'_, T>,
    signal: &mut [T],
    score: &mut Score,
) {
    score.loss += loss.evaluate(outputs, target, signal).to_f64() * weight.to_f64();
    score.weight += loss.weight(target) * weight.to_f64();
    score.targets += 1;
    if let Target::Class(class) = target {
        score.correct += u64::from(is_first_maximum(outputs, class));
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
