//! The calls, and the networks, inputs and targets that they are made with.

use super::layers::Kind;
use crate::leaky::{Gated, Leaky, Readout, random};
use ostl_core::{
    Activation, Aftermath, Learner, Loss, Method, Network, NetworkBuilder, OptimizerSettings, Rule, SequenceBatch, Target,
    TargetKind,
};
use proptest::prelude::*;

/// A call; what is random in it follows from its seed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Predict(u32),
    Learn(u32),
    /// Both.
    Step(u32),
    Finish,
    Freeze(bool),
    Reset(u32),
    Batch(u32),
    Next(u32),
    Gradient(u32),
    Evaluate(u32),
    /// Saves, and goes on with another learner that takes the state over.
    Restore,
    Change(u32),
    Rate(u32),
    /// A call that is refused: it does not fit.
    Wrong(u32),
    /// Finite targets whose loss is not.
    Huge(u32),
}

pub(super) fn any_call() -> impl Strategy<Value = Call> {
    let seed = 0..10_000_u32;
    prop_oneof![
        3 => seed.clone().prop_map(Call::Predict),
        2 => seed.clone().prop_map(Call::Learn),
        8 => seed.clone().prop_map(Call::Step),
        1 => Just(Call::Finish),
        2 => any::<bool>().prop_map(Call::Freeze),
        2 => seed.clone().prop_map(Call::Reset),
        1 => seed.clone().prop_map(Call::Batch),
        2 => seed.clone().prop_map(Call::Next),
        1 => seed.clone().prop_map(Call::Gradient),
        1 => seed.clone().prop_map(Call::Evaluate),
        2 => Just(Call::Restore),
        1 => seed.clone().prop_map(Call::Change),
        1 => seed.clone().prop_map(Call::Rate),
        3 => seed.clone().prop_map(Call::Wrong),
        1 => seed.prop_map(Call::Huge),
    ]
}

/// A network, of which `units` and the number of the stack are drawn.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    stack: usize,
    units: usize,
    pub(super) streams: usize,
    seed: u64,
    pub(super) squared: bool,
    rule: usize,
}

const STACKS: usize = 9;
pub(super) const INPUTS: usize = 4;

pub(super) fn any_plan() -> impl Strategy<Value = Plan> {
    // Few of the large ones: more than a tile of units, more than a lane of streams.
    let units = prop_oneof![6 => 1..5_usize, 1 => Just(9_usize), 1 => Just(17_usize)];
    let streams = prop_oneof![5 => 1..5_usize, 2 => 5..21_usize];
    (0..STACKS, units, streams, 0..1000_u64, any::<bool>(), 0..4_usize)
        .prop_map(|(stack, units, streams, seed, squared, rule)| Plan { stack, units, streams, seed, squared, rule })
}

impl Plan {
    pub(super) fn builder(&self) -> (NetworkBuilder<f64>, Vec<Kind>) {
        let n = self.units;
        let builder = Network::builder(INPUTS).seed(self.seed);
        let gated = Gated { recurrent: true };
        let leaky = |recurrent, spikes| Leaky { recurrent, detached: false, spikes };
        let (spiking, soft) = (Kind::Leaky { spikes: true }, Kind::Leaky { spikes: false });
        match self.stack {
            0 => (builder.recurrent(gated, n), vec![Kind::Gated, Kind::Linear]),
            1 => (builder.recurrent(leaky(true, true), n), vec![spiking, Kind::Linear]),
            2 => (
                builder.dense(2, Activation::Tanh).recurrent(leaky(true, false), n.min(9)).recurrent(gated, 2),
                vec![Kind::Tanh, soft, Kind::Gated, Kind::Linear],
            ),
            3 => (builder.embedding(2).recurrent(gated, n), vec![Kind::Embedding, Kind::Gated, Kind::Linear]),
            4 => (builder.events().recurrent(leaky(true, true), n), vec![spiking, Kind::Linear]),
            5 => (builder.embedding(3).recurrent(gated, 3).tied(), vec![Kind::Embedding, Kind::Gated, Kind::Linear]),
            6 => (builder.recurrent(leaky(false, false), n).recurrent(Readout, self.outputs()), vec![soft, Kind::Leak]),
            7 => (builder.events().recurrent(leaky(false, true), n), vec![spiking, Kind::Linear]),
            _ => (builder.dense(n, Activation::Tanh), vec![Kind::Tanh, Kind::Linear]),
        }
    }

    pub(super) fn outputs(&self) -> usize {
        if self.stack == 5 { INPUTS } else { 3 }
    }

    pub(super) fn has_embedding(&self) -> bool {
        matches!(self.stack, 3 | 5)
    }

    pub(super) fn network(&self) -> (Network<f64>, Vec<Kind>) {
        let (builder, kinds) = self.builder();
        let built = if self.stack == 6 { builder.finish() } else { builder.readout(self.outputs()) };
        let mut network = built.unwrap();
        let mut next = random(self.seed + 1);
        network.parameters_mut().iter_mut().for_each(|p| *p += 0.3 * next());
        network.prune();
        (network, kinds)
    }

    pub(super) fn loss(&self) -> Loss {
        if self.squared { Loss::MeanSquaredError } else { Loss::SoftmaxCrossEntropy }
    }

    pub(super) fn settings(&self) -> OptimizerSettings {
        match self.rule {
            // Updates of an embedding leave out what no event touched, moments too.
            0..3 if self.has_embedding() => OptimizerSettings::sgd(0.05),
            0 => OptimizerSettings::sgd(0.1),
            1 => OptimizerSettings::momentum(0.05, 0.7),
            2 => OptimizerSettings::sgd(0.2),
            _ if self.has_embedding() => OptimizerSettings::sgd(0.2),
            // An ε beside which rounding is nothing.
            _ => OptimizerSettings {
                rule: Rule::Adam { beta1: 0.8, beta2: 0.95, epsilon: 1e-3 },
                ..OptimizerSettings::adam(0.02)
            },
        }
    }

    pub(super) fn learner(&self, method: Method) -> Learner<f64> {
        Learner::new(self.network().0, self.loss(), method, self.settings(), self.streams).unwrap()
    }

    /// One step's inputs of all streams: sparse, and for words one event each.
    pub(super) fn inputs(&self, seed: u32, streams: usize) -> Vec<f64> {
        let mut next = random(u64::from(seed) * 7 + 1);
        let mut inputs = vec![0.0; INPUTS * streams];
        for input in inputs.chunks_exact_mut(INPUTS) {
            if self.has_embedding() {
                input[((next() + 1.0) * 0.5 * INPUTS as f64) as usize % INPUTS] = 1.0;
            } else {
                input.iter_mut().for_each(|x| *x = if next() > -0.2 { 2.0 * next() } else { 0.0 });
            }
        }
        inputs
    }

    /// What each stream should have said: a class, or values, or nothing.
    pub(super) fn targets(&self, seed: u32, streams: usize) -> Vec<Option<(usize, Vec<f64>)>> {
        let mut next = random(u64::from(seed) * 13 + 5);
        let target = |_| {
            let class = ((next() + 1.0) * 0.5 * self.outputs() as f64) as usize % self.outputs();
            let values = (0..self.outputs()).map(|_| next()).collect();
            (next() > -0.5).then_some((class, values))
        };
        (0..streams).map(target).collect()
    }

    pub(super) fn as_targets<'a>(&self, targets: &'a [Option<(usize, Vec<f64>)>]) -> Vec<Option<Target<'a, f64>>> {
        let target = |(class, values): &'a (usize, Vec<f64>)| match self.loss().target_kind() {
            TargetKind::Classes => Target::Class(*class),
            TargetKind::Values => Target::Values(values),
        };
        targets.iter().map(|entry| entry.as_ref().map(target)).collect()
    }

    pub(super) fn batch(&self, seed: u32, streams: usize) -> SequenceBatch<f64> {
        let mut next = random(u64::from(seed) * 3 + 2);
        let mut below = |count: usize| ((next() + 1.0) * 0.5 * count as f64) as usize % count;
        let longest = 1 + below(8);
        let lengths: Vec<usize> = (0..streams).map(|_| if below(3) > 0 { longest } else { below(longest + 1) }).collect();
        let (kind, sparse) = (self.loss().target_kind(), below(2) == 0);
        let mut batch = if sparse {
            SequenceBatch::sparse(INPUTS, self.outputs(), kind, &lengths)
        } else {
            SequenceBatch::new(INPUTS, self.outputs(), kind, &lengths)
        };
        for step in 0..batch.steps() {
            let inputs = self.inputs(seed + 31 * step as u32, streams);
            let targets = self.targets(seed + 17 * step as u32, streams);
            for stream in (0..streams).filter(|&stream| step < lengths[stream]) {
                let input = &inputs[stream * INPUTS..(stream + 1) * INPUTS];
                if sparse {
                    for (row, &value) in input.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                        batch.push_event(stream, step, row, value);
                    }
                } else {
                    batch.input_mut(stream, step).copy_from_slice(input);
                }
                match (&targets[stream], kind) {
                    (Some((class, _)), TargetKind::Classes) => batch.set_class(stream, step, *class),
                    (Some((_, values)), TargetKind::Values) => {
                        batch.values_mut(stream, step).copy_from_slice(values);
                    }
                    (None, _) => {}
                }
                if below(8) == 0 {
                    batch.reset_before(stream, step);
                }
            }
        }
        batch
    }

    /// One of its targets is so large that the loss is infinite.
    pub(super) fn huge_batch(&self, seed: u32, streams: usize) -> SequenceBatch<f64> {
        let mut batch = self.batch(seed, streams);
        if let Some(stream) = batch.lengths().iter().position(|&length| length == batch.steps() && length > 0) {
            let step = batch.steps() - 1;
            batch.values_mut(stream, step)[0] = 1e200;
        }
        batch
    }

    /// Makes a call that does not fit.
    pub(super) fn misuse(&self, learner: &mut Learner<f64>, seed: u32) {
        let streams = self.streams;
        let inputs = self.inputs(seed, streams);
        let mut broken = inputs.clone();
        broken[seed as usize % inputs.len()] = [f64::NAN, f64::INFINITY][seed as usize % 2];
        let targets = self.targets(seed, streams);
        let mut targets = self.as_targets(&targets);
        let not_finite = vec![f64::NAN; self.outputs()];
        targets[streams - 1] = Some(match (self.squared, seed % 3) {
            (true, 0) => Target::Values(&not_finite),
            (true, 1) => Target::Values(&not_finite[1..]),
            (true, _) => Target::Class(0),
            (false, 0) => Target::Class(self.outputs()),
            (false, _) => Target::Values(&not_finite),
        });
        let mut other = self.batch(seed, streams);
        let (row, kind) = (seed as usize % INPUTS, self.loss().target_kind());
        match other.lengths().iter().rposition(|&length| length > 0).filter(|_| seed % 5 > 1) {
            Some(last) if other.is_sparse() => other.push_event(last, other.lengths()[last] - 1, row, f64::NAN),
            Some(last) => other.input_mut(last, 0)[row] = f64::NEG_INFINITY,
            None if seed.is_multiple_of(5) => {
                other = SequenceBatch::new(INPUTS + 1, self.outputs(), kind, &vec![2; streams])
            }
            None => other = SequenceBatch::new(INPUTS, self.outputs() + 1, kind, &vec![2; streams]),
        }
        let wide = self.batch(seed, streams + 1);
        let error = match seed / 7 % 9 {
            0 => learner.predict(&inputs[1..]).map(|_| ()).unwrap_err(),
            1 => learner.predict(&broken).map(|_| ()).unwrap_err(),
            2 => learner.learn(&targets).unwrap_err(),
            3 => learner.learn(&targets[1..]).unwrap_err(),
            4 => learner.learn_next(&other).unwrap_err(),
            5 => learner.learn_next(&wide).unwrap_err(),
            6 => learner.gradient(&if seed.is_multiple_of(2) { wide } else { other }).map(|_| ()).unwrap_err(),
            7 => learner.evaluate_batch(&other).unwrap_err(),
            _ => match learner.is_frozen() {
                true => learner.learn_batch(&other).unwrap_err(),
                false => learner.learn_batch(&wide).unwrap_err(),
            },
        };
        assert_eq!(error.aftermath(), Aftermath::AsBefore, "{error}");
        assert!(!error.is_non_finite(), "{error}");
        learner.set_learning_rate(f64::NAN).unwrap_err();
        learner.set_clip_norm(Some(0.0)).unwrap_err();
    }
}
