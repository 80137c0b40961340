//! One file over HTTP, gone on with where it broke off.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use ostl_tasks::catalogue::{DataFile, Sum, Verdict};
use ureq::Agent;
use ureq::Body;
use ureq::http::Response;

/// What a packed file may have beyond what it unpacks to: gzip adds next to nothing even to noise.
const OVERHEAD: u64 = 1 << 16;
/// Most bytes of a file of which no size is known.
const MOST: u64 = 1 << 30;

/// What fetches: redirects are followed, other statuses than success are looked at here.
pub(super) fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .user_agent(concat!("ostl/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::new_with_config(config)
}

/// Fetches a file to a path, through `PATH.part`, and checks it. Returns its size.
pub(super) fn download(agent: &Agent, url: &str, file: &DataFile, target: &Path, bar: &ProgressBar) -> Result<u64> {
    let part = beside(target);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    }
    let (exactly, most) = match file.sum {
        Sum::Plain { bytes, .. } => (Some(bytes), bytes),
        Sum::Unpacked { bytes, .. } => (None, bytes + OVERHEAD),
        Sum::Begins(_) => (None, MOST),
    };
    let have = length(&part)?;
    if have > most {
        remove(&part)?;
    }
    if exactly.is_none_or(|bytes| have != bytes) {
        transfer(agent, url, &part, exactly, most, bar)?;
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

/// `NAME.part`.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}

fn length(path: &Path) -> Result<u64> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be looked at", path.display())),
    }
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("{}: cannot be removed", path.display()))
}

/// Fetches what is missing of a partial file.
fn transfer(agent: &Agent, url: &str, part: &Path, exactly: Option<u64>, most: u64, bar: &ProgressBar) -> Result<()> {
    let mut have = length(part)?;
    let response = loop {
        let mut request = agent.get(url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let response = request.call().with_context(|| format!("{url}: cannot be fetched"))?;
        match response.status().as_u16() {
            206 if have > 0 && begins_at(&response) == Some(have) => break response,
            200 => {
                have = 0;
                break response;
            }
            // What is there is no beginning of what the server has.
            206 | 416 if have > 0 => {
                remove(part)?;
                have = 0;
            }
            _ => bail!("{url}: the server says {}", response.status()),
        }
    };
    let open = if have > 0 { OpenOptions::new().append(true).open(part) } else { File::create(part) };
    let mut to = open.with_context(|| format!("{}: cannot be written", part.display()))?;
    let rest = response.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let total = rest.map(|rest| have + rest).or(exactly);
    let mut body = response.into_body();
    bar.inc(have);
    let mut from = body.as_reader();
    let mut buffer = vec![0; 1 << 16];
    let broke_off = |have: u64, why: &str| {
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        format!("{url}: the transfer broke off after {have}{of} bytes{why}; the same command goes on from there")
    };
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => bail!(broke_off(have, &format!(" ({error})"))),
        };
        have += count as u64;
        if have > most {
            remove(part)?;
            bail!("{url}: is not the file that was published: it has more than {most} bytes; what arrived was removed");
        }
        to.write_all(&buffer[..count]).with_context(|| format!("{}: cannot be written", part.display()))?;
        bar.inc(count as u64);
    }
    to.sync_all().with_context(|| format!("{}: cannot be written", part.display()))?;
    if total.is_some_and(|total| have < total) {
        bail!(broke_off(have, ""));
    }
    Ok(())
}

/// The first byte of a partial answer: 100 of `bytes 100-199/200`.
fn begins_at(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}
