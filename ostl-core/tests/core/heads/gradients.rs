//! Gradients of whole batches: beside the oracle, each head alone, and finite differences.

use super::{LENGTHS, NAMES, RANGES, WEIGHTS, batch, heads, learner, losses, networks, objective, places, windows};
use crate::leaky::{Gated, Leaky, builder, finish};
use ostl_core::feedback::FeedbackWeights;
use ostl_core::gradient_check::agreement;
use ostl_core::{
    Activation, Carry, Feedback, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Target, TargetKind,
    Weighted, bptt,
};

/// The gradient of one head in a network that has no other outputs, by the plain oracle, which knows of no heads; in the places of the whole
/// network.
fn alone(network: &Network<f64>, batch: &SequenceBatch<f64>, head: usize) -> Vec<f64> {
    let (range, top) = (RANGES[head].clone(), network.depth() - 1);
    let rebuilt = |outputs| {
        let gated = Gated { recurrent: true };
        let leaky = Leaky { recurrent: true, detached: false, spikes: false };
        match top {
            1 => builder().recurrent(gated, 5).readout(outputs),
            _ => builder().dense(4, Activation::Tanh).recurrent(leaky, 3).recurrent(gated, 4).readout(outputs),
        }
    };
    let mut small = rebuilt(range.len()).unwrap();
    for block in network.blocks() {
        let values = network.block(block.layer, block.name);
        let kept = if block.layer == top { values.rows_range(range.clone()).into_owned() } else { values.into_owned() };
        small.block_mut(block.layer, block.name).copy_from(&kept);
    }
    let kind = [TargetKind::Classes, TargetKind::Values, TargetKind::Values][head];
    let mut own = SequenceBatch::new(3, range.len(), kind, &LENGTHS);
    for (stream, length) in LENGTHS.into_iter().enumerate() {
        for step in 0..length {
            own.input_mut(stream, step).copy_from_slice(batch.input(stream, step));
            if batch.is_reset(stream, step) {
                own.reset_before(stream, step);
            }
            let Some(Weighted { target, weight }) = batch.head_target(NAMES[head], stream, step) else { continue };
            match target {
                Target::Class(class) => own.set_class(stream, step, class),
                Target::Values(values) => own.values_mut(stream, step).copy_from_slice(values),
            }
            own.set_weight(stream, step, weight);
        }
    }
    let found = match head {
        0 => bptt::gradient(&small, objective(), &own).values,
        1 => bptt::gradient(&small, Loss::MeanSquaredError, &own).values,
        // The oracle takes no loss of Huber's.
        _ => {
            let mut learner = Learner::with_loss(
                small.clone(),
                losses()[2].clone(),
                Method::bptt(),
                OptimizerSettings::sgd(1.0),
                LENGTHS.len(),
            )
            .unwrap();
            learner.gradient(&own).unwrap().1.to_vec()
        }
    };
    let mut whole = vec![0.0; network.parameters().len()];
    for (block, of_small) in network.blocks().iter().zip(small.blocks()) {
        let (to, from) = (&mut whole[block.range()], &found[of_small.range()]);
        for (column, from) in to.chunks_exact_mut(block.rows).zip(from.chunks_exact(of_small.rows)) {
            let first = if block.layer == top { range.start } else { 0 };
            column[first..first + from.len()].copy_from_slice(from);
        }
    }
    whole
}

#[test]
fn the_gradient_is_the_weighted_sum_of_what_each_head_has_alone() {
    let batch = batch();
    let of = |name| places(&batch).iter().filter(|&&[stream, step]| batch.head_target(name, stream, step).is_some()).count();
    let all = places(&batch).len();
    assert!(NAMES.iter().all(|name| (20..all - 15).contains(&of(name))) && all < LENGTHS.iter().sum(), "{all}");
    for network in networks() {
        let mut truth = vec![0.0; network.parameters().len()];
        for (head, weight) in WEIGHTS.into_iter().enumerate() {
            truth.iter_mut().zip(alone(&network, &batch, head)).for_each(|(sum, g)| *sum += weight * g);
        }
        let oracle = bptt::gradient_of_heads(&network, &heads(), &batch, &Method::bptt());
        assert!(agreement(&oracle.values, &truth, 0.0).relative_error < 1e-10, "{network:?}");
        for method in windows() {
            let mut learner = learner(&network, method, batch.streams());
            let (score, found) = learner.gradient(&batch).unwrap();
            let error = agreement(found, &truth, 0.0).relative_error;
            assert!(error < 1e-10, "{network:?} {method:?}: {error:e}");
            assert!((score.loss - oracle.loss).abs() < 1e-10 * oracle.loss, "{score:?} {}", oracle.loss);
        }
    }
}

/// Σ of the losses by hand, from the outputs.
fn summed_loss(network: &Network<f64>, batch: &SequenceBatch<f64>) -> f64 {
    let (losses, mut sum) = (losses(), 0.0);
    for stream in 0..batch.streams() {
        for (step, outputs) in bptt::outputs(network, batch, stream).iter().enumerate() {
            for head in 0..3 {
                if let Some(Weighted { target, weight }) = batch.head_target(NAMES[head], stream, step) {
                    let outputs = &outputs[RANGES[head].clone()];
                    let mut signal = vec![0.0; outputs.len()];
                    sum += WEIGHTS[head] * weight * losses[head].evaluate(outputs, target, &mut signal);
                }
            }
        }
    }
    sum
}

#[test]
fn the_oracle_is_the_slope_of_the_summed_loss() {
    let batch = batch();
    let [mut network, _] = networks();
    let found = bptt::gradient_of_heads(&network, &heads(), &batch, &Method::bptt());
    let sum = summed_loss(&network, &batch);
    assert!(
        (found.loss - sum).abs() < 1e-10 * sum
            && (bptt::loss_of_heads(&network, &heads(), &batch) - sum).abs() < 1e-10 * sum
    );
    let mut slopes = Vec::new();
    for parameter in 0..found.values.len() {
        let mut at = |shift: f64| {
            let before = network.parameters()[parameter];
            network.parameters_mut()[parameter] += shift;
            let loss = summed_loss(&network, &batch);
            network.parameters_mut()[parameter] = before;
            loss
        };
        slopes.push((at(1e-5) - at(-1e-5)) / 2e-5);
    }
    let error = agreement(&found.values, &slopes, 0.0).relative_error;
    assert!(error < 1e-7, "{error:e}");
}

/// What is told by fixed matrices: the oracle's, whatever the window; a head without a target sends nothing.
#[test]
fn feedback_is_that_of_the_oracle() {
    let (batch, gated) = (batch(), Gated { recurrent: true });
    let network = finish(builder().dense(5, Activation::Tanh).dense(4, Activation::Sigmoid).recurrent(gated, 5).readout(6));
    for feedback in [Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
        let method = Method::bptt().with_feedback(feedback).with_seed(9);
        let truth = bptt::gradient_of_heads(&network, &heads(), &batch, &method).values;
        for window in [1, 2, 3, 7, 15] {
            let mut learner = learner(&network, method.with_carry(Carry::Layer).with_window(window), batch.streams());
            let error = agreement(learner.gradient(&batch).unwrap().1, &truth, 0.0).relative_error;
            assert!(error < 1e-10, "{feedback:?} K={window}: {error:e}");
        }
    }
}

/// Target projection worked out by hand for a stateless layer: −B times the heads' targets side by side, zero where a head has none.
#[test]
fn of_a_head_without_a_target_zeros_are_projected() {
    let (batch, gated) = (batch(), Gated { recurrent: true });
    let network = finish(builder().dense(5, Activation::Tanh).recurrent(gated, 4).readout(6));
    for window in [1, 4, 15] {
        let method = Method::ostl().with_feedback(Feedback::TargetProjection).with_seed(2).with_window(window);
        let weights = FeedbackWeights::new(&network, &method);
        let b = weights.below(1);
        let mut by_hand = vec![0.0; 5 * 3];
        for [stream, step] in places(&batch) {
            let outputs = &bptt::layer_outputs(&network, &batch, stream)[step];
            let mut told = [0.0; 6];
            if let Some(Weighted { target: Target::Class(class), weight }) = batch.head_target("class", stream, step) {
                // Class weights 0.5, 2, 1; a tenth of the label is spread over three classes.
                let label =
                    |c: usize| 0.1 / 3.0 * [0.5, 2.0, 1.0][c] + if c == class { 0.9 * [0.5, 2.0, 1.0][c] } else { 0.0 };
                (0..3).for_each(|c| told[c] = 0.3 * weight * label(c));
            }
            for head in 1..3 {
                if let Some(Weighted { target: Target::Values(values), weight }) =
                    batch.head_target(NAMES[head], stream, step)
                {
                    let places = told[RANGES[head].clone()].iter_mut();
                    places.zip(values).for_each(|(place, value)| *place = WEIGHTS[head] * weight * value);
                }
            }
            for i in 0..5 {
                let signal: f64 = -(0..6).map(|k| b[(i, k)] * told[k]).sum::<f64>();
                let delta = signal * (1.0 - outputs[0][i] * outputs[0][i]);
                (0..3).for_each(|j| by_hand[i + 5 * j] += delta * batch.input(stream, step)[j]);
            }
        }
        let mut learner = learner(&network, method, batch.streams());
        let found = learner.gradient(&batch).unwrap().1;
        let error = agreement(&found[network.blocks()[0].range()], &by_hand, 0.0).relative_error;
        assert!(error < 1e-10, "K={window}: {error:e}");
    }
}
