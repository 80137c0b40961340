//! Several heads on one network: what they ask of the weights is what each would ask alone, times its weight.

mod gradients;
mod learning;
mod refused;

use std::sync::Arc;

use crate::leaky::{self, Gated, Leaky, builder, finish};
use ostl_core::loss::Huber;
use ostl_core::{
    Activation, Carry, Head, Heads, Learner, Loss, LossFunction, Method, Network, Objective, OptimizerSettings,
    SequenceBatch, Update, Window,
};

const NAMES: [&str; 3] = ["class", "value", "level"];
/// As they lie in the outputs.
const RANGES: [std::ops::Range<usize>; 3] = [0..3, 3..5, 5..6];
const WEIGHTS: [f64; 3] = [0.3, 1.75, 1.0];
/// More than one lane of streams.
const LENGTHS: [usize; 11] = [15, 15, 14, 12, 12, 11, 9, 9, 6, 4, 1];

fn objective() -> Objective {
    let plain = Objective::from(Loss::SoftmaxCrossEntropy);
    plain.with_class_weights(&[0.5, 2.0, 1.0]).unwrap().with_label_smoothing(0.1).unwrap()
}

fn losses() -> [Arc<dyn LossFunction<f64>>; 3] {
    [Arc::new(objective()), Arc::new(Loss::MeanSquaredError), Arc::new(Huber::new(0.3).unwrap())]
}

fn heads() -> Heads<f64> {
    let [_, _, huber] = losses();
    Heads::new([
        Head::new(NAMES[0], 3, objective()).weighted(WEIGHTS[0]),
        Head::new(NAMES[1], 2, Loss::MeanSquaredError).weighted(WEIGHTS[1]),
        Head::with_loss(NAMES[2], 1, huber),
    ])
    .unwrap()
}

fn networks() -> [Network<f64>; 2] {
    let gated = Gated { recurrent: true };
    let leaky = Leaky { recurrent: true, detached: false, spikes: false };
    [
        finish(builder().recurrent(gated, 5).readout(6)),
        finish(builder().dense(4, Activation::Tanh).recurrent(leaky, 3).recurrent(gated, 4).readout(6)),
    ]
}

/// Ragged, with resets; each head has a target at some steps, some of them weighted.
fn batch() -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::for_heads(3, &heads(), &LENGTHS);
    let mut next = leaky::random(41);
    for (stream, length) in LENGTHS.into_iter().enumerate() {
        for step in 0..length {
            batch.input_mut(stream, step).fill_with(|| 1.6 * next() + 0.4);
            if next() > 0.2 {
                batch.head_mut("class").set_class(stream, step, (2 * step + stream) % 3);
            }
            for name in &NAMES[1..] {
                if next() > 0.3 {
                    batch.head_mut(name).values_mut(stream, step).fill_with(&mut next);
                }
            }
            if next() > 0.6 {
                batch.head_mut(NAMES[step % 3]).set_weight(stream, step, 1.5 + next());
            }
            if next() > 0.8 {
                batch.reset_before(stream, step);
            }
        }
    }
    batch
}

fn places(batch: &SequenceBatch<f64>) -> Vec<[usize; 2]> {
    let all = (0..batch.steps()).flat_map(|step| (0..batch.streams()).map(move |stream| [stream, step]));
    all.filter(|&[stream, step]| batch.has_target(stream, step)).collect()
}

fn learner(network: &Network<f64>, method: Method, streams: usize) -> Learner<f64> {
    Learner::with_heads(network.clone(), heads(), method, OptimizerSettings::sgd(0.25), streams).unwrap()
}

fn exact(window: Window) -> Method {
    Method { window, carry: Carry::Network, update: Update::Window, ..Method::ostl() }
}

fn windows() -> impl Iterator<Item = Method> {
    let whole = Method { update: Update::Window, ..Method::bptt() };
    [1, 2, 3, 7].map(Window::Steps).map(exact).into_iter().chain([whole])
}
