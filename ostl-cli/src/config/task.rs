//! A task by its name and a few settings, without a whole configuration.

use std::path::Path;

use ostl_tasks::{DatasetError, Task, TaskConfig, TaskError};
use toml::{Table, Value};

use super::source::{DEFAULT, Source, override_of, parse};
use super::tree::{set, spelled_path};
use super::{OutOfRange, blame, spelling, words};
use crate::failure::UsageError;
use crate::names::same;

/// The task of this name, with settings of its own such as `delay=40`.
pub(crate) fn task(name: &str, settings: &[String]) -> Result<TaskConfig, UsageError> {
    let mut tree = Table::new();
    for text in settings {
        let (path, value) = override_of(text)?;
        let path: &[String] = if path.len() > 1 && same(&path[0], "task") { &path[1..] } else { &path };
        let path = spelled_path(&Value::Table(tree.clone()), path);
        set(&mut tree, &path, parse(&value)).map_err(|problem| UsageError::Other(format!("--set {text}: {problem}")))?;
    }
    tree.insert("name".into(), Value::String(name.to_owned()));
    // Within a whole configuration, so that what is wrong is found and reported as it is there.
    let mut whole: Table = DEFAULT.parse().unwrap_or_default();
    whole.insert("task".into(), Value::Table(tree));
    loop {
        match blame::read(&whole) {
            Ok(config) => return Ok(config.task.of),
            Err(wrong) if spelling::corrected(&mut whole, &wrong) => {}
            Err(wrong) => {
                let key = wrong.path.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(".");
                let value = wrong.value.as_ref().map_or_else(String::new, |value| format!(" = {value}"));
                let problem = words::problem(&wrong);
                return Err(UsageError::Other(format!("task `{name}`: `{key}`{value}: {problem}")));
            }
        }
    }
}

/// Opens the task of a configuration; `source` is whom to blame for a wrong setting.
pub(crate) fn open(config: &TaskConfig, data: Option<&Path>, source: &Source) -> anyhow::Result<Box<dyn Task>> {
    config.open(data).map_err(|error| match error {
        TaskError::Config(error) => source.out_of_range(OutOfRange::from(error).within("task")),
        other => unopened(other),
    })
}

/// Whether there is anything where the command line says that the data lie.
pub(crate) fn expect_at(data: Option<&Path>) -> anyhow::Result<()> {
    match data.filter(|path| !path.exists()) {
        Some(path) => {
            let problem = format!("--data {}: there is no file or folder of that name", path.display());
            Err(UsageError::Other(problem).into())
        }
        None => Ok(()),
    }
}

/// Opens a task that stands alone.
pub(crate) fn open_alone(config: &TaskConfig, data: Option<&Path>) -> anyhow::Result<Box<dyn Task>> {
    config.open(data).map_err(|error| match error {
        TaskError::Config(error) => UsageError::Other(format!("task `{}`: {error}", config.name())).into(),
        other => unopened(other),
    })
}

/// Why a task's data could not be opened. No data, a place where there are none, or a program without the task, is for the user to mend.
fn unopened(error: TaskError) -> anyhow::Error {
    match error {
        TaskError::Dataset(error @ (DatasetError::NotGiven { .. } | DatasetError::NotFound { .. })) => {
            UsageError::Other(error.to_string()).into()
        }
        error @ TaskError::NotBuilt { .. } => UsageError::Other(error.to_string()).into(),
        TaskError::Dataset(error) => error.into(),
        other => other.into(),
    }
}
