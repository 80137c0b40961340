//! What is to be trained, from scratch or from a checkpoint. Everything that can be wrong is looked at before anything is written.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ostl_core::WindowChoice;
use ostl_tasks::{Split, Task};

use crate::arguments::TrainArguments;
use crate::config::{self, Config, Source};
use crate::failure::UsageError;
use crate::feed::Feed;
use crate::ranks::Group;
use crate::run_directory::{Place, RunDirectory};
use crate::weights::Starting;

/// What is to be trained.
pub(super) struct Plan {
    pub(super) config: Config,
    pub(super) source: Source,
    pub(super) task: Box<dyn Task>,
    pub(super) feed: Feed,
    pub(super) from: From,
    /// The weights that a new run starts with, if they are not drawn.
    pub(super) starting: Option<Starting>,
    /// The window, where it was left to the program.
    pub(super) window: Option<WindowChoice>,
    /// What is to be said of the task at the start.
    pub(super) notes: Vec<String>,
}

/// Where training begins.
pub(super) enum From {
    /// At the start, with a new run there.
    Start(Place),
    /// Where this run stopped.
    Run(RunDirectory),
}

impl Plan {
    pub(super) fn new(arguments: &TrainArguments, group: &Group) -> Result<Self> {
        match &arguments.resume {
            Some(path) => resume(path, arguments, group),
            None => start(arguments),
        }
    }
}

/// A new run.
fn start(arguments: &TrainArguments) -> Result<Plan> {
    if let Some(folder) = arguments.config.config.as_deref().filter(|path| path.is_dir()) {
        return Err(no_configuration(folder).into());
    }
    let (mut config, source) = config::load(&arguments.config, arguments.seed)?;
    let place = match &arguments.out {
        Some(path) => Place::Given(path.clone()),
        None => Place::Numbered(format!("runs/{}", config.run_name())),
    };
    RunDirectory::check_free(&place, arguments.force)?;
    let data = arguments.config.data.as_deref();
    let task = config.open_task(data, &source)?;
    config.data = found_again(&config, data);
    let window = config.choose_window(task.as_ref()).map_err(|error| source.out_of_range(error))?;
    let weights = config.resolve_objective(task.as_ref()).map_err(|error| source.out_of_range(error))?;
    let feed = Feed::new(&config, &source, task.as_ref())?;
    let starting = config.starting()?;
    config.init = config.init.take().map(whole_path);
    let others = starting.as_ref().and_then(|starting| starting.other_vocabulary(task.as_ref()));
    let notes = odd_classes(task.as_ref()).into_iter().chain(weights).chain(others).collect();
    Ok(Plan { config, source, task, feed, from: From::Start(place), starting, window, notes })
}

/// What is odd about the classes of a task that knows how often each occurs. Others are not gone through for it: `ostl data info` does that.
fn odd_classes(task: &dyn Task) -> Vec<String> {
    let [train, valid, test] = Split::ALL.map(|split| task.class_counts(split));
    match (train, valid, test) {
        (Some(train), Some(valid), Some(test)) => ostl_tasks::odd_classes(task, &[train, valid, test]),
        _ => Vec::new(),
    }
}

/// A folder was given where a configuration file belongs.
fn no_configuration(folder: &Path) -> UsageError {
    let shown = folder.display();
    UsageError::Other(match RunDirectory::open(folder) {
        Ok(run) => format!(
            "{shown}: is a run; to go on with it: ostl train --resume {shown}; to do the same again: ostl train {}",
            run.config_path().display()
        ),
        Err(_) => format!("{shown}: is a folder; give a configuration file"),
    })
}

/// Where the run finds its data, from wherever it is resumed.
fn found_again(config: &Config, argument: Option<&Path>) -> Option<PathBuf> {
    config.data(argument).map(|path| whole_path(path.to_owned()))
}

/// A path that is the same from wherever it is read.
fn whole_path(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// The rest of a run.
fn resume(path: &Path, arguments: &TrainArguments, group: &Group) -> Result<Plan> {
    let others = [
        ("CONFIG", arguments.config.config.is_some()),
        ("--seed", arguments.seed.is_some()),
        ("--out", arguments.out.is_some()),
    ];
    if let Some((other, _)) = others.iter().find(|(_, given)| *given) {
        let problem = format!(
            "--resume goes on exactly where {} stopped, with its own config.toml: leave out {other}",
            path.display()
        );
        return Err(UsageError::Other(problem).into());
    }
    let run = if group.is_first() { RunDirectory::open_to_go_on(path)? } else { RunDirectory::of_another_rank(path) };
    let (mut config, source) = config::load_run(&run.config_path(), &arguments.config.set, &arguments.config.unset)?;
    let data = arguments.config.data.as_deref();
    let task = config.open_task(data, &source)?;
    config.data = found_again(&config, data);
    let feed = Feed::new(&config, &source, task.as_ref())?;
    Ok(Plan { config, source, task, feed, from: From::Run(run), starting: None, window: None, notes: Vec::new() })
}
