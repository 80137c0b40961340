//! Two heads on one network: a class at the end of each sequence, and the next value at every step. Each has its outputs, its loss and
//! its weight; at a step without a class only the other sends a signal.

use ostl_cells::prelude::*;
use ostl_core::loss::Huber;

/// The outputs of the class, and of the value.
const CLASS: std::ops::Range<usize> = 0..2;
const VALUE: std::ops::Range<usize> = 2..3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f32>::builder(1).seed(5).recurrent(Lstm::new(), 16).readout(VALUE.end)?;
    let mut engine = Engine::new(network, Method { window: Window::Steps(4), carry: Carry::Layer, ..Method::ostl() }, 1)?;
    let huber = Huber::new(0.5)?;
    let (mut right, mut error) = (0, 0.0);
    for sequence in 1..=1500_u32 {
        let class = (sequence * sequence / 3) as usize % 2;
        let wave = |step: u32| ([0.5, 0.8][class] * (step + 7 * sequence) as f32).sin();
        engine.reset(0);
        for step in 0..16 {
            let outputs: Vec<f32> = engine.predict(&[wave(step)])?.iter().copied().collect();
            let mut signal = [0.0; 3];
            error += huber.evaluate(&outputs[VALUE], Target::Values(&[wave(step + 1)]), &mut signal[VALUE]);
            if step == 15 {
                Loss::SoftmaxCrossEntropy.evaluate(&outputs[CLASS], Target::Class(class), &mut signal[CLASS]);
                right += u32::from((outputs[1] > outputs[0]) == (class == 1));
                // The class counts half.
                signal[CLASS].iter_mut().for_each(|s| *s *= 0.5);
            }
            engine.learn(&[Some(Signal::of_error(&signal))])?;
        }
        engine.finish();
        engine.update(|weights, gradient| weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.03 * g))?;
        if sequence % 300 == 0 {
            println!("sequences to {sequence}: {} % of classes right, value off by {:.4}", right / 3, error / 4800.0);
            (right, error) = (0, 0.0);
        }
    }
    Ok(())
}
