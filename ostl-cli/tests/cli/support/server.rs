//! A server of files on the loopback, as sound or unsound as a test wants it.

#![allow(dead_code, reason = "each test file is a crate of its own and uses a part of this")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::{Ran, Workplace};

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Whole files, or the rest of one that is asked for.
    Sound,
    /// Announces the whole file, sends so many bytes and hangs up.
    BreaksOff(usize),
    /// Always sends the whole file.
    KnowsNoRanges,
    /// Whatever rest is asked for, there is none.
    RefusesRanges,
    /// Never ends.
    Endless,
    /// Announces the whole file, sends so many bytes and then nothing more.
    Stalls(usize),
    /// Takes the question and says nothing.
    IsSilent,
    /// Says that it sends so many bytes, whatever they are.
    Announces(u64),
    /// Has no time.
    IsBusy,
}

/// A server that lives as long as the test program.
pub(crate) struct Server {
    port: u16,
    manner: Arc<Mutex<Manner>>,
    files: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    /// Request lines and Range headers.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            manner: Arc::new(Mutex::new(Manner::Sound)),
            files: Arc::default(),
            asked: Arc::default(),
        };
        let (manner, files, asked) = (server.manner.clone(), server.files.clone(), server.asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let manner = *manner.lock().unwrap();
                // A client that hangs up early is its own affair.
                let _ = answer(stream, manner, &files.lock().unwrap(), &mut asked.lock().unwrap());
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/files", self.port)
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        self.files.lock().unwrap().insert(format!("/files/{name}"), content.to_vec());
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// What was asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// One request on one connection.
fn answer(
    stream: TcpStream,
    manner: Manner,
    files: &HashMap<String, Vec<u8>>,
    asked: &mut Vec<String>,
) -> std::io::Result<()> {
    let mut to = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut range = None;
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(start) = line.strip_prefix("range: bytes=").and_then(|rest| rest.strip_suffix('-')) {
            range = start.parse::<usize>().ok();
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    asked.push(format!("{path} {}", range.map_or_else(|| "whole".into(), |start| format!("from {start}"))));
    match manner {
        Manner::IsSilent => return hold(to),
        Manner::IsBusy => {
            return to.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        _ => {}
    }
    let Some(content) = files.get(path) else {
        return to.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnone");
    };
    let (start, status) = match (range, manner) {
        (Some(start), Manner::RefusesRanges) => return refuse(&mut to, start),
        (Some(start), _) if start >= content.len() => return refuse(&mut to, start),
        (None, _) | (_, Manner::KnowsNoRanges) => (0, "200 OK".to_owned()),
        (Some(start), _) => {
            let range = format!("Content-Range: bytes {start}-{}/{}", content.len() - 1, content.len());
            (start, format!("206 Partial Content\r\n{range}"))
        }
    };
    if manner == Manner::Endless {
        write!(to, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        loop {
            to.write_all(&[7; 4096])?;
        }
    }
    let rest = &content[start..];
    let announced = if let Manner::Announces(length) = manner { length } else { rest.len() as u64 };
    write!(to, "HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n")?;
    match manner {
        Manner::Stalls(after) => {
            to.write_all(&rest[..after.min(rest.len())])?;
            hold(to)
        }
        Manner::BreaksOff(after) => to.write_all(&rest[..after.min(rest.len())]),
        _ => to.write_all(rest),
    }
}

/// Keeps a connection open, longer than any test waits.
fn hold(stream: TcpStream) -> std::io::Result<()> {
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(600));
        drop(stream);
    });
    Ok(())
}

fn refuse(to: &mut TcpStream, start: usize) -> std::io::Result<()> {
    write!(to, "HTTP/1.1 416 Range Not Satisfiable\r\nX-Start: {start}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// `ostl data fetch` from a server on the loopback.
pub(crate) fn fetch(place: &Workplace, name: &str, mirror: &str) -> Ran {
    let mut command = place.command(&format!("data fetch {name} --out data --mirror {mirror}"));
    // A proxy would not reach the loopback of this machine.
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"] {
        command.env_remove(proxy);
    }
    Ran::from(command.output().unwrap())
}
