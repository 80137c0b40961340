//! A learner whose streams are cut into shards, which lie on one rank or on several.

mod gathered;
mod rounds;
mod state;

use std::sync::Arc;
use std::time::Instant;

use super::Learner;
use crate::engine::streams::Streams;
use crate::learner::error::LearnError;
use crate::linalg::processor::instructions;
use crate::linalg::real::Real;
use crate::ranks::{Cut, Ranks, RanksError, first_said};
use crate::record::{Book, Record};
use crate::refusal::ConfigError;

/// A learner of many streams that are cut into *shards*, on one rank or on several: each rank has some of the shards, all have the same weights.
///
/// States and traces belong to a stream, so they never travel; what travels is the gradient of an update, summed over the streams of each shard
/// as a [`Learner`] does and then over the shards, up a binary tree ([`Cut`]). For a number of shards everything that is learned is therefore
/// the same bits on any number of ranks, one included; another number of shards is another order of the same sums.
///
/// A rank takes its shards through a window one after another, each on all of its threads, and keeps one set of weights and moments. Every rank
/// makes the same calls in the same order. Where one shard's numbers break, no rank updates, and all streams start anew.
///
/// ```
/// use std::sync::Arc;
/// use ostl_core::ranks::Alone;
/// use ostl_core::{Activation, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, ShardedLearner, TargetKind};
///
/// // A stateless network, so that the example needs no cell.
/// let network = Network::<f32>::builder(1).dense(3, Activation::Tanh).readout(1)?;
/// // Two shards of four streams.
/// let learner = Learner::new(network, Loss::MeanSquaredError, Method::ostl(), OptimizerSettings::adam(0.01), 4)?;
/// let mut learner = ShardedLearner::new(learner, 2, Arc::new(Alone))?;
/// let mut batch = SequenceBatch::new(1, 1, TargetKind::Values, &[5; 4]);
/// for stream in 0..4 {
///     for step in 0..5 {
///         batch.input_mut(stream, step)[0] = step as f32;
///         batch.values_mut(stream, step)[0] = 0.5;
///     }
/// }
/// // A batch for each of this rank's shards.
/// let score = learner.learn_batch(&[batch.clone(), batch])?;
/// assert_eq!(score.targets, 2 * 4 * 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ShardedLearner<T: Real> {
    /// It has the streams of this rank's first shard.
    learner: Learner<T>,
    /// Those of its others.
    waiting: Vec<Streams<T>>,
    cut: Cut,
    ranks: Arc<dyn Ranks>,
    /// Updates come a window late.
    delayed: bool,
    traffic: Traffic,
}

/// What sums over ranks have cost a rank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Sums made: one for each update, and a small one for each call.
    pub sums: u64,
    /// Seconds that a rank had its own terms and waited for the sum, waiting for other ranks included. What goes on beside the next window is not in it.
    pub seconds: f64,
}

impl Traffic {
    /// A sum that is there, and has been waited for since then.
    fn add_sum(&mut self, since: Instant) {
        self.sums += 1;
        self.seconds += since.elapsed().as_secs_f64();
    }
}

impl<T: Real> ShardedLearner<T> {
    /// Cuts streams into `shards` shards. The learner has as many streams as the largest shard, and is the same on every rank: network, weights,
    /// method, optimiser.
    ///
    /// # Errors
    /// If there are fewer shards than ranks, this machine has not the memory for the shards' states and traces, or another rank has another network,
    /// method, program or other weights, or computes with other instructions.
    #[inline(never)]
    pub fn new(learner: Learner<T>, shards: usize, ranks: Arc<dyn Ranks>) -> Result<Self, LearnError> {
        let (rank, count) = (ranks.rank(), ranks.count());
        let Some(cut) = Cut::new(shards, count) else {
            let allowed = format!("at least {count}: each rank has one or more");
            return Err(ConfigError::out_of_range("shards", shards, allowed).into());
        };
        let others = cut.of_rank(rank).len() - 1;
        let waiting: Result<Vec<_>, _> = (0..others).map(|_| learner.fresh_streams()).collect();
        let sharded = Self { learner, waiting: waiting?, cut, ranks, delayed: false, traffic: Traffic::default() };
        sharded.check_alike()?;
        Ok(sharded)
    }

    /// Whether updates may come a window late: then the gradients of a window are summed while the next one is gone through, at weights that do not
    /// have that update yet. Each call ends with all updates made, so that its last window's sum is waited for. Off at first; of use where the weights
    /// change after every [window](crate::Update::Window), and what is learned is then something else, though still the same on any number of ranks.
    pub fn set_delayed(&mut self, delayed: bool) {
        self.delayed = delayed;
    }

    /// Who has which shards.
    pub fn cut(&self) -> Cut {
        self.cut
    }

    /// The ranks.
    pub fn ranks(&self) -> &dyn Ranks {
        self.ranks.as_ref()
    }

    /// The same, to be kept.
    pub fn shared_ranks(&self) -> Arc<dyn Ranks> {
        self.ranks.clone()
    }

    /// What sums have cost so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The learner, with the weights that all ranks have; its streams are those of this rank's first shard.
    pub fn learner(&self) -> &Learner<T> {
        &self.learner
    }

    /// The same, to evaluate with, or to change a setting on every rank alike. To learn from its streams alone is to leave the other ranks behind.
    pub fn learner_mut(&mut self) -> &mut Learner<T> {
        &mut self.learner
    }

    /// The learner alone.
    pub fn into_learner(self) -> Learner<T> {
        self.learner
    }

    /// Whether all ranks still have the same weights: where one computes otherwise (another processor, a memory that fails), they come apart
    /// without a word. To be called by all ranks.
    ///
    /// # Errors
    /// Names a rank whose weights are not rank 0's.
    #[inline(never)]
    pub fn check_together(&self) -> Result<(), LearnError> {
        let mut bytes = Vec::new();
        T::to_bytes(self.learner.network().parameters(), &mut bytes);
        let sum = format!(
            "weights with the checksum {:08x} after {} updates",
            crc32fast::hash(&bytes),
            self.learner.optimizer().updates()
        );
        self.compare("has", &sum)
    }

    fn check_alike(&self) -> Result<(), LearnError> {
        let mut record = Record::new();
        let mut book = Book::saving(&mut record);
        // Nothing is refused on the way in.
        let _ = self.learner.pass_kind(&mut book);
        let kind: Vec<String> =
            record.names().map(|name| format!("{name} {}", record.text(name).unwrap_or_default())).collect();
        let (version, shards) = (env!("CARGO_PKG_VERSION"), self.cut.shards());
        for (verb, what) in [
            ("is of", format!("ostl-core {version}")),
            ("computes with", format!("the instructions {}", instructions()?)),
            ("has", format!("{shards} shards")),
            ("learns", kind.join("; ")),
        ] {
            self.compare(verb, &what)?;
        }
        self.check_together()
    }

    /// Whether every rank says the same.
    fn compare(&self, verb: &str, own: &str) -> Result<(), LearnError> {
        let ranks = self.ranks.as_ref();
        if ranks.count() == 1 {
            return Ok(());
        }
        let mut first = own.as_bytes().to_vec();
        ranks.broadcast(&mut first)?;
        let first = String::from_utf8_lossy(&first).into_owned();
        let differs = (first != own).then(|| format!("it {verb} {own}, rank 0 {verb} {first}"));
        match first_said(ranks, differs)? {
            None => Ok(()),
            Some((rank, problem)) => Err(RanksError::new(rank, problem).into()),
        }
    }
}
