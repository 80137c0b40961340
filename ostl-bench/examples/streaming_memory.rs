//! Peak memory of a learner on an endless stream: an LSTM of 64 units learns to name the symbol it saw three steps ago.
//!
//! `cargo run --release -p ostl-bench --example streaming_memory -- STEPS [--whole]`
//!
//! Step by step, in windows of four with local traces; with `--whole` by backpropagation through the whole sequence, for
//! contrast: there the memory grows with the steps. Prints one line of JSON; `anonymous_kib` is what there is at the end without
//! the pages of the program's own file.

use std::collections::VecDeque;
use std::error::Error;
use std::time::Instant;

use ostl_bench::memory::resident_kib;
use ostl_bench::{LOSS, cell, draws, network};
use ostl_core::{Learner, Method, OptimizerSettings, Score, SequenceBatch, Target};

const SYMBOLS: usize = 8;
const UNITS: usize = 64;
const WINDOW: usize = 4;
/// Steps between a symbol and the moment it has to be recalled.
const DELAY: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: streaming_memory STEPS [--whole]";
    let steps: usize = arguments.next().ok_or(usage)?.parse().map_err(|_| usage)?;
    let rest: Vec<_> = arguments.collect();
    let run = match rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => stream,
        ["--whole"] => whole,
        _ => return Err(usage.into()),
    };
    let start = Instant::now();
    // The learner lives on until its memory has been read.
    let (_learner, score) = run(steps)?;
    let seconds = start.elapsed().as_secs_f64();
    let [peak, anonymous] = ["VmHWM", "RssAnon"].map(resident_kib);
    let (peak, anonymous, loss) = (peak?, anonymous?, score.mean_loss());
    print!("{{\"steps\":{steps},\"peak_resident_kib\":{peak},\"anonymous_kib\":{anonymous},");
    println!("\"seconds\":{seconds:.3},\"loss\":{loss:.4}}}");
    Ok(())
}

/// The stream: a symbol and the one from [`DELAY`] steps ago.
fn symbols() -> impl Iterator<Item = (usize, usize)> {
    let mut next = draws(1);
    let mut recent = VecDeque::from([0; DELAY]);
    std::iter::from_fn(move || {
        let symbol = (next() % SYMBOLS as u64) as usize;
        recent.push_back(symbol);
        Some((symbol, recent.pop_front()?))
    })
}

fn learner(method: Method) -> Result<Learner<f32>, Box<dyn Error>> {
    let network = network(cell("lstm"), SYMBOLS, UNITS, SYMBOLS);
    Ok(Learner::new(network, LOSS, method, OptimizerSettings::adam(0.001), 1)?)
}

/// One step at a time; nothing but the learner is kept.
fn stream(steps: usize) -> Result<(Learner<f32>, Score), Box<dyn Error>> {
    let mut learner = learner(Method::ostl_without_h().with_window(WINDOW))?;
    let mut score = Score::default();
    for (symbol, asked) in symbols().take(steps) {
        let mut input = [0.0; SYMBOLS];
        input[symbol] = 1.0;
        learner.predict(&input)?;
        score += learner.learn(&[Some(Target::Class(asked))])?;
    }
    Ok((learner, score))
}

/// All steps as one sequence.
fn whole(steps: usize) -> Result<(Learner<f32>, Score), Box<dyn Error>> {
    let mut batch = SequenceBatch::new(SYMBOLS, SYMBOLS, LOSS.target_kind(), &[steps]);
    for (step, (symbol, asked)) in symbols().take(steps).enumerate() {
        batch.input_mut(0, step)[symbol] = 1.0;
        batch.set_class(0, step, asked);
    }
    let mut learner = learner(Method::bptt())?;
    let score = learner.learn_batch(&batch)?;
    Ok((learner, score))
}
