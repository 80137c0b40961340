//! `ostl completions` and `ostl man`: what shells and manuals are told of the command line.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::arguments::{Arguments, CompletionsArguments, ManArguments};
use crate::output::Out;

const NAME: &str = "ostl";

pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), NAME, &mut script);
    let mut out = Out::new();
    out.write_all(&script)?;
    Ok(out.flush()?)
}

pub(crate) fn man(arguments: &ManArguments) -> Result<()> {
    let folder = &arguments.out;
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("{shown}: cannot be made"))?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(|| format!("{shown}: cannot be written to"))?;
    let mut out = Out::new();
    writeln!(out, "{shown}: a page for every command; man {}", folder.join(format!("{NAME}.1")).display())?;
    Ok(out.flush()?)
}
