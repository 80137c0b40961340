//! The network that learns, and, where targets come late, its twin that is ahead of it. Of many streams one has its turn, and the others are aside.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow};
use ostl_core::{Block, LearnError, Learner, Loss, Network, OptimizerSettings, Record, Streams};

use super::labels::Taught;
use super::settings::{Settings, method};
use crate::arguments::TaskKind;
use crate::config::{Config, OutOfRange, Source};
use crate::weights::Starting;

/// What stands before the names of the twin.
const AHEAD: &str = "ahead.";
/// What stands before the names of streams that are aside.
const ASIDE: &str = "aside.";
/// Updates are clipped to this norm where nothing else is said.
const CLIP_NORM: f64 = 1.0;
/// After so many failures in a row the learning rate is halved.
const FAILURES: u32 = 3;

pub(super) struct Model {
    learner: Learner<f32>,
    /// The same weights, in the state of the newest row: it never learns by itself.
    ahead: Option<Learner<f32>>,
    /// How many updates the weights had seen when the twin got them.
    followed: Option<u64>,
    /// By their places; that of the stream whose turn it is stays empty.
    aside: Vec<Option<Aside>>,
    now: usize,
    /// Updates whose gradient was looked at.
    looked_at: u64,
}

/// A stream that waits for its turn.
struct Aside {
    own: Streams<f32>,
    ahead: Option<Streams<f32>>,
}

/// What became of a step.
pub(super) enum Step<V> {
    Done(V),
    /// A number broke: the stream starts anew, and the weights are as before.
    Broke,
}

impl Model {
    pub(super) fn new(config: &Config, source: &Source, settings: &Settings, shape: [usize; 2]) -> Result<Self> {
        Self::built(config, settings, shape, &|error| source.out_of_range(error))
    }

    fn built(
        config: &Config,
        settings: &Settings,
        [inputs, outputs]: [usize; 2],
        blame: &dyn Fn(OutOfRange) -> anyhow::Error,
    ) -> Result<Self> {
        let mut network: Network<f32> = config.network(inputs, outputs).map_err(blame)?;
        if settings.task != TaskKind::Classify {
            says_nothing_yet(&mut network);
        }
        let loss = if settings.task == TaskKind::Classify { Loss::SoftmaxCrossEntropy } else { Loss::MeanSquaredError };
        let mut optimizer: OptimizerSettings = config.optimizer();
        optimizer.clip_norm = optimizer.clip_norm.or(Some(CLIP_NORM));
        let learner =
            |network| Learner::new(network, loss, method(config), optimizer, 1).map_err(|error| blame(error.into()));
        let mut ahead = settings.is_late().then(|| network.clone()).map(learner).transpose()?;
        if let Some(ahead) = &mut ahead {
            ahead.set_frozen(true)?;
        }
        let learner = learner(network)?;
        Ok(Self { learner, ahead, followed: None, aside: Vec::new(), now: 0, looked_at: 0 })
    }

    /// Puts weights of a file in the place of drawn ones.
    pub(super) fn start_from(&mut self, starting: &Starting) -> Result<()> {
        Ok(starting.put_into(self.learner.network_mut())?)
    }

    /// Begins anew with the weights of another seed.
    pub(super) fn renew(&mut self, config: &Config, settings: &Settings, seed: u64) -> Result<()> {
        let blame = |error: OutOfRange| anyhow!("{} = {}: must be {}", error.key, error.value, error.allowed);
        let shape = [self.learner.network().inputs(), self.learner.network().outputs()];
        let other = Config { seed, ..config.clone() };
        let weights: Network<f32> = other.network(shape[0], shape[1]).map_err(blame)?;
        let mut fresh = Self::built(config, settings, shape, &blame)?;
        fresh.learner.network_mut().copy_parameters(weights.parameters())?;
        fresh.now = self.now;
        *self = fresh;
        Ok(())
    }

    /// The network in a line.
    pub(super) fn description(&self) -> String {
        self.learner.network().description()
    }

    pub(super) fn parameters(&self) -> usize {
        self.learner.network().parameters().len()
    }

    pub(super) fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        Ok(self.learner.set_learning_rate(rate)?)
    }

    pub(super) fn set_frozen(&mut self, frozen: bool) -> Result<()> {
        Ok(self.learner.set_frozen(frozen)?)
    }

    /// What the network that learns says of a row.
    pub(super) fn predict(&mut self, inputs: &[f32]) -> Result<Step<Vec<f32>>> {
        outputs(&mut self.learner, inputs)
    }

    /// What its twin says of a newer row, with the newest weights.
    pub(super) fn predict_ahead(&mut self, inputs: &[f32]) -> Result<Step<Vec<f32>>> {
        let Some(ahead) = &mut self.ahead else { return self.predict(inputs) };
        let updates = self.learner.optimizer().updates();
        if self.followed != Some(updates) {
            ahead.network_mut().copy_parameters(self.learner.network().parameters())?;
            self.followed = Some(updates);
        }
        outputs(ahead, inputs)
    }

    /// Learns from the row just predicted.
    pub(super) fn learn(&mut self, taught: Option<&Taught>) -> Result<Step<()>> {
        step(self.learner.learn(&[taught.map(Taught::lesson)]).map(|_| ()))
    }

    /// The norm of the gradient of an update that was not looked at yet.
    pub(super) fn new_norm(&mut self) -> Option<f64> {
        let optimizer = self.learner.optimizer();
        (std::mem::replace(&mut self.looked_at, optimizer.updates()) != optimizer.updates())
            .then(|| optimizer.gradient_norm())?
    }

    /// Forgets the traces of the stream whose turn it is.
    pub(super) fn forget_traces(&mut self) -> Result<Step<()>> {
        step(self.learner.forget_traces())
    }

    /// A new sequence begins for the network that learns.
    pub(super) fn restart(&mut self) -> Result<Step<()>> {
        step(self.learner.finish())
    }

    /// And for its twin.
    pub(super) fn restart_ahead(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.reset(0);
        }
    }

    /// The stream of another place has its turn.
    pub(super) fn turn_to(&mut self, place: usize) -> Result<Step<()>> {
        if place == self.now {
            return Ok(Step::Done(()));
        }
        let kept = self.aside.get_mut(place).and_then(Option::take);
        let mut other = kept.map_or_else(|| self.fresh(), Ok)?;
        let came = self.exchange(&mut other)?;
        if self.aside.len() <= self.now {
            self.aside.resize_with(self.now + 1, || None);
        }
        self.aside[self.now] = Some(other);
        self.now = place;
        // A window that the other stream left unfinished says nothing of this one.
        self.new_norm();
        Ok(came)
    }

    /// The stream of a place is over: the next one there starts from rest.
    pub(super) fn give_up(&mut self, place: usize) -> Result<Step<()>> {
        if place == self.now {
            let mut fresh = self.fresh()?;
            return self.exchange(&mut fresh);
        }
        if let Some(aside) = self.aside.get_mut(place).and_then(Option::as_mut) {
            aside.own.restart();
            aside.ahead.iter_mut().for_each(Streams::restart);
        }
        Ok(Step::Done(()))
    }

    fn fresh(&self) -> Result<Aside> {
        let ahead = self.ahead.as_ref().map(Learner::fresh_streams).transpose()?;
        Ok(Aside { own: self.learner.fresh_streams()?, ahead })
    }

    fn exchange(&mut self, other: &mut Aside) -> Result<Step<()>> {
        let came = step(self.learner.exchange_streams(&mut other.own))?;
        if matches!(came, Step::Broke) {
            // The window that broke is gone now.
            self.learner.exchange_streams(&mut other.own)?;
        }
        if let (Some(ahead), Some(streams)) = (&mut self.ahead, &mut other.ahead) {
            ahead.exchange_streams(streams)?;
        }
        Ok(came)
    }

    /// Takes smaller steps after some failures in a row; the rate from then on.
    pub(super) fn after_failures(&mut self, in_a_row: u32) -> Result<Option<f64>> {
        if !in_a_row.is_multiple_of(FAILURES) {
            return Ok(None);
        }
        let rate = self.learner.optimizer().learning_rate() / 2.0;
        self.learner.set_learning_rate(rate)?;
        Ok(Some(rate))
    }

    pub(super) fn save(&self) -> Record {
        let mut record = self.learner.save();
        if let Some(ahead) = &self.ahead {
            record.put_all(AHEAD, ahead.save());
        }
        for (place, aside) in self.aside.iter().enumerate() {
            let Some(aside) = aside else { continue };
            record.put_all(&prefix(place), self.learner.save_streams(&aside.own));
            if let (Some(ahead), Some(streams)) = (&self.ahead, &aside.ahead) {
                record.put_all(&format!("{}{AHEAD}", prefix(place)), ahead.save_streams(streams));
            }
        }
        record
    }

    /// Takes over what was saved while the stream of a place had its turn.
    pub(super) fn restore(&mut self, mut record: Record, now: usize) -> Result<()> {
        let twin = record.take_all(AHEAD);
        if let Some(ahead) = &mut self.ahead {
            ahead.restore(twin).context("the network that is ahead")?;
        }
        let mut all = record.take_all(ASIDE);
        self.learner.restore(record)?;
        (self.now, self.followed) = (now, None);
        self.looked_at = self.learner.optimizer().updates();
        let places: BTreeSet<usize> =
            all.names().filter_map(|name| name.split('.').next()?.parse().ok()).filter(|&place| place < MOST).collect();
        // From the last on: each is then the end of what is left.
        for place in places.into_iter().rev() {
            let context = || format!("stream {place} of those aside");
            let mut own = all.take_all(&prefix(place)[ASIDE.len()..]);
            let twin = own.take_all(AHEAD);
            let own = self.learner.restore_streams(own).with_context(context)?;
            let ahead = self.ahead.as_ref().map(|ahead| ahead.restore_streams(twin)).transpose().with_context(context)?;
            if self.aside.len() <= place {
                self.aside.resize_with(place + 1, || None);
            }
            self.aside[place] = Some(Aside { own, ahead });
        }
        Ok(())
    }
}

/// More streams there never are.
const MOST: usize = 1 << 16;

/// A readout that begins at zero: a forecast is at first where the targets are, and another number their mean, as long as nothing is learned. Drawn
/// weights would be noise on top of that.
fn says_nothing_yet(network: &mut Network<f32>) {
    let Some(readout) = network.blocks().iter().map(|block| block.layer).max() else { return };
    let blocks: Vec<_> = network.blocks().iter().filter(|block| block.layer == readout).map(Block::range).collect();
    for block in blocks {
        network.parameters_mut()[block].fill(0.0);
    }
}

/// What stands before the names of a stream that is aside.
fn prefix(place: usize) -> String {
    format!("{ASIDE}{place:05}.")
}

fn outputs(learner: &mut Learner<f32>, inputs: &[f32]) -> Result<Step<Vec<f32>>> {
    step(learner.predict(inputs).map(|outputs| outputs.iter().copied().collect()))
}

fn step<V>(came: Result<V, LearnError>) -> Result<Step<V>> {
    match came {
        Ok(value) => Ok(Step::Done(value)),
        Err(error) if error.is_non_finite() => Ok(Step::Broke),
        Err(error) => Err(error.into()),
    }
}
