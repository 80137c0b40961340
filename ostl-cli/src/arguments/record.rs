//! The options of `ostl record`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostl_tasks::Split;

use super::split;

#[derive(Args, Debug)]
pub(crate) struct RecordArguments {
    /// Run directory
    pub(crate) run: PathBuf,
    /// What is recorded beside inputs, targets and predictions
    #[arg(
        long,
        value_enum,
        value_name = "LIST",
        value_delimiter = ',',
        default_values_t = [What::Spikes, What::State, What::Signal],
        hide_default_value = true
    )]
    pub(crate) what: Vec<What>,
    /// Part of the data: test, valid or train
    #[arg(long, default_value = "valid", value_parser = split)]
    pub(crate) split: Split,
    /// Which of its sequences, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) sequence: usize,
    /// Only its first N steps
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<NonZeroUsize>,
    /// Folder (or file) with the task's data [default: where the run had it]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Archive of NumPy to make [default: recording.npz in the run]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) force: bool,
}

/// A part of what happens inside a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Outputs of the units: spikes, 0 or 1, of those that spike
    #[value(alias = "output")]
    Spikes,
    /// Their states: membrane potentials, cells of an LSTM
    State,
    /// The eligibility traces that the run's method carries; as large as the weights at every step
    Trace,
    /// The learning signals: the error as it reaches each layer
    Signal,
}
