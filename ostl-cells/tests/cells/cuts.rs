//! Blocks of windows under the carries that units keep for themselves: the same gradient as window by window, whatever a block holds.

use ostl_cells::CellConfig;
use ostl_core::{
    Activation, Activity, Carry, Edge, Feedback, Learner, Loss, Method, Network, OptimizerSettings, RateTerm, SequenceBatch,
    Target, Update, VoltageTerm, bptt,
};

use crate::stacks::{LayerPlan, Plan};

/// Windows that a block may hold, and more than there are.
const WINDOWS: [usize; 4] = [2, 3, 5, 100];

fn cell(name: &str) -> CellConfig {
    CellConfig::every().into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no cell {name}")).1
}

fn plan(layers: Vec<LayerPlan>, active: u32) -> Plan {
    Plan {
        inputs: 20,
        layers,
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![40, 23, 40, 8, 1],
        targets: 60,
        resets: 5,
        active,
        seed: 11,
    }
}

/// Every kind of unit: one, two and three variables, H and none, resets, filters below a leaky readout, firing rates.
fn stacks() -> Vec<(Network<f64>, SequenceBatch<f64>)> {
    let rates = Activity {
        rate: Some(RateTerm { target: 0.2, weight: 0.3, decay: 0.8 }),
        voltage: Some(VoltageTerm { bound: 0.4, weight: 0.1 }),
    };
    let of = |names: &[&str]| names.iter().map(|name| LayerPlan::Cell(cell(name), 19)).collect::<Vec<_>>();
    let with_dense = vec![LayerPlan::Dense(Activation::Tanh, 7), LayerPlan::Cell(cell("lif-soft"), 18)];
    let mut found = Vec::new();
    for (layers, readout, activity) in [
        (of(&["ssnu"]), None, Activity::default()),
        (of(&["snu-tanh-without-h"]), Some("li"), Activity::default()),
        (of(&["lstm"]), Some("li"), Activity::default()),
        (of(&["gru", "lstm"]), None, Activity::default()),
        (of(&["lif", "alif"]), Some("li"), rates),
        (of(&["synaptic-lif"]), None, rates),
        (of(&["lru"]), Some("li-learnable-decay"), Activity::default()),
        (of(&["rtu"]), None, Activity::default()),
        (with_dense, Some("li"), rates),
    ] {
        // Dense inputs and inputs that are listed.
        for active in [100, 8] {
            let plan = plan(layers.clone(), active);
            found.push((plan.network_with(readout.map(cell), activity), plan.batch()));
        }
    }
    found
}

fn methods(window: usize) -> Vec<Method> {
    let of = |carry| Method::bptt().with_carry(carry).with_window(window);
    let mut methods = vec![of(Carry::None), of(Carry::Local), of(Carry::Postsynaptic), of(Carry::Snap(1))];
    methods.extend([Edge::Cut, Edge::Heard].map(|edge| of(Carry::Local).with_edge(edge)));
    methods.push(of(Carry::Snap(1)).with_edge(Edge::Cut));
    let other = [Feedback::Random, Feedback::Direct, Feedback::TargetProjection];
    methods.extend(other.map(|feedback| of(Carry::Local).with_feedback(feedback)));
    methods
}

fn learner(network: &Network<f64>, method: Method, streams: usize) -> Learner<f64> {
    Learner::new(network.clone(), Loss::SoftmaxCrossEntropy, method, OptimizerSettings::sgd(1.0), streams).unwrap()
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

fn error(found: &[f64], truth: &[f64]) -> f64 {
    norm(found.iter().zip(truth).map(|(f, t)| f - t)) / norm(truth.iter().copied())
}

/// One step of every stream of a batch.
fn step(learner: &mut Learner<f64>, batch: &SequenceBatch<f64>, step: usize) {
    let streams = 0..batch.streams();
    let resets = |stream: &usize| step < batch.lengths()[*stream] && batch.is_reset(*stream, step);
    streams.clone().filter(resets).for_each(|stream| learner.reset(stream));
    let inputs: Vec<f64> = streams.clone().flat_map(|stream| batch.input_values(stream, step)).collect();
    learner.predict(&inputs).unwrap();
    let targets: Vec<Option<Target<'_, f64>>> = streams.map(|stream| batch.target(stream, step)).collect();
    learner.learn(&targets).unwrap();
}

#[test]
fn blocks_add_up_to_what_windows_do() {
    let mut compared = 0;
    for (network, batch) in stacks() {
        for window in [1, 2, 3, 7] {
            for method in methods(window).into_iter().filter(|method| method.validate_for(&network).is_ok()) {
                let gradient = |method: Method| learner(&network, method, 5).gradient(&batch).unwrap().1.to_vec();
                let truth = gradient(method.with_block(1));
                let blocks = WINDOWS.into_iter().map(|windows| Method { block: Some(windows * window), ..method });
                for method in blocks.chain([Method { block: None, ..method }]) {
                    let error = error(&gradient(method), &truth);
                    assert!(error < 1e-12, "{network:?} {method:?}: {error}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 2000, "{compared}");
}

/// Window by window with an update at each, nothing is put off: another way to the same sums, and one that knows no blocks.
#[test]
fn blocks_add_up_to_what_windows_do_that_could_change_the_weights() {
    for (network, batch) in stacks() {
        for window in [1, 3, 7] {
            for method in methods(window).into_iter().filter(|method| method.validate_for(&network).is_ok()) {
                let gradient = |method: Method| learner(&network, method, 5).gradient(&batch).unwrap().1.to_vec();
                let (blocks, windows) = (gradient(method), gradient(method.with_update(Update::Window)));
                assert!(error(&blocks, &windows) < 1e-12, "{network:?} {method:?}: {}", error(&blocks, &windows));
            }
        }
    }
}

/// Step by step, and in stretches that end anywhere, beside whole batches.
#[test]
fn steps_and_stretches_learn_what_batches_do() {
    for (network, _) in stacks() {
        let plan = Plan { lengths: vec![40; 3], resets: 0, ..plan(vec![LayerPlan::Cell(cell("ssnu"), 19)], 100) };
        let batch: SequenceBatch<f64> = plan.batch();
        for (carry, window) in [(Carry::None, 3), (Carry::Local, 1), (Carry::Local, 7), (Carry::Postsynaptic, 2)] {
            let method = Method::bptt().with_carry(carry).with_window(window);
            if method.validate_for(&network).is_err() {
                continue;
            }
            let truth = {
                let mut learner = learner(&network, method.with_block(1), 3);
                learner.learn_batch(&batch).unwrap();
                learner.network().parameters().to_vec()
            };
            for block in [Some(1), Some(3 * window), None] {
                let mut learner = learner(&network, Method { block, ..method }, 3);
                (0..batch.steps()).for_each(|at| step(&mut learner, &batch, at));
                learner.finish().unwrap();
                let error = error(learner.network().parameters(), &truth);
                assert!(error < 1e-12, "{network:?} {carry} K={window}, blocks of {block:?}: {error}");
            }
        }
    }
}

/// Saved anywhere within a block and restored, a learner goes on with the same bits, and its traces are shown where the last window ended.
#[test]
fn a_stop_within_a_block_of_windows_changes_no_bit() {
    for (network, _) in stacks() {
        let plan =
            Plan { lengths: vec![40; 2], targets: 100, resets: 3, ..plan(vec![LayerPlan::Cell(cell("ssnu"), 19)], 30) };
        let batch: SequenceBatch<f64> = plan.batch();
        for block in [Some(12), None] {
            let method = Method { block, ..Method::bptt().with_carry(Carry::Local).with_window(3) };
            let new = || learner(&network, method, 2);
            let (mut one, mut other, mut by_window) = (new(), new(), learner(&network, method.with_block(1), 2));
            for at in 0..40 {
                if [2, 3, 11, 12, 25, 37].contains(&at) {
                    let saved = other.save();
                    other = new();
                    other.restore(saved).unwrap();
                }
                for learner in [&mut one, &mut other, &mut by_window] {
                    step(learner, &batch, at);
                }
                let (found, truth) = (one.engine().traces(), by_window.engine().traces());
                assert!(found == other.engine().traces(), "step {at}");
                for name in truth.names().filter(|name| name.starts_with("traces.layers.")) {
                    let (found, truth) = (found.values::<f64>(name).unwrap(), truth.values::<f64>(name).unwrap());
                    let size = norm(truth.iter().copied()).max(1e-6);
                    assert!(
                        norm(found.iter().zip(truth).map(|(f, t)| f - t)) < 1e-12 * size,
                        "{network:?} {name}, step {at}"
                    );
                }
            }
            one.finish().unwrap();
            other.finish().unwrap();
            assert_eq!(one.network().parameters(), other.network().parameters());
            assert_ne!(one.network().parameters(), network.parameters());
        }
    }
}

/// Where `local` is exact, many blocks are BPTT, and the spiking stacks spike.
#[test]
fn exact_layers_are_those_of_bptt_over_many_blocks() {
    for name in ["ssnu-without-h", "snu-tanh-without-h", "lru", "rtu", "ssnu-learnable-decay-without-h", "lif-soft"] {
        let plan = plan(vec![LayerPlan::Cell(cell(name).with_recurrent(false), 19)], 60);
        let (network, batch) = (plan.network_with(Some(cell("li")), Activity::default()), plan.batch());
        let truth = bptt::gradient(&network, Loss::SoftmaxCrossEntropy, &batch).values;
        if cell(name).is_spiking() {
            let rate =
                ostl_core::gradient_check::audit(&network, Loss::SoftmaxCrossEntropy, &Method::bptt(), &batch).unwrap();
            assert!(rate.firing_rate.is_some_and(|rate| rate > 0.01), "{name}: {:?}", rate.firing_rate);
        }
        for (window, windows) in [1, 2, 3, 7].into_iter().flat_map(|window| WINDOWS.map(|windows| (window, windows))) {
            let method = Method::bptt().with_carry(Carry::Local).with_window(window).with_block(windows * window);
            let found = learner(&network, method, 5).gradient(&batch).unwrap().1.to_vec();
            assert!(error(&found, &truth) < 1e-10, "{name} {method:?}: {}", error(&found, &truth));
        }
    }
}

/// Weights that are changed by hand in the middle of a block change nothing of the windows that are over, whether signals are listed or not.
#[test]
fn weights_changed_by_hand_count_from_then_on() {
    for active in [100, 10] {
        let plan = Plan {
            lengths: vec![40; 2],
            targets: 100,
            resets: 3,
            ..plan(vec![LayerPlan::Cell(cell("lif-soft"), 19), LayerPlan::Cell(cell("lstm"), 9)], active)
        };
        let batch: SequenceBatch<f64> = plan.batch();
        let listed = Network::<f64>::builder(20).events().seed(3);
        let listed = cell("lif-soft").add_to(listed, 19).unwrap().readout(3).unwrap();
        for network in [plan.network_with(None, Activity::default()), listed] {
            for (carry, window) in [(Carry::None, 4), (Carry::Local, 1), (Carry::Local, 3)] {
                let weights = |block: Option<usize>| {
                    let method = Method { block, ..Method::bptt().with_carry(carry).with_window(window) };
                    let mut learner = learner(&network, method, 2);
                    for at in 0..40 {
                        if [6, 7, 20, 31].contains(&at) {
                            let weights = learner.network_mut().parameters_mut();
                            weights.iter_mut().for_each(|weight| *weight *= 1.05);
                        }
                        step(&mut learner, &batch, at);
                    }
                    learner.finish().unwrap();
                    learner.network().parameters().to_vec()
                };
                let truth = weights(Some(1));
                for block in [Some(2 * window), Some(15), None] {
                    let error = error(&weights(block), &truth);
                    assert!(error < 1e-12, "{network:?} {carry} K={window}, blocks of {block:?}: {error}");
                }
            }
        }
    }
}
