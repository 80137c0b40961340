//! The gradient alone, carried forward in time, beside backpropagation through time over the same steps.

use ostl_cells::prelude::*;
use ostl_core::bptt;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f64>::builder(2).seed(8).recurrent(Gru::new(), 6).readout(2)?;
    let mut batch = SequenceBatch::new(2, 2, TargetKind::Values, &[50]);
    for step in 0..50 {
        batch.input_mut(0, step).copy_from_slice(&[(0.3 * step as f64).sin(), (0.7 * step as f64).cos()]);
        batch.values_mut(0, step).copy_from_slice(&[(0.1 * step as f64).sin(), 0.5]);
    }
    let truth = bptt::gradient(&network, Loss::MeanSquaredError, &batch).values;

    println!("largest difference from BPTT over 50 steps, block by block");
    for (carry, name) in
        [(Carry::Network, "everything carried"), (Carry::Local, "each unit its own"), (Carry::None, "nothing")]
    {
        let mut engine = Engine::new(network.clone(), Method { window: Window::Steps(5), carry, ..Method::ostl() }, 1)?;
        for step in 0..50 {
            let outputs = engine.predict(batch.input(0, step))?;
            // E = mean over both outputs of (y − t)².
            let signal = [0, 1].map(|k| outputs[k] - [(0.1 * step as f64).sin(), 0.5][k]);
            engine.learn(&[Some(Signal::of_error(&signal))])?;
        }
        engine.finish();
        for (block, values) in engine.gradient()?.blocks() {
            let of_block = values.iter().zip(&truth[block.range()]);
            let worst = of_block.map(|(found, truth)| (found - truth).abs()).fold(0.0, f64::max);
            println!("  {name:<20} layer {} {:<10} {worst:.1e}", block.layer, block.name);
        }
    }
    Ok(())
}
