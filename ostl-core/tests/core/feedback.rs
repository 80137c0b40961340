//! What layers are told by fixed matrices: within windows and across them the same, whatever the windows' length.

use crate::leaky::{self, Gated, LOSS, Leaky, Readout, builder, finish};
use ostl_core::feedback::FeedbackWeights;
use ostl_core::gradient_check::agreement;
use ostl_core::{Activation, Carry, Feedback, Learner, Method, Network, OptimizerSettings, SequenceBatch, TargetKind, bptt};

const WINDOWS: [usize; 5] = [1, 2, 3, 7, 19];

fn gradient(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>) -> Vec<f64> {
    let learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), batch.streams());
    learner.unwrap().gradient(batch).unwrap().1.to_vec()
}

fn words() -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::sparse(3, 4, TargetKind::Classes, &[19, 16, 5]);
    for stream in 0..3 {
        for step in 0..batch.lengths()[stream] {
            batch.push_event(stream, step, (step * step + stream) % 3, 1.0);
            batch.set_class(stream, step, (step + stream) % 4);
        }
    }
    batch
}

/// Stateless layers below a recurrent one hear of it through B, also of what they did before the window.
#[test]
fn a_trace_reaches_stateless_layers_as_the_sweep_does() {
    let (gated, closed) = (Gated { recurrent: true }, Gated { recurrent: false });
    let spiking = Leaky { recurrent: true, detached: false, spikes: true };
    let dense = || builder().dense(5, Activation::Tanh).dense(4, Activation::Sigmoid);
    let plain = leaky::batch(3, 4);
    // The networks, what they read, and whether only a readout with a memory is above the recurrent layer.
    let cases = [
        (finish(dense().recurrent(gated, 5).readout(4)), &plain, false),
        (finish(dense().recurrent(closed, 5).readout(4)), &plain, false),
        (finish(dense().recurrent(spiking, 19).dense(3, Activation::Tanh).readout(4)), &plain, false),
        (finish(builder().embedding(4).recurrent(gated, 5).readout(4)), &words(), false),
        (finish(dense().dropout(0.3).recurrent(gated, 5).readout(4)), &plain, false),
        (finish(dense().recurrent(gated, 5).readout_of(Readout, 4)), &plain, true),
    ];
    for (network, batch, leaks) in cases {
        for feedback in [Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
            let method = Method::bptt().with_feedback(feedback).with_seed(9);
            let truth = bptt::gradient_with_feedback(&network, LOSS, batch, &method).values;
            for window in WINDOWS {
                let found = gradient(&network, method.with_carry(Carry::Layer).with_window(window), batch);
                for block in network.blocks() {
                    // What direct feedback of a readout with a memory tells of later steps stops at the window, but for the layer just below.
                    let stops = leaks && feedback != Feedback::Random && block.layer + 2 < network.depth() && window < 19;
                    let rests = leaks && feedback == Feedback::TargetProjection;
                    if stops || rests && window < 19 && block.layer + 1 < network.depth() {
                        continue;
                    }
                    let error = agreement(&found[block.range()], &truth[block.range()], 0.0).relative_error;
                    assert!(error < 1e-10, "{network:?} {feedback:?} K={window} {block:?}: {error}");
                }
            }
        }
    }
}

/// Broadcast feedback worked out by hand: a stateless layer is told B times the readout's error of the step, and nothing else (Nøkland 2016; Bellec
/// et al. 2020's learning signal), or B times the target (Frenkel et al. 2021).
#[test]
fn broadcast_to_a_stateless_layer_by_hand() {
    let network = finish(builder().dense(5, Activation::Tanh).recurrent(Gated { recurrent: true }, 6).readout(4));
    let batch = leaky::batch(3, 4);
    for (feedback, window) in
        [Feedback::Direct, Feedback::TargetProjection].into_iter().flat_map(|f| [(f, 1), (f, 4), (f, 19)])
    {
        let method = Method::ostl().with_feedback(feedback).with_seed(2).with_window(window);
        let weights = FeedbackWeights::new(&network, &method);
        let b = weights.below(1);
        let mut by_hand = nalgebra::DMatrix::<f64>::zeros(5, 3);
        for stream in 0..batch.streams() {
            for (step, outputs) in bptt::layer_outputs(&network, &batch, stream).iter().enumerate() {
                let Some(target) = batch.target(stream, step) else { continue };
                let mut error = vec![0.0; 4];
                LOSS.evaluate(&outputs[2], target, &mut error);
                let ostl_core::Target::Class(class) = target else { unreachable!("targets are classes") };
                for i in 0..5 {
                    let told = match feedback {
                        Feedback::Direct => (0..4).map(|k| b[(i, k)] * error[k]).sum::<f64>(),
                        _ => -b[(i, class)],
                    };
                    let delta = told * (1.0 - outputs[0][i] * outputs[0][i]);
                    (0..3).for_each(|j| by_hand[(i, j)] += delta * batch.input(stream, step)[j]);
                }
            }
        }
        let found = gradient(&network, method, &batch);
        let error = agreement(&found[network.blocks()[0].range()], by_hand.as_slice(), 0.0).relative_error;
        assert!(error < 1e-10, "{feedback:?} K={window}: {error}");
    }
}
