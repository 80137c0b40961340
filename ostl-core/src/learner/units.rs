//! Units that say nothing: those that are silent, and those that are always at the end of their range.

use super::Learner;
use super::shards::ShardedLearner;
use crate::learner::error::LearnError;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::Layer;
use crate::ranks::{Message, RanksError, Reader, Term, sum};
use crate::tape::Tape;

/// What the units of a hidden layer did over everything that was evaluated while they were watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitsSeen {
    /// The layer, from 0.
    pub layer: usize,
    /// The layer's name.
    pub name: &'static str,
    /// Its units.
    pub units: usize,
    /// Those whose output was 0 at every step.
    pub silent: usize,
    /// Spiking units that fired at every step, and others whose output never left 0.99 … 1 in size.
    pub saturated: usize,
}

/// The least and the greatest |y| of every hidden unit, layer after layer.
#[derive(Clone, Debug)]
pub(super) struct Watch<T> {
    least: Vec<T>,
    greatest: Vec<T>,
}

impl<T: Real> Watch<T> {
    fn new(network: &Network<T>) -> Self {
        let units = hidden(network).map(|layer| layer.units()).sum();
        Self { least: vec![T::from_f64(f64::INFINITY); units], greatest: vec![T::zero(); units] }
    }

    /// Looks at the steps of a window.
    pub(super) fn look(&mut self, network: &Network<T>, tape: &Tape<T>) {
        let (columns, mut first) = (tape.steps * tape.active, 0);
        // Layers that were left out in this window have nothing to show.
        for (layer, tape_of) in hidden(network).zip(&tape.layers).take(tape.layers_at_work(network)) {
            let n = layer.units();
            let (least, greatest) = (&mut self.least[first..first + n], &mut self.greatest[first..first + n]);
            for (output, counts) in tape_of.output().chunks_exact(n).zip(&tape.mask).take(columns) {
                if *counts {
                    for ((least, greatest), y) in least.iter_mut().zip(greatest.iter_mut()).zip(output) {
                        let size = y.abs();
                        *least = if size < *least { size } else { *least };
                        *greatest = if size > *greatest { size } else { *greatest };
                    }
                }
            }
            first += n;
        }
    }

    /// What was seen here and elsewhere.
    fn also(&mut self, least: &[T], greatest: &[T]) {
        let smaller = |own: &mut T, other: T| *own = if other < *own { other } else { *own };
        let larger = |own: &mut T, other: T| *own = if other > *own { other } else { *own };
        self.least.iter_mut().zip(least).for_each(|(own, &other)| smaller(own, other));
        self.greatest.iter_mut().zip(greatest).for_each(|(own, &other)| larger(own, other));
    }

    fn seen(&self, network: &Network<T>) -> Vec<UnitsSeen> {
        let mut first = 0;
        let layers = hidden(network).enumerate().map(|(index, layer)| {
            let n = layer.units();
            let units = || self.least[first..first + n].iter().zip(&self.greatest[first..first + n]);
            let is_spiking = network.spikes(index);
            let is_saturated = |(least, greatest): &(&T, &T)| {
                let (least, greatest) = (least.to_f64(), greatest.to_f64());
                // A unit that nothing was seen of has a least of ∞.
                if is_spiking { least > 0.0 && greatest > 0.0 } else { (0.99..=1.0).contains(&least) && greatest <= 1.0 }
            };
            let seen = UnitsSeen {
                layer: index,
                name: network.layer_name(index),
                units: n,
                silent: units().filter(|(least, greatest)| least.is_finite() && greatest.to_f64() == 0.0).count(),
                saturated: units().filter(is_saturated).count(),
            };
            first += n;
            seen
        });
        layers.collect()
    }
}

/// All layers but the readout.
fn hidden<T: Real>(network: &Network<T>) -> impl Iterator<Item = &Layer<T>> {
    network.layers[..network.layers.len() - 1].iter()
}

impl<T: Real> Learner<T> {
    /// From now on, what is evaluated ([`evaluate_batch`](Learner::evaluate_batch) and its like) is looked at unit by unit, which costs
    /// next to nothing beside it, until [`units_seen`](Learner::units_seen).
    #[inline(never)]
    pub fn watch_units(&mut self) {
        self.watch = Some(Watch::new(self.network()));
    }

    /// What was seen of each hidden layer since [`watch_units`](Learner::watch_units); nothing without it. No unit is watched any more.
    #[inline(never)]
    pub fn units_seen(&mut self) -> Option<Vec<UnitsSeen>> {
        self.watch.take().map(|watch| watch.seen(self.network()))
    }
}

impl<T: Real> ShardedLearner<T> {
    /// [`Learner::units_seen`] of what all ranks evaluated, each in its shards; to be called by all.
    ///
    /// # Errors
    /// If a message does not get through.
    #[inline(never)]
    pub fn units_seen(&mut self) -> Result<Option<Vec<UnitsSeen>>, LearnError> {
        let (ranks, cut) = (self.shared_ranks(), self.cut());
        let Some(watch) = self.learner_mut().watch.take() else { return Ok(None) };
        // Least and greatest of nothing, but for this rank's first shard.
        let mut terms = vec![watch];
        terms.resize(cut.of_rank(ranks.rank()).len(), Watch::new(self.learner().network()));
        let watch = sum(ranks.as_ref(), cut, terms)?;
        let expected = Watch::new(self.learner().network());
        if watch.least.len() != expected.least.len() || watch.greatest.len() != expected.greatest.len() {
            return Err(RanksError::new(0, "it has seen the units of another network").into());
        }
        Ok(Some(watch.seen(self.learner().network())))
    }
}

impl<T: Real> Term for Watch<T> {
    fn plus(mut self, other: Self) -> Self {
        self.also(&other.least, &other.greatest);
        self
    }

    fn write(&self, message: Vec<u8>) -> Vec<u8> {
        let mut message = Message::begin(message);
        message.values(&self.least).values(&self.greatest);
        message.0
    }

    fn read(message: &[u8], from: usize) -> Result<Self, RanksError> {
        let mut reader = Reader::new(message, from);
        let watch = Self { least: reader.values()?, greatest: reader.values()? };
        reader.end().map(|()| watch)
    }
}
