//! What a step costs: its targets beside its outputs, of the readout as a whole or of several heads.

use std::ops::Range;

use crate::data::batch::SequenceBatch;
use crate::data::heads::Heads;
use crate::data::loss_function::LossFunction;
use crate::data::objective::Objective;
use crate::linalg::real::Real;

/// What is learned from a batch's targets.
pub(super) enum Error<'a, T: Real> {
    Whole(&'a Objective),
    Heads(&'a Heads<T>),
}

impl<T: Real> Error<'_, T> {
    /// The error of one step of a sequence. Where there is a target, ∂E/∂outputs goes to `signal`, and what is set in place of the target to
    /// `target`.
    pub(super) fn of_step(
        &self,
        batch: &SequenceBatch<T>,
        [stream, step]: [usize; 2],
        outputs: &[T],
        signal: &mut [T],
        target: &mut [T],
    ) -> T {
        let mut error = T::zero();
        let mut add = |head: usize, weight: f64, loss: &dyn LossFunction<T>, range: Range<usize>| {
            let Some(weighted) = batch.target_of(head, stream, step) else { return };
            let weight = T::from_f64(weight) * weighted.weight;
            error += weight * loss.evaluate(&outputs[range.clone()], weighted.target, &mut signal[range.clone()]);
            loss.write_target(weighted.target, &mut target[range.clone()]);
            for value in signal[range.clone()].iter_mut().chain(&mut target[range]) {
                *value *= weight;
            }
        };
        match self {
            Error::Whole(objective) => {
                // A batch of several heads has no target for the whole.
                batch.targets();
                add(0, 1.0, *objective, 0..outputs.len());
            }
            Error::Heads(heads) => {
                assert_eq!(batch.tables().len(), heads.count(), "heads of the batch, and heads");
                for (index, head) in heads.iter().enumerate() {
                    add(index, head.weight(), head.loss(), head.range());
                }
            }
        }
        error
    }
}
