//! The options of `ostl plot`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Debug)]
pub(crate) struct PlotArguments {
    /// Run directories, or folders of runs, whether or not they have come to their end
    #[arg(required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Column of metrics.csv
    #[arg(long, value_name = "COLUMN", default_value = "valid_loss")]
    pub(crate) figure: String,
    /// What it is drawn over: steps learned from, epochs, or seconds of training
    #[arg(long, value_enum, default_value_t = Over::Epochs)]
    pub(crate) over: Over,
    /// The figure on a logarithmic axis; means are geometric there
    #[arg(long)]
    pub(crate) log: bool,
    /// Sketch it here with letters instead of writing a file
    #[arg(long, conflicts_with_all = ["out", "force"])]
    pub(crate) terminal: bool,
    /// File to make: a name that ends in .svg, or in .png for dots (300 an inch)
    #[arg(long, value_name = "FILE", default_value = "curves.svg")]
    pub(crate) out: PathBuf,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) force: bool,
}

/// What curves are drawn over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Over {
    Epochs,
    Steps,
    Seconds,
}
