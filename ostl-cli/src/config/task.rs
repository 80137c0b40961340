//! A task by its name and a few settings, without a whole configuration.

use std::path::Path;

use ostl_tasks::{DatasetError, Task, TaskConfig, TaskError};
use serde::Deserialize;
use toml::{Table, Value};

use super::source::{override_of, parse, set};
use crate::failure::UsageError;

/// The task of this name, with settings of its own such as `delay=40`.
pub(crate) fn task(name: &str, settings: &[String]) -> Result<TaskConfig, UsageError> {
    let mut tree = Table::new();
    for text in settings {
        let (path, value) = override_of(text)?;
        let path: &[String] = if path[0] == "task" { &path[1..] } else { &path };
        set(&mut tree, path, parse(&value)).map_err(|problem| UsageError::Other(format!("--set {text}: {problem}")))?;
    }
    tree.insert("name".into(), Value::String(name.to_owned()));
    TaskConfig::deserialize(Value::Table(tree))
        .map_err(|error| UsageError::Other(format!("task `{name}`: {}", error.message())))
}

/// Opens a task that stands alone.
pub(crate) fn open_alone(config: &TaskConfig, data: Option<&Path>) -> anyhow::Result<Box<dyn Task>> {
    config.open(data).map_err(|error| match error {
        TaskError::Config(error) => UsageError::Other(format!("task `{}`: {error}", config.name())).into(),
        other => unopened(other),
    })
}

/// Why a task's data could not be opened. No data, a place where there are none, or a program without the task, is for the user to mend.
pub(super) fn unopened(error: TaskError) -> anyhow::Error {
    match error {
        TaskError::Dataset(error @ (DatasetError::NotGiven { .. } | DatasetError::NotFound { .. })) => {
            UsageError::Other(error.to_string()).into()
        }
        error @ TaskError::NotBuilt { .. } => UsageError::Other(error.to_string()).into(),
        TaskError::Dataset(error) => error.into(),
        other => other.into(),
    }
}
