//! A learner in shards is one learner: the same bits on any number of ranks, and but for the order of sums what a learner of all streams does.

mod refusals;
mod sent;

use std::sync::Arc;

use ostl_cells::prelude::*;
use ostl_core::ranks::{Alone, Cut, Ranks, threads};
use ostl_core::{LearnError, OptimizerSettings, Record, Score, ShardedLearner, Target, TargetKind};

use crate::stacks::Random;

const INPUTS: usize = 3;
const CLASSES: usize = 2;
/// More than the tests' streams and steps have tokens.
const WORDS: usize = 40;

/// Does the same on so many ranks, each a thread, and gives what each came to.
fn on_ranks<R: Send>(count: usize, act: impl Fn(Arc<dyn Ranks>) -> R + Sync) -> Vec<R> {
    if count == 1 {
        return vec![act(Arc::new(Alone))];
    }
    let act = &act;
    std::thread::scope(|scope| {
        let tasks: Vec<_> = threads(count).into_iter().map(|rank| scope.spawn(move || act(Arc::new(rank)))).collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    })
}

/// Sequences of these lengths: noise, a class at two steps of three, and resets here and there; or one word a step.
fn batch<T: Real>(seed: u64, lengths: &[usize], words: bool) -> SequenceBatch<T> {
    let mut random = Random(seed);
    let new = if words { SequenceBatch::sparse } else { SequenceBatch::new };
    let mut batch = new(if words { WORDS } else { INPUTS }, CLASSES, TargetKind::Classes, lengths);
    for (stream, &length) in lengths.iter().enumerate() {
        for step in 0..length {
            if words {
                batch.push_event(stream, step, random.below(WORDS), T::one());
            } else {
                batch.input_mut(stream, step).fill_with(|| T::from_f64(3.0 * random.uniform() - 1.0));
            }
            if random.below(3) > 0 {
                batch.set_class(stream, step, random.below(CLASSES));
            }
            if step > 0 && random.below(9) == 0 {
                batch.reset_before(stream, step);
            }
        }
    }
    batch
}

/// Some of the streams of a batch.
fn part<T: Real>(batch: &SequenceBatch<T>, streams: std::ops::Range<usize>, words: bool) -> SequenceBatch<T> {
    let lengths = &batch.lengths()[streams.clone()];
    let new = if words { SequenceBatch::sparse } else { SequenceBatch::new };
    let mut part = new(batch.inputs(), CLASSES, TargetKind::Classes, lengths);
    for (to, from) in streams.enumerate() {
        for step in 0..batch.lengths()[from] {
            if words {
                let (rows, values) = batch.events(from, step);
                rows.iter().zip(values).for_each(|(&row, &value)| part.push_event(to, step, row as usize, value));
            } else {
                part.input_mut(to, step).copy_from_slice(batch.input(from, step));
            }
            if let Some(Target::Class(class)) = batch.target(from, step) {
                part.set_class(to, step, class);
            }
            if batch.is_reset(from, step) {
                part.reset_before(to, step);
            }
        }
    }
    part
}

/// The batches of a rank's shards.
fn parts<T: Real>(batch: &SequenceBatch<T>, cut: Cut, rank: usize, words: bool) -> Vec<SequenceBatch<T>> {
    cut.of_rank(rank).map(|shard| part(batch, cut.of_shard(shard, batch.streams()), words)).collect()
}

/// A network and a method.
struct Case {
    name: &'static str,
    method: Method,
    words: bool,
}

impl Case {
    fn network<T: Real>(&self) -> Network<T> {
        let builder = Network::<T>::builder(if self.words { WORDS } else { INPUTS }).seed(3);
        let readout = |builder: ostl_core::NetworkBuilder<T>| builder.readout(CLASSES).unwrap();
        match self.name {
            "spikes" => readout(
                builder.recurrent(Snu::spiking(Triangle::default()), 9).recurrent(Lif::spiking(Triangle::default()), 6),
            ),
            "words" => readout(builder.embedding(4).recurrent(Gru::new(), 5)),
            "linear" => readout(builder.dense(4, Activation::Identity)),
            "tied" => builder.embedding(4).recurrent(Gru::new(), 4).tied().readout(WORDS).unwrap(),
            "dropout" => readout(builder.recurrent(Lstm::new(), 5).dropout(0.3).recurrent(Rnn::new(), 4)),
            _ => readout(builder.recurrent(Lstm::new(), 5)),
        }
    }

    fn learner<T: Real>(&self, streams: usize, rule: OptimizerSettings) -> Learner<T> {
        Learner::new(self.network(), Loss::SoftmaxCrossEntropy, self.method, rule, streams).unwrap()
    }
}

/// Cells, carries, windows and updates.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let carries = [
        ("lstm", Carry::Local),
        ("lstm", Carry::Layer),
        ("lstm", Carry::Uoro(1)),
        ("lstm", Carry::KfRtrl),
        ("spikes", Carry::Local),
        ("words", Carry::Local),
        ("dropout", Carry::Local),
    ];
    for (name, carry) in carries {
        for window in [Window::Steps(1), Window::Steps(2), Window::Steps(3), Window::Steps(7), Window::Sequence] {
            for update in [Update::Window, Update::Sequence] {
                let method = Method { window, update, ..Method::ostl().with_carry(carry) };
                cases.push(Case { name, method, words: name == "words" });
            }
        }
    }
    let rolling = Method { window: Window::rolling(3), ..Method::ostl().with_carry(Carry::None) };
    cases.push(Case { name: "lstm", method: rolling, words: false });
    cases
}

/// Updates a window late, worked out by hand beside it: SGD, whose gradient of each window is that at the weights before the update of the window
/// before.
#[test]
fn late_updates_are_a_window_late_and_the_same_on_any_number_of_ranks() {
    let method = Method { update: Update::Window, window: Window::Steps(3), ..Method::ostl().with_carry(Carry::None) };
    let case = Case { name: "linear", method, words: false };
    let rate = 0.1;
    let run = |ranks: Arc<dyn Ranks>| {
        let (rank, cut) = (ranks.rank(), Cut::new(4, ranks.count()).unwrap());
        let learner = case.learner::<f64>(2, OptimizerSettings::sgd(rate));
        let mut learner = ShardedLearner::new(learner, 4, ranks).unwrap();
        learner.set_delayed(true);
        let score = learner.learn_batch(&parts(&batch(5, &[8; 8], false), cut, rank, false)).unwrap();
        (score, learner.save())
    };
    let alone = on_ranks(1, run).remove(0);
    for count in [2, 3, 4] {
        assert!(on_ranks(count, run).iter().all(|found| *found == alone), "{count}");
    }
    // The network has no state, so that each window is a batch of its own.
    let whole = batch::<f64>(5, &[8; 8], false);
    let mut network = case.network::<f64>();
    let mut late: Option<Vec<f64>> = None;
    for window in [0..3, 3..6, 6..8] {
        let mut part = SequenceBatch::<f64>::new(INPUTS, CLASSES, TargetKind::Classes, &[window.len(); 8]);
        for stream in 0..8 {
            for (to, from) in window.clone().enumerate() {
                part.input_mut(stream, to).copy_from_slice(whole.input(stream, from));
                if let Some(Target::Class(class)) = whole.target(stream, from) {
                    part.set_class(stream, to, class);
                }
            }
        }
        let mut learner =
            Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(rate), 8).unwrap();
        let (score, gradient) = learner.gradient(&part).unwrap();
        let change: Vec<f64> = gradient.iter().map(|g| rate * g / score.targets as f64).collect();
        for change in late.replace(change).iter().chain(late.iter().filter(|_| window.end == 8)) {
            network.parameters_mut().iter_mut().zip(change).for_each(|(w, change)| *w -= change);
        }
    }
    let [first, second] = ["layers.0.W", "layers.1.W"].map(|name| alone.1.values::<f64>(name).unwrap().to_vec());
    let expected = network.weights();
    for (name, found) in [("layers.0.W", first), ("layers.1.W", second)] {
        let expected = expected.values::<f64>(name).unwrap();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-13), "{found:?} {expected:?}");
    }
}

/// Fewer sequences than shards, as at the end of an epoch: some shards have none.
#[test]
fn shards_without_a_sequence_take_part() {
    let case = Case { name: "lstm", method: Method::ostl().with_window(2), words: false };
    let run = |ranks: Arc<dyn Ranks>| {
        let (rank, cut) = (ranks.rank(), Cut::new(4, ranks.count()).unwrap());
        let mut learner = ShardedLearner::new(case.learner::<f32>(2, adam()), 4, ranks).unwrap();
        let score = learner.learn_batch(&parts(&batch(5, &[7, 5], false), cut, rank, false)).unwrap();
        (score, learner.save())
    };
    let alone = on_ranks(1, run).remove(0);
    assert!(alone.0.steps == 12 && on_ranks(3, run).iter().all(|found| *found == alone));
}

/// All streams have the longest sequence first, so that a shard may end before the others.
fn lengths(streams: usize) -> Vec<usize> {
    (0..streams).map(|stream| 17 - stream * 15 / streams).collect()
}

fn adam() -> OptimizerSettings {
    OptimizerSettings::adam(0.01).clipped(1.0)
}

/// Three batches learned from, on one of several ranks: what is saved, and the scores.
fn learned(case: &Case, shards: usize, ranks: Arc<dyn Ranks>) -> (Record, Vec<Score>) {
    let streams = 10;
    let cut = Cut::new(shards, ranks.count()).unwrap();
    let rank = ranks.rank();
    let mut learner = ShardedLearner::new(case.learner::<f32>(cut.most(streams), adam()), shards, ranks).unwrap();
    let score = |seed| {
        let whole = batch::<f32>(seed, &lengths(streams), case.words);
        learner.learn_batch(&parts(&whole, cut, rank, case.words)).unwrap()
    };
    let scores = [5, 6, 7].map(score).to_vec();
    assert!(learner.is_at_rest());
    learner.check_together().unwrap();
    (learner.save(), scores)
}

#[test]
fn any_number_of_ranks_learns_the_same_bits() {
    for case in cases() {
        for shards in [2, 3, 5] {
            let expected = on_ranks(1, |ranks| learned(&case, shards, ranks)).remove(0);
            assert!(expected.1.iter().all(|score| score.targets > 20 && score.loss > 0.0));
            for count in 2..=shards.min(4) {
                for found in on_ranks(count, |ranks| learned(&case, shards, ranks)) {
                    assert!(found == expected, "{} {:?}: {shards} shards on {count} ranks", case.name, case.method);
                }
            }
        }
    }
}

#[test]
fn shards_learn_what_one_learner_of_all_streams_does() {
    // Eight streams in shards of two, so that each stream has its own number; plain SGD, which does not enlarge what rounding leaves.
    let rule = || OptimizerSettings::sgd(0.2).clipped(2.0);
    for case in cases() {
        let mut plain = case.learner::<f64>(8, rule());
        let mut sharded = ShardedLearner::new(case.learner::<f64>(2, rule()), 4, Arc::new(Alone)).unwrap();
        let start = plain.network().parameters().to_vec();
        for seed in [5, 6, 7] {
            let whole = batch::<f64>(seed, &lengths(8), case.words);
            let expected = plain.learn_batch(&whole).unwrap();
            let found = sharded.learn_batch(&parts(&whole, sharded.cut(), 0, case.words)).unwrap();
            assert_eq!((found.targets, found.correct, found.steps), (expected.targets, expected.correct, expected.steps));
            assert!((found.loss - expected.loss).abs() < 1e-9 * expected.loss, "{} {:?}", case.name, case.method);
        }
        let moved = plain.network().parameters().iter().zip(&start).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(moved > 1e-2, "{} {:?}: {moved}", case.name, case.method);
        for (a, b) in sharded.learner().network().parameters().iter().zip(plain.network().parameters()) {
            assert!((a - b).abs() < 1e-10, "{} {:?}: {a} and {b}", case.name, case.method);
        }
    }
}

#[test]
fn spikes_are_there_and_shards_differ_from_each_other() {
    let case = cases().into_iter().find(|case| case.name == "spikes").unwrap();
    let mut learner = case.learner::<f32>(10, adam());
    learner.watch_units();
    learner.evaluate_batch(&batch(5, &lengths(10), false)).unwrap();
    let alone = learner.units_seen().unwrap();
    assert!(alone.iter().any(|seen| seen.silent < seen.units));
    // What two ranks see together is what one sees.
    let seen = on_ranks(2, |ranks| {
        let cut = Cut::new(2, 2).unwrap();
        let own = parts(&batch::<f32>(5, &lengths(10), false), cut, ranks.rank(), false);
        let mut learner = ShardedLearner::new(case.learner::<f32>(5, adam()), 2, ranks).unwrap();
        learner.learner_mut().watch_units();
        learner.learner_mut().evaluate_batch(&own[0]).unwrap();
        learner.units_seen().unwrap().unwrap()
    });
    assert!(seen.iter().all(|seen| *seen == alone), "{seen:?} and {alone:?}");
    // Another number of shards is another order of sums, and with random carries nothing else.
    let [two, three] = [2, 3].map(|shards| on_ranks(1, |ranks| learned(&case, shards, ranks)).remove(0));
    assert!(two.0 != three.0 && (two.1[0].loss - three.1[0].loss).abs() < 1e-4 * two.1[0].loss);
}

#[test]
fn tied_weights_count_once() {
    let network = || Case { name: "tied", method: Method::ostl(), words: true }.network::<f64>();
    let make = |streams| {
        Learner::new(network(), Loss::SoftmaxCrossEntropy, Method::ostl(), OptimizerSettings::sgd(0.2), streams).unwrap()
    };
    let tokens = |lengths: &[usize], seed| {
        let mut random = Random(seed);
        let mut batch = SequenceBatch::<f64>::sparse(WORDS, WORDS, TargetKind::Classes, lengths);
        for (stream, &length) in lengths.iter().enumerate() {
            for step in 0..length {
                batch.push_event(stream, step, random.below(WORDS), 1.0);
                batch.set_class(stream, step, random.below(WORDS));
            }
        }
        batch
    };
    let (mut plain, mut sharded) = (make(2), ShardedLearner::new(make(1), 2, Arc::new(Alone)).unwrap());
    for _ in 0..3 {
        let both = tokens(&[6, 6], 9);
        let apart: Vec<_> = (0..2)
            .map(|stream| {
                let mut one = SequenceBatch::<f64>::sparse(WORDS, WORDS, TargetKind::Classes, &[6]);
                for step in 0..6 {
                    one.push_event(0, step, both.events(stream, step).0[0] as usize, 1.0);
                    let Some(Target::Class(class)) = both.target(stream, step) else { panic!("each step has a target") };
                    one.set_class(0, step, class);
                }
                one
            })
            .collect();
        plain.learn_batch(&both).unwrap();
        sharded.learn_batch(&apart).unwrap();
    }
    for (a, b) in sharded.learner().network().parameters().iter().zip(plain.network().parameters()) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }
}

/// A recording in stretches, saved on `before` ranks after half of it and gone on with on `after`.
fn in_stretches(case: &Case, before: usize, after: usize) -> Vec<Record> {
    let (shards, streams) = (4, 10);
    // The last shards end in the second stretch.
    let of_stretch: Vec<Vec<usize>> = vec![vec![6; 10], (0..10).map(|stream| 6 - stream * 5 / 9).collect(), vec![0; 10]];
    let run = |ranks: Arc<dyn Ranks>, saved: Option<&(Record, Vec<Record>)>, stretches: std::ops::Range<usize>| {
        let cut = Cut::new(shards, ranks.count()).unwrap();
        let rank = ranks.rank();
        let mut learner = ShardedLearner::new(case.learner::<f32>(cut.most(streams), adam()), shards, ranks).unwrap();
        if let Some((shared, of_shards)) = saved {
            learner.restore(shared.clone(), of_shards[cut.of_rank(rank)].to_vec()).unwrap();
        }
        for stretch in stretches {
            let whole = batch::<f32>(stretch as u64, &of_stretch[stretch], case.words);
            learner.learn_next(&parts(&whole, cut, rank, case.words)).unwrap();
        }
        learner
    };
    let halves = on_ranks(before, |ranks| {
        let learner = run(ranks, None, 0..1);
        (learner.save(), learner.save_shards())
    });
    assert!(halves.iter().all(|(shared, _)| *shared == halves[0].0));
    let saved = (halves[0].0.clone(), halves.iter().flat_map(|(_, own)| own.clone()).collect::<Vec<_>>());
    assert_eq!(saved.1.len(), shards);
    on_ranks(after, |ranks| {
        let mut learner = run(ranks, Some(&saved), 1..3);
        learner.finish().unwrap();
        learner.save()
    })
}

#[test]
fn a_recording_goes_on_with_the_same_bits_on_another_number_of_ranks() {
    for case in cases().into_iter().filter(|case| matches!(case.method.window, Window::Steps(1 | 3))) {
        let expected = in_stretches(&case, 1, 1).remove(0);
        for (before, after) in [(1, 2), (2, 1), (3, 4), (4, 3)] {
            for found in in_stretches(&case, before, after) {
                assert!(found == expected, "{} {:?}: {before} to {after}", case.name, case.method);
            }
        }
    }
}
