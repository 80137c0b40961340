//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ostl_tasks::Split;

const EXAMPLES: &str = "\
Examples:
  ostl train                                        learn a small task, no data needed
  ostl train configs/jsb-lstm.toml --data DIR       learn the JSB chorales
  ostl train --set layers.0.units=32 --out runs/b   the same with another setting
  ostl evaluate runs/b                              measure a finished run again
  ostl check configs/jsb-lstm.toml                  is the online gradient exact?";

/// Online learning for recurrent and spiking networks: train one, measure it, and see how close its gradient is to BPTT's.
#[derive(Debug, Parser)]
#[command(name = "ostl", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and write a run directory
    ///
    /// Without CONFIG a small built-in task is learned, in well under a minute and without data. The run directory holds the
    /// resolved config.toml, metrics.csv (a row an epoch), summary.json, and the last and the best checkpoint. Ctrl-C finishes
    /// the step, writes the checkpoint and says how to go on.
    #[command(after_help = "\
Examples:
  ostl train
  ostl train configs/jsb-lstm.toml --data DIR --seed 1
  ostl train configs/jsb-lstm.toml --data DIR --set method.window=sequence   (BPTT)
  ostl train --set layers.0.units=32 --set optimizer.rule=sgd --out runs/sgd
  ostl train --resume runs/sgd

Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.")]
    Train(TrainArguments),
    /// Measure the best checkpoint of a run
    #[command(after_help = "Example:\n  ostl evaluate runs/jsb-lstm-0 --split valid")]
    Evaluate(EvaluateArguments),
    /// Compare the online gradient with BPTT's, block by block, in double precision
    ///
    /// Takes the network and the method of CONFIG and a small batch of its task, and says of every parameter block whether the
    /// method's gradient is exact or approximate there, with the measured relative error and cosine against backpropagation
    /// through time. R is the part of the influence between layers that the carries `local` and `layer` drop, relative to
    /// the whole. Without CONFIG a fixed set of small stacks is checked: every cell, carry and several windows.
    #[command(after_help = "\
Examples:
  ostl check
  ostl check configs/jsb-ssnu-recurrent.toml --data DIR
  ostl check configs/jsb-ssnu-recurrent.toml --set method.carry=local --json

Exit status: 0 all claims hold, 1 something claimed exact is not, 2 wrong usage or configuration.")]
    Check(CheckArguments),
}

/// What decides the configuration.
#[derive(Args, Debug)]
pub(crate) struct ConfigArguments {
    /// Configuration file (TOML); the built-in default if left out
    pub(crate) config: Option<PathBuf>,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Change one setting, e.g. layers.0.units=64 or method.window=sequence; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Run directory to make [default: runs/TASK-CELL-SEED, numbered if that exists]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in DIR, exactly where it stopped
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<PathBuf>,
    /// Seed of the starting weights and of the order of sequences; the same as --set seed=N
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Replace the run in an existing run directory
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the final table only
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EvaluateArguments {
    /// Run directory
    pub(crate) run: PathBuf,
    /// Part of the data: test, valid or train
    #[arg(long, default_value = "test")]
    pub(crate) split: Split,
    /// Folder (or file) with the task's data [default: where the run had it]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// One JSON object a parameter block and line
    #[arg(long)]
    pub(crate) json: bool,
}
