//! `ostl sweep`: a grid of settings and seeds as separate runs, which can be interrupted and gone on with.

mod grid;
mod worker;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{path::PathBuf, sync::PoisonError};

use anyhow::{Context, Result, anyhow};

use crate::arguments::{CompareArguments, ConfigArguments, SweepArguments};
use crate::compare;
use crate::config::{self, Config};
use crate::failure::{SweepInterrupted, UsageError};
use crate::output::tell;
use crate::run_directory::RunDirectory;
use crate::runs;
use crate::signals::Stop;
use grid::Point;
use worker::{Came, Job};

pub(crate) fn run(arguments: &SweepArguments) -> Result<()> {
    let points = grid::points(&arguments.config.set, &arguments.seeds)?;
    // All settings are checked before the first run begins.
    let mut notes = BTreeSet::new();
    let jobs = points.iter().map(|point| job(arguments, point, &mut notes)).collect::<Result<Vec<_>>>()?;
    let (done, left): (Vec<&Job>, Vec<&Job>) = jobs.iter().partition(|job| job.is_finished);
    if !done.is_empty() {
        tell(&format!("{} of {} runs are done already", done.len(), jobs.len()));
    }
    fs::create_dir_all(&arguments.out).with_context(|| format!("{}: cannot be made", arguments.out.display()))?;
    let stop = Stop::listen()?;
    let failed = all(&left, done.len(), arguments.jobs.get(), &stop);
    if stop.requested() {
        return Err(SweepInterrupted { folder: arguments.out.clone() }.into());
    }
    let runs: Vec<PathBuf> = jobs.iter().map(|job| job.folder.clone()).filter(|run| run.is_dir()).collect();
    if failed < jobs.len() {
        compare::run(&CompareArguments { runs, split: None, sort: None, csv: false, json: false })?;
    }
    if failed > 0 {
        return Err(anyhow!("{failed} of {} runs failed; the same command tries them again", jobs.len()));
    }
    Ok(())
}

/// Makes the runs that are left, some at a time; how many failed.
fn all(left: &[&Job], done: usize, at_a_time: usize, stop: &Stop) -> usize {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let said = Mutex::new(done);
    let work = || {
        while let Some(job) = left.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !stop.requested()) {
            let came = job.run();
            if stop.requested() && !matches!(came, Came::Done(_)) {
                return;
            }
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            *said += 1;
            let words = match came {
                Came::Done(seconds) => format!("done in {seconds:.1} s"),
                Came::Failed(words) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                    format!("failed: {words}")
                }
            };
            tell(&format!("[{}/{}] {}: {words}", *said, done + left.len(), job.name));
        }
    };
    std::thread::scope(|scope| (0..at_a_time.min(left.len())).for_each(|_| drop(scope.spawn(work))));
    failed.into_inner()
}

/// What is to be done for one point of the grid. `notes` is what has been said of others.
fn job(arguments: &SweepArguments, point: &Point, notes: &mut BTreeSet<String>) -> Result<Job> {
    let given = &arguments.config;
    let set = point.set.clone();
    let asked = ConfigArguments { config: given.config.clone(), data: given.data.clone(), set, unset: given.unset.clone() };
    let (config, source) = config::load_unsaid(&asked, Some(point.seed))?;
    for note in source.notes().iter().filter(|&note| notes.insert(note.clone())) {
        tell(note);
    }
    let folder = arguments.out.join(&point.name);
    let begun = folder.exists();
    if begun {
        check_settings(&RunDirectory::open(&folder)?, &config)?;
    }
    // Runs side by side share the cores; results do not depend on it.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (config.threads == 0 && arguments.jobs.get() > 1).then(|| (cores / arguments.jobs).max(1));
    Ok(Job {
        name: point.name.clone(),
        is_finished: begun && runs::is_finished(&folder),
        asked,
        seed: point.seed,
        threads,
        begun,
        folder,
    })
}

/// A run that is there already must be the one that is asked for.
fn check_settings(run: &RunDirectory, config: &Config) -> Result<()> {
    let (there, _) = config::load_file(&run.config_path())?;
    let settings = |config: &Config| serde_json::to_value(config).map(|settings| runs::flattened(&settings));
    if (settings(&there)?, there.seed) == (settings(config)?, config.seed) {
        return Ok(());
    }
    let problem = "is there already, and was made with other settings: give --out another folder, or remove that one";
    Err(UsageError::Other(format!("{}: {problem}", run.path().display())).into())
}
