//! `summary.json`: what a run came to.

use std::time::SystemTime;

use ostl_core::{Carry, Edge, Feedback, Loss, TargetKind, Update};
use ostl_tasks::{Goal, Metric, Task};
use serde::Serialize;

use crate::config::Config;
use crate::date;
use crate::figures::{Figures, InSummary};
use crate::run_directory::{History, Session};
use crate::trainer::{Change, State};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// All epochs done, or no better for as long as `training.patience` says.
    Finished,
    /// Asked to stop; can be resumed.
    Interrupted,
}

/// Whether the task counts as solved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct GoalSummary {
    metric: Metric,
    /// As good as this, or better.
    reach: f64,
    /// The best that anyone can do, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<f64>,
    /// On the test split, or on the validation split where there is no test; nothing where the run was interrupted.
    pub(crate) reached: Option<bool>,
}

/// Whether a figure is as good as a goal.
pub(crate) fn reaches(goal: &Goal, figures: &Figures) -> Option<bool> {
    figures.get(goal.metric).map(|value| !goal.metric.is_better(goal.reach, value) && !value.is_nan())
}

#[derive(Clone, Debug, Serialize)]
struct MethodSummary {
    window: String,
    carry: Carry,
    feedback: Feedback,
    update: Update,
    edge: Edge,
    seed: u64,
}

/// Everything a reader of many runs may need to know of one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    status: Status,
    task: String,
    network: String,
    method: MethodSummary,
    seed: u64,
    loss: Loss,
    /// The names of classes, where they have any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
    /// Epochs done.
    epochs: u64,
    /// The figure that chose the best epoch.
    best_by: Metric,
    /// Epoch of the best validation figure, from 1; everything below is measured there.
    best_epoch: Option<u64>,
    valid: Option<InSummary>,
    /// Nothing where the run was interrupted (the test split is looked at once, at the end) or the task has no test split of its own.
    pub(crate) test: Option<InSummary>,
    chance: Option<InSummary>,
    pub(crate) goal: Option<GoalSummary>,
    /// Training steps, summed over streams, until the validation figure first was as good as the goal.
    steps_to_goal: Option<u64>,
    /// Updates that were refused since they would not have been finite.
    skipped: u64,
    /// How often the learning rate was halved for that.
    halvings: u32,
    /// Wall clock of training, over all sessions.
    pub(crate) seconds: f64,
    /// The part of it that went into learning.
    train_seconds: f64,
    parameters: usize,
    trace_bytes: usize,
    version: &'static str,
    /// When the first session began, and when this was written: UTC.
    started: Option<String>,
    ended: String,
    /// Processes that worked on the run.
    sessions: usize,
    /// What was read of the data, as one number: the same for the same data.
    fingerprint: String,
    /// What was set anew when the run was resumed.
    changes: Vec<Change>,
    /// Every setting; `data` is where the data lay.
    settings: Config,
}

/// What a summary says beside the results.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) network: String,
    pub(crate) parameters: usize,
    pub(crate) trace_bytes: usize,
    pub(crate) fingerprint: String,
    pub(crate) history: History,
}

impl Summary {
    /// The summary of a run that has ended so.
    pub(crate) fn new(
        status: Status,
        config: &Config,
        task: &dyn Task,
        state: &State,
        circumstances: Circumstances,
    ) -> Self {
        let (method, history) = (config.method(), &circumstances.history);
        let (seconds, train_seconds) = history.seconds();
        let chance = Figures::chance(task);
        Self {
            status,
            task: task.name().to_owned(),
            network: circumstances.network,
            method: MethodSummary {
                window: method.window.to_string(),
                carry: method.carry,
                feedback: method.feedback,
                update: method.update,
                edge: method.edge,
                seed: method.seed,
            },
            seed: config.seed,
            loss: task.loss(),
            classes: class_names(task),
            epochs: state.epochs,
            best_by: config.training.best,
            best_epoch: state.best.as_ref().map(|best| best.epoch),
            valid: state.best.as_ref().map(|best| best.valid.in_summary()),
            test: None,
            chance: (!chance.is_empty()).then(|| chance.in_summary()),
            goal: task.goal().map(|Goal { metric, reach, best }| GoalSummary { metric, reach, best, reached: None }),
            steps_to_goal: state.steps_to_goal,
            skipped: state.skipped(),
            halvings: state.halvings,
            seconds,
            train_seconds,
            parameters: circumstances.parameters,
            trace_bytes: circumstances.trace_bytes,
            version: env!("CARGO_PKG_VERSION"),
            started: history.sessions.first().map(|Session { started, .. }| started.clone()),
            ended: date::utc(SystemTime::now()),
            sessions: history.sessions.len(),
            fingerprint: circumstances.fingerprint,
            changes: state.changes.clone(),
            settings: config.clone(),
        }
    }
}

/// The names of classes that have other names than their numbers and are no words or characters.
fn class_names(task: &dyn Task) -> Vec<String> {
    if task.loss().target_kind() != TargetKind::Classes || task.vocabulary().is_some() {
        return Vec::new();
    }
    let names: Vec<String> = (0..task.outputs()).map(|class| task.class_name(class).into_owned()).collect();
    if names.iter().enumerate().all(|(class, name)| *name == class.to_string()) { Vec::new() } else { names }
}

#[cfg(test)]
mod tests {
    use ostl_core::Target;
    use ostl_tasks::Measures;

    use super::*;

    #[test]
    fn a_goal_is_reached_from_its_own_side() {
        let mut measures = Measures::of(Loss::SoftmaxCrossEntropy, 2, &[]);
        measures.observe(&ostl_core::Observation {
            stream: 0,
            step: 0,
            head: "",
            outputs: &[1.0, 0.0],
            target: Target::Class(0),
            loss: 0.25,
        });
        measures.observe(&ostl_core::Observation {
            stream: 0,
            step: 0,
            head: "",
            outputs: &[1.0, 0.0],
            target: Target::Class(1),
            loss: 0.75,
        });
        let figures = Figures::new(&measures, &[Metric::Loss, Metric::Accuracy]);
        let goal = |metric, reach| reaches(&Goal { metric, reach, best: None }, &figures);
        assert_eq!([goal(Metric::Accuracy, 0.5), goal(Metric::Accuracy, 0.51)], [Some(true), Some(false)]);
        assert_eq!([goal(Metric::Loss, 0.5), goal(Metric::Loss, 0.49)], [Some(true), Some(false)]);
        assert_eq!(goal(Metric::R2, 0.5), None);
    }
}
