//! The time of one update that several ranks make together: a batch learned from by each in its shards, the sum of the gradients, the optimiser.

use std::sync::Arc;
use std::time::Instant;

use ostl_core::ranks::Ranks;
use ostl_core::{Learner, Loss, Method, OptimizerSettings, ShardedLearner};
use serde::Serialize;

use crate::cases::{Case, Units};
use crate::gradient::TimingError;

/// How the work grows with the ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// One rank has the case's streams by itself, and the others wait.
    Alone,
    /// The case's streams are dealt to all ranks.
    Strong,
    /// Every rank has as many streams as the case has.
    Weak,
}

/// One row: what a rank has measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the case.
    pub case: String,
    /// Name of the cell.
    pub cell: &'static str,
    /// Whether the cell has an H.
    pub recurrent: bool,
    /// How the work grows.
    pub scaling: Scaling,
    /// Whether updates may come a window late, so that sums are made beside the next window.
    pub late: bool,
    /// Ranks at work.
    pub ranks: usize,
    /// Threads of each.
    pub threads: usize,
    /// Streams of all ranks.
    pub streams: usize,
    /// Parameters, each of which is summed.
    pub parameters: usize,
    /// Updates of a batch.
    pub updates: u64,
    /// A batch, the fastest run, milliseconds.
    pub ms: f64,
    /// Of that, in sums over ranks, waiting for others included; the mean of all runs, milliseconds.
    pub ms_in_sums: f64,
}

/// Times learning from one batch of a case, the best of `runs` runs after one to warm up. All ranks call this together, and with [`Scaling::Alone`] the
/// first by itself.
///
/// # Errors
/// If the method cannot be run, the gradient is not finite, or messages do not get through.
pub fn time(
    case: &Case,
    units: Units,
    method: Method,
    (scaling, late): (Scaling, bool),
    ranks: Arc<dyn Ranks>,
    runs: usize,
) -> Result<Row, TimingError> {
    let count = ranks.count();
    let of_rank = match scaling {
        Scaling::Alone | Scaling::Weak => case.batch,
        Scaling::Strong => case.batch.div_ceil(count),
    };
    let share = Case { batch: of_rank, ..case.clone() };
    let batch = [share.sequences()];
    let network = case.network(units);
    let parameters = network.parameters().len();
    // Weights that hardly change: the same work at every update.
    let method = method.for_sequences_of(case.steps);
    let learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(1e-6), of_rank)?;
    let mut learner = ShardedLearner::new(learner, count, ranks)?;
    learner.set_delayed(late);
    learner.learn_batch(&batch)?;
    let (before, updates) = (learner.traffic(), learner.learner().optimizer().updates());
    let mut best = f64::INFINITY;
    for _ in 0..runs.max(1) {
        // All begin together.
        learner.ranks().barrier().map_err(ostl_core::LearnError::from)?;
        let start = Instant::now();
        learner.learn_batch(&batch)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    let in_sums = (learner.traffic().seconds - before.seconds) / runs.max(1) as f64;
    let round = |seconds: f64| (seconds * 1e6).round() / 1e3;
    Ok(Row {
        case: case.name.clone(),
        cell: units.cell_name(),
        recurrent: units.is_recurrent(),
        scaling,
        late,
        ranks: count,
        threads: rayon::current_num_threads(),
        streams: of_rank * count,
        parameters,
        updates: (learner.learner().optimizer().updates() - updates) / runs.max(1) as u64,
        ms: round(best),
        ms_in_sums: round(in_sums),
    })
}
