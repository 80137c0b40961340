//! The options of `ostl sweep`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::ConfigArguments;

#[derive(Args, Debug)]
pub(crate) struct SweepArguments {
    /// CONFIG, its data, and the settings: those with several values, such as method.carry=none,local or layers.0.units=16,32, are combined with each other
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Seeds of every combination: 0..2 (which is 0, 1 and 2), or 0,5,7
    #[arg(long, value_name = "SEEDS", default_value = "0")]
    pub(crate) seeds: String,
    /// Runs at a time; they share the cores
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) jobs: NonZeroUsize,
    /// Folder of the runs. What is done there already is not done again
    #[arg(long, value_name = "DIR", default_value = "runs/sweep")]
    pub(crate) out: PathBuf,
}
