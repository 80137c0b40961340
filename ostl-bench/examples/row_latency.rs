//! How long a row of a stream takes, from its inputs to changed weights: rows a second, and the times that half, 99 and 99.9 % of rows stay below.
//!
//! `cargo run --release -p ostl-bench --example row_latency [-- ROWS]`
//!
//! An LSTM of 32 or 128 units with 8 inputs and 2 classes, K = 1, an update by Adam a row, clipped, on one thread.

use std::error::Error;
use std::time::{Duration, Instant};

use ostl_bench::{cell, draws, network};
use ostl_core::{Carry, Learner, Loss, Method, OptimizerSettings, Target, Update};

const INPUTS: usize = 8;
const CLASSES: usize = 2;
/// Rows before the clock starts.
const WARM_UP: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(100_000), |rows| rows.parse())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    println!("| units | carry | rows a second | median, µs | 99 % | 99.9 % | longest |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for units in [32, 128] {
        for carry in [Carry::Local, Carry::None] {
            let mut times = pool.install(|| times(units, carry, rows)).map_err(|error| error.to_string())?;
            let rate = rows as f64 / times.iter().sum::<Duration>().as_secs_f64();
            times.sort_unstable();
            let at = |share: f64| times[((rows - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
            let [half, most, nearly, longest] = [0.5, 0.99, 0.999, 1.0].map(at);
            println!("| {units} | `{carry}` | {rate:.0} | {half:.1} | {most:.1} | {nearly:.1} | {longest:.0} |");
        }
    }
    Ok(())
}

/// The time of each row.
fn times(units: usize, carry: Carry, rows: usize) -> Result<Vec<Duration>, Box<dyn Error + Send + Sync>> {
    let method = Method { carry, ..Method::ostl() }.with_window(1).with_update(Update::Window);
    let mut optimizer = OptimizerSettings::adam(1e-3);
    optimizer.clip_norm = Some(1.0);
    let network = network(cell("lstm"), INPUTS, units, CLASSES);
    let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, optimizer, 1)?;
    let mut next = draws(7);
    let mut times = Vec::with_capacity(rows);
    for row in 0..WARM_UP + rows {
        let inputs: [f32; INPUTS] = std::array::from_fn(|_| (next() % 2000) as f32 / 1000.0 - 1.0);
        let class = usize::from(inputs[0] > inputs[1]);
        let start = Instant::now();
        learner.predict(&inputs)?;
        learner.learn(&[Some(Target::Class(class))])?;
        if row >= WARM_UP {
            times.push(start.elapsed());
        }
    }
    Ok(times)
}
