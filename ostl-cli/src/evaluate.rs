//! `ostl evaluate`.

use std::io::Write;

use anyhow::{Context, Result};
use ostl_tasks::Split;

use crate::arguments::EvaluateArguments;
use crate::config;
use crate::failure::UsageError;
use crate::feed::Feed;
use crate::figures::{self, Figures};
use crate::names::counted;
use crate::output::Out;
use crate::ranks::Group;
use crate::results;
use crate::run_directory::RunDirectory;
use crate::signals::Stop;
use crate::train::in_pool;
use crate::trainer;

pub(crate) fn run(arguments: &EvaluateArguments, group: &Group) -> Result<()> {
    let run = RunDirectory::open(&arguments.run)?;
    let (config, source) = config::load_file(&run.config_path())?;
    let task = config.open_task(arguments.data.as_deref(), &source)?;
    let task = task.as_ref();
    let split = arguments.split;
    let sequences = task.sequences(split);
    if sequences == 0 {
        return Err(UsageError::Other(format!("the task `{}` has no {split} split", task.name())).into());
    }
    let note = match split {
        Split::Test if !task.has_test() => "; no test split of its own: this is the valid split",
        _ => "",
    };
    let feed = Feed::new(&config, &source, task)?;
    let (best, measures) = in_pool(config.threads, || -> Result<_> {
        let mut learner = group.all_well(trainer::sharded(&config, &source, task, feed, None, group))?;
        let best = trainer::put_best(learner.learner_mut(), task, &run, group)?;
        let measures = feed.evaluate(&mut learner, task, split, &Stop::default())?;
        Ok((best, measures.context("evaluation was not finished")?))
    })??;
    if !group.is_first() {
        return Ok(());
    }
    let figures = Figures::new(&measures, &figures::reported(task));
    let mut out = Out::new();
    writeln!(
        out,
        "{} {split}: loss {:.6}{} ({}, {}; weights of epoch {}{note})",
        task.name(),
        figures.loss(),
        figures.beside_the_loss(),
        counted(sequences, "sequence"),
        counted(measures.targets(), "target"),
        best.epoch
    )?;
    if let Some(classes) = measures.by_class().filter(|_| task.vocabulary().is_none()) {
        write!(out, "\n{}", results::by_class(task, classes))?;
    }
    Ok(out.flush()?)
}
