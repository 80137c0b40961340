//! When work is worth a second thread. Handing a job over costs microseconds, and from outside a thread pool a sleep; a small
//! network's step costs less.

/// Multiply–adds below which a part is not worth handing over: some twenty microseconds of one core's.
const WORTH_A_THREAD: usize = 1_000_000;

/// Whether work of `work` multiply–adds should be shared out. It never changes a result: sums run in the same order either way.
pub(crate) fn is_worth_sharing(work: usize) -> bool {
    work >= 2 * WORTH_A_THREAD && rayon::current_num_threads() > 1
}
