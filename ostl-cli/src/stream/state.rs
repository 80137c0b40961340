//! Everything that a stream goes on from, in one file.

use std::path::Path;

use anyhow::{Context, Result};
use ostl_core::Record;
use ostl_core::checkpoint::{self, CheckpointError};

use super::session::{Memory, Session};

/// The entry beside the learner's, as JSON.
const MEMORY: &str = "stream.memory";

/// Writes it all; what stood there before stays whole until then.
pub(super) fn write(path: &Path, session: &Session) -> Result<()> {
    let mut record = session.model.save();
    let text = serde_json::to_string(&session.memory).with_context(|| format!("writing {MEMORY}"))?;
    record.put_text(MEMORY, text);
    Ok(checkpoint::write(path, &record)?)
}

/// Reads what was written: the memory, and the network's record.
pub(super) fn read(path: &Path) -> Result<(Memory, Record)> {
    let mut record = checkpoint::read(path)?;
    let refuse = |reason: String| CheckpointError::Content { path: path.to_owned(), reason };
    let Some(text) = record.text(MEMORY) else {
        let reason = "it was not saved by `ostl stream -f`, and nothing else can be gone on from".to_owned();
        return Err(refuse(reason).into());
    };
    let memory = serde_json::from_str(text).map_err(|error| refuse(format!("`{MEMORY}`: {error}")))?;
    record.remove(MEMORY);
    Ok((memory, record))
}
