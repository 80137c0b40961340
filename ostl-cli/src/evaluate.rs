//! `ostl evaluate`.

use std::io::Write;

use anyhow::{Context, Result};

use crate::arguments::EvaluateArguments;
use crate::config;
use crate::run_directory::RunDirectory;
use crate::signals::Stop;
use crate::summary::Measured;
use crate::train::in_pool;
use crate::trainer;

pub(crate) fn run(arguments: EvaluateArguments) -> Result<()> {
    let run = RunDirectory::open(&arguments.run)?;
    let (config, source) = config::load_file(&run.config_path())?;
    let task = config.open_task(arguments.data.as_deref(), &source)?;
    let task = task.as_ref();
    let split = arguments.split;
    let (best, score) = in_pool(config.threads, || -> Result<_> {
        let (mut learner, best) = trainer::with_best(trainer::learner(&config, &source, task)?, &run)?;
        let score = trainer::evaluate(&mut learner, task, split, config.training.batch, &Stop::default())?;
        Ok((best, score.context("evaluation was not finished")?))
    })??;
    let measured = Measured::new(&score, task.loss());
    let accuracy = measured.accuracy.map_or_else(String::new, |accuracy| format!(", accuracy {:.2} %", 100.0 * accuracy));
    let sequences = task.sequences(split);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} {split}: loss {:.6}{accuracy} ({sequences} sequences, {} targets; weights of epoch {})",
        task.name(),
        measured.loss,
        score.targets,
        best.epoch
    )?;
    Ok(out.flush()?)
}
