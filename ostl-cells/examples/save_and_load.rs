//! Saving a learner in the middle of a stream, and going on bit for bit from the file alone.

use ostl_cells::prelude::*;
use ostl_core::checkpoint;

fn run(learner: &mut Learner<f32>, steps: std::ops::Range<u32>) -> Result<f64, Box<dyn std::error::Error>> {
    let mut loss = 0.0;
    for step in steps {
        let wave = |step: u32| (0.3 * step as f32).sin();
        learner.predict(&[wave(step)])?;
        loss += learner.learn(&[Some(Target::Values(&[wave(step + 1)]))])?.loss;
    }
    Ok(loss)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join(format!("ostl-save-and-load-{}.ckpt", std::process::id()));
    let network = Network::builder(1).seed(7).recurrent(Lstm::new(), 8).readout(1)?;
    let method = Method { window: Window::Steps(5), ..Method::ostl() }.with_update(Update::Window);
    let mut learner = Learner::new(network, Loss::MeanSquaredError, method, OptimizerSettings::adam(0.01), 1)?;
    run(&mut learner, 0..1002)?;
    // In mid-window: states, traces, moments and the unfinished window are part of it.
    checkpoint::write(&file, &learner.save())?;
    let straight = run(&mut learner, 1002..2000)?;

    // Network, loss, method and optimiser stand in the file, too.
    let mut again = ostl_cells::load(&file)?;
    let resumed = run(&mut again, 1002..2000)?;
    println!("loss of 998 steps: {straight} going on, {resumed} from the file");
    assert!(straight == resumed && learner.network().parameters() == again.network().parameters());
    Ok(std::fs::remove_file(file)?)
}
