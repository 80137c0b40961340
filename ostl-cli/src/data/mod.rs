//! `ostl data`: what there is to learn from, what is in it, and how to come by it.

mod download;
mod fetch;
mod info;
mod list;
mod make;
mod statistics;
mod transfer;

use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::ProgressBar;
use ostl_tasks::catalogue::{DATA_SETS, DataSet};
use ostl_tasks::{Task, TaskConfig};

use crate::arguments::{ConfigArguments, DataArguments, DataCommand};
use crate::config;
use crate::failure::UsageError;
use crate::names::{did_you_mean, same, spelled};

pub(crate) fn run(arguments: DataArguments) -> Result<()> {
    match arguments.command {
        DataCommand::List => list::run(),
        DataCommand::Info(arguments) => info::run(&arguments),
        DataCommand::Make(arguments) => make::run(&arguments),
        DataCommand::Fetch(arguments) => fetch::run(&arguments),
    }
}

/// The data set of this name, in whatever spelling, or that of the task that goes by it.
fn data_set(name: &str) -> Option<&'static DataSet> {
    DataSet::named(spelled(name, known_names()).unwrap_or(name))
}

/// The task that goes by a name, its own or that of a data set it is learned from.
fn task_name(name: &str) -> Result<String, UsageError> {
    let names = TaskConfig::names();
    if let Some(name) = spelled(name, names.iter().copied()) {
        return Ok(name.to_owned());
    }
    match data_set(name) {
        Some(set) => match set.tasks.iter().find(|task| names.contains(task)) {
            Some(task) => Ok((*task).to_owned()),
            None => Err(UsageError::Other(format!("no task of this build reads the data set `{name}`"))),
        },
        None => {
            let meant = did_you_mean(name, known_names());
            let meant = if meant.is_empty() { "ostl data list shows them all" } else { &meant };
            Err(UsageError::Other(format!("`{name}` is neither a data set nor a task; {meant}")))
        }
    }
}

/// The names of all data sets and tasks.
fn known_names() -> impl Iterator<Item = &'static str> {
    DATA_SETS.iter().map(|set| set.name).chain(TaskConfig::names())
}

/// The requested task: by its name with a few settings, or as a configuration has it, with these settings changed.
struct Asked<'a> {
    command: &'static str,
    name: Option<&'a str>,
    config: Option<&'a Path>,
    set: &'a [String],
    data: Option<&'a Path>,
}

/// A task that is chosen but not opened.
struct Chosen {
    config: TaskConfig,
    /// Where its data lie, if given.
    data: Option<PathBuf>,
    /// The configuration that has it.
    source: Option<config::Source>,
}

impl Asked<'_> {
    fn choose(&self) -> Result<Chosen, UsageError> {
        let named = self.name.map(task_name).transpose()?;
        let Some(file) = self.config else {
            let Some(name) = named else {
                let problem = format!("`{}` needs the name of a task, or --config FILE", self.command);
                return Err(UsageError::Other(problem));
            };
            return Ok(Chosen { config: config::task(&name, self.set)?, data: self.data.map(Path::to_owned), source: None });
        };
        let of_task = |text: &String| {
            let key = text.split(['=', '.']).next().unwrap_or_default().trim();
            if same(key, "task") { text.clone() } else { format!("task.{text}") }
        };
        let set = self.set.iter().map(of_task).collect();
        let arguments = ConfigArguments { config: Some(file.to_owned()), data: None, set, unset: Vec::new() };
        let (config, source) = config::load(&arguments, None)?;
        if let Some(name) = named.filter(|name| *name != config.task.name()) {
            let problem = format!(
                "{}: its task is `{}`, not `{name}`: leave out one of the two, or change it with --set task.name={name}",
                file.display(),
                config.task.name()
            );
            return Err(UsageError::Other(problem));
        }
        let data = config.data(self.data).map(Path::to_owned);
        Ok(Chosen { config: config.task.of, data, source: Some(source) })
    }
}

impl Chosen {
    fn open(&self) -> Result<Box<dyn Task>> {
        config::expect_at(self.data.as_deref())?;
        match &self.source {
            Some(source) => config::open(&self.config, self.data.as_deref(), source),
            None => config::open_alone(&self.config, self.data.as_deref()),
        }
    }
}

/// Says something on stderr, above the bar if there is one.
fn say(bar: &ProgressBar, line: &str) {
    if bar.is_hidden() { crate::output::tell(line) } else { bar.println(line) }
}

/// A size in words.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_words() {
        assert_eq!([999, 1_000, 407_200, 10_797_148].map(size), ["999 B", "1.0 kB", "407.2 kB", "10.8 MB"]);
    }

    #[test]
    fn data_sets_stand_for_their_tasks() {
        assert_eq!(task_name("jsb").unwrap(), "jsb");
        assert_eq!(task_name("store-recall").unwrap(), "store-recall");
        let error = task_name("imagenet").unwrap_err().to_string();
        assert!(error.contains("`imagenet`") && error.contains("ostl data list"), "{error}");
        for name in ["Store_Recall", "storerecall", "JSB"] {
            assert!(["store-recall", "jsb"].contains(&task_name(name).unwrap().as_str()), "{name}");
        }
        assert!(task_name("store-recal").unwrap_err().to_string().contains("did you mean `store-recall`?"));
        assert_eq!(data_set("TinyShakespeare").unwrap().name, "tinyshakespeare");
    }
}
