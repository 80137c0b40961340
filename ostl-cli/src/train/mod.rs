//! `ostl train`.

mod conclusion;
mod plan;

use std::path::Path;

use anyhow::{Context, Result};
use ostl_core::WindowChoice;

use crate::arguments::TrainArguments;
use crate::config::Config;
use crate::gradient_report;
use crate::progress::Progress;
use crate::ranks::Group;
use crate::run_directory::{Place, RunDirectory};
use crate::signals::Stop;
use crate::trainer::{self, Ending, Trainer};

use plan::{From, Plan};

pub(crate) fn run(arguments: &TrainArguments, group: &Group) -> Result<()> {
    let plan = group.all_well(Plan::new(arguments, group))?;
    // Data may lie elsewhere on another machine; whether they are the same is seen when they are read.
    let compared = Config { data: None, init: None, ..plan.config.clone() };
    group.same("the configuration", &toml::to_string(&compared)?)?;
    in_pool(plan.config.threads, || train(&plan, arguments, group))?
}

/// Runs something with `threads` threads; 0 is one per core.
pub(crate) fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    Ok(pool.install(work))
}

fn train(plan: &Plan, arguments: &TrainArguments, group: &Group) -> Result<()> {
    let Plan { config, source, task, feed, .. } = plan;
    let task = task.as_ref();
    let learner = group.all_well(trainer::sharded(config, source, task, *feed, plan.starting.as_ref(), group))?;
    let mut trainer = Trainer::new(config, task, *feed, learner, group);
    group.same("the data", &trainer.data().to_string())?;
    let mut notes = Vec::new();
    let made;
    let run = match &plan.from {
        From::Run(run) => {
            let (resumed, said) = trainer.resume(run, source, arguments.force)?;
            (trainer, notes) = (resumed, said);
            run
        }
        From::Start(place) => {
            made = create(place, arguments.force, group)?;
            if let Some(vocabulary) = task.vocabulary() {
                made.write_vocabulary(vocabulary)?;
            }
            &made
        }
    };
    // What may have been set anew: when the run ends, how large its steps are, and where its data lie.
    run.write_config(config)?;
    // From here on the run can be resumed, however it ends.
    trainer.save(run)?;
    let (mut metrics, is_lost) = run.metrics(trainer.figures(), &trainer.rows())?;
    if is_lost {
        notes.push("metrics.csv was not whole: its rows were written anew, from the checkpoint".into());
    }
    let stop = Stop::listen()?;
    let path = run.path().display();
    group.heed(
        &stop,
        format!("if it has ended, so has the run: go on from its last checkpoint with ostl train --resume {path}"),
    );
    let (steps, done) = trainer.steps();
    let quiet = arguments.quiet || !group.is_first();
    let progress = Progress::new(quiet, config.training.epochs, steps, done);
    progress.say(&announcement(plan, &trainer, run));
    let window = plan.window.into_iter().map(chosen);
    let of_task = feed.notes(config, task).into_iter().chain(task.remarks()).chain(plan.notes.iter().cloned());
    notes.into_iter().chain(window).chain(of_task).for_each(|note| progress.say(&note));

    let ending = trainer.train(run, &mut metrics, &progress, &stop);
    progress.finish();
    match ending? {
        Ending::Finished => conclusion::finish(plan, trainer, run, &stop, arguments.quiet, group),
        Ending::Stopped => conclusion::interrupt(plan, &mut trainer, run),
    }
}

/// Makes the run directory, which the first rank alone writes to.
fn create(place: &Place, force: bool, group: &Group) -> Result<RunDirectory> {
    let mut made = None;
    let path = group.of_first(|| {
        let run = made.insert(RunDirectory::create(place, force)?);
        Ok(run.path().as_os_str().as_encoded_bytes().to_vec())
    })?;
    match made {
        Some(run) => Ok(run),
        None => {
            let path = String::from_utf8(path).context("the run's path is not UTF-8")?;
            Ok(RunDirectory::of_another_rank(Path::new(&path)))
        }
    }
}

fn announcement(plan: &Plan, trainer: &Trainer<'_>, run: &RunDirectory) -> String {
    let network = trainer.learner().network();
    let from = match (&plan.from, trainer.state().epochs) {
        (From::Start(_), _) => String::new(),
        (From::Run(_), epochs) => format!(", going on after epoch {epochs}"),
    };
    let shared = match trainer.group().count() {
        1 => String::new(),
        ranks => format!(", {} shards on {ranks} processes", plan.config.training.shards),
    };
    format!(
        "{}: {}, {} parameters, {}{shared}{from} -> {}",
        plan.task.name(),
        network.description(),
        network.parameters().len(),
        gradient_report::method_in_words(&plan.config.method()),
        run.path().display()
    )
}

/// What was chosen for `window = "auto"`, or for blocks within `memory`.
pub(crate) fn chosen(choice: WindowChoice) -> String {
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let (steps, block) = (choice.steps, choice.block);
    let (traces, window) = (mib(choice.trace_bytes), mib(choice.window_bytes));
    format!("chosen: K = {steps}, blocks of {block} steps (traces {traces:.1} MiB, windows {window:.1} MiB)")
}
