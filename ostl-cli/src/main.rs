//! `ostl`: train a recurrent or spiking network online, measure it, and see how close its gradient is to BPTT's.

mod arguments;
mod bench;
mod check;
mod config;
mod data;
mod evaluate;
mod failure;
mod feed;
mod figures;
mod gradient_report;
#[cfg(test)]
mod letters;
mod progress;
mod results;
mod run_directory;
mod sample;
mod signals;
mod summary;
mod table;
mod train;
mod trainer;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Train(arguments) => train::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Sample(arguments) => sample::run(arguments),
        Command::Data(arguments) => data::run(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
