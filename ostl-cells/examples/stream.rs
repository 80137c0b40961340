//! Learning from a stream that does not end: predict the next value of a noisy wave whose frequency changes, in constant memory.

use ostl_cells::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f32>::builder(1).seed(1).recurrent(Lstm::new(), 16).readout(1)?;
    // The weights change every eight steps; traces carry what came before.
    let method = Method { window: Window::Steps(8), ..Method::ostl() }.with_update(Update::Window);
    let mut learner = Learner::new(network, Loss::MeanSquaredError, method, OptimizerSettings::adam(5e-3), 1)?;
    let value = |step: u32| (step as f32 * if step < 6000 { 0.2 } else { 0.3 }).sin();
    let (mut error, mut guess) = (0.0, 0.0_f32);
    for step in 1..=12_000 {
        learner.predict(&[value(step - 1)])?;
        let score = learner.learn(&[Some(Target::Values(&[value(step)]))])?;
        error += score.loss;
        guess += (value(step) - value(step - 1)).powi(2);
        if step % 2000 == 0 {
            println!("steps to {step:>5}: error {:.4}, of the last value {:.4}", error / 2000.0, guess / 2000.0);
            (error, guess) = (0.0, 0.0);
        }
    }
    println!("traces take {} bytes, after one step as after {}", learner.trace_bytes(), learner.steps_seen());
    Ok(())
}
