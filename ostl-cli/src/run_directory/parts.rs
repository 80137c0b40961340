//! Where a run has several shards and is saved in mid-stream, states and traces of each shard are in a file of their own, written by the process that
//! has the shard: `shard-2-of-4.1200.ckpt`, after 1200 steps. `last.ckpt` says which belong to it; it is written when all of them are there, and
//! only then the former ones go.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ostl_core::{Record, checkpoint};
use serde::{Deserialize, Serialize};

use super::RunDirectory;
use super::checkpoints::{IDENTITY, read};

/// The parts that belong to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// Shards, each of which has a part.
    pub(crate) shards: usize,
    /// Steps that the learner had seen.
    pub(crate) steps: u64,
}

impl Parts {
    fn name(self, shard: usize) -> String {
        format!("shard-{shard}-of-{}.{}.ckpt", self.shards, self.steps)
    }

    fn identity(self, identity: &str, shard: usize) -> String {
        format!("{identity}, shard {shard} of {} after {} steps", self.shards, self.steps)
    }
}

impl RunDirectory {
    /// Writes the part of a shard, whichever rank has it.
    pub(crate) fn write_part(&self, parts: Parts, shard: usize, identity: &str, mut record: Record) -> Result<()> {
        record.put_text(IDENTITY, parts.identity(identity, shard));
        Ok(checkpoint::write(&self.path.join(parts.name(shard)), &record)?)
    }

    /// Reads the part of a shard.
    pub(crate) fn read_part(&self, parts: Parts, shard: usize, identity: &str) -> Result<Record> {
        read(&self.path.join(parts.name(shard)), &parts.identity(identity, shard))
    }

    /// Removes all parts but these.
    pub(crate) fn remove_parts_but(&self, parts: Option<Parts>) -> Result<()> {
        let kept: Vec<String> = parts.iter().flat_map(|parts| (0..parts.shards).map(|shard| parts.name(shard))).collect();
        for path in self.parts_there()? {
            let is_kept =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| kept.iter().any(|kept| kept == name));
            if !is_kept {
                fs::remove_file(&path).with_context(|| format!("{}: cannot be removed", path.display()))?;
            }
        }
        Ok(())
    }

    fn parts_there(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.path).with_context(|| format!("{}: cannot be read", self.path.display()))?;
        let is_part = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(is_name_of_part);
        Ok(entries.flatten().filter(is_part).map(|entry| entry.path()).collect())
    }
}

/// `shard-NUMBER-of-NUMBER.NUMBER.ckpt`, or what a process left of one that was killed while it wrote it.
fn is_name_of_part(name: &str) -> bool {
    let name = name.strip_prefix('.').unwrap_or(name);
    let Some((shard, rest)) = name.strip_prefix("shard-").and_then(|rest| rest.split_once("-of-")) else { return false };
    let mut rest = rest.splitn(3, '.');
    let number =
        |text: Option<&str>| text.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    number(Some(shard))
        && number(rest.next())
        && number(rest.next())
        && rest.next().is_some_and(|end| end.starts_with("ckpt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_directory::Place;

    #[test]
    fn the_last_parts_stay_and_others_go() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(&Place::Given(folder.path().join("run")), false).unwrap();
        let [before, after] = [100, 200].map(|steps| Parts { shards: 2, steps });
        for parts in [before, after] {
            for shard in 0..2 {
                let mut record = Record::new();
                record.put("value", &[], vec![parts.steps + shard as u64]);
                run.write_part(parts, shard, "a network", record).unwrap();
            }
        }
        for name in ["shard-notes.ckpt", ".shard-0-of-2.100.ckpt-aB3xYz.tmp", "last.ckpt"] {
            fs::write(run.path().join(name), "x").unwrap();
        }
        run.remove_parts_but(Some(after)).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(run.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [".lock", "last.ckpt", "shard-0-of-2.200.ckpt", "shard-1-of-2.200.ckpt", "shard-notes.ckpt"]);
        let record = run.read_part(after, 1, "a network").unwrap();
        assert_eq!(record.values::<u64>("value").unwrap(), [201]);
        // A part of another run, or of another shard by this name.
        assert!(run.read_part(after, 1, "another network").unwrap_err().to_string().contains("shard-1-of-2.200.ckpt"));
        fs::copy(run.path().join("shard-0-of-2.200.ckpt"), run.path().join("shard-1-of-2.200.ckpt")).unwrap();
        assert!(run.read_part(after, 1, "a network").is_err());
        run.remove_parts_but(None).unwrap();
        assert!(run.read_part(after, 0, "a network").is_err());
    }
}
