//! `ostl data fetch`.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use ostl_tasks::catalogue::{DATA_SETS, DataFile, DataSet, Origin, Verdict};

use super::download::{Patience, download};
use super::transfer::agent;
use super::{data_set, say, size};
use crate::arguments::FetchArguments;
use crate::failure::UsageError;
use crate::names::{counted, or_known};
use crate::output::Out;

/// Of more files than this, not every one is worth a line.
const FEW: usize = 10;

pub(super) fn run(arguments: &FetchArguments) -> Result<()> {
    let Some(set) = data_set(&arguments.name) else {
        let names: Vec<&str> = DATA_SETS.iter().map(|set| set.name).collect();
        let known = or_known(&arguments.name, &names);
        let problem = format!("no data set is called `{}`{known}", arguments.name);
        return Err(UsageError::Other(problem).into());
    };
    let base = match set.origin {
        Origin::Files { base, .. } => base,
        Origin::ByHand { address, why } => {
            let problem = format!("`{}` is not fetched: {why}. It is published at {address}", set.name);
            return Err(UsageError::Other(problem).into());
        }
    };
    let base = arguments.mirror.as_deref().unwrap_or(base).trim_end_matches('/');
    let folder = arguments.out.join(set.name);
    let bar = bar(set.bytes);
    let patience = Patience { limit: Duration::from_secs(arguments.timeout), retries: arguments.retries };
    let fetched = fetch(set, base, &folder, patience, &bar);
    bar.finish_and_clear();
    let (count, bytes) = fetched?;
    let there = set.files().len() - count;
    let were = if there == 1 { "was" } else { "were" };
    let mut out = Out::new();
    writeln!(
        out,
        "{}: {} fetched ({}), {there} {were} there; all are as published",
        set.name,
        counted(count, "file"),
        size(bytes)
    )?;
    writeln!(out, "in {}: pass --data {}", folder.display(), arguments.out.display())?;
    writeln!(out, "licence: {}\nplease cite: {}", set.licence, set.citation)?;
    Ok(out.flush()?)
}

/// Refuses an address that this build has no TLS for.
fn check_transport(base: &str) -> Result<(), UsageError> {
    let wants_tls = base.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    if cfg!(feature = "fetch") || !wants_tls {
        return Ok(());
    }
    let way = "build it with the feature `fetch` (cargo install --path ostl-cli --features fetch), or give --mirror an http:// address";
    Err(UsageError::Other(format!("{base}: this program was built without TLS: {way}")))
}

fn bar(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:24} {bytes}/{total_bytes}  {bytes_per_sec}  {eta_precise} left  {msg}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Fetches what is not there; the number of files and of bytes that were fetched.
fn fetch(set: &DataSet, base: &str, folder: &Path, patience: Patience, bar: &ProgressBar) -> Result<(usize, u64)> {
    let (agent, files) = (agent(patience.limit), set.files());
    let (mut count, mut bytes) = (0, 0);
    for (index, file) in files.iter().enumerate() {
        let target = folder.join(&*file.name);
        bar.set_message(format!("{} ({} of {})", file.name, index + 1, files.len()));
        if is_there(file, &target)? {
            continue;
        }
        check_transport(base)?;
        let url = format!("{base}/{}", file.path);
        let fetched = download(&agent, patience, &url, file, &target, bar)?;
        count += 1;
        bytes += fetched;
        if files.len() <= FEW {
            say(bar, &format!("{}: {}, ok", file.name, size(fetched)));
        } else if (index + 1) % 100 == 0 {
            say(bar, &format!("{} of {} files", index + 1, files.len()));
        }
    }
    if !set.is_whole(folder)? {
        bail!("{}: taken together, the files are not those that were published: fetch them anew", folder.display());
    }
    Ok((count, bytes))
}

/// Whether the right file is there already. A wrong one is the user's, who may want to keep it.
fn is_there(file: &DataFile, target: &Path) -> Result<bool> {
    match file.check(target)? {
        Verdict::Right => Ok(true),
        Verdict::Missing => Ok(false),
        Verdict::Differs(what) => {
            let path = target.display();
            bail!("{path}: is there, but is not the file that was published ({what}): move it away to have it fetched anew")
        }
    }
}
