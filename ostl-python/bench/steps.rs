//! What a step of a stream takes in Rust alone: the work that `bench/overhead.py` does from Python. Prints microseconds a step.

use std::error::Error;
use std::time::Instant;

use ostl_cells::prelude::*;

const INPUTS: usize = 8;
const CLASSES: usize = 4;
const STEPS: usize = 1_000;
const ROUNDS: usize = 40;

/// Inputs and classes that follow from the step alone, as in Python.
fn step(at: usize) -> ([f32; INPUTS], usize) {
    (std::array::from_fn(|feature| ((at * 7 + feature * 13) % 11) as f32 / 11.0), at * 5 % CLASSES)
}

fn main() -> Result<(), Box<dyn Error>> {
    let steps: Vec<_> = (0..STEPS).map(step).collect();
    for units in [8, 32, 64] {
        let network = Network::builder(INPUTS).recurrent(Lstm::new(), units).readout(CLASSES)?;
        let method = Method::ostl_without_h();
        let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(1e-3), 1)?;
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for (x, class) in &steps {
                learner.predict(x)?;
                learner.learn(&[Some(Target::Class(*class))])?;
            }
            best = best.min(1e6 * start.elapsed().as_secs_f64() / STEPS as f64);
        }
        println!("{units} units: {best:.2} µs a step");
    }
    Ok(())
}
