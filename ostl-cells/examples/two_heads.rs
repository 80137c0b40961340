//! Two heads on one network: a class at the end of each sequence, and the next value at every step. Each has its outputs, its loss and
//! its weight; at a step without a class only the other sends a signal.

use std::sync::Arc;

use ostl_cells::prelude::*;
use ostl_core::loss::Huber;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heads = Heads::new([
        Head::new("class", 2, Loss::SoftmaxCrossEntropy).weighted(0.5),
        Head::with_loss("value", 1, Arc::new(Huber::new(0.5)?)),
    ])?;
    let network = Network::<f32>::builder(1).seed(5).recurrent(Lstm::new(), 16).readout(heads.outputs())?;
    let method = Method { window: Window::Steps(4), carry: Carry::Layer, ..Method::ostl() }.with_update(Update::Sequence);
    let mut learner = Learner::with_heads(network, heads, method, OptimizerSettings::sgd(0.5), 1)?;
    let (mut class, mut value) = (Score::default(), Score::default());
    for sequence in 1..=1500_u32 {
        let label = (sequence * sequence / 3) as usize % 2;
        let wave = |step: u32| ([0.5, 0.8][label] * (step + 7 * sequence) as f32).sin();
        for step in 0..16 {
            learner.predict(&[wave(step)])?;
            let asked = (step == 15).then_some(Target::Class(label));
            learner.learn_heads(&[[asked, Some(Target::Values(&[wave(step + 1)]))]])?;
            class += learner.head_score("class");
            value += learner.head_score("value");
        }
        learner.finish()?;
        if sequence % 300 == 0 {
            let (right, off) = (100.0 * class.accuracy(), value.mean_loss());
            println!("sequences to {sequence}: {right:.0} % of classes right, value off by {off:.4}");
            (class, value) = (Score::default(), Score::default());
        }
    }
    Ok(())
}
