//! An optimiser of one's own: Lion (Chen et al. 2023), the sign of an interpolated momentum. A rule says what becomes of a run of parameters;
//! clipping, saving, and refusing an update that would not be finite are the learner's.

use ostl_cells::prelude::*;

#[derive(Debug)]
struct Lion {
    weight_decay: f64,
}

impl UpdateRule<f32> for Lion {
    fn name(&self) -> &str {
        "lion"
    }
    fn state(&self) -> &[&str] {
        &["momentum"] // one value a parameter, saved under this name
    }
    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }
    fn update(&self, step: UpdateStep, run: ParameterRun<'_, f32>) {
        let (rate, keep) = (step.learning_rate as f32, step.keep as f32);
        let (weights, gradient, [momentum]) = run.split();
        for ((w, g), m) in weights.iter_mut().zip(gradient).zip(momentum) {
            *w = keep * *w - rate * (0.9 * *m + 0.1 * g).signum();
            *m = 0.99 * *m + 0.01 * g;
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f32>::builder(1).seed(4).recurrent(Gru::new(), 16).readout(1)?;
    let method = Method { window: Window::Steps(5), ..Method::ostl() };
    let lion = OptimizerSettings::new(Lion { weight_decay: 0.01 }, 1e-3).clipped(1.0);
    let mut learner = Learner::new(network, Loss::MeanSquaredError, method, lion, 1)?;
    let wave = |step: u32| (0.4 * step as f32).sin() * (0.09 * step as f32).cos();
    let mut error = 0.0;
    for step in 1..=6000 {
        learner.predict(&[wave(step - 1)])?;
        error += learner.learn(&[Some(Target::Values(&[wave(step)]))])?.loss;
        if step % 1500 == 0 {
            println!("steps to {step}: mean squared error {:.5}", error / 1500.0);
            error = 0.0;
        }
    }
    Ok(())
}
