//! Inference alone: shared weights, states of its own, in any thread.

use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::DMatrixView;

use crate::engine::error::EngineError;
use crate::engine::refusals::{broken_forward, check_inputs};
use crate::linalg::real::{Real, all_finite};
use crate::method::Method;
use crate::network::Network;
use crate::refusal::{ConfigError, Counted};
use crate::tape::width::width;
use crate::tape::{Keep, Lists, Moment, Tape};

/// A network that only predicts. It shares its weights, keeps the states of its own streams and no trace, and may live in another thread than
/// the learner that the weights come from: [`Publisher`] hands them over without stopping either.
///
/// Its outputs are those of a [frozen](crate::Learner::set_frozen) learner with the same weights, to the bit, and but for rounding those of one that
/// learns: there a sum over events may be taken in another order, and `dropout` is for learning alone.
///
/// ```
/// use std::sync::Arc;
/// use ostl_core::{Activation, Network, Predictor};
///
/// let network = Arc::new(Network::<f32>::builder(2).dense(3, Activation::Tanh).readout(1)?);
/// let mut predictor = Predictor::new(network.clone(), 1)?;
/// let mut elsewhere = Predictor::new(network, 1)?;
/// let said = std::thread::spawn(move || elsewhere.predict(&[0.5, -1.0]).map(|y| y[0])).join().unwrap()?;
/// assert_eq!(predictor.predict(&[0.5, -1.0])?[0], said);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Predictor<T: Real> {
    network: Arc<Network<T>>,
    /// Blocks of streams, each with its first: cut as those of a learner.
    lanes: Vec<(usize, Tape<T>)>,
    /// Streams that start anew at the next step.
    restarts: Vec<bool>,
    outputs: Vec<T>,
}

impl<T: Real> Predictor<T> {
    /// For `streams` streams side by side.
    ///
    /// # Errors
    /// If there are no streams, or this machine has not the memory for their states.
    #[inline(never)]
    pub fn new(network: Arc<Network<T>>, streams: usize) -> Result<Self, ConfigError> {
        if streams == 0 {
            return Err(ConfigError::out_of_range("streams", 0, "at least 1"));
        }
        network.check_room(&Method::tbptt(1), [streams, 1], Counted::Evaluation)?;
        let width = width(streams);
        let lists = Lists::forward_alone(&network);
        let lanes =
            (0..streams).step_by(width).map(|first| (first, Tape::new(&network, width.min(streams - first), 1, lists)));
        let lanes = lanes.collect();
        let outputs = vec![T::zero(); network.outputs() * streams];
        Ok(Self { network, lanes, restarts: vec![true; streams], outputs })
    }

    /// The weights in use.
    pub fn network(&self) -> &Arc<Network<T>> {
        &self.network
    }

    /// Number of streams side by side.
    pub fn streams(&self) -> usize {
        self.restarts.len()
    }

    /// Goes on with these weights; the states stay.
    ///
    /// # Errors
    /// If they are those of another network.
    #[inline(never)]
    pub fn set_network(&mut self, network: Arc<Network<T>>) -> Result<(), ConfigError> {
        if Arc::ptr_eq(&self.network, &network) {
            return Ok(());
        }
        let (own, other) = (self.network.description(), network.description());
        if own != other {
            return Err(ConfigError::out_of_range("network", other, own));
        }
        self.network = network;
        Ok(())
    }

    /// The stream starts anew at its next step: s = 0, y = 0.
    ///
    /// # Panics
    /// If there is no such stream.
    #[track_caller]
    pub fn reset(&mut self, stream: usize) {
        assert!(stream < self.streams(), "stream {stream} of {}", self.streams());
        self.restarts[stream] = true;
    }

    /// One step of every stream: `inputs × streams` values, column by column. Returns the readout, `outputs × streams`.
    ///
    /// # Errors
    /// If the inputs have the wrong shape or are not finite. If the readout or a state would not be finite: every stream then starts anew.
    #[inline(never)]
    pub fn predict(&mut self, inputs: &[T]) -> Result<DMatrixView<'_, T>, EngineError> {
        let (m, o) = (self.network.inputs(), self.network.outputs());
        check_inputs(&self.network, self.streams(), inputs)?;
        for (first, tape) in &mut self.lanes {
            let (first, streams) = (*first, tape.streams());
            tape.open(streams);
            tape.put_step(&inputs[first * m..(first + streams) * m], &self.restarts[first..]);
            tape.forward(&self.network, 1, Keep::Nothing, Moment::default());
            self.outputs[first * o..(first + streams) * o].copy_from_slice(&tape.logits(o, 0)[..streams * o]);
        }
        self.restarts.fill(false);
        if !all_finite(&self.outputs) || !self.lanes.iter().all(|(_, tape)| tape.states_are_finite()) {
            self.restarts.fill(true);
            let tapes = self.lanes.iter().map(|(_, tape)| tape);
            return Err(broken_forward("the output or a state", &self.network, tapes, 0));
        }
        Ok(DMatrixView::from_slice(&self.outputs, o, self.restarts.len()))
    }
}

/// Hands the weights of a learner over to predictors, in whatever threads they are. Neither side waits for the other: what is shared is
/// a pointer to weights that no longer change.
///
/// ```
/// use ostl_core::{Activation, Network, Predictor, Publisher};
///
/// let mut network = Network::<f32>::builder(1).dense(2, Activation::Tanh).readout(1)?;
/// let mut publisher = Publisher::new(&network);
/// let latest = publisher.latest();
/// let mut predictor = Predictor::new(latest.get(), 1)?;
/// network.parameters_mut().fill(0.0);
/// publisher.publish(&network);
/// predictor.set_network(latest.get())?;
/// assert_eq!(predictor.predict(&[1.0])?[0], 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Publisher<T: Real> {
    latest: Latest<T>,
    /// The weights before the latest: their place is used again once no predictor holds them.
    spare: Option<Arc<Network<T>>>,
}

/// Where the newest published weights are.
#[derive(Clone, Debug)]
pub struct Latest<T: Real>(Arc<Mutex<Arc<Network<T>>>>);

impl<T: Real> Latest<T> {
    /// The newest weights: a pointer, so that this costs next to nothing at every step.
    pub fn get(&self) -> Arc<Network<T>> {
        // Only pointers are moved under the lock: nothing can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: Real> Publisher<T> {
    /// A publisher of these weights.
    #[inline(never)]
    pub fn new(network: &Network<T>) -> Self {
        Self { latest: Latest(Arc::new(Mutex::new(Arc::new(network.clone())))), spare: None }
    }

    /// A handle for predictors, to be cloned and sent to other threads.
    pub fn latest(&self) -> Latest<T> {
        self.latest.clone()
    }

    /// Publishes the weights as they are now. They are copied, where possible into the place of those before the latest, so that with
    /// predictors that keep up nothing is allocated.
    #[inline(never)]
    pub fn publish(&mut self, network: &Network<T>) {
        let mut spare = self.spare.take();
        let fits = |copy: &&mut Network<T>| copy.parameters.len() == network.parameters.len();
        if let Some(copy) = spare.as_mut().and_then(Arc::get_mut).filter(fits) {
            copy.parameters.copy_from_slice(&network.parameters);
        } else {
            spare = None;
        }
        let next = spare.unwrap_or_else(|| Arc::new(network.clone()));
        let before = std::mem::replace(&mut *self.latest.0.lock().unwrap_or_else(PoisonError::into_inner), next);
        self.spare = Some(before);
    }
}
