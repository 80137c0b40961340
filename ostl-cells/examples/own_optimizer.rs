//! An optimiser of one's own: Lion (Chen et al. 2023), the sign of an interpolated momentum, with a smaller step for one layer.

use ostl_cells::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f32>::builder(1).seed(4).recurrent(Gru::new(), 16).readout(1)?;
    let blocks = network.blocks().to_vec();
    let mut momentum = vec![0.0; network.parameters().len()];
    let mut engine = Engine::new(network, Method { window: Window::Steps(5), ..Method::ostl() }, 1)?;
    let wave = |step: u32| (0.4 * step as f32).sin() * (0.09 * step as f32).cos();
    let mut error = 0.0;
    for step in 1..=6000 {
        let difference = engine.predict(&[wave(step - 1)])?[0] - wave(step);
        error += difference * difference;
        if engine.learn(&[Some(Signal::of_error(&[difference]))])? {
            engine.update(|weights, gradient| {
                for block in &blocks {
                    let rate = if block.layer == 0 { 5e-4 } else { 1e-3 };
                    for at in block.range() {
                        weights[at] -= rate * (0.9 * momentum[at] + 0.1 * gradient[at]).signum();
                        momentum[at] = 0.99 * momentum[at] + 0.01 * gradient[at];
                    }
                }
            })?;
        }
        if step % 1500 == 0 {
            println!("steps to {step}: mean squared error {:.5}", error / 1500.0);
            error = 0.0;
        }
    }
    Ok(())
}
