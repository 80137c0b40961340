//! The streaming face: a network, a method and an optimiser that learn step by step, or from whole batches of sequences.

mod batches;
pub mod checkpoint;
pub(crate) mod error;
mod evaluation;
mod from_record;
mod memory;
pub mod optimizer;
mod outside;
mod refusals;
pub mod schedule;
mod scores;
pub(crate) mod shards;
mod state;
mod steps;
mod streams;
#[cfg(test)]
mod tests;
mod units;
mod updates;
pub mod whole_file;

use std::sync::Arc;

use crate::data::heads::Heads;
use crate::data::loss_function::LossFunction;
use crate::data::objective::Objective;
use crate::engine::Engine;
use crate::engine::error::EngineError;
use crate::engine::inference::Inference;
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::method::feedback::FeedbackWeights;
use crate::method::{Method, Update};
use crate::network::Network;
use crate::refusal::ConfigError;
use optimizer::{InUse, Optimizer, OptimizerSettings, UpdateRule};
use scores::Scores;

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
/// The gradient of an update is the sum over the targets it covers, divided by their number ([`Objective`] says what a target weighs). Where there
/// are several [`Heads`], a step counts once, however many of them have a target there.
pub struct Learner<T: Real> {
    pub(crate) engine: Engine<T>,
    pub(crate) optimizer: Optimizer<T>,
    heads: Heads<T>,
    scores: Scores,
    /// Targets since the last update: steps of streams that had one.
    targets: u64,
    evaluation: Option<Inference<T>>,
    /// What is seen of units while evaluating, if they are watched.
    watch: Option<Watch<T>>,
}

impl<T: Real> Learner<T> {
    /// A learner for `streams` streams side by side, of a [`Loss`](crate::Loss) or of an [`Objective`] with weights for classes or smoothed labels,
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
        let heads = Heads::whole(network.outputs(), [Arc::new(objective), plain]);
        Self::of_heads(network, heads, method, optimizer.in_use(), streams)
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
        let heads = Heads::whole(network.outputs(), [loss.clone(), loss]);
        Self::of_heads(network, heads, method, optimizer.in_use(), streams)
    }

    /// The same with several heads, each of which has some of the network's outputs, a loss and a weight: [`learn_heads`](Learner::learn_heads) takes
    /// a target for each, [`SequenceBatch::for_heads`](crate::SequenceBatch::for_heads) holds them, [`head_score`](Learner::head_score) has each one's score.
    ///
    /// ```
    /// use ostl_core::{Activation, Head, Heads, Learner, Loss, Method, Network, OptimizerSettings, Target};
    ///
    /// let heads = Heads::new([
    ///     Head::new("class", 2, Loss::SoftmaxCrossEntropy).weighted(0.5),
    ///     Head::new("value", 1, Loss::MeanSquaredError),
    /// ])?;
    /// // A stateless network, so that the example needs no cell.
    /// let network = Network::<f64>::builder(1).dense(8, Activation::Tanh).readout(heads.outputs())?;
    /// let mut learner = Learner::with_heads(network, heads, Method::ostl(), OptimizerSettings::adam(0.02), 1)?;
    /// for step in 0..1000 {
    ///     let x = f64::from(step % 7) / 7.0;
    ///     learner.predict(&[x])?;
    ///     // One row a stream. A class at every second step alone.
    ///     let class = (step % 2 == 0).then_some(Target::Class(usize::from(x > 0.5)));
    ///     learner.learn_heads(&[[class, Some(Target::Values(&[x * x]))]])?;
    /// }
    /// let (class, value) = (learner.heads().range("class"), learner.heads().range("value"));
    /// let outputs = learner.predict(&[0.9])?;
    /// assert!(outputs.rows_range(class)[1] > 0.0 && (outputs.rows_range(value)[0] - 0.81).abs() < 0.1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Learner::new), and if the heads' outputs are in all not the network's.
    pub fn with_heads(
        network: Network<T>,
        heads: Heads<T>,
        method: Method,
        optimizer: OptimizerSettings<impl UpdateRule<T>>,
        streams: usize,
    ) -> Result<Self, ConfigError> {
        let heads = heads.fitted(network.outputs());
        Self::of_heads(network, heads, method, optimizer.in_use(), streams)
    }

    #[inline(never)]
    pub(crate) fn of_heads(
        network: Network<T>,
        heads: Result<Heads<T>, ConfigError>,
        method: Method,
        optimizer: OptimizerSettings<InUse<T>>,
        streams: usize,
    ) -> Result<Self, ConfigError> {
        method.validate_for(&network)?;
        let heads = heads?;
        optimizer.validate_for::<T>()?;
        let parameters = network.parameters().len();
        let engine = Engine::with_moments(network, method, streams, optimizer.rule.state().len())?;
        let optimizer = Optimizer::in_use(optimizer, parameters)?;
        let scores = Scores::new(heads.count(), engine.streaming.lanes.lanes.len());
        Ok(Self { engine, optimizer, heads, scores, targets: 0, evaluation: None, watch: None })
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

    /// The loss that it learns to make small; that of the first of several [`heads`](Learner::heads).
    pub fn loss(&self) -> &dyn LossFunction<T> {
        self.heads.first().loss()
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
