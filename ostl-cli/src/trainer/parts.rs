//! States and traces of each shard, saved in mid-stream by whoever has the shard.

use anyhow::{Result, bail};
use ostl_core::Record;

use super::Trainer;
use crate::run_directory::{Parts, RunDirectory};

impl Trainer<'_> {
    /// Writes the parts of this rank's shards, and returns when all are written; nothing where no stream is under way.
    pub(super) fn write_parts(&self, run: &RunDirectory) -> Result<Option<Parts>> {
        let cut = self.learner.cut();
        if cut.shards() == 1 || !self.group.any(!self.learner.is_at_rest())? {
            return Ok(None);
        }
        let parts = Parts { shards: cut.shards(), steps: self.learner().steps_seen() };
        let own = cut.of_rank(self.group.rank()).zip(self.learner.save_shards());
        let write = |(shard, record)| run.write_part(parts, shard, &self.identity, record);
        self.group.all_well(own.into_iter().try_for_each(write))?;
        Ok(Some(parts))
    }

    /// Reads the parts of this rank's shards, if there are any.
    pub(super) fn read_parts(&self, run: &RunDirectory, parts: Option<Parts>) -> Result<Vec<Record>> {
        let Some(parts) = parts else { return Ok(Vec::new()) };
        let cut = self.learner.cut();
        if parts.shards != cut.shards() {
            bail!("{}: was saved in {} shards, and training.shards is {}", run.path().display(), parts.shards, cut.shards());
        }
        cut.of_rank(self.group.rank()).map(|shard| run.read_part(parts, shard, &self.identity)).collect()
    }
}
