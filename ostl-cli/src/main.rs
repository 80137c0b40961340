//! `ostl`: train a recurrent or spiking network online, measure it, and see how close its gradient is to BPTT's.

#![deny(clippy::print_stdout, clippy::print_stderr, reason = "they end the program where nobody listens: see output.rs")]

mod arguments;
mod bench;
mod check;
mod compare;
mod config;
mod data;
mod date;
mod doubts;
mod evaluate;
mod export;
mod failure;
mod feed;
mod figures;
mod fingerprint;
mod forecast;
mod gradient_report;
#[cfg(test)]
mod letters;
mod machine;
mod made_file;
mod names;
mod output;
mod plot;
mod progress;
mod ranks;
mod record;
mod recording;
mod report;
mod results;
mod run_directory;
mod runs;
mod sample;
mod shell;
mod signals;
mod stream;
mod summary;
mod sweep;
mod table;
mod train;
mod trainer;
mod weights;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::UsageError;
use crate::ranks::Group;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::report_usage(&error),
    };
    // The membership is given back when all is done.
    let (group, _membership) = match Group::join() {
        Ok(joined) => joined,
        Err(error) => return failure::report(&error),
    };
    match run(arguments.command, &group) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => group.fail(&error),
    }
}

fn run(command: Command, group: &Group) -> anyhow::Result<()> {
    // Before any work is done with other instructions than those that were meant.
    ostl_core::instructions().map_err(|error| UsageError::Other(error.to_string()))?;
    if group.count() > 1 && !command.works_on_ranks() {
        let problem = format!(
            "only train, evaluate and bench --ranks work on several processes, and this is one of {}",
            group.count()
        );
        return Err(UsageError::Other(problem).into());
    }
    match command {
        Command::Train(arguments) => train::run(&arguments, group),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments, group),
        Command::Plot(arguments) => plot::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Bench(arguments) => bench::run(&arguments, group),
        Command::Sample(arguments) => sample::run(arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Stream(arguments) => stream::run(*arguments),
        Command::Data(arguments) => data::run(arguments),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::man(&arguments),
    }
}
