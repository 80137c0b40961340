//! The web of equivalences: where two methods are the same, they have the same gradient to 1e-10.

use crate::stacks::{LayerPlan, Plan};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::{agreement, audit};
use ostl_core::{
    Activation, Carry, Edge, Feedback, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Update, bptt,
};

const EQUAL: f64 = 1e-10;

const CARRIES: [Carry; 11] = [
    Carry::None,
    Carry::Local,
    Carry::Layer,
    Carry::Network,
    Carry::Snap(1),
    Carry::Snap(2),
    Carry::Uoro(1),
    Carry::LocalUoro(2),
    Carry::KfRtrl,
    Carry::Presynaptic,
    Carry::Postsynaptic,
];

fn cell(name: &str) -> CellConfig {
    let found = CellConfig::every().into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no cell {name}")).1
}

pub(crate) fn plan(layers: Vec<LayerPlan>) -> Plan {
    Plan {
        inputs: 3,
        layers,
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![17, 16, 9, 1],
        targets: 60,
        resets: 10,
        active: 100,
        seed: 21,
    }
}

/// Random weights, strong enough that spiking units spike.
pub(crate) fn network(plan: &Plan) -> Network<f64> {
    let mut network = plan.network::<f64>();
    for block in network.blocks().to_vec() {
        match block.name {
            "threshold" => network.parameters_mut()[block.range()].fill(-0.3),
            "W" if block.layer + 1 < network.depth() => {
                network.parameters_mut()[block.range()].iter_mut().for_each(|w| *w *= 1.5);
            }
            _ => {}
        }
    }
    network
}

pub(crate) fn gradient(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>) -> Vec<f64> {
    let loss = Loss::SoftmaxCrossEntropy;
    let mut learner = Learner::new(network.clone(), loss, method, OptimizerSettings::sgd(1.0), batch.streams()).unwrap();
    learner.gradient(batch).unwrap().1.to_vec()
}

#[track_caller]
pub(crate) fn assert_equal(found: &[f64], truth: &[f64], what: &str) {
    assert!(truth.iter().any(|g| g.abs() > 1e-3), "{what}: a gradient of nothing shows nothing");
    let error = agreement(found, truth, 0.0).relative_error;
    assert!(error < EQUAL, "{what}: {error:.1e}");
}

fn differ(found: &[f64], truth: &[f64]) -> bool {
    agreement(found, truth, 0.0).relative_error > 1e-6
}

fn with(carry: Carry, window: usize) -> Method {
    Method::bptt().with_carry(carry).with_window(window)
}

pub(crate) fn spikes(network: &Network<f64>, batch: &SequenceBatch<f64>) {
    let rate = audit(network, Loss::SoftmaxCrossEntropy, &Method::bptt(), batch).unwrap().firing_rate;
    assert!(rate.is_none_or(|rate| rate > 0.02 && rate < 0.98), "{network:?} fires at {rate:?}");
}

fn stacks() -> Vec<Plan> {
    let layer = |name: &str, units: usize| LayerPlan::Cell(cell(name), units);
    vec![
        plan(vec![layer("lstm", 5)]),
        plan(vec![layer("gru", 4), LayerPlan::Dense(Activation::Tanh, 3), layer("ssnu", 5)]),
        plan(vec![layer("alif", 6), layer("lif", 5)]),
        plan(vec![layer("lif-detached-without-h", 6), layer("lif-detached-without-h", 5)]),
        plan(vec![layer("lru", 4), layer("e-lstm", 4), layer("rnn", 3)]),
    ]
}

/// One window over everything is BPTT, whatever is carried.
#[test]
fn a_window_over_everything_is_bptt() {
    for plan in stacks() {
        let (network, batch) = (network(&plan), plan.batch());
        spikes(&network, &batch);
        let truth = bptt::gradient(&network, plan.loss, &batch).values;
        let mut tried = 0;
        for carry in CARRIES {
            let method = with(carry, batch.steps());
            if method.validate_for(&network).is_ok() {
                assert_equal(&gradient(&network, method, &batch), &truth, &format!("{network:?} {carry}"));
                tried += 1;
            }
        }
        assert!(tried >= 8);
        assert_equal(&gradient(&network, Method::bptt(), &batch), &truth, "the sequence");
        assert_equal(&gradient(&network, Method::rolling_tbptt(batch.steps()), &batch), &truth, "rolling");
    }
}

/// Nothing carried: truncated BPTT in chunks, by a reverse sweep over each chunk alone.
#[test]
fn nothing_carried_is_truncated_bptt() {
    for plan in stacks() {
        let (network, batch) = (network(&plan), plan.batch());
        for window in [1, 2, 3, 7] {
            let truth = bptt::chunked_gradient(&network, plan.loss, &batch, window).values;
            assert_equal(&gradient(&network, with(Carry::None, window), &batch), &truth, &format!("{network:?} K={window}"));
            let tbptt = Method::tbptt(window).with_update(Update::Sequence);
            assert_equal(&gradient(&network, tbptt, &batch), &truth, "tbptt");
            assert!(differ(&truth, &bptt::gradient(&network, plan.loss, &batch).values));
        }
    }
}

/// RTRL is the carry `network` at K = 1, and BPTT on any stack and with any window.
#[test]
fn real_time_recurrent_learning_is_bptt() {
    for plan in stacks() {
        let (network, batch) = (network(&plan), plan.batch());
        let truth = bptt::gradient(&network, plan.loss, &batch).values;
        let rtrl = Method::rtrl().with_update(Update::Sequence);
        assert_equal(&gradient(&network, rtrl, &batch), &truth, "rtrl");
        for window in [1, 2, 3, 7] {
            assert_equal(&gradient(&network, with(Carry::Network, window), &batch), &truth, "network");
        }
    }
}

/// One layer whose units do not hear each other: each unit's own influence is all there is, and all exact methods agree.
#[test]
fn without_h_each_unit_s_own_influence_is_all_there_is() {
    for (name, config) in CellConfig::every() {
        if config.is_recurrent() {
            continue;
        }
        let plan = plan(vec![LayerPlan::Cell(config, 5)]);
        let (network, batch) = (network(&plan), plan.batch());
        // The dense influence matrix, and the oracle.
        let (matrix, truth) =
            (gradient(&network, with(Carry::Network, 2), &batch), bptt::gradient(&network, plan.loss, &batch).values);
        assert_equal(&matrix, &truth, &name);
        for carry in [Carry::Local, Carry::Layer, Carry::Snap(1), Carry::Snap(3), Carry::Postsynaptic] {
            for window in [1, 2, 3, 7] {
                let found = gradient(&network, with(carry, window), &batch);
                assert_equal(&found, &matrix, &format!("{name} {carry} K={window}"));
            }
        }
    }
}

/// A diagonal H: each unit hears itself, and SnAp-1, which keeps just that, is the whole influence.
#[test]
fn with_a_diagonal_h_snap_1_is_the_whole_influence() {
    for name in ["rnn", "rnn-leaky", "lstm", "gru", "ssnu", "snu-tanh", "alif", "synaptic-lif"] {
        let plan = plan(vec![LayerPlan::Cell(cell(name), 6)]);
        let mut network = network(&plan);
        let mut h = network.block_mut(0, "H");
        let units = h.ncols();
        for column in 0..units {
            for row in (0..h.nrows()).filter(|row| row % units != column) {
                h[(row, column)] = 0.0;
            }
        }
        let batch = plan.batch();
        spikes(&network, &batch);
        // Connections that are zero have a gradient of their own, which is no part of this.
        let h = network.blocks().iter().find(|block| block.name == "H").unwrap().clone();
        let kept = |values: &[f64]| -> Vec<f64> {
            let is_off = |p: usize| h.range().contains(&p) && (p - h.offset) % h.rows % units != (p - h.offset) / h.rows;
            values.iter().enumerate().filter(|&(p, _)| !is_off(p)).map(|(_, &value)| value).collect()
        };
        let truth = kept(&bptt::gradient(&network, plan.loss, &batch).values);
        for window in [1, 2, 3, 7] {
            let exact = kept(&gradient(&network, with(Carry::Layer, window), &batch));
            assert_equal(&exact, &truth, &format!("{name} layer K={window}"));
            for edge in [Edge::Heard, Edge::Cut] {
                let found = kept(&gradient(&network, with(Carry::Snap(1), window).with_edge(edge), &batch));
                assert_equal(&found, &truth, &format!("{name} snap-1 {edge:?} K={window}"));
            }
            let own = kept(&gradient(&network, with(Carry::Local, window), &batch));
            assert!(differ(&own, &truth), "{name}: without its own connection a unit's influence is another");
        }
    }
}

/// SnAp-1 on a tanh layer, by hand: ε ← φ′ (z + h_ii ε), and the readout's error times ε.
#[test]
fn snap_1_by_hand() {
    let plan = plan(vec![LayerPlan::Cell(cell("rnn"), 5)]);
    let (network, batch) = (network(&plan), plan.batch());
    let (w, h, v) = (network.block(0, "W"), network.block(0, "H"), network.block(1, "W"));
    let (n, m, o) = (5, 3, 3);
    let mut by_hand = network.clone();
    by_hand.parameters_mut().fill(0.0);
    for stream in 0..batch.streams() {
        let (mut y, mut trace) = (vec![0.0; n], vec![vec![0.0; m + n + 1]; n]);
        for step in 0..batch.lengths()[stream] {
            if batch.is_reset(stream, step) {
                (y, trace) = (vec![0.0; n], vec![vec![0.0; m + n + 1]; n]);
            }
            let z: Vec<f64> = batch.input(stream, step).iter().chain(&y).copied().chain([1.0]).collect();
            let weights = |i: usize| {
                let inputs = (0..m).map(move |j| (i, j)).map(|at| w[at]);
                inputs.chain((0..n).map(move |j| (i, j)).map(|at| h[at])).chain([network.block(0, "b")[i]])
            };
            y = (0..n).map(|i| weights(i).zip(&z).map(|(w, z)| w * z).sum::<f64>().tanh()).collect();
            for i in 0..n {
                for (trace, z) in trace[i].iter_mut().zip(&z) {
                    *trace = (1.0 - y[i] * y[i]) * (z + h[(i, i)] * *trace);
                }
            }
            let Some(target) = batch.target(stream, step) else { continue };
            let logits: Vec<f64> =
                (0..o).map(|k| network.block(1, "b")[k] + (0..n).map(|i| v[(k, i)] * y[i]).sum::<f64>()).collect();
            let mut error = vec![0.0; o];
            plan.loss.evaluate(&logits, target, &mut error);
            for i in 0..n {
                let signal: f64 = (0..o).map(|k| v[(k, i)] * error[k]).sum();
                (0..m).for_each(|j| by_hand.block_mut(0, "W")[(i, j)] += signal * trace[i][j]);
                (0..n).for_each(|j| by_hand.block_mut(0, "H")[(i, j)] += signal * trace[i][m + j]);
                by_hand.block_mut(0, "b")[i] += signal * trace[i][m + n];
                (0..o).for_each(|k| by_hand.block_mut(1, "W")[(k, i)] += error[k] * y[i]);
            }
            (0..o).for_each(|k| by_hand.block_mut(1, "b")[k] += error[k]);
        }
    }
    let found = gradient(&network, Method::snap(1).with_update(Update::Sequence), &batch);
    assert_equal(&found, by_hand.parameters(), "snap-1");
    // BrainTrace's D-RTRL takes the mixing through H out before it differentiates.
    let without = gradient(&network, Method::d_rtrl().with_update(Update::Sequence), &batch);
    assert_eq!(without, gradient(&network, Method::ostl_without_h().with_update(Update::Sequence), &batch));
    assert!(differ(&without, &found));
}

/// E-prop with symmetric feedback is OSTL without H, on one layer; where the layer hears nothing of itself both are BPTT.
#[test]
fn symmetric_e_prop_is_ostl_without_h() {
    let at_the_end = |method: Method| method.with_update(Update::Sequence);
    for name in ["alif-detached", "lif-detached", "lstm"] {
        let plan = plan(vec![LayerPlan::Cell(cell(name), 6)]);
        let (network, batch) = (network(&plan), plan.batch());
        spikes(&network, &batch);
        let ostl = gradient(&network, at_the_end(Method::ostl_without_h()), &batch);
        assert_equal(&gradient(&network, at_the_end(Method::e_prop()), &batch), &ostl, name);
        assert!(differ(&ostl, &gradient(&network, at_the_end(Method::ostl()), &batch)));
        // Random e-prop and RFLO are one product.
        let random = gradient(&network, at_the_end(Method::e_prop_random()).with_seed(3), &batch);
        assert_equal(&gradient(&network, at_the_end(Method::rflo()).with_seed(3), &batch), &random, name);
        assert!(differ(&random, &ostl));
        let closed = Plan { layers: vec![LayerPlan::Cell(cell(name).with_recurrent(false), 6)], ..plan };
        let (network, batch) = (self::network(&closed), closed.batch());
        let truth = bptt::gradient(&network, closed.loss, &batch).values;
        assert_equal(&gradient(&network, at_the_end(Method::e_prop()), &batch), &truth, name);
    }
}

/// OTTT is OSTL where units are leaky sums whose resets are detached.
#[test]
fn ottt_is_ostl_for_leaky_sums() {
    let at_the_end = |method: Method| method.with_update(Update::Sequence);
    for name in ["lif-detached-without-h", "lif-unreset-without-h", "li"] {
        let plan = plan(vec![LayerPlan::Cell(cell(name), 6)]);
        let (network, batch) = (network(&plan), plan.batch());
        spikes(&network, &batch);
        let ottt = gradient(&network, at_the_end(Method::ottt()), &batch);
        assert_equal(&ottt, &gradient(&network, at_the_end(Method::ostl()), &batch), name);
        assert_equal(&ottt, &bptt::gradient(&network, plan.loss, &batch).values, name);
    }
    let plan = plan(vec![LayerPlan::Cell(cell("lif-without-h"), 6)]);
    let (network, batch) = (network(&plan), plan.batch());
    let ottt = gradient(&network, at_the_end(Method::ottt()), &batch);
    assert!(differ(&ottt, &gradient(&network, at_the_end(Method::ostl()), &batch)), "a reset that carries a gradient");
}

/// A leaky readout of `ostl-cells` under every exact carry, and equal to the whole network's influence.
#[test]
fn below_a_leaky_readout_layer_is_network() {
    for name in ["alif", "lif", "lstm", "gru", "snu-tanh", "synaptic-lif", "rnn-leaky"] {
        for closed in [false, true] {
            let plan = plan(vec![LayerPlan::Cell(cell(name).with_recurrent(!closed), 6)]);
            let network = plan.network_with_readout::<f64>(cell("li"));
            let batch = plan.batch();
            let truth = bptt::gradient(&network, plan.loss, &batch).values;
            for window in [1, 2, 3, 7] {
                let whole = gradient(&network, with(Carry::Network, window), &batch);
                assert_equal(&whole, &truth, name);
                let found = gradient(&network, with(Carry::Layer, window), &batch);
                assert_equal(&found, &whole, &format!("{name} K={window}"));
                let local = gradient(&network, with(Carry::Local, window), &batch);
                assert_eq!(!differ(&local, &whole), closed, "{name} K={window}");
            }
        }
    }
}

/// With the readout's own way back in place of random matrices, direct feedback to the top layer is the symmetric one.
#[test]
fn feedback_only_matters_below_the_readout() {
    let plan = plan(vec![LayerPlan::Cell(cell("lstm"), 5)]);
    let (network, batch) = (network(&plan), plan.batch());
    let symmetric = gradient(&network, with(Carry::Layer, 3), &batch);
    let readout: Vec<_> = network.blocks().iter().filter(|block| block.layer == 1).cloned().collect();
    for feedback in [Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
        let found = gradient(&network, with(Carry::Layer, 3).with_feedback(feedback), &batch);
        for block in &readout {
            assert_equal(&found[block.range()], &symmetric[block.range()], feedback.name());
        }
        assert!(differ(&found, &symmetric));
    }
}
