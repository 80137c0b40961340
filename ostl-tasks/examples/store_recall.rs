//! Draws a few sequences of the store–recall task: `cargo run -p ostl-tasks --example store_recall`.

use ostl_core::{ConfigError, SequenceBatch, Targets};
use ostl_tasks::{Split, StoreRecall, StoreRecallConfig, Task};

/// Prints one line of a diagram: the mark of each step of a stream, or a dot.
fn line(name: &str, batch: &SequenceBatch<f32>, stream: usize, mark: impl Fn(usize) -> Option<char>) {
    let marks: String = (0..batch.lengths()[stream]).map(|step| mark(step).unwrap_or('·')).collect();
    println!("  {name:<7}{marks}");
}

fn main() -> Result<(), ConfigError> {
    let task = StoreRecall::new(StoreRecallConfig { delay: 30, ..Default::default() })?;
    let batch = task.batch(Split::Train, &[0, 1, 2, 3]);
    for stream in 0..batch.streams() {
        println!("sequence {stream}: {} steps", batch.lengths()[stream]);
        for (input, name) in ["zero", "one", "store", "recall"].into_iter().enumerate() {
            line(name, &batch, stream, |step| (batch.input(stream, step)[input] == 1.0).then_some('█'));
        }
        if let Targets::Classes(classes) = batch.targets() {
            let class = |step| classes[step * batch.streams() + stream];
            line("target", &batch, stream, |step| {
                batch.has_target(stream, step).then(|| if class(step) == 1 { '1' } else { '0' })
            });
        }
        println!();
    }
    if let (Some(loss), Some(accuracy)) = (task.chance(), task.chance_accuracy()) {
        println!("a guesser: loss {loss:.3} nats, {:.0} % right", 100.0 * accuracy);
    }
    Ok(())
}
