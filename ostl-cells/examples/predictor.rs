//! Learning in one thread, serving in another: predictors share the weights, have states of their own, and neither thread waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ostl_cells::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f32>::builder(1).seed(6).recurrent(Gru::new(), 12).readout(1)?;
    let mut publisher = Publisher::new(&network);
    let method = Method { window: Window::Steps(4), ..Method::ostl() }.with_update(Update::Window);
    let mut learner = Learner::new(network, Loss::MeanSquaredError, method, OptimizerSettings::adam(0.01), 1)?;
    let (latest, done) = (publisher.latest(), AtomicBool::new(false));
    let wave = |step: u32| (0.3 * step as f32).sin();
    thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
        let server = scope.spawn(|| -> Result<(u32, f32), Box<dyn std::error::Error + Send + Sync>> {
            let mut predictor = Predictor::new(latest.get(), 1)?;
            let (mut step, mut error) = (0, 1.0);
            while !done.load(Ordering::Relaxed) || step < 1000 {
                predictor.set_network(latest.get())?;
                error += 0.01 * ((predictor.predict(&[wave(step)])?[0] - wave(step + 1)).powi(2) - error);
                step += 1;
            }
            Ok((step, error))
        });
        for step in 0..5000 {
            learner.predict(&[wave(step)])?;
            learner.learn(&[Some(Target::Values(&[wave(step + 1)]))])?;
            publisher.publish(learner.network());
        }
        done.store(true, Ordering::Relaxed);
        let (steps, error) = server.join().map_err(|_| "the server panicked")?.map_err(|error| error.to_string())?;
        println!("served {steps} steps while 5000 were learned; squared error at the end {error:.5}");
        Ok(())
    })
}
