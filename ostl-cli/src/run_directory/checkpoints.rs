//! What is in a run's checkpoints.

use anyhow::{Result, bail};
use ostl_core::checkpoint;
use serde::{Deserialize, Serialize};

use super::{BEST, LAST, RunDirectory};
use crate::fingerprint::Fingerprint;
use crate::trainer::{Best, State};

/// What `last.ckpt` holds: everything needed to go on bit for bit, and nothing (such as times) that differs between two runs
/// that did the same.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint<L> {
    pub(crate) state: State,
    /// The data that were learned from.
    pub(crate) data: Fingerprint,
    pub(crate) learner: L,
    /// The learner at the start of the epoch, where the run may have to go back to it.
    pub(crate) outset: Option<L>,
}

/// What `best.ckpt` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BestWeights {
    pub(crate) best: Best,
    pub(crate) parameters: Vec<f32>,
}

impl RunDirectory {
    /// Writes the checkpoint to go on from. The former one stays whole until the new one is.
    pub(crate) fn write_last(&self, network: &str, payload: &Checkpoint<impl Serialize>) -> Result<()> {
        self.write(LAST, network, payload)
    }

    /// Reads the checkpoint to go on from.
    pub(crate) fn read_last<L: Serialize + serde::de::DeserializeOwned>(&self, network: &str) -> Result<Checkpoint<L>> {
        let path = self.path.join(LAST);
        if !path.is_file() {
            bail!(
                "{}: has no checkpoint ({LAST}), so there is nothing to go on from; start anew with --force",
                self.path.display()
            );
        }
        Ok(checkpoint::read(&path, network)?)
    }

    /// Writes the best weights so far.
    pub(crate) fn write_best(&self, network: &str, weights: &BestWeights) -> Result<()> {
        self.write(BEST, network, weights)
    }

    /// Reads the best weights.
    pub(crate) fn read_best(&self, network: &str) -> Result<BestWeights> {
        let path = self.path.join(BEST);
        if !path.is_file() {
            bail!("{}: has no {BEST}: no epoch of the run was finished", self.path.display());
        }
        Ok(checkpoint::read(&path, network)?)
    }

    fn write(&self, name: &str, network: &str, payload: &impl Serialize) -> Result<()> {
        Ok(checkpoint::write(&self.path.join(name), network, payload)?)
    }
}
