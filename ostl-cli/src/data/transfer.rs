//! One transfer over HTTP, from where the last one broke off, that does not wait for ever.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use indicatif::ProgressBar;
use ureq::Agent;
use ureq::Body;
use ureq::http::Response;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 16;
/// Pieces that may wait to be written.
const WAITING: usize = 4;

/// Why a transfer came to nothing.
pub(super) enum Failure {
    /// It may pass: another try may succeed.
    Passing(Error),
    /// It will not.
    Lasting(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Lasting(error)
    }
}

/// What fetches: redirects are followed, other statuses than success are looked at here. No part of a request takes longer than `limit`.
pub(super) fn agent(limit: Duration) -> Agent {
    let limit = Some(limit);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(limit)
        .timeout_connect(limit)
        .timeout_send_request(limit)
        .timeout_recv_response(limit)
        .user_agent(concat!("ostl/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::new_with_config(config)
}

/// A file that is to arrive.
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    /// Where it is put together.
    pub(super) part: &'a Path,
    /// Its size, if it is known.
    pub(super) exactly: Option<u64>,
    /// The most bytes that it may have.
    pub(super) most: u64,
    /// How long nothing may arrive.
    pub(super) limit: Duration,
}

/// The size of a partial file, 0 if there is none. What is no file of this program's, such as a link to another one, is left alone.
pub(super) fn length(part: &Path) -> Result<u64> {
    match fs::symlink_metadata(part) {
        Ok(found) if found.is_file() => Ok(found.len()),
        Ok(found) => {
            let what = if found.is_symlink() { "a link" } else { "no regular file" };
            Err(anyhow!(
                "{}: is {what}, expected what arrived of an interrupted transfer: remove it and fetch again",
                part.display()
            ))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be looked at", part.display())),
    }
}

pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

impl Wanted<'_> {
    /// Fetches what is missing of the partial file.
    pub(super) fn transfer(&self, agent: &Agent, bar: &ProgressBar) -> Result<(), Failure> {
        let &Wanted { url, part, exactly, most, limit } = self;
        let (response, mut have) = self.request(agent)?;
        let announced =
            response.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let total = match announced {
            None => exactly,
            Some(rest) => match have.checked_add(rest).filter(|&total| total <= most) {
                Some(total) => Some(total),
                None => {
                    remove(part)?;
                    let problem = format!(
                        "{url}: is not the file that was published: it has more than {most} bytes ({rest} announced, {have} were there); what \
                         arrived was removed"
                    );
                    return Err(Failure::Lasting(anyhow!(problem)));
                }
            },
        };
        let mut to = self.open(have)?;
        bar.inc(have);
        let broke_off = |have: u64, why: &str| {
            let of = total.map_or_else(String::new, |total| format!(" of {total}"));
            anyhow!("{url}: the transfer broke off after {have}{of} bytes{why}; the same command goes on from there")
        };
        let pieces = read(response);
        loop {
            let piece = match pieces.recv_timeout(limit) {
                Ok(Ok(piece)) => piece,
                Ok(Err(error)) => return Err(Failure::Passing(broke_off(have, &format!(" ({error})")))),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = limit.as_secs();
                    let why =
                        format!(" (nothing came for {seconds} s; --timeout waits longer, --mirror asks another server)");
                    return Err(Failure::Lasting(broke_off(have, &why)));
                }
            };
            have += piece.len() as u64;
            if have > most {
                remove(part)?;
                let problem = format!(
                    "{url}: is not the file that was published: it has more than {most} bytes; what arrived was removed"
                );
                return Err(Failure::Lasting(anyhow!(problem)));
            }
            to.write_all(&piece).with_context(|| format!("{}: cannot be written", part.display()))?;
            bar.inc(piece.len() as u64);
        }
        to.sync_all().with_context(|| format!("{}: cannot be written", part.display()))?;
        if total.is_some_and(|total| have < total) && announced.is_some() {
            return Err(Failure::Passing(broke_off(have, "")));
        }
        Ok(())
    }

    /// Requests what is missing: the answer, and how much of what is there it goes on from.
    fn request(&self, agent: &Agent) -> Result<(Response<Body>, u64), Failure> {
        let &Wanted { url, part, limit, .. } = self;
        let mut have = length(part)?;
        loop {
            let mut request = agent.get(url);
            if have > 0 {
                request = request.header("Range", format!("bytes={have}-"));
            }
            let response = request.call().map_err(|error| {
                let passes = match &error {
                    ureq::Error::Io(error) => error.kind() != ErrorKind::ConnectionRefused,
                    _ => false,
                };
                let said = match &error {
                    ureq::Error::Timeout(_) => format!(
                        "{url}: no answer in {} s: try again later, wait longer with --timeout, or ask another server with --mirror",
                        limit.as_secs()
                    ),
                    _ => format!("{url}: cannot be fetched"),
                };
                let error = Error::from(error).context(said);
                if passes { Failure::Passing(error) } else { Failure::Lasting(error) }
            })?;
            let status = response.status();
            match status.as_u16() {
                206 if have > 0 && begins_at(&response) == Some(have) => return Ok((response, have)),
                200 => return Ok((response, 0)),
                // What is there is no beginning of what the server has.
                206 | 416 if have > 0 => {
                    remove(part)?;
                    have = 0;
                }
                429 | 500 | 502 | 503 | 504 => {
                    return Err(Failure::Passing(anyhow!("{url}: the server says {status}: try again later")));
                }
                _ => return Err(Failure::Lasting(anyhow!("{url}: the server says {status}"))),
            }
        }
    }

    /// The partial file to write to, from its end on or anew; never through a link.
    fn open(&self, have: u64) -> Result<File> {
        let opened = if have > 0 {
            OpenOptions::new().append(true).open(self.part)
        } else {
            remove(self.part)?;
            OpenOptions::new().write(true).create_new(true).open(self.part)
        };
        opened.with_context(|| format!("{}: cannot be written", self.part.display()))
    }
}

/// The content of an answer piece by piece, as it comes. A thread of its own waits for it, since a read cannot be given a time limit; one
/// that waits in vain ends with the program.
fn read(response: Response<Body>) -> Receiver<io::Result<Vec<u8>>> {
    let (to, pieces) = sync_channel(WAITING);
    thread::spawn(move || {
        let mut from = response.into_body().into_reader();
        loop {
            let mut piece = vec![0; PIECE];
            let sent = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    piece.truncate(count);
                    to.send(Ok(piece))
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Whether the receiver is still there does not matter.
                    let _ = to.send(Err(error));
                    break;
                }
            };
            if sent.is_err() {
                break;
            }
        }
    });
    pieces
}

/// The first byte of a partial answer: 100 of `bytes 100-199/200`.
fn begins_at(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}
