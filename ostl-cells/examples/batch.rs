//! Learning from batches of whole sequences: which of the first two inputs was larger, with the target at the end.

use ostl_cells::prelude::*;

fn batch(number: u32) -> SequenceBatch<f32> {
    let mut batch = SequenceBatch::new(1, 2, TargetKind::Classes, &[12; 16]);
    for stream in 0..16 {
        let value = |step: u32| ((number * 977 + stream as u32 * 131 + step * 57) as f32 * 0.37).sin();
        batch.input_mut(stream, 0)[0] = value(0);
        batch.input_mut(stream, 1)[0] = value(1);
        batch.set_class(stream, 11, usize::from(value(0) > value(1)));
    }
    batch
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::builder(1).seed(2).recurrent(Gru::new(), 12).readout(2)?;
    let method = Method { window: Window::Steps(3), carry: Carry::Layer, ..Method::ostl() };
    let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(0.02), 16)?;
    for epoch in 1..=5 {
        for number in 0..40 {
            learner.learn_batch(&batch(number))?;
        }
        let score = learner.evaluate_batch(&batch(1000))?;
        println!("epoch {epoch}: loss {:.3}, {:.0} % right", score.mean_loss(), 100.0 * score.accuracy());
    }
    Ok(())
}
