//! What networks for text and events are made of: inputs as lists, embeddings, dropout between layers, tied readouts; against BPTT,
//! central differences, and the same network with its inputs as a matrix.

use crate::leaky::{self, Gated, LOSS, Leaky, Readout, finish};
use ostl_core::gradient_check::{Claim, agreement, audit, central_differences};
use ostl_core::{
    Activation, Carry, Learner, Method, Network, NetworkBuilder, OptimizerSettings, SequenceBatch, Target, TargetKind,
    Update, Window, bptt,
};

const INPUTS: usize = 9;
const OUTPUTS: usize = 9;
const LENGTHS: [usize; 5] = [19, 16, 16, 9, 1];
const CARRIES: [Carry; 6] = [Carry::None, Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(2), Carry::KfRtrl];

/// One event of value 1 a step (words), or many of any value, some twice at a place (half of a step's inputs).
fn batch(words: bool) -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::sparse(INPUTS, OUTPUTS, TargetKind::Classes, &LENGTHS);
    let mut next = leaky::random(7);
    let mut below = |count: usize| ((next() * 0.5 + 0.5) * count as f64) as usize;
    for (stream, &length) in LENGTHS.iter().enumerate() {
        for step in 0..length {
            for _ in 0..if words { 1 } else { below(8) } {
                let value = if words { 1.0 } else { 0.3 * below(9) as f64 - 1.0 };
                batch.push_event(stream, step, below(INPUTS - 1), value);
            }
            if below(4) > 0 || step == 0 {
                batch.set_class(stream, step, below(OUTPUTS));
            }
            if below(6) == 0 {
                batch.reset_before(stream, step);
            }
        }
    }
    batch
}

fn open(spikes: bool) -> Leaky {
    Leaky { recurrent: true, detached: false, spikes }
}

fn gated() -> Gated {
    Gated { recurrent: true }
}

fn builder() -> NetworkBuilder<f64> {
    Network::builder(INPUTS).seed(5)
}

fn gradient(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>) -> Vec<f64> {
    let method = method.for_sequences_of(batch.steps());
    Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap().gradient(batch).unwrap().1.to_vec()
}

fn methods() -> impl Iterator<Item = Method> {
    let windowed =
        CARRIES.into_iter().flat_map(|carry| [1, 2, 3, 7].map(|k| Method::ostl().with_window(k).with_carry(carry)));
    windowed.chain([Method::bptt()])
}

#[test]
fn lists_are_as_good_as_a_matrix() {
    let builders: [fn(NetworkBuilder<f64>) -> NetworkBuilder<f64>; 4] = [
        |b| b.recurrent(open(true), 6),
        |b| b.recurrent(Leaky { recurrent: false, detached: true, spikes: true }, 6),
        |b| b.recurrent(gated(), 5),
        |b| b.dense(4, Activation::Tanh).recurrent(gated(), 5),
    ];
    for words in [false, true] {
        let lists = batch(words);
        let matrix = lists.to_dense();
        for build in builders {
            let plain = finish(build(builder()).readout(OUTPUTS));
            let listed = finish(build(builder().events()).readout(OUTPUTS));
            assert_eq!(plain.parameters(), listed.parameters());
            for method in methods() {
                let truth = gradient(&plain, method, &matrix);
                for (network, batch) in [(&plain, &lists), (&listed, &lists), (&listed, &matrix)] {
                    let found = agreement(&gradient(network, method, batch), &truth, 0.0);
                    assert!(found.relative_error < 1e-12, "{network:?} {method:?} {found:?}");
                }
            }
            for carry in [Carry::None, Carry::Local, Carry::Layer] {
                let rolling = Method { window: Window::Rolling { steps: 5, every: 2 }, carry, ..Method::ostl() };
                let truth = gradient(&plain, rolling, &matrix);
                for (network, batch) in [(&listed, &lists), (&listed, &matrix)] {
                    let found = agreement(&gradient(network, rolling, batch), &truth, 0.0);
                    assert!(found.relative_error < 1e-12, "{network:?} {rolling:?} {found:?}");
                }
            }
        }
    }
}

#[test]
fn streaming_reads_the_same_lists() {
    let network = finish(builder().embedding(4).recurrent(gated(), 5).readout(OUTPUTS));
    let method = Method { update: Update::Window, ..Method::ostl().with_window(3).with_carry(Carry::Local) };
    let mut batch = SequenceBatch::sparse(INPUTS, OUTPUTS, TargetKind::Classes, &[12, 12]);
    for step in 0..12 {
        for stream in 0..2 {
            batch.push_event(stream, step, (3 * step + stream) % 7, 1.0);
            batch.set_class(stream, step, (step + 5 * stream) % OUTPUTS);
        }
    }
    let learner = || Learner::new(network.clone(), LOSS, method, OptimizerSettings::adam(0.01), 2).unwrap();
    let (mut at_once, mut stepwise) = (learner(), learner());
    at_once.learn_batch(&batch).unwrap();
    for step in 0..12 {
        stepwise.predict(&[batch.input_values(0, step), batch.input_values(1, step)].concat()).unwrap();
        let targets = [0, 1].map(|stream| batch.target(stream, step));
        stepwise.learn(&targets).unwrap();
    }
    stepwise.finish().unwrap();
    assert_eq!(at_once.network().parameters(), stepwise.network().parameters());
    // What no event touched has not moved, in spite of Adam; what one touched has.
    let (before, after) = (network.block(0, "W"), at_once.network().block(0, "W"));
    let moved: Vec<usize> = (0..INPUTS).filter(|&j| before.column(j) != after.column(j)).collect();
    assert_eq!(moved, [0, 1, 2, 3, 4, 5, 6]);
}

/// The tape grows as the sequence goes on: what is listed stays listed.
#[test]
fn streaming_reads_lists_over_whole_sequences() {
    let networks = [
        finish(builder().embedding(4).recurrent(gated(), 5).readout(OUTPUTS)),
        finish(builder().embedding(5).recurrent(gated(), 5).tied().readout(OUTPUTS)),
        finish(builder().events().recurrent(open(true), 6).readout(OUTPUTS)),
    ];
    for network in &networks {
        for words in [&[0, 1, 2, 3, 0, 1][..], &[2, 1]] {
            let mut batch = SequenceBatch::sparse(INPUTS, OUTPUTS, TargetKind::Classes, &[words.len()]);
            for (step, &word) in words.iter().enumerate() {
                batch.push_event(0, step, word, 1.0);
                batch.set_class(0, step, (word + 1) % OUTPUTS);
            }
            let learner = || Learner::new(network.clone(), LOSS, Method::bptt(), OptimizerSettings::sgd(0.5), 1).unwrap();
            let (mut at_once, mut stepwise) = (learner(), learner());
            at_once.learn_batch(&batch).unwrap();
            let truth = bptt::outputs(network, &batch, 0);
            for (step, truth) in truth.iter().enumerate() {
                let said = stepwise.predict(&batch.input_values(0, step)).unwrap();
                assert!(said.iter().zip(truth).all(|(a, b)| (a - b).abs() < 1e-12), "{network:?} step {step}");
                stepwise.learn(&[batch.target(0, step)]).unwrap();
            }
            stepwise.finish().unwrap();
            let weights = at_once.network().parameters().iter().zip(stepwise.network().parameters());
            assert!(weights.into_iter().all(|(a, b)| (a - b).abs() < 1e-12), "{network:?}");
        }
    }
}

#[test]
fn an_embedding_is_a_dense_layer_of_one_hot_inputs() {
    let lists = batch(true);
    let network = finish(builder().embedding(4).recurrent(gated(), 5).readout(OUTPUTS));
    assert!(network.description().starts_with("9 > embedding 4 > gated 5"), "{}", network.description());
    let truth = central_differences(&network, LOSS, &lists, 1e-5);
    let found = bptt::gradient(&network, LOSS, &lists);
    assert!(agreement(&found.values, &truth, 0.0).relative_error < 1e-7);
    for method in methods() {
        let audit = audit(&network, LOSS, &method, &lists).unwrap();
        assert!(audit.holds(), "{method:?} {audit:?}");
        let embedding = &audit.blocks[0];
        let exact = matches!(method.carry, Carry::Layer | Carry::Network) || method.window == Window::Sequence;
        assert_eq!((embedding.layer, embedding.claim == Claim::Exact), (0, exact), "{method:?}");
        assert!(exact || embedding.relative_error < 1.0);
    }
}

/// With plain gradient descent, an update of the touched vectors alone is the whole update.
#[test]
fn sparse_updates_are_whole_updates() {
    for clipped in [false, true] {
        let settings = OptimizerSettings::sgd(0.3);
        let settings = if clipped { settings.clipped(0.01) } else { settings };
        for carry in [Carry::None, Carry::Local, Carry::Layer] {
            let method = Method { update: Update::Window, ..Method::ostl().with_window(4).with_carry(carry) };
            let embedded = finish(builder().embedding(4).recurrent(gated(), 5).readout(OUTPUTS));
            // The same layer with constants, which are taken back to zero at every step: updates of all vectors.
            let mut dense = finish(builder().dense(4, Activation::Identity).recurrent(gated(), 5).readout(OUTPUTS));
            let without = embedded.block(0, "W").len();
            let (head, tail) = embedded.parameters().split_at(without);
            let values = [head, &[0.0; 4], tail].concat();
            dense.copy_parameters(&values).unwrap();
            let mut learner = Learner::new(embedded.clone(), LOSS, method, settings, 5).unwrap();
            let mut other = Learner::new(dense, LOSS, method, settings, 5).unwrap();
            let mut piece = SequenceBatch::sparse(INPUTS, OUTPUTS, TargetKind::Classes, &[4; 5]);
            for stream in 0..5 {
                for step in 0..4 {
                    piece.push_event(stream, step, (step * stream) % 8, 1.0);
                    piece.set_class(stream, step, (step + stream) % OUTPUTS);
                }
            }
            learner.learn_batch(&piece).unwrap();
            other.learn_batch(&piece).unwrap();
            let [found, truth] = [&learner, &other].map(|learner| &learner.network().parameters()[..without]);
            assert_ne!(found, head);
            if clipped {
                // The constants' gradient is part of the other's norm: directions agree.
                let moved = |after: &[f64]| after.iter().zip(head).map(|(a, b)| a - b).collect::<Vec<_>>();
                assert!(agreement(&moved(found), &moved(truth), 0.0).cosine > 1.0 - 1e-12);
            } else {
                assert!(agreement(found, truth, 0.0).relative_error < 1e-13);
            }
        }
    }
}

fn dropped_out(spikes: bool) -> Vec<Network<f64>> {
    let closed = Leaky { recurrent: false, detached: false, spikes };
    vec![
        finish(builder().embedding(5).dropout(0.3).recurrent(gated(), 5).dropout(0.5).readout(OUTPUTS)),
        finish(builder().dropout(0.2).recurrent(open(spikes), 6).dropout(0.4).readout(OUTPUTS)),
        finish(builder().recurrent(open(spikes), 5).dropout(0.3).recurrent(gated(), 4).dropout(0.3).readout(OUTPUTS)),
        finish(builder().dense(6, Activation::Tanh).dropout(0.4).recurrent(gated(), 4).readout(OUTPUTS)),
        finish(builder().recurrent(closed, 12).dropout(0.5).dense(6, Activation::Sigmoid).dropout(0.1).readout(OUTPUTS)),
        finish(builder().recurrent(closed, 5).dropout(0.4).readout_of(Readout, OUTPUTS)),
    ]
}

#[test]
fn dropout_is_part_of_the_error() {
    let lists = batch(true);
    for network in dropped_out(false) {
        let truth = central_differences(&network, LOSS, &lists, 1e-5);
        let found = bptt::gradient(&network, LOSS, &lists);
        assert!(agreement(&found.values, &truth, 0.0).relative_error < 1e-7, "{network:?}");
    }
    for (index, network) in dropped_out(true).into_iter().enumerate() {
        let mut exact = 0;
        for method in methods() {
            let audit = audit(&network, LOSS, &method, &lists).unwrap();
            assert!(audit.holds(), "{network:?} {method:?} {audit:?}");
            assert!(audit.firing_rate.is_none_or(|rate| rate > 0.02), "{audit:?}");
            exact += audit.blocks.iter().filter(|block| block.claim == Claim::Exact).count();
            // Below a leaky readout the filtered trace would be exact, but not through a mask.
            let (filtered, carry) = (index == 5, (method.window != Window::Sequence).then_some(method.carry));
            if filtered && matches!(carry, Some(Carry::Local | Carry::Layer)) {
                assert!(audit.blocks[0].claim == Claim::Approximate && audit.blocks[0].relative_error > 1e-6);
            }
        }
        assert!(exact > 20, "{exact}");
        let rolling = Method { window: Window::rolling(4), carry: Carry::None, ..Method::ostl() };
        let truth = bptt::rolling_gradient(&network, LOSS, &lists, 4, &rolling).values;
        assert!(agreement(&gradient(&network, rolling, &lists), &truth, 0.0).relative_error < 1e-10);
        // Masks are drawn anew at every step seen, and none while evaluating.
        let mut learner = Learner::new(network.clone(), LOSS, Method::bptt(), OptimizerSettings::sgd(0.1), 5).unwrap();
        let first = learner.gradient(&lists).unwrap().1.to_vec();
        assert_ne!(first, learner.gradient(&lists).unwrap().1.to_vec());
        let whole = learner.evaluate_batch(&lists).unwrap();
        assert_eq!(whole, learner.evaluate_batch(&lists).unwrap());
        assert!((whole.loss - bptt::loss(&network, LOSS, &lists)).abs() > 1e-6 * whole.loss);
    }
}

#[test]
fn dropout_does_not_depend_on_how_steps_come() {
    for network in dropped_out(true) {
        let method = Method { update: Update::Window, ..Method::ostl().with_window(3).with_carry(Carry::Local) };
        let mut batch = SequenceBatch::new(INPUTS, OUTPUTS, TargetKind::Classes, &[12; 11]);
        let mut next = leaky::random(3);
        for stream in 0..11 {
            for step in 0..12 {
                batch.input_mut(stream, step).fill_with(&mut next);
                batch.set_class(stream, step, (step + stream) % OUTPUTS);
            }
        }
        let learner = || Learner::new(network.clone(), LOSS, method, OptimizerSettings::adam(0.01), 11).unwrap();
        let (mut at_once, mut stepwise) = (learner(), learner());
        at_once.learn_batch(&batch).unwrap();
        for step in 0..12 {
            let inputs: Vec<f64> = (0..11).flat_map(|stream| batch.input_values(stream, step)).collect();
            stepwise.predict(&inputs).unwrap();
            let targets: Vec<_> = (0..11).map(|stream| Some(Target::Class((step + stream) % OUTPUTS))).collect();
            stepwise.learn(&targets).unwrap();
        }
        stepwise.finish().unwrap();
        let [found, truth] = [&stepwise, &at_once].map(|learner| learner.network().parameters());
        assert!(agreement(found, truth, 0.0).relative_error < 1e-12);
        // Another dropout is another state to go on from.
        let other = finish(builder().embedding(5).dropout(0.4).recurrent(gated(), 5).dropout(0.5).readout(OUTPUTS));
        let mut other = Learner::new(other, LOSS, method, OptimizerSettings::adam(0.01), 11).unwrap();
        assert!(other.restore(at_once.save()).is_err());
    }
}

#[test]
fn a_tied_readout_stays_the_transpose() {
    let lists = batch(true);
    let network = finish(builder().embedding(5).recurrent(gated(), 5).tied().readout(OUTPUTS));
    let mut network = network;
    network.prune();
    let is_tied = |network: &Network<f64>| network.block(0, "W").transpose() == network.block(2, "W");
    assert!(is_tied(&network) && network.description().contains("tied"));
    let truth = central_differences(&network, LOSS, &lists, 1e-5);
    for method in [Method::bptt(), Method::ostl().with_window(2).with_carry(Carry::Network)] {
        let found = gradient(&network, method, &lists);
        assert!(agreement(&found, &truth, 0.0).relative_error < 1e-7, "{method:?}");
    }
    assert!(agreement(&bptt::gradient(&network, LOSS, &lists).values, &truth, 0.0).relative_error < 1e-7);
    let settings = OptimizerSettings::adam_w(0.05, 0.1).clipped(0.5);
    let method = Method { update: Update::Window, ..Method::ostl().with_window(3).with_carry(Carry::Local) };
    let mut learner = Learner::new(network.clone(), LOSS, method, settings, 5).unwrap();
    let before = learner.evaluate_batch(&lists).unwrap();
    for _ in 0..20 {
        learner.learn_batch(&lists).unwrap();
        assert!(is_tied(learner.network()));
    }
    assert!(learner.evaluate_batch(&lists).unwrap().loss < before.loss);
    // Weights that are written by hand follow the embedding.
    learner.network_mut().block_mut(0, "W")[(1, 2)] = 7.0;
    learner.evaluate_batch(&lists).unwrap();
    assert_eq!(learner.network().block(2, "W")[(2, 1)], 7.0);
}

/// One step of plain descent clipped to a norm: a weight in two places counts once.
#[test]
fn the_norm_counts_a_tied_weight_once() {
    let lists = batch(true);
    let mut network = finish(builder().embedding(5).recurrent(gated(), 5).tied().readout(OUTPUTS));
    network.prune();
    let gradient = gradient(&network, Method::bptt(), &lists);
    let copy = network.blocks().iter().find(|block| block.layer == 2 && block.name == "W").unwrap().range();
    let settings = OptimizerSettings::sgd(1.0).clipped(1e-3);
    let mut learner = Learner::new(network.clone(), LOSS, Method::bptt(), settings, 5).unwrap();
    learner.learn_batch(&lists).unwrap();
    let moved = network.parameters().iter().zip(learner.network().parameters()).map(|(a, b)| a - b);
    let once: Vec<f64> = moved.enumerate().filter(|(i, _)| !copy.contains(i)).map(|(_, moved)| moved).collect();
    let norm = once.iter().map(|m| m * m).sum::<f64>().sqrt();
    assert!((norm - 1e-3).abs() < 1e-12, "{norm}");
    let expected: Vec<f64> = gradient.iter().enumerate().filter(|(i, _)| !copy.contains(i)).map(|(_, g)| *g).collect();
    assert!(agreement(&once, &expected, 0.0).cosine > 1.0 - 1e-12);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let says = |network: Result<Network<f64>, ostl_core::ConfigError>, words: &[&str]| {
        let error = network.unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    says(builder().embedding(4).dropout(1.0).readout(3), &["dropout of layer 1", "less than 1"]);
    says(builder().dropout(0.5).embedding(4).readout(3), &["dropout of layer 0", "events"]);
    says(builder().recurrent(gated(), 3).embedding(4).readout(3), &["embedding", "first layer"]);
    says(builder().recurrent(gated(), 3).tied().readout(9), &["tied", "not an embedding"]);
    says(builder().embedding(4).recurrent(gated(), 3).tied().readout(9), &["tied", "4 units", "9 outputs"]);
    says(builder().embedding(3).recurrent(gated(), 3).tied().readout_of(Readout, 9), &["tied", "dense"]);
    let network = finish(builder().recurrent(gated(), 3).dropout(0.1).readout(3));
    let error = Method::ostl().with_carry(Carry::Uoro(1)).validate_for(&network).unwrap_err().to_string();
    assert!(error.contains("dropout") && error.contains("uoro"), "{error}");
}
