//! How the program fails: what it says, in one line, and with which exit status.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;

use crate::output::{Unheard, tell};

/// The command line or the configuration is wrong: exit status 2.
#[derive(Debug, Error)]
pub(crate) enum UsageError {
    /// One setting is wrong.
    #[error("{0}")]
    Setting(WrongSetting),
    /// Anything else, said in full.
    #[error("{0}")]
    Other(String),
}

/// Which setting is wrong, who made it, and what is allowed.
#[derive(Debug)]
pub(crate) struct WrongSetting {
    /// The file, `--set`, or the built-in default.
    pub(crate) origin: String,
    /// Dotted path.
    pub(crate) key: String,
    /// As it was given; nothing if it is missing.
    pub(crate) value: Option<String>,
    pub(crate) problem: String,
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Training was asked to stop and has: exit status 130.
#[derive(Debug, Error)]
#[error("interrupted; everything is saved. Go on with: ostl train --resume {}", .run.display())]
pub(crate) struct Interrupted {
    pub(crate) run: PathBuf,
}

/// A sweep was asked to stop and has: exit status 130.
#[derive(Debug, Error)]
#[error("interrupted; the same command goes on with what is in {}", .folder.display())]
pub(crate) struct SweepInterrupted {
    pub(crate) folder: PathBuf,
}

/// Learning from a stream was asked to stop and has: exit status 130.
#[derive(Debug, Error)]
pub(crate) enum StreamInterrupted {
    /// With the state saved.
    #[error("interrupted after {rows} rows; everything is saved. Go on with: ostl stream -i {}", .state.display())]
    Saved { rows: u64, state: PathBuf },
    /// With nothing to save it to.
    #[error("interrupted after {rows} rows; nothing is saved, since there was no -f FILE")]
    Lost { rows: u64 },
}

/// Something claimed exact is not: exit status 1, like any failure, but the report has said it all already.
#[derive(Debug, Error)]
#[error("{blocks} of the blocks claimed exact differ from BPTT's gradient by more than rounding")]
pub(crate) struct NotExact {
    pub(crate) blocks: usize,
}

/// Says on stderr what is wrong with the command line, as one line; or prints the help that was requested. Returns the exit status.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            match error.print() {
                Err(unheard) if !error.use_stderr() && unheard.kind() != io::ErrorKind::BrokenPipe => {
                    tell(&format!("error: standard output cannot be written to: {unheard}"));
                    ExitCode::FAILURE
                }
                _ => u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
            }
        }
        _ => {
            let given: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            report(&UsageError::Other(crate::arguments::explained(error, &given)).into())
        }
    }
}

/// Says on stderr what went wrong, as one line, and returns the exit status for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let number = number(error);
    match number {
        0 => {}
        130 => tell(&in_a_line(error)),
        _ => tell(&format!("error: {}", in_a_line(error))),
    }
    ExitCode::from(number)
}

/// The exit status for an error.
pub(crate) fn number(error: &anyhow::Error) -> u8 {
    // A reader that has seen enough (`ostl data list | head`) is no failure.
    if has(error, |cause: &io::Error| Unheard::of(cause).is_some_and(Unheard::is_closed)) {
        return 0;
    }
    let was_asked = has(error, |_: &Interrupted| true)
        || has(error, |_: &SweepInterrupted| true)
        || has(error, |_: &StreamInterrupted| true);
    match was_asked {
        true => 130,
        false if has(error, |_: &UsageError| true) => 2,
        false => 1,
    }
}

/// The error and what caused it, leaving out causes that the error has named already.
pub(crate) fn in_a_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(|cause| cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ")) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

fn has<E: std::error::Error + 'static>(error: &anyhow::Error, holds: impl Fn(&E) -> bool) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<E>()).any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = io::Error::other("the disk is full");
        let error = anyhow::Error::from(cause).context("a.ckpt: not written: the disk is full").context("epoch\n 3");
        assert_eq!(in_a_line(&error), "epoch 3: a.ckpt: not written: the disk is full");
    }
}
