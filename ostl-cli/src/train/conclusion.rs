//! How a run ends: what it came to, written down and shown.

use std::io::Write;

use anyhow::Result;
use ostl_tasks::measures::MOST_CLASSES;
use ostl_tasks::{Measures, Split};

use super::plan::Plan;
use crate::doubts;
use crate::failure::Interrupted;
use crate::figures::Figures;
use crate::gradient_report;
use crate::output::Out;
use crate::ranks::Group;
use crate::results;
use crate::run_directory::{History, RunDirectory};
use crate::signals::Stop;
use crate::summary::{Circumstances, Status, Summary, reaches};
use crate::trainer::Trainer;

/// Training was asked to stop, and is saved.
pub(super) fn interrupt(plan: &Plan, trainer: &mut Trainer<'_>, run: &RunDirectory) -> Result<()> {
    let history = trainer.history();
    run.write_summary(&summary(Status::Interrupted, plan, trainer, history))?;
    Err(Interrupted { run: run.path().to_owned() }.into())
}

/// All epochs are done: the test split, the table, the audit of the gradient.
pub(super) fn finish(
    plan: &Plan,
    mut trainer: Trainer<'_>,
    run: &RunDirectory,
    stop: &Stop,
    quiet: bool,
    group: &Group,
) -> Result<()> {
    let Plan { config, source, task, feed, .. } = plan;
    let task = task.as_ref();
    let history = trainer.history();
    run.write_history(&history)?;
    let interrupted = summary(Status::Interrupted, plan, &trainer, history.clone());
    let mut summary = summary(Status::Finished, plan, &trainer, history);
    let (reported, epochs) = (trainer.figures().to_vec(), trainer.state().epochs);
    let (mut learner, best) = trainer.into_best(run)?;
    // The test split is looked at here and nowhere else. A task without one is judged by what chose the epoch.
    let split = if task.has_test() && task.sequences(Split::Test) > 0 { Split::Test } else { Split::Valid };
    let Some(measures) = feed.evaluate(&mut learner, task, split, stop)? else {
        run.write_summary(&interrupted)?;
        return Err(Interrupted { run: run.path().to_owned() }.into());
    };
    let judged = Figures::new(&measures, &reported);
    let test = Some(judged).filter(|_| split == Split::Test);
    summary.test = test.as_ref().map(Figures::in_summary);
    if let (Some(goal), Some(of_task)) = (&mut summary.goal, task.goal()) {
        goal.reached = reaches(&of_task, test.as_ref().unwrap_or(&best.valid));
    }
    if !group.is_first() {
        return Ok(());
    }
    if let Some(confusion) = Measures::confusion(&measures) {
        run.write_confusion(confusion, |class| task.class_name(class).into_owned())?;
    }
    if let Some(classes) = Measures::by_class(&measures).filter(|classes| classes.classes() <= MOST_CLASSES) {
        run.write_classes(classes, |class| task.class_name(class).into_owned())?;
    }
    run.write_summary(&summary)?;

    let path = run.path().display();
    // Whatever takes long from here on may be left out.
    stop.at_once(format!("interrupted; the run was finished, and is saved in {path}"));
    let mut out = Out::new();
    write!(out, "{}", results::table(task, &reported, Some(&best.valid), test.as_ref()))?;
    if split != Split::Test {
        writeln!(out, "`{}` has no test split of its own: nothing was held back from the choice of the epoch", task.name())?;
    }
    writeln!(out, "best epoch {} of {epochs}, {:.1} s, in {path}", best.epoch, summary.seconds)?;
    let (by, learning_rate) = (config.training.best, config.optimizer().learning_rate);
    let judged = test.as_ref().unwrap_or(&best.valid);
    let (targets, method) = (Measures::targets(&measures), config.method());
    let doubts =
        doubts::lines(task, &doubts::Ended { judged, targets, method, by, best_epoch: best.epoch, epochs, learning_rate });
    let by_class = Measures::by_class(&measures);
    let unanswered =
        by_class.into_iter().flat_map(|classes| doubts::unanswered(task, classes, config.task.weighs_classes()));
    for doubt in doubts.into_iter().chain(unanswered) {
        writeln!(out, "{doubt}")?;
    }
    out.flush()?;
    if !quiet && !stop.requested() {
        match gradient_report::of_learner(config, source, task, learner.learner().network())? {
            Ok(gradient) => write!(out, "\n{gradient}")?,
            Err(reason) => writeln!(out, "\nThe gradient was not audited: {reason}")?,
        }
    }
    Ok(out.flush()?)
}

/// The summary of a run that has ended so, without what is measured after training.
fn summary(status: Status, plan: &Plan, trainer: &Trainer<'_>, history: History) -> Summary {
    let circumstances = Circumstances {
        network: trainer.description().to_owned(),
        parameters: trainer.learner().network().parameters().len(),
        trace_bytes: trainer.learner().trace_bytes(),
        fingerprint: trainer.data().to_string(),
        history,
    };
    Summary::new(status, &plan.config, plan.task.as_ref(), trainer.state(), circumstances)
}
