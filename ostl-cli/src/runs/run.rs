//! One run that has come to its end, as its `summary.json` has it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ostl_tasks::Metric;
use serde::Deserialize;
use serde_json::Value;

use super::given;
use super::settings::{Settings, flattened};
use crate::arguments::ComparedSplit;
use crate::failure::UsageError;
use crate::output::tell;
use crate::run_directory::RunDirectory;

/// What is read of a summary.
#[derive(Deserialize)]
struct Summary {
    status: String,
    task: String,
    network: String,
    best_by: String,
    seed: u64,
    valid: Option<Split>,
    test: Option<Split>,
    seconds: f64,
    parameters: u64,
    trace_bytes: u64,
    fingerprint: String,
    settings: Value,
}

#[derive(Deserialize)]
struct Split {
    metrics: BTreeMap<String, f64>,
}

impl Split {
    fn known(self) -> Vec<(Metric, f64)> {
        self.metrics.into_iter().filter_map(|(name, value)| Some((Metric::named(&name)?, value))).collect()
    }
}

/// Whether a run has come to its end.
pub(crate) fn is_finished(path: &Path) -> bool {
    matches!(Run::read(path), Ok(Found::Finished(_)))
}

/// The runs [given](given()) that have come to their end; of the others is said what is the matter.
pub(crate) fn finished(paths: &[PathBuf]) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for path in given(paths)? {
        match Run::read(&path)? {
            Found::Finished(run) => runs.push(*run),
            Found::LeftOut(reason) => tell(&format!("{}: left out: {reason}", path.display())),
        }
    }
    if runs.is_empty() {
        return Err(UsageError::Other("there is nothing to compare: none of these runs has come to its end".into()).into());
    }
    Ok(runs)
}

/// The tasks of some runs, each once, in the order of the runs.
pub(crate) fn tasks<'a>(runs: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut tasks = Vec::new();
    for task in runs {
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    tasks
}

/// A run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) path: PathBuf,
    pub(crate) task: String,
    /// The network in a line.
    pub(crate) network: String,
    /// The figure that chose the best epoch.
    pub(crate) best_by: Option<Metric>,
    pub(crate) seed: u64,
    valid: Option<Vec<(Metric, f64)>>,
    test: Option<Vec<(Metric, f64)>>,
    /// Wall clock of training.
    pub(crate) seconds: f64,
    pub(crate) parameters: u64,
    pub(crate) trace_bytes: u64,
    /// Of the data that was read.
    pub(crate) fingerprint: String,
    pub(crate) settings: Settings,
}

/// What became of reading a run.
enum Found {
    Finished(Box<Run>),
    /// Why there is nothing to compare.
    LeftOut(String),
}

impl Run {
    fn read(path: &Path) -> Result<Found> {
        let file = RunDirectory::open(path)?.summary_path();
        let shown = file.display();
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let way = format!("it has not come to its end: ostl train --resume {}", path.display());
                return Ok(Found::LeftOut(way));
            }
            text => text.with_context(|| format!("{shown}: cannot be read"))?,
        };
        let summary: Summary = serde_json::from_str(&text)
            .with_context(|| format!("{shown}: is damaged, or was written by an older version of this program"))?;
        if summary.status != "finished" {
            let way = format!("it was {}: ostl train --resume {}", summary.status, path.display());
            return Ok(Found::LeftOut(way));
        }
        Ok(Found::Finished(Box::new(Self {
            path: path.to_owned(),
            task: summary.task,
            network: summary.network,
            best_by: Metric::named(&summary.best_by),
            seed: summary.seed,
            valid: summary.valid.map(Split::known),
            test: summary.test.map(Split::known),
            seconds: summary.seconds,
            parameters: summary.parameters,
            trace_bytes: summary.trace_bytes,
            fingerprint: summary.fingerprint,
            settings: flattened(&summary.settings),
        })))
    }

    /// Its directory.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn figures(&self, split: ComparedSplit) -> Option<&[(Metric, f64)]> {
        match split {
            ComparedSplit::Test => self.test.as_deref(),
            ComparedSplit::Valid => self.valid.as_deref(),
        }
    }

    pub(crate) fn figure(&self, split: ComparedSplit, metric: Metric) -> Option<f64> {
        self.figures(split)?.iter().find(|(of, _)| *of == metric).map(|&(_, value)| value)
    }
}
