//! Leaky readouts, filtered traces, presynaptic and postsynaptic traces, and fixed feedback, against BPTT.

use crate::leaky::{Gated, LOSS, Leaky, Readout, batch, builder, finish};
use ostl_core::gradient_check::{Claim, agreement, audit, central_differences};
use ostl_core::{
    Activation, Carry, Feedback, Learner, Method, Network, OptimizerSettings, SequenceBatch, TargetKind, Update, bptt,
};

/// Audits and returns the largest error of each layer.
#[track_caller]
fn errors(network: &Network<f64>, method: Method) -> Vec<f64> {
    let audit = audit(network, LOSS, &method, &batch(3, 4)).unwrap();
    assert!(audit.holds(), "{method:?}: {:?}", audit.blocks);
    if let Some(rate) = audit.firing_rate {
        assert!(rate > 0.02 && rate < 0.98, "firing rate {rate}");
    }
    let mut errors = vec![0.0_f64; network.depth()];
    for block in &audit.blocks {
        errors[block.layer] = errors[block.layer].max(block.relative_error);
    }
    errors
}

fn claims_exact(network: &Network<f64>, method: Method, layer: usize) -> bool {
    let audit = audit(network, LOSS, &method, &batch(3, 4)).unwrap();
    audit.blocks.iter().filter(|block| block.layer == layer).all(|block| block.claim == Claim::Exact)
}

const WINDOWS: [usize; 6] = [1, 2, 3, 7, 18, 19];

fn with(carry: Carry, window: usize) -> Method {
    Method::bptt().with_carry(carry).with_window(window)
}

#[test]
fn below_a_leaky_readout_the_filtered_trace_is_exact() {
    let spiking = Leaky { recurrent: true, detached: false, spikes: true };
    let networks = [
        finish(builder().recurrent(spiking, 6).readout_of(Readout, 4)),
        finish(builder().recurrent(Gated { recurrent: true }, 5).readout_of(Readout, 4)),
        finish(builder().dense(4, Activation::Tanh).recurrent(Gated { recurrent: true }, 5).readout_of(Readout, 4)),
    ];
    for network in &networks {
        for window in WINDOWS {
            for carry in [Carry::Layer, Carry::Network] {
                let method = with(carry, window);
                assert!((0..network.depth()).all(|layer| claims_exact(network, method, layer)), "{network:?} {carry}");
                assert!(errors(network, method).iter().all(|&error| error < 1e-10));
            }
        }
        assert!(errors(network, with(Carry::Local, 2))[0] > 1e-6, "H is left out");
    }
    let closed = [
        finish(builder().recurrent(Leaky { recurrent: false, ..spiking }, 6).readout_of(Readout, 4)),
        finish(builder().recurrent(Gated { recurrent: false }, 17).readout_of(Readout, 4)),
    ];
    for network in &closed {
        for window in WINDOWS {
            for carry in [Carry::Local, Carry::Layer, Carry::Postsynaptic, Carry::Snap(1), Carry::Snap(2), Carry::KfRtrl] {
                let method = with(carry, window);
                assert!(claims_exact(network, method, 0) && claims_exact(network, method, 1));
                assert!(errors(network, method).iter().all(|&error| error < 1e-10), "{network:?} {carry} {window}");
            }
        }
        assert!(errors(network, with(Carry::None, 2))[0] > 1e-6);
    }
}

#[test]
fn the_oracle_has_the_slope_of_a_leaky_readout() {
    let network = finish(builder().recurrent(Gated { recurrent: true }, 4).readout_of(Readout, 4));
    let truth = central_differences(&network, LOSS, &batch(3, 4), 1e-5);
    let found = bptt::gradient(&network, LOSS, &batch(3, 4)).values;
    assert!(agreement(&found, &truth, 0.0).relative_error < 1e-7);
}

/// With more than the leaky readout above, the filter says nothing of what lies between.
#[test]
fn what_lies_between_is_dropped() {
    let gated = Gated { recurrent: true };
    let network = finish(builder().recurrent(gated, 4).recurrent(gated, 4).readout_of(Readout, 4));
    let found = errors(&network, with(Carry::Layer, 2));
    assert!(found[0] > 1e-6 && found[1] < 1e-10 && found[2] < 1e-10, "{found:?}");
    let network = finish(builder().recurrent(gated, 4).dense(3, Activation::Tanh).readout_of(Readout, 4));
    let found = errors(&network, with(Carry::Layer, 2));
    assert!(found[0] > 1e-6 && found[1] < 1e-10 && found[2] < 1e-10, "{found:?}");
}

/// OTTT = OSTL where units are leaky sums whose resets are detached.
#[test]
fn a_presynaptic_trace_is_exact_for_leaky_sums() {
    for (spikes, units) in [(true, 6), (true, 19), (false, 3)] {
        let leaky = Leaky { recurrent: false, detached: true, spikes };
        let network = finish(builder().dense(5, Activation::Sigmoid).recurrent(leaky, units).readout(4));
        for window in WINDOWS {
            let method = with(Carry::Presynaptic, window);
            assert!(claims_exact(&network, method, 1));
            let found = errors(&network, method);
            assert!(found[1] < 1e-10 && found[2] < 1e-10, "K={window}: {found:?}");
            let gradient = |carry| {
                let mut learner =
                    Learner::new(network.clone(), LOSS, with(carry, window), OptimizerSettings::sgd(1.0), 5).unwrap();
                learner.gradient(&batch(3, 4)).unwrap().1.to_vec()
            };
            let (ottt, ostl) = (gradient(Carry::Presynaptic), gradient(Carry::Local));
            assert!(agreement(&ottt, &ostl, 0.0).relative_error < 1e-10, "K={window}");
        }
        // It takes one value a signal, not one a parameter.
        let bytes = |carry| {
            let learner = Learner::new(network.clone(), LOSS, with(carry, 3), OptimizerSettings::sgd(1.0), 5).unwrap();
            learner.trace_bytes()
        };
        assert!(bytes(Carry::Presynaptic) * units <= bytes(Carry::Local) * 2, "{} {}", bytes(Carry::Presynaptic), units);
    }
    // With H, or a reset that carries a gradient, it is an approximation.
    for (recurrent, detached) in [(true, true), (false, false)] {
        let network = finish(builder().recurrent(Leaky { recurrent, detached, spikes: true }, 6).readout(4));
        let method = with(Carry::Presynaptic, 2);
        assert!(!claims_exact(&network, method, 0));
        assert!(errors(&network, method)[0] > 1e-6);
    }
}

/// OTPE: exact for the two topmost layers of leaky sums, closer than `local` below.
#[test]
fn a_postsynaptic_trace_reaches_one_layer_up() {
    let leaky = Leaky { recurrent: false, detached: true, spikes: true };
    let two = finish(builder().recurrent(leaky, 7).recurrent(leaky, 6).readout(4));
    for window in WINDOWS {
        let method = with(Carry::Postsynaptic, window);
        assert!((0..3).all(|layer| claims_exact(&two, method, layer)));
        assert!(errors(&two, method).iter().all(|&error| error < 1e-10), "K={window}");
    }
    assert!(errors(&two, with(Carry::Local, 2))[0] > 1e-4);
    let three = finish(builder().recurrent(leaky, 9).recurrent(leaky, 7).recurrent(leaky, 6).readout(4));
    let (otpe, local) = (errors(&three, with(Carry::Postsynaptic, 1)), errors(&three, with(Carry::Local, 1)));
    assert!(otpe[0] > 1e-6 && otpe[1] < 1e-10, "{otpe:?}");
    assert!(otpe[1] < local[1]);
    // Where the layer above resets with a gradient it is an approximation.
    let attached = Leaky { detached: false, ..leaky };
    let network = finish(builder().recurrent(leaky, 7).recurrent(attached, 6).readout(4));
    let method = with(Carry::Postsynaptic, 2);
    assert!(!claims_exact(&network, method, 0) && claims_exact(&network, method, 1));
    assert!(errors(&network, method)[0] > 1e-6);
}

/// Whatever brings the signals down: within a window and across windows the engine does what the oracle does with the same matrices.
#[test]
fn fixed_feedback_against_the_oracle() {
    let gated = Gated { recurrent: true };
    let leaky = Leaky { recurrent: false, detached: false, spikes: true };
    let networks = [
        (finish(builder().recurrent(gated, 5).readout(4)), vec![0]),
        (finish(builder().recurrent(gated, 5).readout_of(Readout, 4)), vec![0]),
        (finish(builder().recurrent(leaky, 5).dense(4, Activation::Tanh).recurrent(gated, 5).readout(4)), vec![1, 2]),
    ];
    let batch = batch(3, 4);
    for feedback in [Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
        for (network, compared) in &networks {
            let method = Method::bptt().with_feedback(feedback).with_seed(9);
            let truth = bptt::gradient_with_feedback(network, LOSS, &batch, &method).values;
            let plain = bptt::gradient(network, LOSS, &batch).values;
            for window in [1, 2, 3, 7, 19] {
                let method = method.with_carry(Carry::Layer).with_window(window);
                let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap();
                let found = learner.gradient(&batch).unwrap().1.to_vec();
                for block in network.blocks() {
                    let range = block.range();
                    let error = agreement(&found[range.clone()], &truth[range.clone()], 0.0).relative_error;
                    // Everything in one window; across windows where nothing but the layer itself has a memory. Layers that
                    // hear nothing from above across a window keep everything with any carry.
                    let is_exact = window == 19 || block.layer + 1 == network.depth() || compared.contains(&block.layer);
                    if is_exact {
                        assert!(error < 1e-10, "{feedback:?} {network:?} K={window} {block:?}: {error}");
                    }
                    let from_plain = agreement(&found[range.clone()], &plain[range], 0.0).relative_error;
                    assert_eq!(from_plain > 1e-3, block.layer + 1 < network.depth(), "{feedback:?} {block:?} {from_plain}");
                }
                let claims = ostl_core::gradient_check::claims(network, &method);
                for (block, claim) in network.blocks().iter().zip(claims) {
                    assert_eq!(claim == Claim::Exact, block.layer + 1 == network.depth());
                }
            }
        }
    }
    // Other seeds, other matrices; the same seed, the same.
    let weights = |seed| {
        ostl_core::feedback::FeedbackWeights::new(&networks[0].0, &Method::osttp().with_seed(seed)).below(1).into_owned()
    };
    assert!(weights(1) == weights(1) && weights(1) != weights(2));
}

/// Per-unit feedback of the target alone needs no error: it is the same whatever the readout says.
#[test]
fn a_target_projection_does_not_ask_the_readout() {
    let mut network = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(4));
    let gradient = |network: &Network<f64>| {
        let method = Method::osttp().with_update(Update::Sequence);
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap();
        learner.gradient(&batch(3, 4)).unwrap().1.to_vec()
    };
    let before = gradient(&network);
    network.block_mut(1, "W").fill(0.3);
    let after = gradient(&network);
    let hidden = network.blocks().iter().find(|block| block.name == "H").unwrap().range();
    assert!(before[hidden.clone()].iter().any(|g| g.abs() > 1e-3));
    assert_eq!(before[hidden.clone()], after[hidden]);
}

#[test]
fn combinations_that_make_no_sense_are_refused() {
    let gated = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(4));
    let refusal = |method: Method, words: &[&str]| {
        let error = Learner::new(gated.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).err().unwrap().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    refusal(Method::uoro().with_feedback(Feedback::TargetProjection), &["feedback = target-projection", "uoro"]);
    refusal(Method::rtrl().with_feedback(Feedback::Random), &["feedback = random", "network"]);
    refusal(Method::kf_rtrl().with_feedback(Feedback::TargetProjection), &["feedback", "kf-rtrl"]);
    refusal(Method::snap(0), &["carry = snap-0"]);
    refusal(Method::ottt(), &["carry = presynaptic", "layer 0 (gated)", "leaky"]);
    refusal(Method::otpe().with_feedback(Feedback::Direct), &["feedback = direct", "symmetric"]);
    let deep = finish(builder().recurrent(Gated { recurrent: true }, 5).recurrent(Gated { recurrent: true }, 5).readout(4));
    let error = Learner::new(deep, LOSS, Method::otpe(), OptimizerSettings::sgd(1.0), 5).err().unwrap().to_string();
    assert!(error.contains("layer 1 (gated)"), "{error}");
}

/// What the window hears of H at its edge is worth having, and cut where nothing comes through H it changes nothing.
#[test]
fn a_heard_edge_is_closer_than_a_cut_one() {
    use ostl_core::Edge;
    let network = finish(builder().recurrent(Gated { recurrent: true }, 6).readout(4));
    let (heard, cut) = (with(Carry::Local, 1), with(Carry::Local, 1).with_edge(Edge::Cut));
    assert!(errors(&network, heard)[0] < errors(&network, cut)[0]);
    let closed = finish(builder().recurrent(Gated { recurrent: false }, 6).readout(4));
    assert!(errors(&closed, cut)[0] < 1e-10);
    assert!(with(Carry::Layer, 1).with_edge(Edge::Cut).validate().is_err());
}

/// A readout with several gates: the way down is as wide as they are.
#[test]
fn direct_feedback_of_a_gated_readout() {
    let network = finish(builder().recurrent(Gated { recurrent: true }, 5).readout_of(Gated { recurrent: false }, 4));
    for feedback in [Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
        let method = Method::bptt().with_feedback(feedback).with_seed(2);
        let truth = bptt::gradient_with_feedback(&network, LOSS, &batch(3, 4), &method).values;
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap();
        let found = learner.gradient(&batch(3, 4)).unwrap().1;
        assert!(agreement(found, &truth, 0.0).relative_error < 1e-10, "{feedback:?}");
    }
}

/// A prediction from before a freeze cannot be learned from, and asking for a gradient leaves nothing behind.
#[test]
fn freezing_and_asking_leave_nothing_behind() {
    use ostl_core::{LearnError, Target};
    let network = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(4));
    let new = || {
        let method = Method::ostl().with_window(2);
        Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(0.1), 1).unwrap()
    };
    let target = [Some(Target::Class(1))];
    for freezes in [true, false] {
        let mut learner = new();
        learner.set_frozen(!freezes).unwrap();
        learner.predict(&[0.1, 0.2, 0.3]).unwrap();
        learner.set_frozen(freezes).unwrap();
        assert_eq!(learner.learn(&target), Err(LearnError::NothingPredicted));
    }
    let (mut asked, mut fresh) = (new(), new());
    let mut one = SequenceBatch::new(3, 4, TargetKind::Classes, &[5]);
    one.set_class(0, 4, 2);
    one.input_mut(0, 3)[1] = 1.0;
    asked.gradient(&one).unwrap();
    for learner in [&mut asked, &mut fresh] {
        for _ in 0..4 {
            learner.predict(&[0.1, 0.2, 0.3]).unwrap();
            learner.learn(&target).unwrap();
        }
    }
    assert_eq!(asked.network().parameters(), fresh.network().parameters());
}
