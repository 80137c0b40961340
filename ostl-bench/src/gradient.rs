//! The time of one gradient: forward, loss at every step, reverse sweep and traces; no optimiser.

use std::hint::black_box;
use std::time::Instant;

use ostl_core::{Carry, ConfigError, LearnError, Learner, Loss, Method, OptimizerSettings, Window, best_block};
use serde::Serialize;

use crate::cases::{Case, Units};
use crate::memory::{forget_peak, resident_kib};

/// One row of a comparison; the first six fields are those that the peers print.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Whose row it is: `ostl` and its version.
    pub peer: String,
    /// Name of the case.
    pub case: String,
    /// Name of the cell.
    pub cell: &'static str,
    /// Whether the cell has an H.
    pub recurrent: bool,
    /// Threads at work.
    pub threads: usize,
    /// The fastest run, milliseconds.
    pub ms: f64,
    /// Steps K of a window.
    pub window: usize,
    /// Steps from one pass over the traces to the next; those of a window where there is none.
    pub block: usize,
    /// The carry's name.
    pub carry: String,
    /// Bytes of the eligibility traces.
    pub trace_bytes: usize,
    /// The most memory that was resident during these runs, sequences included; `None` where the system does not report it.
    pub peak_resident_kib: Option<u64>,
}

/// Why a gradient could not be timed.
#[derive(Debug, thiserror::Error)]
pub enum TimingError {
    /// The method cannot be run.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The gradient could not be taken.
    #[error(transparent)]
    Learn(#[from] LearnError),
}

/// Times one gradient of a case, the best of `runs` runs after one to warm up, on the threads of the pool it is called in.
///
/// # Errors
/// If the method cannot be run or the gradient is not finite.
pub fn time(case: &Case, units: Units, method: Method, runs: usize) -> Result<Row, TimingError> {
    forget_peak();
    let batch = case.sequences();
    let method = method.for_sequences_of(case.steps);
    let optimizer = OptimizerSettings::sgd(1e-3);
    let network = case.network(units);
    let block = best_block(&network, &method, case.batch, case.steps, usize::MAX).map(|choice| choice.block);
    let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, optimizer, case.batch)?;
    black_box(learner.gradient(&batch)?);
    let mut best = f64::INFINITY;
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        black_box(learner.gradient(black_box(&batch))?);
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(Row {
        peer: concat!("ostl ", env!("CARGO_PKG_VERSION")).into(),
        case: case.name.clone(),
        cell: units.cell_name(),
        recurrent: units.is_recurrent(),
        threads: rayon::current_num_threads(),
        ms: (best * 1e6).round() / 1e3,
        window: method.window.steps().unwrap_or(case.steps),
        block: block.map_or(case.steps, |block| block.min(case.steps)),
        carry: if method.window == Window::Sequence { Carry::None.name() } else { method.carry.name() },
        trace_bytes: learner.trace_bytes(),
        peak_resident_kib: resident_kib("VmHWM").ok(),
    })
}
