//! Seconds for one training epoch on the JSB chorales: 150 units, batch 8, windows of 16 steps, Adam, single thread by default.
//!
//! `cargo run --release -p ostl-bench --example jsb_epoch -- DIR [THREADS [CELL/CARRY]]`; CARRY may also be `bptt`.

use std::time::Instant;

use ostl_bench::{cell, network, train_epoch, windows};
use ostl_core::{Carry, Learner, Method, OptimizerSettings, Score};
use ostl_tasks::Task;
use ostl_tasks::music::JsbChorales;

const EPOCHS: u64 = 6;
const CELLS: [&str; 6] = ["snu-tanh-without-h", "ssnu-without-h", "ssnu", "rnn", "lstm", "gru"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: jsb_epoch DIR [THREADS [CELL/CARRY]]")?;
    let threads = arguments.next().map_or(Ok(1), |count| count.parse())?;
    let only = arguments.next();
    // Inside the pool, so that work is not handed over from outside it.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    pool.install(|| rows(&folder, only.as_deref()).map_err(|error| error.to_string())).map_err(Into::into)
}

/// Times every row, or the one that is given.
fn rows(folder: &str, only: Option<&str>) -> Result<(), Box<dyn std::error::Error>> {
    let task = JsbChorales::open(folder.as_ref())?;
    let mut rows = 0;
    for cell in CELLS {
        let mut methods: Vec<_> =
            [Carry::None, Carry::Local, Carry::Layer].map(|carry| (carry.name(), windows(16, carry))).into();
        // The whole influence of a cell with several gates takes minutes an epoch.
        methods.retain(|(_, method)| method.carry != Carry::Layer || ["ssnu", "rnn"].contains(&cell));
        methods.push(("bptt".into(), Method::bptt()));
        for (name, method) in methods {
            if only.is_none_or(|only| only == format!("{cell}/{name}")) {
                time(cell, &name, method, &task)?;
                rows += 1;
            }
        }
    }
    if rows > 0 { Ok(()) } else { Err("no row has this name".into()) }
}

/// Times the fastest of a few epochs, batches built inside.
fn time(name: &str, carry: &str, method: Method, task: &JsbChorales) -> Result<(), Box<dyn std::error::Error>> {
    let network = network(cell(name), task.inputs(), 150, task.outputs());
    let mut learner = Learner::new(network, task.loss(), method, OptimizerSettings::adam(0.003), 8)?;
    let mut fastest = f64::INFINITY;
    let mut score = Score::default();
    for epoch in 0..EPOCHS {
        let start = Instant::now();
        score = train_epoch(&mut learner, task, epoch)?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    println!("{name:18} {carry:8} {fastest:.4} s an epoch, loss {:.3}", score.mean_loss());
    Ok(())
}
