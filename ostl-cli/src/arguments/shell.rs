//! The options of `ostl completions` and `ostl man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args, Debug)]
pub(crate) struct CompletionsArguments {
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// Folder to write the pages to, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR", default_value = "man1")]
    pub(crate) out: PathBuf,
}
