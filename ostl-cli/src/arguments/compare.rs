//! The options of `ostl compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// Run directories, or folders of runs
    #[arg(required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Whose figures [default: test, where all runs have them, else valid]
    #[arg(long, value_enum)]
    pub(crate) split: Option<ComparedSplit>,
    /// The best first: by a figure of the table, seconds, parameters or trace-bytes [default: in the order given]
    #[arg(long, value_name = "FIGURE")]
    pub(crate) sort: Option<String>,
    /// CSV instead of a table, with every figure's mean, deviation, least and most
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// One JSON object a configuration and line, with the figures of every run
    #[arg(long)]
    pub(crate) json: bool,
}

/// A split that summaries have figures of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComparedSplit {
    Test,
    Valid,
}
