//! One run that has come to its end, as its `summary.json` has it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ostl_tasks::Metric;
use serde::Deserialize;
use serde_json::Value;

use super::settings::{Settings, flattened};
use crate::arguments::ComparedSplit;
use crate::run_directory::RunDirectory;

/// What is read of a summary.
#[derive(Deserialize)]
struct Summary {
    status: String,
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

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) path: PathBuf,
    pub(super) seed: u64,
    valid: Option<Vec<(Metric, f64)>>,
    test: Option<Vec<(Metric, f64)>>,
    /// Wall clock of training.
    pub(super) seconds: f64,
    pub(super) parameters: u64,
    pub(super) trace_bytes: u64,
    /// Of the data that was read.
    pub(super) fingerprint: String,
    pub(super) settings: Settings,
}

/// What became of reading a run.
pub(super) enum Found {
    Finished(Box<Run>),
    /// Why there is nothing to compare.
    LeftOut(String),
}

impl Run {
    pub(super) fn read(path: &Path) -> Result<Found> {
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
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn figures(&self, split: ComparedSplit) -> Option<&[(Metric, f64)]> {
        match split {
            ComparedSplit::Test => self.test.as_deref(),
            ComparedSplit::Valid => self.valid.as_deref(),
        }
    }

    pub(super) fn figure(&self, split: ComparedSplit, metric: Metric) -> Option<f64> {
        self.figures(split)?.iter().find(|(of, _)| *of == metric).map(|&(_, value)| value)
    }
}
