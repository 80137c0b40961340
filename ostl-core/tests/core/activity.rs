//! Activity terms as part of the error: against central differences on a smooth cell, and under every carry against BPTT.

use crate::leaky::{LOSS, Leaky, Readout};
use ostl_core::gradient_check::{Claim, agreement, audit, central_differences};
use ostl_core::{
    Activity, Carry, Learner, Method, Network, OptimizerSettings, RateTerm, SequenceBatch, Target, TargetKind, Update, bptt,
};

/// Ragged, with resets and few targets: most of the error is activity.
fn batch() -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::new(3, 4, TargetKind::Classes, &[19, 16, 16, 9, 1]);
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) * 2.0 - 1.0
    };
    for stream in 0..5 {
        for step in 0..batch.lengths()[stream] {
            batch.input_mut(stream, step).fill_with(|| 1.8 * next() + 0.4);
            if next() > 0.5 || step == 0 {
                batch.set_class(stream, step, (step + stream) % 4);
            }
            if next() > 0.8 {
                batch.reset_before(stream, step);
            }
        }
    }
    batch
}

fn terms() -> Activity {
    Activity { rate: Some(RateTerm { target: 0.2, weight: 3.0, decay: 0.9 }), voltage: None }.with_voltage(0.3, 0.7)
}

fn stacks(spikes: bool) -> Vec<Network<f64>> {
    let (open, closed) =
        (Leaky { recurrent: true, detached: false, spikes }, Leaky { recurrent: false, detached: false, spikes });
    let builder = || Network::builder(3).seed(5);
    let stacks = [
        builder().recurrent(open, 5).activity(terms()).readout(4),
        builder().recurrent(closed, 18).activity(terms()).readout(4),
        builder().recurrent(open, 5).activity(terms()).readout_of(Readout, 4),
        builder().recurrent(closed, 4).activity(terms()).readout_of(Readout, 4),
        builder().recurrent(open, 4).activity(terms()).recurrent(open, 5).activity(terms()).readout(4),
    ];
    stacks.into_iter().map(Result::unwrap).collect()
}

#[test]
fn the_oracle_has_the_slope_of_the_whole_error() {
    for network in stacks(false) {
        let truth = central_differences(&network, LOSS, &batch(), 1e-5);
        let found = bptt::gradient(&network, LOSS, &batch());
        assert!(agreement(&found.values, &truth, 0.0).relative_error < 1e-7, "{network:?}");
        assert!((found.loss - bptt::loss(&network, LOSS, &batch())).abs() < 1e-10 * found.loss);
    }
}

#[test]
fn exact_carries_are_exact_with_activity_terms() {
    let mut exact = 0;
    for network in stacks(true) {
        for window in [1, 2, 3, 7, 19] {
            for carry in [
                Carry::None,
                Carry::Local,
                Carry::Layer,
                Carry::Network,
                Carry::Snap(1),
                Carry::Snap(2),
                Carry::KfRtrl,
                Carry::Postsynaptic,
            ] {
                let method = Method::bptt().with_carry(carry).with_window(window);
                let audit = audit(&network, LOSS, &method, &batch()).unwrap();
                let rate = audit.firing_rate.unwrap();
                assert!(rate > 0.05 && rate < 0.95, "{rate}");
                assert!(audit.holds(), "{network:?} {carry} K={window}: {:?}", audit.blocks);
                if audit.blocks.iter().all(|block| block.relative_error < 1e-10) {
                    exact += 1;
                }
                if window == 19 || carry == Carry::Network {
                    assert!(audit.blocks.iter().all(|block| block.relative_error < 1e-10), "{network:?} {carry} K={window}");
                }
            }
        }
    }
    assert!(exact > 60, "{exact}");
}

/// The terms change the gradient, and are told beside the loss.
#[test]
fn activity_counts_and_is_reported() {
    let cell = Leaky { recurrent: true, detached: false, spikes: true };
    let with: Network<f64> = Network::builder(3).seed(5).recurrent(cell, 5).activity(terms()).readout(4).unwrap();
    let without: Network<f64> = Network::builder(3).seed(5).recurrent(cell, 5).readout(4).unwrap();
    let gradient = |network: &Network<f64>| {
        let method = Method::ostl().with_update(Update::Sequence);
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap();
        let (score, gradient) = learner.gradient(&batch()).unwrap();
        (score, gradient.to_vec())
    };
    let ((score, moved), (plain_score, plain)) = (gradient(&with), gradient(&without));
    assert_eq!((score.loss, plain_score.activity), (plain_score.loss, 0.0));
    assert!(agreement(&moved, &plain, 0.0).relative_error > 0.1);
    let whole = bptt::loss(&with, LOSS, &batch());
    assert!((score.loss + score.activity - whole).abs() < 1e-10 * whole, "{score:?} {whole}");
}

#[test]
fn streaming_counts_the_same_activity() {
    let cell = Leaky { recurrent: true, detached: false, spikes: true };
    let network: Network<f64> = Network::builder(1).seed(5).recurrent(cell, 6).activity(terms()).readout(2).unwrap();
    let mut batch = SequenceBatch::new(1, 2, TargetKind::Classes, &[13; 2]);
    for stream in 0..2 {
        for step in 0..13 {
            batch.input_mut(stream, step)[0] = f64::from((step * 7 + stream * 3) as u32 % 5) - 1.0;
            batch.set_class(stream, step, (step + stream) % 2);
        }
    }
    for update in [Update::Window, Update::Sequence] {
        let method = Method::ostl().with_window(3).with_update(update);
        let new = || Learner::new(network.clone(), LOSS, method, OptimizerSettings::adam(0.01), 2).unwrap();
        let (mut whole, mut stepwise) = (new(), new());
        let mut activity = [0.0; 2];
        for _ in 0..3 {
            activity[0] += whole.learn_batch(&batch).unwrap().activity;
            for step in 0..13 {
                stepwise.predict(&[batch.input(0, step)[0], batch.input(1, step)[0]]).unwrap();
                let targets: Vec<Option<Target<'_, f64>>> = (0..2).map(|stream| batch.target(stream, step)).collect();
                activity[1] += stepwise.learn(&targets).unwrap().activity;
            }
            stepwise.finish().unwrap();
        }
        assert_eq!(whole.network().parameters(), stepwise.network().parameters());
        assert!((activity[0] - activity[1]).abs() < 1e-10 * activity[0] && activity[0] > 0.1);
    }
}

/// Firing comes to the target rate when nothing else pulls.
#[test]
fn rates_come_to_their_target() {
    let cell = Leaky { recurrent: false, detached: false, spikes: true };
    let only_rate = Activity::rate(0.3, 1.0);
    let mut network: Network<f64> = Network::builder(2).seed(1).recurrent(cell, 20).activity(only_rate).readout(2).unwrap();
    network.block_mut(1, "W").fill(0.0);
    let mut batch = SequenceBatch::new(2, 2, TargetKind::Classes, &[200]);
    for step in 0..200 {
        batch.input_mut(0, step).copy_from_slice(&[(step as f64 * 0.7).sin(), (step as f64 * 0.31).cos()]);
        batch.set_class(0, step, step % 2);
    }
    let rate = |network: &Network<f64>| {
        let outputs = bptt::layer_outputs(network, &batch, 0);
        outputs.iter().map(|step| step[0].iter().sum::<f64>()).sum::<f64>() / (200.0 * 20.0)
    };
    let before = rate(&network);
    let method = Method::ostl_without_h().with_window(10);
    let mut learner = Learner::new(network, LOSS, method, OptimizerSettings::adam(0.01), 1).unwrap();
    for _ in 0..60 {
        learner.learn_batch(&batch).unwrap();
    }
    let after = rate(learner.network());
    assert!((after - 0.3).abs() < 0.05 && (before - 0.3).abs() > 0.1, "{before} {after}");
}

/// A rolling window counts each step's activity once, from that step alone.
#[test]
fn rolling_windows_count_activity_once() {
    for network in stacks(true) {
        for steps in [1, 2, 3, 7, 19] {
            let method = Method::rolling_tbptt(steps).with_update(Update::Sequence);
            let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap();
            let (score, found) = learner.gradient(&batch()).unwrap();
            let truth = bptt::rolling_gradient(&network, LOSS, &batch(), steps, &method);
            assert!((score.loss + score.activity - truth.loss).abs() < 1e-10 * truth.loss);
            assert!(agreement(found, &truth.values, 0.0).relative_error < 1e-10, "{network:?} {steps}");
        }
    }
}

/// A firing rate of the topmost layer is a state of its own, which no filter below knows of.
#[test]
fn a_rate_of_the_topmost_layer_is_no_part_of_the_filter() {
    let closed = Leaky { recurrent: false, detached: false, spikes: true };
    let network: Network<f64> =
        Network::builder(3).seed(5).recurrent(closed, 5).recurrent(Readout, 4).activity(terms()).finish().unwrap();
    for carry in [Carry::Local, Carry::Layer, Carry::Snap(1), Carry::Postsynaptic] {
        let audit = audit(&network, LOSS, &Method::bptt().with_carry(carry).with_window(2), &batch()).unwrap();
        assert!(audit.holds(), "{carry}: {:?}", audit.blocks);
        assert!(audit.blocks[0].claim == Claim::Approximate && audit.blocks[0].relative_error > 1e-6);
    }
    let whole = audit(&network, LOSS, &Method::rtrl(), &batch()).unwrap();
    assert!(whole.holds() && whole.blocks.iter().all(|block| block.claim == Claim::Exact));
}

fn one_stream(activity: Activity) -> Learner<f64> {
    let cell = Leaky { recurrent: true, detached: false, spikes: true };
    let network = Network::builder(1).seed(5).recurrent(cell, 6).activity(activity).readout(2).unwrap();
    Learner::new(network, LOSS, Method::ostl().with_window(3), OptimizerSettings::sgd(0.1), 1).unwrap()
}

/// Steps without a target, and the sequence ends: nothing of their activity is left over, in memory or in a saved state.
#[test]
fn activity_without_a_target_ends_with_the_sequence() {
    let (mut learner, mut fresh) = (one_stream(terms()), one_stream(terms()));
    for step in 0..5 {
        learner.predict(&[f64::from(step)]).unwrap();
        learner.learn(&[None]).unwrap();
    }
    learner.finish().unwrap();
    let mut restored = one_stream(terms());
    restored.restore(learner.save()).unwrap();
    for learner in [&mut learner, &mut restored, &mut fresh] {
        for step in 0..7 {
            learner.predict(&[f64::from(step % 3)]).unwrap();
            learner.learn(&[Some(Target::Class(step as usize % 2))]).unwrap();
        }
    }
    assert_eq!(learner.network().parameters(), fresh.network().parameters());
    assert_eq!(learner.network().parameters(), restored.network().parameters());
}

/// Rates are followed while a learner is frozen, and a reset then starts them anew.
#[test]
fn rates_go_on_while_frozen() {
    let (mut used, mut fresh) = (one_stream(terms()), one_stream(terms()));
    for _ in 0..20 {
        used.predict(&[2.0]).unwrap();
        used.learn(&[None]).unwrap();
    }
    used.set_frozen(true).unwrap();
    used.reset(0);
    fresh.set_frozen(true).unwrap();
    let mut activity = Vec::new();
    for learner in [&mut used, &mut fresh] {
        learner.predict(&[1.0]).unwrap();
        learner.set_frozen(false).unwrap();
        learner.predict(&[1.0]).unwrap();
        activity.push(learner.learn(&[None]).unwrap().activity);
    }
    assert_eq!(activity[0], activity[1]);
}

/// A state holds what was filtered with one leak, and is not taken over by a network with another, or with other terms.
#[test]
fn a_state_of_other_units_is_refused() {
    let mut learner = one_stream(terms());
    learner.predict(&[1.0]).unwrap();
    let state = learner.save();
    assert!(one_stream(terms()).restore(state.clone()).is_ok());
    for other in [Activity::default(), terms().with_voltage(9.0, 0.7)] {
        let error = one_stream(other).restore(state.clone()).unwrap_err().to_string();
        assert!(error.contains("saved units"), "{error}");
    }
}
