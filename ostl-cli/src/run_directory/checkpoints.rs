//! What is in a run's checkpoints: a learner's arrays, and beside them under `run.` what the program adds.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ostl_core::checkpoint::{self, CheckpointError};
use ostl_core::{Network, Record};
use serde::{Serialize, de::DeserializeOwned};

use super::{BEST, LAST, Parts, RunDirectory};
use crate::fingerprint::Fingerprint;
use crate::trainer::{Best, State};

/// The entries that the program adds, as JSON but for the first.
pub(crate) const IDENTITY: &str = "run.identity";
const STATE: &str = "run.state";
const DATA: &str = "run.data";
const BEST_EPOCH: &str = "run.best";
const PARTS: &str = "run.shards";
/// What stands before the names of the learner at the start of the epoch.
pub(crate) const OUTSET: &str = "outset.";

/// What `last.ckpt` holds: everything needed to go on bit for bit, and nothing (such as times) that differs between two runs
/// that did the same.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) state: State,
    /// The data that were learned from.
    pub(crate) data: Fingerprint,
    pub(crate) learner: Record,
    /// The learner at the start of the epoch, where the run may have to go back to it.
    pub(crate) outset: Option<Record>,
    /// What else belongs to it, where a run of several shards is in mid-stream.
    pub(crate) parts: Option<Parts>,
}

impl RunDirectory {
    /// Writes the checkpoint to go on from. The former one stays whole until the new one is.
    pub(crate) fn write_last(&self, identity: &str, checkpoint: Checkpoint) -> Result<()> {
        if self.is_elsewhere {
            return Ok(());
        }
        let Checkpoint { state, data, learner: mut record, outset, parts } = checkpoint;
        if let Some(parts) = parts {
            put(&mut record, PARTS, &parts)?;
        }
        record.put_text(IDENTITY, identity);
        put(&mut record, STATE, &state)?;
        put(&mut record, DATA, &data)?;
        if let Some(outset) = outset {
            record.put_all(OUTSET, outset);
        }
        Ok(checkpoint::write(&self.path.join(LAST), &record)?)
    }

    /// The bytes of the checkpoint to go on from.
    pub(crate) fn read_last(&self) -> Result<Vec<u8>> {
        let path = self.path.join(LAST);
        if !path.is_file() {
            bail!(
                "{}: has no checkpoint ({LAST}), so there is nothing to go on from; start anew with --force",
                self.path.display()
            );
        }
        bytes_of(&path)
    }

    /// The checkpoint to go on from, of its bytes.
    pub(crate) fn decode_last(&self, bytes: &[u8], identity: &str) -> Result<Checkpoint> {
        let path = self.path.join(LAST);
        let mut record = known(checkpoint::decode(bytes, &path)?, &path, identity)?;
        let parts = if record.text(PARTS).is_some() { Some(take(&mut record, PARTS, &path)?) } else { None };
        let outset = record.take_all(OUTSET);
        let (state, data) = (take(&mut record, STATE, &path)?, take(&mut record, DATA, &path)?);
        Ok(Checkpoint { state, data, learner: record, outset: (outset != Record::new()).then_some(outset), parts })
    }

    /// Writes the best weights so far.
    pub(crate) fn write_best(&self, identity: &str, best: &Best, network: &Network<f32>) -> Result<()> {
        if self.is_elsewhere {
            return Ok(());
        }
        let mut record = network.weights();
        record.put_text(IDENTITY, identity);
        put(&mut record, BEST_EPOCH, best)?;
        Ok(checkpoint::write(&self.path.join(BEST), &record)?)
    }

    /// The bytes of the best weights.
    pub(crate) fn read_best(&self) -> Result<Vec<u8>> {
        let path = self.path.join(BEST);
        if !path.is_file() {
            bail!("{}: has no {BEST}: no epoch of the run was finished", self.path.display());
        }
        bytes_of(&path)
    }

    /// The best weights, of their bytes, and of which epoch they are.
    pub(crate) fn decode_best(&self, bytes: &[u8], identity: &str) -> Result<(Best, Record)> {
        let path = self.path.join(BEST);
        let mut record = known(checkpoint::decode(bytes, &path)?, &path, identity)?;
        Ok((take(&mut record, BEST_EPOCH, &path)?, record))
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    Ok(fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })?)
}

/// A checkpoint that is known by this.
pub(super) fn read(path: &Path, identity: &str) -> Result<Record> {
    known(checkpoint::read(path)?, path, identity)
}

/// What is known by this, and nothing else.
fn known(mut record: Record, path: &Path, identity: &str) -> Result<Record> {
    let found = record.text(IDENTITY).unwrap_or("no run of this program").to_owned();
    if found != identity {
        let (path, expected) = (path.to_owned(), identity.to_owned());
        return Err(CheckpointError::OtherNetwork { path, found, expected }.into());
    }
    record.remove(IDENTITY);
    Ok(record)
}

/// Puts a value in, as JSON: a number that is infinite or NaN would not come back from it.
fn put<V: Serialize + DeserializeOwned + PartialEq>(record: &mut Record, name: &str, value: &V) -> Result<()> {
    let text = serde_json::to_string(value).with_context(|| format!("writing {name}"))?;
    if serde_json::from_str::<V>(&text).ok().as_ref() != Some(value) {
        bail!("{name} holds a number that is infinite or NaN, and no run goes on from that: {text}");
    }
    record.put_text(name, text);
    Ok(())
}

/// Takes a value out that is there as JSON.
fn take<V: DeserializeOwned>(record: &mut Record, name: &str, path: &Path) -> Result<V> {
    let refuse = |reason: String| CheckpointError::Content { path: path.to_owned(), reason };
    let text = record.text(name).ok_or_else(|| refuse(format!("there is no `{name}`")))?;
    let value = serde_json::from_str(text).map_err(|error| refuse(format!("`{name}`: {error}")))?;
    record.remove(name);
    Ok(value)
}
