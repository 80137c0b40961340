//! One file, gone on with where it broke off, checked, and only then put in its place.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use ostl_tasks::catalogue::{DataFile, Sum, Verdict};
use ureq::Agent;

use super::say;
use super::transfer::{Failure, Wanted, length, remove};

/// What a packed file may have beyond what it unpacks to: gzip adds next to nothing even to noise.
const OVERHEAD: u64 = 1 << 16;
/// Most bytes of a file of which no size is known.
const MOST: u64 = 1 << 30;
/// The longest pause before another try.
const LONGEST_PAUSE: u64 = 16;

/// How much is put up with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long nothing may arrive.
    pub(super) limit: Duration,
    /// How many more tries a file is given after failures that may pass.
    pub(super) retries: u32,
}

/// Fetches a file to a path, through `PATH.part`, and checks it. Returns its size.
pub(super) fn download(
    agent: &Agent,
    patience: Patience,
    url: &str,
    file: &DataFile,
    target: &Path,
    bar: &ProgressBar,
) -> Result<u64> {
    let part = beside(target);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    }
    let (exactly, most) = match file.sum {
        Sum::Plain { bytes, .. } => (Some(bytes), bytes),
        Sum::Unpacked { bytes, .. } => (None, bytes.saturating_add(OVERHEAD)),
        Sum::Begins(_) => (None, MOST),
    };
    let have = length(&part)?;
    if have > most {
        remove(&part)?;
    }
    if exactly.is_none_or(|bytes| have != bytes) {
        insist(agent, patience, &Wanted { url, part: &part, exactly, most, limit: patience.limit }, bar)?;
    }
    match file.check(&part)? {
        Verdict::Right => {}
        Verdict::Differs(what) => {
            remove(&part)?;
            bail!("{url}: is not the file that was published: {what}; what arrived was removed");
        }
        Verdict::Missing => bail!("{}: has vanished", part.display()),
    }
    let bytes = length(&part)?;
    fs::rename(&part, target).with_context(|| format!("{}: cannot be written", target.display()))?;
    Ok(bytes)
}

/// Transfers what is missing, and tries again, after longer and longer pauses, where that may help.
fn insist(agent: &Agent, patience: Patience, wanted: &Wanted<'_>, bar: &ProgressBar) -> Result<()> {
    let mut left = patience.retries;
    let mut pause = 1;
    loop {
        let before = bar.position();
        match wanted.transfer(agent, bar) {
            Ok(()) => return Ok(()),
            Err(Failure::Passing(error)) if left > 0 => {
                say(bar, &format!("{error}; another try in {pause} s"));
                // What is there is counted again by the next try.
                bar.set_position(before);
                thread::sleep(Duration::from_secs(pause));
                left -= 1;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
            Err(Failure::Passing(error) | Failure::Lasting(error)) => return Err(error),
        }
    }
}

/// `NAME.part`.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}
