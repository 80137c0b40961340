//! `ostl export`.

use std::io::Write;

use anyhow::{Context, Result};
use ostl_core::checkpoint;

use crate::arguments::{ExportArguments, WeightFormat, WhichCheckpoint};
use crate::failure::UsageError;
use crate::made_file;
use crate::output::Out;
use crate::run_directory::{OUTSET, RunDirectory};
use crate::weights;

/// Under which the run's resolved configuration stands among a safetensors file's metadata.
const CONFIG: &str = "run.config";

pub(crate) fn run(arguments: &ExportArguments) -> Result<()> {
    let run = RunDirectory::open(&arguments.run)?;
    let (from, name) = match arguments.checkpoint {
        WhichCheckpoint::Best => (run.best_path(), "weights"),
        WhichCheckpoint::Last => (run.last_path(), "last"),
    };
    if !from.is_file() {
        let problem = "there is no such checkpoint: has an epoch of the run been finished?";
        return Err(UsageError::Other(format!("{}: {problem}", from.display())).into());
    }
    let mut record = checkpoint::read(&from)?;
    drop(record.take_all(OUTSET));
    let config = run.config_path();
    let text = std::fs::read_to_string(&config).with_context(|| format!("{}: cannot be read", config.display()))?;
    record.put_text(CONFIG, text);
    let (ending, content) = match arguments.format {
        WeightFormat::Safetensors => ("safetensors", weights::as_safe_tensors(&record)?),
        WeightFormat::Npz => ("npz", weights::as_archive(&record)?),
    };
    let to = arguments.out.clone().unwrap_or_else(|| arguments.run.join(format!("{name}.{ending}")));
    made_file::write(&to, &content, arguments.force)?;
    let mut out = Out::new();
    let arrays: Vec<&str> = record.names().filter(|name| record.text(name).is_none()).collect();
    writeln!(out, "{}: {} arrays, {} bytes", to.display(), arrays.len(), content.len())?;
    for name in arrays {
        let shape = record.shape(name).unwrap_or_default().iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        writeln!(out, "  {name}  {shape}")?;
    }
    Ok(out.flush()?)
}
