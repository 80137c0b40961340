//! Seconds for one training epoch on the JSB chorales: 150 units, batch 8, windows of 16 steps, Adam, single thread unless asked.
//!
//! `cargo run --release -p ostl-bench --example jsb_epoch -- DIR [THREADS]`

use std::time::Instant;

use ostl_bench::network;
use ostl_cells::CellConfig;
use ostl_core::{Carry, Learner, Method, OptimizerSettings, Score};
use ostl_tasks::music::JsbChorales;
use ostl_tasks::{Batches, Split, Task};

const EPOCHS: u64 = 6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: jsb_epoch DIR [THREADS]")?;
    let threads = arguments.next().map_or(Ok(1), |count| count.parse())?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let task = JsbChorales::open(folder.as_ref())?;
    for (name, cell) in CellConfig::every() {
        let name = name.as_str();
        if !["ssnu-without-h", "ssnu", "snu-tanh-without-h", "lstm", "gru", "rnn"].contains(&name) {
            continue;
        }
        for carry in [Carry::None, Carry::Local, Carry::Layer] {
            if carry == Carry::Layer && !["ssnu", "rnn"].contains(&name) {
                continue;
            }
            let method = Method { carry, ..Method::bptt() }.with_window(16);
            time(name, cell, method, &task)?;
        }
        time(name, cell, Method::bptt(), &task)?;
    }
    Ok(())
}

/// Times the fastest of a few epochs, batches built inside.
fn time(name: &str, cell: CellConfig, method: Method, task: &JsbChorales) -> Result<(), Box<dyn std::error::Error>> {
    let network = network(cell, task.inputs(), 150, task.outputs());
    let mut learner = Learner::new(network, task.loss(), method, OptimizerSettings::adam(0.003), 8)?;
    let mut fastest = f64::INFINITY;
    let mut score = Score::default();
    for epoch in 0..EPOCHS {
        let start = Instant::now();
        score = Score::default();
        for batch in Batches::shuffled(task, Split::Train, 8, 0, epoch).iter() {
            score += learner.learn_batch(&batch)?;
        }
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    println!("{name:16} {:?} {:8} {fastest:.4} s an epoch, loss {:.3}", method.window, method.carry.name(), score.mean_loss());
    Ok(())
}
