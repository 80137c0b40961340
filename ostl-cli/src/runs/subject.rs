//! The network of a run with its best weights, and the data it learned from: what is looked into.

use std::path::Path;

use anyhow::Result;
use ostl_core::Network;
use ostl_tasks::Task;

use crate::config::{self, Config, Source};
use crate::run_directory::RunDirectory;
use crate::train::in_pool;
use crate::trainer;

pub(crate) struct Subject {
    pub(crate) config: Config,
    pub(crate) source: Source,
    pub(crate) task: Box<dyn Task>,
    pub(crate) network: Network<f32>,
}

impl Subject {
    /// Reads the data and the weights of a run.
    pub(crate) fn open(run: &Path, data: Option<&Path>) -> Result<Self> {
        let directory = RunDirectory::open(run)?;
        let (config, source) = config::load_file(&directory.config_path())?;
        let task = config.open_task(data, &source)?;
        let network = in_pool(config.threads, || -> Result<_> {
            let learner = trainer::learner(&config, &source, task.as_ref(), 1)?;
            let (learner, _) = trainer::with_best(learner, task.as_ref(), &directory)?;
            Ok(learner.network().clone())
        })??;
        Ok(Self { config, source, task, network })
    }
}
