//! `ostl data` and `ostl sample`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args, Debug)]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Every data set and every task that needs no data
    List,
    /// Open a task and say what is in it; of a known data set, also whether each file is the one that was published
    #[command(after_help = "\
Examples:
  ostl data info store-recall --set delay=40
  ostl data info jsb --data data
  ostl data info --config configs/jsb-lstm.toml --data data")]
    Info(InfoArguments),
    /// Write a task's sequences to files, in the format of one's own data
    #[command(after_help = "\
Examples:
  ostl data make store-recall --out recall --set delay=40 --format jsonl
  ostl data make --config configs/store-recall-e-prop.toml --out recall     the task of a configuration")]
    Make(MakeArguments),
    /// Download a data set from where it was published, and check what arrived
    ///
    /// A file that is there and right is left alone, one that broke off is gone on with, and one whose sum is wrong is refused.
    #[command(after_help = "\
Examples:
  ostl data fetch jsb --out data                    then: ostl train configs/jsb-lstm.toml --data data
  ostl data fetch mnist --out data --mirror https://mirror.example/mnist")]
    Fetch(FetchArguments),
}

#[derive(Args, Debug)]
pub(crate) struct InfoArguments {
    /// A data set or a task
    pub(crate) name: Option<String>,
    /// The task of this configuration, with its settings
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder (or file) with the data
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A setting of the task, e.g. delay=40; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct MakeArguments {
    /// A task
    pub(crate) name: Option<String>,
    /// The task of this configuration, with its settings
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// A setting of the task, e.g. delay=40; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Folder (or file) with the task's data, if it needs any
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// NumPy arrays, or a JSON object a sequence and line
    #[arg(long, value_enum, ignore_case = true, default_value_t = FileFormat::Npz)]
    pub(crate) format: FileFormat,
}

/// A format of one's own data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    Npz,
    Jsonl,
}

#[derive(Args, Debug)]
pub(crate) struct FetchArguments {
    /// A data set: see ostl data list
    pub(crate) name: String,
    /// Folder that the data set's own folder is made in
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Another address that the files' paths are appended to
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// Give up when nothing has arrived for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    /// Try a file again so often when a transfer breaks off or the server is busy
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) retries: u32,
}

#[derive(Args, Debug)]
pub(crate) struct SampleArguments {
    /// Run directory
    pub(crate) run: PathBuf,
    /// The beginning of the text [default: the end of a line, or where the text has none its first character or word]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// Characters (or words) to write after it
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) length: usize,
    /// 1: as often as the network learned; less: more cautious; 0: always the most likely one
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    pub(crate) temperature: f64,
    /// Draw among the K most likely only
    #[arg(long, value_name = "K")]
    pub(crate) top_k: Option<usize>,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Folder (or file) with the task's data, of a run that has not kept its words or characters itself
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}
