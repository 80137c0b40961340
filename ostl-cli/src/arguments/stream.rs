//! The command line of `ostl stream`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostl_core::Window;
use serde::{Deserialize, Serialize};

pub(super) const EXAMPLES: &str = "\
Examples:
  ostl stream --example
  ostl stream --target class electricity.csv -p predictions.csv
  ostl stream --target class --feedback electricity.csv -f state.bin
  ostl stream -i state.bin -f state.bin more.csv                   (go on where that stopped, with the same options)
  ostl stream -i state.bin -t new.csv -p -                         (predict without learning)
  tail -F log.jsonl | ostl stream --task regress --target load --time at -p - --alarm 0.999
  ostl stream --task forecast --horizon 12 --target value --ignore timestamp machine-temperature.csv
  ostl stream --task classify --target fault --stream-by machine --id part --listen 127.0.0.1:9464 events.csv -f state.bin
  ostl stream network.toml --target class --categorical day rows.csv.gz

Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.";

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TaskKind {
    /// The class in the target column
    Classify,
    /// The number in each target column
    Regress,
    /// What the target columns will hold some rows later
    Forecast,
}

/// What takes the place of a missing number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MissingPolicy {
    /// The last one of its column
    Last,
    /// The mean of its column so far
    Mean,
    /// The mean, and a further input for each column says so
    ZeroMask,
}

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// By the ending of the name, else by the first character
    Auto,
    /// Comma-separated values
    Csv,
    /// A JSON object a line
    Jsonl,
}

/// How predictions are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Csv,
    Jsonl,
}

#[derive(Args, Debug)]
pub(crate) struct StreamArguments {
    /// A network: a name that ends in .toml; what has another name is FILE
    #[arg(value_name = "CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The rows; none or `-`: standard input. Gzip is unpacked
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Learn a small built-in stream with a drift
    #[arg(long, conflicts_with_all = ["config", "file", "target", "from"])]
    pub(crate) example: bool,

    /// What to predict [default: classify where the first target is text or a whole number, else regress; forecast with --horizon]
    #[arg(long, value_name = "TASK", help_heading = "What is learned")]
    pub(crate) task: Option<TaskKind>,
    /// Column that is to be predicted; several for numbers
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = "What is learned")]
    pub(crate) target: Vec<String>,
    /// Forecast the targets so many rows ahead
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "What is learned")]
    pub(crate) horizon: Option<u32>,
    /// The target in a row belongs to the row so many before: it comes late, and is learned with the state of its own row
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "horizon", help_heading = "What is learned")]
    pub(crate) delay: Option<u32>,
    /// Labels come as rows of their own: what names a row. A row without a target asks, one with the same value here and a target answers
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["horizon", "delay"], help_heading = "What is learned")]
    pub(crate) id: Option<String>,
    /// Most rows that wait for labels by --id; then the oldest is given up [default: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000), help_heading = "What is learned")]
    pub(crate) max_waiting: Option<u32>,
    /// The last known target is an input, too
    #[arg(long, help_heading = "What is learned")]
    pub(crate) feedback: bool,
    /// The classes that there are; a row with another is broken. Left out, they appear as they come
    #[arg(
        long,
        value_name = "CLASSES",
        value_delimiter = ',',
        conflicts_with = "max_classes",
        help_heading = "What is learned"
    )]
    pub(crate) classes: Vec<String>,
    /// Most classes [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=4096), help_heading = "What is learned")]
    pub(crate) max_classes: Option<u32>,

    /// Format of the rows
    #[arg(long, value_name = "FORMAT", default_value = "auto", help_heading = "Rows")]
    pub(crate) format: RowFormat,
    /// What stands between the values of a row of CSV [default: a comma; a tab in files that end in .tsv]
    #[arg(long, value_name = "CHARACTER", help_heading = "Rows")]
    pub(crate) delimiter: Option<String>,
    /// The first row of CSV is a row like the others; columns are called 1, 2, …
    #[arg(long, help_heading = "Rows")]
    pub(crate) no_header: bool,
    /// Columns that are no inputs
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = "Rows")]
    pub(crate) ignore: Vec<String>,
    /// Column with the time: no input, but repeated beside the predictions
    #[arg(long, value_name = "COLUMN", help_heading = "Rows")]
    pub(crate) time: Option<String>,
    /// The time since the row before is an input: of numbers in their unit, of dates (2024-05-01 12:00:00, RFC 3339) in seconds
    #[arg(long, help_heading = "Rows")]
    pub(crate) dt: bool,
    /// Columns of words, an input for each value; columns with text in the first row are such anyway
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', help_heading = "Rows")]
    pub(crate) categorical: Vec<String>,
    /// Most values of a column of words [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Rows")]
    pub(crate) max_categories: Option<u32>,
    /// A new sequence begins where the value of this column changes; it is no input
    #[arg(long, value_name = "COLUMN", help_heading = "Rows")]
    pub(crate) reset_on: Option<String>,
    /// Many streams side by side: the column that says which one a row is of. The weights are shared, states and traces are each stream's own
    #[arg(long, value_name = "COLUMN", help_heading = "Rows")]
    pub(crate) stream_by: Option<String>,
    /// Most streams at a time; then the least recently used is given up [default: 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536), help_heading = "Rows")]
    pub(crate) max_streams: Option<u32>,
    /// What takes the place of a missing number (empty, NaN, ?, NA) [default: last]
    #[arg(long, value_name = "POLICY", help_heading = "Rows")]
    pub(crate) missing: Option<MissingPolicy>,
    /// Means and deviations that inputs are normalised by forget half in so many rows [default: they never forget]
    #[arg(long, value_name = "ROWS", help_heading = "Rows")]
    pub(crate) half_life: Option<f64>,
    /// Stop at the first broken row
    #[arg(long, help_heading = "Rows")]
    pub(crate) strict: bool,
    /// Read so many rows at most
    #[arg(long, value_name = "N", help_heading = "Rows")]
    pub(crate) max_rows: Option<u64>,

    /// Cell of the first layer, such as lru, gru or lstm
    #[arg(long, value_name = "CELL", help_heading = "Network, where CONFIG does not say it")]
    pub(crate) cell: Option<String>,
    /// Units of the first layer
    #[arg(long, value_name = "N", help_heading = "Network, where CONFIG does not say it")]
    pub(crate) units: Option<usize>,
    /// Learning rate; may be set anew with -i
    #[arg(long, value_name = "RATE", help_heading = "Network, where CONFIG does not say it")]
    pub(crate) learning_rate: Option<f64>,
    /// Rows from update to update, or "rolling-16": an update a row that looks back over the last 16; "rolling-16-by-4": over 16 at every fourth
    #[arg(long, value_name = "K", help_heading = "Network, where CONFIG does not say it")]
    pub(crate) window: Option<Window>,
    /// What is carried from window to window: local, layer, network, …
    #[arg(long, value_name = "CARRY", help_heading = "Network, where CONFIG does not say it")]
    pub(crate) carry: Option<String>,
    /// Begin anew with other weights where the last 1,000 rows were worse than guesses so many times in a row
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Network, where CONFIG does not say it")]
    pub(crate) restart_dead: Option<u32>,
    /// Seed of the starting weights
    #[arg(long, value_name = "N", help_heading = "Network, where CONFIG does not say it")]
    pub(crate) seed: Option<u64>,
    /// Change one setting of the network, as in `ostl train`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Network, where CONFIG does not say it")]
    pub(crate) set: Vec<String>,

    /// Write a row for each row that was read; `-` for standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(crate) predictions: Option<PathBuf>,
    /// Format of the predictions
    #[arg(long, value_name = "FORMAT", default_value = "csv", help_heading = "Output")]
    pub(crate) output_format: OutputFormat,
    /// Intervals hold this share of targets, such as 0.9, by a running quantile of the errors [default: ± 1.64 usual errors]
    #[arg(long, value_name = "SHARE", help_heading = "Output")]
    pub(crate) interval: Option<f64>,
    /// Raise an alarm where the surprise exceeds this quantile of those before, such as 0.999
    #[arg(long, value_name = "QUANTILE", help_heading = "Output")]
    pub(crate) alarm: Option<f64>,
    /// Rows after an alarm without another [default: 0]
    #[arg(long, value_name = "ROWS", help_heading = "Output")]
    pub(crate) refractory: Option<u64>,
    /// Compare with what the target was so many rows before
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Output")]
    pub(crate) season: Option<u32>,
    /// Report every so many rows [default: at 1, 2, 4, 8, …]
    #[arg(short = 'P', long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub(crate) progress: Option<u64>,
    /// Append figures to a file (CSV) as the stream goes on
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) metrics: Option<PathBuf>,
    /// How often that is
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub(crate) metrics_every: u64,
    /// Serve the figures for Prometheus, as at 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Output")]
    pub(crate) listen: Option<String>,
    /// --listen may be heard beyond this machine
    #[arg(long, requires = "listen", help_heading = "Output")]
    pub(crate) listen_anywhere: bool,
    /// Say nothing but what went wrong
    #[arg(long, help_heading = "Output")]
    pub(crate) quiet: bool,

    /// Save everything here: now and then, when interrupted, and at the end
    #[arg(short = 'f', long = "final", value_name = "FILE", help_heading = "State")]
    pub(crate) save: Option<PathBuf>,
    /// How often that is
    #[arg(long, value_name = "ROWS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "State")]
    pub(crate) save_every: u64,
    /// Go on from what was saved, bit for bit; options that are left out are as they were
    #[arg(short = 'i', long = "initial", id = "from", value_name = "FILE", help_heading = "State")]
    pub(crate) from: Option<PathBuf>,
    /// The rows begin with those that were read before: pass over them
    #[arg(long, requires = "from", help_heading = "State")]
    pub(crate) skip_seen: bool,
    /// Predict only: learn nothing, also not means and deviations
    #[arg(short = 't', long = "test-only", help_heading = "State")]
    pub(crate) test: bool,
}
