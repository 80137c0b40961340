//! A cell of one's own: its equations, the audit of its gradients, and a task that it learns.

use ostl_core::gradient_check::{audit, check_cell};
use ostl_core::{
    AutoCell, Carry, Equations, Gate, Learner, Loss, Method, Network, Number, OptimizerSettings, SequenceBatch, Target,
    TargetKind, Unit,
};

/// A damped oscillator: a position that the inputs push, with a frequency that each unit learns. What it shows passes a tanh.
#[derive(Clone, Copy)]
struct Oscillator;

impl Equations<2, 2> for Oscillator {
    fn name(&self) -> &'static str {
        "oscillator"
    }
    fn gates(&self) -> [Gate; 2] {
        [Gate::new("push", false), Gate::constant("frequency")]
    }
    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        if gate == 1 { 2.0 * (unit as f64 + 0.5) / units as f64 } else { 0.0 }
    }
    fn state<N: Number>(&self, previous: Unit<N, 2>, [push, frequency]: [N; 2]) -> [N; 2] {
        let ([x, v], damping) = (previous.s, N::constant(0.95));
        let (cos, sin) = (frequency.cos(), frequency.sin());
        [damping * (cos * x - sin * v), damping * (sin * x + cos * v) + push]
    }
    fn output<N: Number>(&self, [x, _]: [N; 2], _: [N; 2]) -> N {
        x.tanh()
    }
}

/// Which of two tones is it? Its phase is another in every sequence, and the question comes at the end.
fn tone(class: usize, sequence: usize, step: usize) -> f64 {
    ([0.5, 0.9][class] * step as f64 + 2.4 * sequence as f64).sin()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cell = AutoCell(Oscillator);
    println!("partials against central differences, worst of 500 points: {:.1e}", check_cell(cell, 500, 1).worst());

    let network = || Network::<f64>::builder(1).seed(1).recurrent(cell, 12).readout(2);
    let method = Method { carry: Carry::Local, ..Method::ostl() };
    let mut batch = SequenceBatch::new(1, 2, TargetKind::Classes, &[30; 4]);
    for stream in 0..4 {
        for step in 0..30 {
            batch.input_mut(stream, step)[0] = tone(stream % 2, stream, step);
        }
        batch.set_class(stream, 29, stream % 2);
    }
    println!("\none step at a time, each unit's own trace, against backpropagation through time:");
    let audit = audit(&network()?, Loss::SoftmaxCrossEntropy, &method, &batch)?;
    for block in &audit.blocks {
        println!(
            "  {:<10} {:<10} {:?}, relative error {:.1e}",
            block.layer_name, block.block, block.claim, block.relative_error
        );
    }

    println!("\nlearning to tell two tones apart, online:");
    let mut learner = Learner::new(network()?, Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(0.02), 1)?;
    let (mut hits, mut before) = (0, 0);
    for sequence in 0..800 {
        let class = (sequence * sequence / 3) % 2;
        learner.reset(0);
        for step in 0..30 {
            learner.predict(&[tone(class, sequence, step)])?;
            if step == 29 {
                hits += learner.learn(&[Some(Target::Class(class))])?.correct;
            }
        }
        if sequence % 200 == 199 {
            println!("  sequences {:>3} to {}: {} of 200 right", sequence - 199, sequence, hits - before);
            before = hits;
        }
    }
    Ok(())
}
