//! What the benches, the examples and `ostl bench` share: the cases that peers are timed on too, described cells by name, networks
//! of one of them, random batches, an epoch, and the memory of a process.

pub mod cases;
pub mod clock;
pub mod gradient;
pub mod memory;
pub mod online;
pub mod pass;
pub mod ranks;

use std::path::PathBuf;

use ostl_cells::CellConfig;
use ostl_core::{Carry, LearnError, Learner, Loss, Method, Network, Score, SequenceBatch, Target, TargetKind};
use ostl_tasks::{Batches, Split, Task};

/// The cell that [`CellConfig::every`] lists under this name.
///
/// # Panics
/// If there is none.
#[must_use]
#[track_caller]
pub fn cell(name: &str) -> CellConfig {
    let found = CellConfig::every().into_iter().find(|(listed, _)| listed == name);
    found.unwrap_or_else(|| panic!("no cell is called {name}")).1
}

/// One recurrent layer of `units` and a readout.
///
/// # Panics
/// If the cell's options or a size are out of range: benches use known ones.
#[must_use]
pub fn network(cell: CellConfig, inputs: usize, units: usize, outputs: usize) -> Network<f32> {
    let builder = cell.add_to(Network::builder(inputs).seed(1), units).expect("a cell of the benches");
    builder.readout(outputs).expect("sizes of the benches")
}

/// Windows of `steps`, this carry, one update a sequence.
#[must_use]
pub const fn windows(steps: usize, carry: Carry) -> Method {
    Method { carry, ..Method::bptt() }.with_window(steps)
}

/// Numbers that are random enough to time with, the same on every machine (Marsaglia's xorshift).
pub fn draws(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.max(1);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    }
}

/// Sequences of equal length with random inputs in ±1 and a class at every step, the same on every call.
#[must_use]
pub fn batch(inputs: usize, outputs: usize, steps: usize, streams: usize) -> SequenceBatch<f32> {
    let mut next = draws(1);
    let mut batch = SequenceBatch::new(inputs, outputs, TargetKind::Classes, &vec![steps; streams]);
    for stream in 0..streams {
        for step in 0..steps {
            batch.input_mut(stream, step).fill_with(|| (next() % 2001) as f32 / 1000.0 - 1.0);
            batch.set_class(stream, step, (next() % outputs as u64) as usize);
        }
    }
    batch
}

/// The loss that [`batch`] has targets for.
pub const LOSS: Loss = Loss::SoftmaxCrossEntropy;

/// One step of all streams as [`Learner::predict`] and [`Learner::learn`] take it: inputs, and a target a stream.
pub type Step = (Vec<f32>, Vec<Option<Target<'static, f32>>>);

/// The steps of a [`batch`], one by one.
#[must_use]
pub fn steps(inputs: usize, outputs: usize, steps: usize, streams: usize) -> Vec<Step> {
    steps_of(&batch(inputs, outputs, steps, streams))
}

/// The steps of sequences of equal length, with the classes that are their targets.
#[must_use]
pub fn steps_of(batch: &SequenceBatch<f32>) -> Vec<Step> {
    let class = |stream, step| match batch.target(stream, step) {
        Some(Target::Class(class)) => Some(Target::Class(class)),
        _ => None,
    };
    let streams = 0..batch.streams();
    let inputs = |step| streams.clone().flat_map(|stream| batch.input(stream, step).to_vec()).collect();
    (0..batch.steps()).map(|step| (inputs(step), streams.clone().map(|stream| class(stream, step)).collect())).collect()
}

/// Where data sets lie: the folder `OSTL_DATA` (which holds `jsb/`), else `shared/data` beside the repository.
#[must_use]
pub fn data() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("OSTL_DATA").map_or_else(beside, PathBuf::from)
}

/// Learns from every training sequence once, as many side by side as the learner has streams; batches are built on the way.
///
/// # Errors
/// As [`Learner::learn_batch`].
pub fn train_epoch(learner: &mut Learner<f32>, task: &dyn Task, epoch: u64) -> Result<Score, LearnError> {
    let mut score = Score::default();
    for batch in Batches::shuffled(task, Split::Train, learner.streams(), 0, epoch).iter() {
        score += learner.learn_batch(&batch)?;
    }
    Ok(score)
}
