//! `ostl data make`.

use anyhow::Result;
use ostl_tasks::Task;

use super::task_name;
use crate::arguments::{FileFormat, MakeArguments};
use crate::config;
use crate::failure::UsageError;

pub(super) fn run(arguments: &MakeArguments) -> Result<()> {
    let config = config::task(&task_name(&arguments.name)?, &arguments.set)?;
    let task = config::open_alone(&config, arguments.data.as_deref())?;
    write(task.as_ref(), arguments)
}

/// The one place that knows the writers of one's own data.
fn write(task: &dyn Task, arguments: &MakeArguments) -> Result<()> {
    let format = match arguments.format {
        FileFormat::Npz => "npz",
        FileFormat::Jsonl => "jsonl",
    };
    let (name, out) = (task.name(), arguments.out.display());
    Err(UsageError::Other(format!("{out}: this build cannot write `{name}` as {format}: it has no task `own`")).into())
}
