//! The command line.

mod compare;
mod data;
mod export;
mod plot;
mod record;
mod refusal;
mod report;
mod shell;
mod stream;
mod sweep;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ostl_core::{Carry, TraceFormat};
use ostl_tasks::Split;

use crate::config;
use crate::names::spelled;

pub(crate) use compare::{CompareArguments, ComparedSplit};
pub(crate) use data::{
    DataArguments, DataCommand, FetchArguments, FileFormat, InfoArguments, MakeArguments, SampleArguments,
};
pub(crate) use export::{ExportArguments, WeightFormat, WhichCheckpoint};
pub(crate) use plot::{Over, PlotArguments};
pub(crate) use record::{RecordArguments, What};
pub(crate) use refusal::explained;
pub(crate) use report::ReportArguments;
pub(crate) use shell::{CompletionsArguments, ManArguments};
pub(crate) use stream::{MissingPolicy, OutputFormat, RowFormat, StreamArguments, TaskKind};
pub(crate) use sweep::SweepArguments;

const EXAMPLES: &str = "\
Examples:
  ostl train                                        learn a small task, no data needed
  ostl train configs/jsb-lstm.toml --data DIR       learn the JSB chorales
  ostl train --set layers.0.units=32 --out runs/b   the same with another setting
  ostl evaluate runs/b                              measure a finished run again
  ostl sweep --set method.carry=none,local          every combination of settings, as runs of their own
  ostl compare runs/*                               several runs beside each other
  ostl stream --example                             learn from rows as they come, each predicted before it is learned
  ostl data fetch jsb --out data                    download a data set
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
    /// resolved config.toml, metrics.csv (a row an epoch), summary.json, history.json, and the last and the best checkpoint. Ctrl-C finishes
    /// the step, writes the checkpoint and says how to go on.
    #[command(after_help = "\
Examples:
  ostl train
  ostl train configs/jsb-lstm.toml --data DIR --seed 1
  ostl train configs/jsb-lstm.toml --data DIR --set method.window=sequence   (BPTT)
  ostl train --set layers.0.units=32 --set optimizer.rule=sgd --out runs/sgd
  ostl train --resume runs/sgd
  ostl train --resume runs/sgd --set training.epochs=50   (a finished run, for longer)
  ostl train --resume runs/sgd --set optimizer.learning_rate=0.001   (in smaller steps from here on)

Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.")]
    Train(TrainArguments),
    /// Measure the best checkpoint of a run
    #[command(after_help = "Example:\n  ostl evaluate runs/jsb-lstm-k16-local-0 --split valid")]
    Evaluate(EvaluateArguments),
    /// Train every combination of some settings, with several seeds
    ///
    /// Each is a run of its own in DIR, made by `ostl train`, with what it said in a .log beside it. All settings are checked before the first run
    /// begins. Interrupted or not, the same command goes on with what is not done yet. At the end the runs are compared.
    #[command(after_help = "\
Examples:
  ostl sweep --set method.carry=none,local,layer --seeds 0..2
  ostl sweep configs/jsb-lstm.toml --data DIR --set layers.0.units=64,128 --set training.epochs=20 --jobs 2 --out runs/units

Exit status: 0 done, 1 some run failed, 2 wrong usage or configuration, 130 interrupted.")]
    Sweep(SweepArguments),
    /// Lay runs beside each other: mean and spread over seeds
    ///
    /// Runs of the same configuration but for the seed are one row, named by the settings that the rows do not have in common. Runs that have not
    /// come to their end are left out, and that is said.
    #[command(after_help = "\
Examples:
  ostl compare runs/*
  ostl compare runs/* --sort accuracy
  ostl compare runs/local-0 runs/local-1 runs/layer-0 --split valid --csv > figures.csv

Exit status: 0 done, 1 failed, 2 wrong usage, or no run has come to its end.")]
    Compare(CompareArguments),
    /// Draw learning curves: a line and a band for the runs of a configuration
    ///
    /// Runs of the same configuration but for the seed are drawn as their mean, with the range between the lowest and the highest around it. Runs
    /// need not have come to their end.
    #[command(after_help = "\
Examples:
  ostl plot runs/*
  ostl plot runs/* --figure valid_accuracy --over steps --out accuracy.png
  ostl plot runs/b --log --terminal")]
    Plot(PlotArguments),
    /// Write a page about runs: curves, figures, what happens inside, how good the gradient is
    ///
    /// One file of HTML that loads nothing and runs no script: it can be mailed, printed and kept. Learning curves over steps and seconds, a table of
    /// what differs between the runs and what they came to, which class was taken for which; of the best run of each configuration one
    /// sequence of the validation split with input, activity, states, eligibility traces, learning signals and predictions, and the audit of its
    /// gradient; the machine, commands and versions.
    #[command(after_help = "\
Examples:
  ostl report runs/*                                (report.html)
  ostl report runs/local-? runs/layer-? --data DIR --sequence 3 --out carries.html

Exit status: 0 done, 1 failed, 2 wrong usage, or no run has come to its end.")]
    Report(ReportArguments),
    /// Record what happens inside a run's network during one sequence
    ///
    /// The best checkpoint of the run goes through a sequence step by step, its weights fixed. Inputs, targets, predictions, and what is asked for
    /// are written as arrays whose first index is the step: `layers.0.y` (outputs: spikes, 0 or 1, of units that spike), `layers.0.s` (states:
    /// variables × units), `layers.0.signal` (the error as it reaches the layer at that step) and the traces by their names in docs/checkpoints.md.
    /// Signals and traces are those of the run's method with windows of one step.
    #[command(after_help = "\
Examples:
  ostl record runs/b                                (runs/b/recording.npz)
  ostl record runs/b --what spikes,state,trace,signal --split test --sequence 3 --out inside.npz
  python -c \"import numpy; print(numpy.load('inside.npz')['layers.0.y'].mean())\"")]
    Record(RecordArguments),
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
  ostl check configs/jsb-lstm.toml --set 'method={name=\"uoro\"}'
  ostl check --all                                  (cells × methods, seconds)

Exit status: 0 all claims hold, 1 something claimed exact is not, 2 wrong usage or configuration.")]
    Check(CheckArguments),
    /// Time one whole gradient, or with --online a step of a stream, on the cases that peers are timed on
    ///
    /// A gradient is the forward pass, a loss at every step, the reverse sweep and the traces; no optimiser. The fastest of some
    /// runs is printed, in milliseconds, beside the bytes of the traces and the peak of resident memory. Weights and inputs are
    /// random but fixed.
    ///
    /// With --online a step is a prediction and what is learned from its target, by one stream and by 16 side by side, with an update by Adam
    /// at every step and at every 20th. The median is printed, in microseconds, and for updates at every step the bytes that must be touched
    /// (weights, moments, traces) with the time of a plain pass over as many as a share of the step's.
    #[command(after_help = "\
Examples:
  ostl bench
  ostl bench --case music --cell snu --recurrent --window 1
  ostl bench --window sequence --json                         (BPTT)
  ostl bench --case wide --threads 1 --carry none
  ostl bench --case music --cell lstm --method rolling_tbptt --window 5
  ostl bench --online --quick                                 (a few minutes)
  ostl bench --online --sizes small,events --cells lstm,lru --json

Exit status: 0 done, 1 failed, 2 wrong usage.")]
    Bench(BenchArguments),
    /// Let a trained network go on with a text
    ///
    /// For tasks whose inputs and classes are the characters or words of a text. The best checkpoint of the run reads the prompt and then
    /// its own draws.
    #[command(
        after_help = "Example:\n  ostl sample runs/characters-gru-k10-local-0 --prompt \"ROMEO:\" --length 400 --temperature 0.8"
    )]
    Sample(SampleArguments),
    /// Write a run's weights for other programs
    ///
    /// Arrays by the names of docs/checkpoints.md (`layers.0.W` as rows × columns, gate by gate), which the Python package has too. They are
    /// taken back with --set init=FILE.
    #[command(after_help = "\
Examples:
  ostl export runs/b                                (runs/b/weights.safetensors)
  ostl export runs/b --format npz --out b.npz
  ostl train --set init=runs/b/weights.safetensors --set layers.0.units=32")]
    Export(ExportArguments),
    /// Learn from rows as they come, each predicted before it is learned from
    ///
    /// Reads rows of CSV or JSON Lines from FILE or standard input, one at a time and in constant memory: the row is predicted, then its target
    /// is shown, scored and learned from. CONFIG (a name that ends in .toml) has the sections layers, readout, method and optimizer of
    /// `ostl train`; without it, the options below make one. Progress and figures go to standard error.
    #[command(after_help = stream::EXAMPLES)]
    Stream(Box<StreamArguments>),
    /// List, look into, make and fetch data
    Data(DataArguments),
    /// Print what a shell needs to complete commands and options
    #[command(after_help = "\
Examples:
  ostl completions bash > ~/.local/share/bash-completion/completions/ostl
  ostl completions zsh > ~/.zfunc/_ostl
  ostl completions fish > ~/.config/fish/completions/ostl.fish")]
    Completions(CompletionsArguments),
    /// Write manual pages, one for every command
    #[command(after_help = "Example:\n  ostl man --out ~/.local/share/man/man1")]
    Man(ManArguments),
}

impl Command {
    /// Whether several processes that were started together do it as one.
    pub(crate) fn works_on_ranks(&self) -> bool {
        matches!(self, Self::Train(_) | Self::Evaluate(_) | Self::Bench(_))
    }
}

/// What decides the configuration.
#[derive(Args, Debug)]
pub(crate) struct ConfigArguments {
    /// Configuration file (TOML); if left out, the built-in default (`ostl check`: a fixed set of stacks)
    pub(crate) config: Option<PathBuf>,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Change one setting, e.g. layers.0.units=64 or method.window=sequence; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Take one key of CONFIG away, so that its default holds, e.g. training.patience; may be repeated, and goes before --set
    #[arg(long, value_name = "KEY")]
    pub(crate) unset: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Run directory to make [default: runs/TASK-CELL-METHOD-SEED, numbered if that exists]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in DIR, exactly where it stopped; when it ends (training.epochs, training.patience) and how large its steps are (optimizer.learning_rate, optimizer.clip_norm, training.on_non_finite) may be set anew
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<PathBuf>,
    /// Seed of the starting weights and of the order of sequences; the same as --set seed=N
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Replace the run in an existing run directory; with --resume: go on though the data are not those of the run
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the final table only: no progress and no audit of the gradient
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EvaluateArguments {
    /// Run directory
    pub(crate) run: PathBuf,
    /// Part of the data: test, valid or train
    #[arg(long, default_value = "test", value_parser = split)]
    pub(crate) split: Split,
    /// Folder (or file) with the task's data [default: where the run had it]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Every kind of cell under every named method, the whole gradient of each: the table of docs/methods.md
    #[arg(long, group = "table", conflicts_with_all = ["config", "set", "data"])]
    pub(crate) all: bool,
    /// Stacks of one to four layers under every way of learning online, and what each leaves out of BPTT's gradient: the table of docs/deep.md
    #[arg(long, group = "table", conflicts_with_all = ["config", "set", "data"])]
    pub(crate) deep: bool,
    /// One JSON object a parameter block (with --all and --deep: an entry of the table) and line
    #[arg(long)]
    pub(crate) json: bool,
    /// The table of --all or --deep as Markdown
    #[arg(long, requires = "table", conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// The table of --deep as a picture, too: FILE.svg
    #[arg(long, value_name = "FILE", requires = "deep")]
    pub(crate) out: Option<PathBuf>,
    /// Replace an existing picture
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Only these kinds of cells
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "table", hide = true)]
    pub(crate) cells: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    /// Only this case: music, spikes, digits, wide or long
    #[arg(long, value_name = "NAME", value_parser = case_name)]
    pub(crate) case: Option<String>,
    /// Only this cell; snu is timed without H, unless --recurrent is given, and rnn (tanh) only if it is named
    #[arg(long, value_name = "CELL", value_parser = cell_name)]
    pub(crate) cell: Option<String>,
    /// Only cells with H
    #[arg(long)]
    pub(crate) recurrent: bool,
    /// A method by its name in configurations, such as ostl, e_prop or rolling_tbptt; the options below then change single parts of it
    #[arg(long, value_name = "NAME", value_parser = config::MethodName::read)]
    pub(crate) method: Option<config::MethodName>,
    /// Steps K of a window, "sequence" for BPTT, "rolling-K", or "auto" [default: 20, or the method's]
    #[arg(long, value_name = "K", value_parser = config::WindowSetting::read)]
    pub(crate) window: Option<config::WindowSetting>,
    /// Steps of a block: how often traces are read out and moved on where the weights stay until a sequence ends; or `auto`.
    #[arg(long, value_name = "STEPS", value_parser = config::BlockSetting::read)]
    pub(crate) block: Option<config::BlockSetting>,
    /// What is carried from window to window: none, local, layer, network, snap-1, … [default: local, or the method's]
    #[arg(long, value_name = "CARRY", value_parser = config::carry)]
    pub(crate) carry: Option<Carry>,
    /// How traces are kept: full, or bf16 (with the carries local, layer and network) [default: full]
    #[arg(long, value_name = "FORMAT", value_parser = config::trace)]
    pub(crate) trace: Option<TraceFormat>,
    /// Threads; 0 takes as many as the machine has cores [default: 0, with --online 1]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Runs of each, of which the fastest counts
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// One JSON object a row and line
    #[arg(long)]
    pub(crate) json: bool,
    /// Time a step of learning from a stream instead
    #[arg(long, conflicts_with_all = ["case", "cell", "recurrent", "method", "window", "carry", "trace", "runs"])]
    pub(crate) online: bool,
    /// Time learning on several processes instead: mpirun -np 2 ostl bench --ranks
    ///
    /// A batch of a case is learned from by the first process alone, then dealt to all of them (strong), then as large for each (weak); one thread
    /// each unless --threads says more. KiB sent are the first one's.
    #[arg(long, conflicts_with = "online")]
    pub(crate) ranks: bool,
    /// With --online: shorter samples, and nothing of which a step takes more than a second
    #[arg(long, requires = "online")]
    pub(crate) quick: bool,
    /// With --online: only these cells, of lstm, gru, snu (with H) and lru
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "online", value_parser = stream_cell_name)]
    pub(crate) cells: Vec<String>,
    /// With --online: only these sizes, of small, medium, large and events
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "online", value_parser = size_name)]
    pub(crate) sizes: Vec<String>,
}

fn case_name(name: &str) -> Result<String, String> {
    let names: Vec<_> = ostl_bench::cases::Case::all().into_iter().map(|case| case.name).collect();
    one_of(name, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn cell_name(name: &str) -> Result<String, String> {
    one_of(name, &["snu", "lstm", "rnn"])
}

fn stream_cell_name(name: &str) -> Result<String, String> {
    one_of(name, &ostl_bench::cases::Units::OF_STREAMS.map(ostl_bench::cases::Units::cell_name))
}

fn size_name(name: &str) -> Result<String, String> {
    let names: Vec<_> = ostl_bench::online::Plan::whole().sizes.into_iter().map(|size| size.name).collect();
    one_of(name, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn split(name: &str) -> Result<Split, String> {
    let names = Split::ALL.map(Split::name);
    one_of(name, &names).and_then(|name| name.parse().map_err(|error: ostl_tasks::UnknownSplit| error.to_string()))
}

/// The known name that this is a spelling of.
fn one_of(name: &str, known: &[&str]) -> Result<String, String> {
    spelled(name, known.iter().copied()).map(str::to_owned).ok_or_else(|| {
        let listed = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
        format!("unknown name `{name}`, expected one of {listed}")
    })
}
