//! A learner's state as a value: save it, write it to a checkpoint, restore it, go on bit for bit.

use serde::{Deserialize, Serialize};

use super::{Learner, likeness};
use crate::engine::Streaming;
use crate::learner::optimizer::Optimizer;
use crate::learner::walk::first_not_finite;
use crate::linalg::real::Real;
use crate::refusal::ConfigError;

/// No learner has seen more steps.
const MOST_STEPS: u64 = 1 << 53;

/// Everything a [`Learner`] needs to go on bit for bit: weights, optimiser moments and settings, whether it is frozen and, in mid-stream,
/// states, traces and the unfinished window. An evaluation in stretches is not part of it: it starts from rest. Serialise it, for instance with [`checkpoint::write`](crate::learner::checkpoint::write).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct LearnerState<T: Real> {
    scalar: String,
    network: String,
    /// What the engine takes from the cells and keeps in its state: leaks, and terms of activity.
    units: String,
    method: String,
    streams: usize,
    parameters: Vec<T>,
    optimizer: Optimizer<T>,
    steps_seen: u64,
    frozen: bool,
    /// Targets since the last update.
    targets: u64,
    /// `None` between sequences, where there is nothing to go on from.
    streaming: Option<Box<Streaming<T>>>,
}

impl<T: Real> LearnerState<T> {
    /// The weights.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }
}

impl<T: Real> Learner<T> {
    /// The learner's state at this moment, also in mid-window.
    #[inline(never)]
    pub fn save(&self) -> LearnerState<T> {
        let state = &self.engine.streaming;
        let at_rest = state.lanes.steps() == 0
            && state.restarts.iter().all(|&restarts| restarts)
            && state.trace.is_forgotten()
            && state.gradient.iter().all(|g| *g == T::zero());
        LearnerState {
            scalar: T::NAME.to_owned(),
            network: self.engine.network.description(),
            units: self.units(),
            method: format!("{:?}", self.engine.method),
            streams: self.streams(),
            parameters: self.engine.network.parameters.clone(),
            optimizer: self.optimizer.clone(),
            steps_seen: state.steps_seen,
            frozen: self.is_frozen(),
            targets: if at_rest { 0 } else { self.targets },
            streaming: (!at_rest).then(|| Box::new(state.clone())),
        }
    }

    /// Leaks and terms of activity of each recurrent layer and dropout of each, in words.
    fn units(&self) -> String {
        let layers = self.engine.network.layers.iter().filter_map(|layer| layer.recurrent());
        let words = layers.map(|layer| format!("{:?} {:?}", layer.dynamics.leak(), layer.activity));
        let dropout = self.engine.network.layers.iter().map(|layer| format!("{:?}", layer.dropout()));
        words.chain(dropout).collect::<Vec<_>>().join("; ")
    }

    /// Takes a saved state over.
    ///
    /// # Errors
    /// If it is that of another network, scalar, method or number of streams, holds a number that is not finite, or is in any length, index or
    /// kind not as this learner would have saved it; the learner is then as it was.
    #[inline(never)]
    pub fn restore(&mut self, state: LearnerState<T>) -> Result<(), ConfigError> {
        if let Some(stop) = first_not_finite(&state) {
            return Err(ConfigError::out_of_range(format!("saved {}", stop.place), stop.found, "a finite number"));
        }
        let (method, streams) = (format!("{:?}", self.engine.method), self.streams().to_string());
        let own = [T::NAME.to_owned(), self.engine.network.description(), self.units(), method, streams];
        let saved = [state.scalar, state.network, state.units, state.method, state.streams.to_string()];
        let fields = ["scalar", "network", "units", "method", "streams"];
        for (field, (own, saved)) in fields.into_iter().zip(own.into_iter().zip(saved)) {
            if own != saved {
                return Err(ConfigError::out_of_range(format!("saved {field}"), saved, own));
            }
        }
        let parameters = self.engine.network.parameters.len();
        if state.parameters.len() != parameters {
            return Err(ConfigError::ParameterCount { found: state.parameters.len(), expected: parameters });
        }
        state.optimizer.check(parameters)?;
        for (field, count) in [("saved steps_seen", state.steps_seen), ("saved targets", state.targets)] {
            if count > MOST_STEPS {
                return Err(ConfigError::out_of_range(field, count, format!("at most {MOST_STEPS}")));
            }
        }
        let streaming = state.streaming.map(|streaming| self.checked(*streaming)).transpose()?;
        self.engine.network.parameters = state.parameters;
        self.engine.network.prune();
        self.optimizer = state.optimizer;
        self.optimizer.parameters_changed();
        match streaming {
            Some(streaming) => self.engine.streaming = streaming,
            None => self.restart(),
        }
        self.engine.streaming.lanes.weights_changed();
        self.engine.streaming.steps_seen = state.steps_seen;
        self.engine.set_frozen_as_saved(state.frozen);
        self.targets = state.targets;
        self.restart_evaluation();
        Ok(())
    }
    /// What was in hand, if it has the form of what this learner has, and with what is not saved.
    fn checked(&mut self, mut saved: Streaming<T>) -> Result<Streaming<T>, ConfigError> {
        let refuse = |problem: String| {
            let allowed = "as this learner would have saved it: the file was changed, or something else wrote it";
            ConfigError::out_of_range("saved state", problem, allowed)
        };
        let (own, room) = (self.engine.streaming.lanes.lanes.len(), &saved.lanes.lanes);
        if room.len() != own || !room.iter().all(|lane| lane.tape.is_as_large_as_it_says(&self.engine.network)) {
            return Err(refuse("its buffers are not as large as it says".into()));
        }
        // Only a window that holds the whole sequence has room for more than the method says.
        let capacity = saved.lanes.capacity();
        if capacity == self.engine.streaming.lanes.capacity() {
            likeness::check((&self.engine.network, &self.engine.method), &self.engine.streaming, &saved).map_err(refuse)?;
        } else {
            let mut like = Streaming::new(&self.engine.network, &self.engine.method, self.streams());
            like.lanes.reserve(&self.engine.network, capacity);
            likeness::check((&self.engine.network, &self.engine.method), &like, &saved).map_err(refuse)?;
        }
        saved.lanes.take_transposed(&mut self.engine.streaming.lanes);
        Ok(saved)
    }
}
