//! `ostl data make`.

use std::io::Write;

use anyhow::Result;
use ostl_core::Loss;
use ostl_tasks::own::{self, Format};
use ostl_tasks::{Split, Task};

use super::Asked;
use crate::arguments::{FileFormat, MakeArguments};
use crate::failure::UsageError;
use crate::output::Out;

pub(super) fn run(arguments: &MakeArguments) -> Result<()> {
    let MakeArguments { name, config, set, data, .. } = arguments;
    let (name, config, data) = (name.as_deref(), config.as_deref(), data.as_deref());
    let task = Asked { command: "ostl data make", name, config, set, data }.choose()?.open()?;
    write(task.as_ref(), arguments)
}

/// Writes the task's splits in the format of one's own data.
fn write(task: &dyn Task, arguments: &MakeArguments) -> Result<()> {
    let format = match arguments.format {
        FileFormat::Npz => Format::Npz,
        FileFormat::Jsonl => Format::JsonLines,
    };
    let files = ["npz", "jsonl", "jsonl.gz"].map(|kind| Split::ALL.map(|split| format!("{split}.{kind}")));
    let folders = Split::ALL.map(|split| split.to_string());
    if let Some(there) =
        files.iter().flatten().chain(&folders).map(|name| arguments.out.join(name)).find(|path| path.exists())
    {
        let problem = format!("{} is there already: remove it, or name another folder with --out", there.display());
        return Err(UsageError::Other(problem).into());
    }
    own::write(task, &arguments.out, format)?;
    let counts: Vec<String> = Split::ALL
        .into_iter()
        .filter(|&split| split != Split::Test || task.has_test())
        .map(|split| format!("{} {split}", task.sequences(split)))
        .collect();
    let (name, out) = (task.name(), arguments.out.display());
    // What targets are is seen from the files, but for values that are probabilities.
    let loss = if task.loss() == Loss::BinaryCrossEntropy { r#", loss="binary-cross-entropy""# } else { "" };
    let mut said = Out::new();
    writeln!(said, "{out}: the sequences of `{name}` ({})", counts.join(", "))?;
    let config = arguments.config.as_ref().map_or_else(String::new, |config| format!("{} ", config.display()));
    writeln!(said, r#"learn from them with: ostl train {config}--set 'task={{name="own"{loss}}}' --data {out}"#)?;
    Ok(said.flush()?)
}
