//! What an epoch came to, and what that means for the run.

use ostl_core::{Score, TargetKind, UnitsSeen};

use super::state::Norms;
use super::{Best, Trainer, idle};
use crate::figures::Figures;
use crate::run_directory::Row;
use crate::summary::reaches;

impl Trainer<'_> {
    /// What the epoch at hand came to.
    pub(super) fn row(&self, valid: Figures, learning_rate: f64, units: &[UnitsSeen]) -> Row {
        let train = &self.state.train;
        let is_of_classes = self.task.loss().target_kind() == TargetKind::Classes;
        Row {
            epoch: self.state.epochs + 1,
            learning_rate,
            train_loss: (train.targets > 0).then(|| train.mean_loss()),
            train_accuracy: (train.targets > 0 && is_of_classes).then(|| train.accuracy()),
            valid,
            steps: self.state.steps + train.steps,
            skipped: self.state.skipped,
            silent: idle::share(units, |seen| seen.silent),
            saturated: idle::share(units, |seen| seen.saturated),
            gradient_norm: self.state.norms.mean(),
        }
    }

    /// The epoch is done.
    pub(super) fn close_epoch(&mut self, row: &Row, is_best: bool) {
        let state = &mut self.state;
        if is_best {
            state.best = Some(Best { epoch: row.epoch, valid: row.valid.clone() });
        }
        let solved = self.task.goal().is_some_and(|goal| reaches(&goal, &row.valid) == Some(true));
        state.steps_to_goal = state.steps_to_goal.or(solved.then_some(row.steps));
        state.rows.push(row.clone());
        (state.epochs, state.steps) = (row.epoch, row.steps);
        (state.batch, state.skipped, state.train, state.norms) = (0, 0, Score::default(), Norms::default());
    }
}
