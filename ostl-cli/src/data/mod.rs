//! `ostl data`: what there is to learn from, what is in it, and how to come by it.

mod download;
mod fetch;
mod info;
mod list;
mod make;
mod statistics;

use anyhow::Result;
use ostl_tasks::TaskConfig;
use ostl_tasks::catalogue::DataSet;

use crate::arguments::{DataArguments, DataCommand};
use crate::failure::UsageError;

pub(crate) fn run(arguments: DataArguments) -> Result<()> {
    match arguments.command {
        DataCommand::List => list::run(),
        DataCommand::Info(arguments) => info::run(&arguments),
        DataCommand::Make(arguments) => make::run(&arguments),
        DataCommand::Fetch(arguments) => fetch::run(&arguments),
    }
}

/// The task that goes by a name, its own or that of a data set it is learned from.
fn task_name(name: &str) -> Result<String, UsageError> {
    let names = TaskConfig::names();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    match DataSet::named(name) {
        Some(set) => match set.tasks.iter().find(|task| names.contains(task)) {
            Some(task) => Ok((*task).to_owned()),
            None => Err(UsageError::Other(format!("no task of this build reads the data set `{name}`"))),
        },
        None => Err(UsageError::Other(format!("`{name}` is neither a data set nor a task; ostl data list shows them all"))),
    }
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
    }
}
