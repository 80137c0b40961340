//! The options of `ostl report`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// Run directories, or folders of runs
    #[arg(required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// HTML file to make
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// Folder (or file) with the task's data [default: where the runs had it]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The sequence of the validation split that is looked into, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) sequence: usize,
    /// Do not audit the gradient
    #[arg(long)]
    pub(crate) no_audit: bool,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) force: bool,
}
