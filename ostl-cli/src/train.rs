//! `ostl train`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use ostl_core::WindowChoice;
use ostl_tasks::measures::MOST_CLASSES;
use ostl_tasks::{Measures, Split, Task};

use crate::arguments::TrainArguments;
use crate::config::{self, Config, Source};
use crate::doubts;
use crate::failure::{Interrupted, UsageError};
use crate::feed::Feed;
use crate::figures::Figures;
use crate::gradient_report;
use crate::progress::Progress;
use crate::results;
use crate::run_directory::RunDirectory;
use crate::signals::Stop;
use crate::summary::{Circumstances, Status, Summary, reaches};
use crate::trainer::{self, Ending, Trainer};

/// What is to be trained, from scratch or from a checkpoint.
struct Plan {
    config: Config,
    source: Source,
    task: Box<dyn Task>,
    feed: Feed,
    /// The run to go on with.
    resumed: Option<RunDirectory>,
    /// The window, where it was left to the program.
    window: Option<WindowChoice>,
    /// What is to be said of the task at the start.
    notes: Vec<String>,
    out: PathBuf,
}

pub(crate) fn run(arguments: TrainArguments) -> Result<()> {
    let plan = match &arguments.resume {
        Some(path) => resume(path, &arguments)?,
        None => start(&arguments)?,
    };
    in_pool(plan.config.threads, || train(&plan, &arguments))?
}

/// A new run. Everything that can be wrong is looked at before the run directory is touched.
fn start(arguments: &TrainArguments) -> Result<Plan> {
    let (mut config, source) = config::load(&arguments.config, arguments.seed)?;
    let named =
        || free_name(&format!("runs/{}-{}-{}", config.task.name(), config.first_layer(), config.seed), arguments.force);
    let out = arguments.out.clone().unwrap_or_else(named);
    RunDirectory::check_free(&out, arguments.force)?;
    let task = config.open_task(arguments.config.data.as_deref(), &source)?;
    // The run must find its data again, from wherever it is resumed.
    config.data =
        config.data(arguments.config.data.as_deref()).map(|path| std::path::absolute(path).unwrap_or(path.to_owned()));
    let window = config.choose_window(task.as_ref()).map_err(|error| source.out_of_range(error))?;
    let weights = config.resolve_objective(task.as_ref()).map_err(|error| source.out_of_range(error))?;
    let feed = Feed::new(&config, &source, task.as_ref())?;
    let notes = odd_classes(task.as_ref()).into_iter().chain(weights).collect();
    Ok(Plan { config, source, task, feed, resumed: None, window, notes, out })
}

/// What is odd about the classes of a task that knows how often each occurs. Others are not gone through for it: `ostl data info` does that.
fn odd_classes(task: &dyn Task) -> Vec<String> {
    let [train, valid, test] = Split::ALL.map(|split| task.class_counts(split));
    match (train, valid, test) {
        (Some(train), Some(valid), Some(test)) => ostl_tasks::odd_classes(task, &[train, valid, test]),
        _ => Vec::new(),
    }
}

/// The name, or the first of NAME-2, NAME-3, … that nothing has yet; the name itself where it may be replaced.
fn free_name(name: &str, replace: bool) -> PathBuf {
    let mut numbered = (2_u32..).map(|number| PathBuf::from(format!("{name}-{number}")));
    let mut path = PathBuf::from(name);
    while !replace && path.exists() {
        path = numbered.next().unwrap_or_default();
    }
    path
}

/// The rest of a run.
fn resume(path: &Path, arguments: &TrainArguments) -> Result<Plan> {
    let others = [
        ("CONFIG", arguments.config.config.is_some()),
        ("--seed", arguments.seed.is_some()),
        ("--out", arguments.out.is_some()),
        ("--force", arguments.force),
    ];
    if let Some((other, _)) = others.iter().find(|(_, given)| *given) {
        let problem = format!(
            "--resume goes on exactly where {} stopped, with its own config.toml: leave out {other}",
            path.display()
        );
        return Err(UsageError::Other(problem).into());
    }
    let run = RunDirectory::open(path)?;
    let (config, source) = config::load_run(&run.config_path(), &arguments.config.set, &arguments.config.unset)?;
    let task = config.open_task(arguments.config.data.as_deref(), &source)?;
    let feed = Feed::new(&config, &source, task.as_ref())?;
    Ok(Plan { config, source, task, feed, resumed: Some(run), window: None, notes: Vec::new(), out: path.to_owned() })
}

/// Runs something with so many threads; 0 is one a core.
pub(crate) fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    Ok(pool.install(work))
}

fn train(plan: &Plan, arguments: &TrainArguments) -> Result<()> {
    let Plan { config, source, task, feed, .. } = plan;
    let task = task.as_ref();
    let start = Instant::now();
    let learner = trainer::learner(config, source, task, feed.streams(task))?;
    let mut trainer = Trainer::new(config, task, *feed, learner);
    let run = match &plan.resumed {
        Some(run) => {
            trainer = trainer.resume(run, source)?;
            // Nothing but when the run ends can have changed.
            if !arguments.config.set.is_empty() || !arguments.config.unset.is_empty() {
                run.write_config(config)?;
            }
            run.clone()
        }
        None => {
            let run = RunDirectory::create(&plan.out, arguments.force)?;
            run.write_config(config)?;
            // From here on the run can be resumed, however it ends.
            trainer.save(&run)?;
            run
        }
    };
    let mut metrics = run.metrics(trainer.state().epochs, trainer.figures())?;
    let stop = Stop::listen()?;
    let (steps, done) = trainer.steps();
    let progress = Progress::new(arguments.quiet, config.training.epochs, steps, done);
    progress.say(&announcement(plan, &trainer, &run));
    let notes = feed.notes(config, task).into_iter().chain(task.remarks()).chain(plan.notes.iter().cloned());
    plan.window.into_iter().map(chosen).chain(notes).for_each(|note| progress.say(&note));

    let ending = trainer.train(&run, &mut metrics, &progress, &stop);
    progress.finish();
    let status = if ending? == Ending::Finished { Status::Finished } else { Status::Interrupted };

    let circumstances = Circumstances {
        network: trainer.description().to_owned(),
        parameters: trainer.learner().network().parameters().len(),
        trace_bytes: trainer.learner().trace_bytes(),
        seconds: start.elapsed().as_secs_f64(),
        train_seconds: trainer.train_time().as_secs_f64(),
        epochs: trainer.state().epochs,
        steps_to_goal: trainer.state().steps_to_goal,
    };
    let mut summary = Summary::new(status, config, task, circumstances);
    if let Some(best) = &trainer.state().best {
        summary.best_epoch = Some(best.epoch);
        summary.valid = Some(best.valid.in_summary());
    }
    if status == Status::Interrupted {
        run.write_summary(&summary)?;
        return Err(Interrupted { run: run.path().to_owned() }.into());
    }

    let reported = trainer.figures().to_vec();
    let (mut learner, best) = trainer.into_best(&run)?;
    // The test split is looked at here and nowhere else. A task without one is judged by what chose the epoch.
    let split = if task.has_test() && task.sequences(Split::Test) > 0 { Split::Test } else { Split::Valid };
    let measures = feed.evaluate(&mut learner, task, split, &Stop::default())?;
    let judged = measures.as_ref().map(|measures| Figures::new(measures, &reported));
    let test = judged.filter(|_| split == Split::Test);
    summary.test = test.as_ref().map(Figures::in_summary);
    if let (Some(goal), Some(of_task)) = (&mut summary.goal, task.goal()) {
        goal.reached = reaches(&of_task, test.as_ref().unwrap_or(&best.valid));
    }
    if let Some(confusion) = measures.as_ref().and_then(Measures::confusion) {
        run.write_confusion(confusion, |class| task.class_name(class).into_owned())?;
    }
    if let Some(classes) = measures.as_ref().and_then(Measures::by_class).filter(|classes| classes.classes() <= MOST_CLASSES)
    {
        run.write_classes(classes, |class| task.class_name(class).into_owned())?;
    }
    run.write_summary(&summary)?;

    let mut out = std::io::stdout().lock();
    write!(out, "{}", results::table(task, &reported, Some(&best.valid), test.as_ref()))?;
    if split != Split::Test {
        writeln!(out, "`{}` has no test split of its own: nothing was held back from the choice of the epoch", task.name())?;
    }
    let (epochs, seconds, path) = (summary.epochs, summary.seconds, run.path().display());
    writeln!(out, "best epoch {} of {epochs}, {seconds:.1} s, in {path}", best.epoch)?;
    let (by, learning_rate) = (config.training.best, config.optimizer().learning_rate);
    let judged = test.as_ref().unwrap_or(&best.valid);
    for doubt in doubts::lines(task, &doubts::Ended { judged, by, best_epoch: best.epoch, epochs, learning_rate }) {
        writeln!(out, "{doubt}")?;
    }
    if !arguments.quiet {
        match gradient_report::of_learner(config, source, task, learner.network())? {
            Some(gradient) => write!(out, "\n{gradient}")?,
            None => writeln!(
                out,
                "\nThe gradient was not audited, which takes long for so large a network: see ostl check --help"
            )?,
        }
    }
    Ok(out.flush()?)
}

fn announcement(plan: &Plan, trainer: &Trainer<'_>, run: &RunDirectory) -> String {
    let network = trainer.learner().network();
    let from = match trainer.state().epochs {
        _ if plan.resumed.is_none() => String::new(),
        epochs => format!(", going on after epoch {epochs}"),
    };
    format!(
        "{}: {}, {} parameters, {}{from} -> {}",
        plan.task.name(),
        network.description(),
        network.parameters().len(),
        gradient_report::method_in_words(&plan.config.method()),
        run.path().display()
    )
}

/// What was chosen for `window = "auto"`.
pub(crate) fn chosen(choice: WindowChoice) -> String {
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let (steps, traces, window) = (choice.steps, mib(choice.trace_bytes), mib(choice.window_bytes));
    format!("window = \"auto\": K = {steps} (traces {traces:.1} MiB, windows {window:.1} MiB)")
}
