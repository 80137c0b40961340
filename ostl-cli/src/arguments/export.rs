//! The options of `ostl export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    /// Run directory
    pub(crate) run: PathBuf,
    /// What other programs are to read it with; an npz archive has no place for texts, such as the configuration
    #[arg(long, value_enum, default_value_t = WeightFormat::Safetensors)]
    pub(crate) format: WeightFormat,
    /// The best weights, or everything that the run would go on with: last weights, the optimiser's moments, states and traces
    #[arg(long, value_enum, default_value_t = WhichCheckpoint::Best)]
    pub(crate) checkpoint: WhichCheckpoint,
    /// File to make [default: weights.safetensors in the run, or .npz; last.… of the last checkpoint]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) force: bool,
}

/// A kind of file with arrays by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightFormat {
    Safetensors,
    Npz,
}

/// A checkpoint of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhichCheckpoint {
    Best,
    Last,
}
