//! `ostl data make`.

use anyhow::Result;
use ostl_tasks::own::{self, Format};
use ostl_tasks::{Split, Task};

use super::task_name;
use crate::arguments::{FileFormat, MakeArguments};
use crate::config;

pub(super) fn run(arguments: &MakeArguments) -> Result<()> {
    let config = config::task(&task_name(&arguments.name)?, &arguments.set)?;
    let task = config::open_alone(&config, arguments.data.as_deref())?;
    write(task.as_ref(), arguments)
}

/// Writes the task's splits in the format of one's own data.
fn write(task: &dyn Task, arguments: &MakeArguments) -> Result<()> {
    let format = match arguments.format {
        FileFormat::Npz => Format::Npz,
        FileFormat::Jsonl => Format::JsonLines,
    };
    own::write(task, &arguments.out, format)?;
    let counts: Vec<String> = Split::ALL
        .into_iter()
        .filter(|&split| split != Split::Test || task.has_test())
        .map(|split| format!("{} {split}", task.sequences(split)))
        .collect();
    let (name, out) = (task.name(), arguments.out.display());
    println!("{out}: the sequences of `{name}` ({}); use them with task.name=own and --data {out}", counts.join(", "));
    Ok(())
}
