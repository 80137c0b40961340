//! Figures for others to read while rows come.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::rows;
use crate::support::{Ran, Workplace};

/// The status and the text of a page.
fn get(port: u16, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some((status, text.split_once("\r\n\r\n")?.1.to_owned()))
}

fn value(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn figures_are_served_while_rows_come() {
    let place = Workplace::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = place.command(&format!("stream --target class -f s.bin --listen 127.0.0.1:{port}"));
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(rows(400).as_bytes()).unwrap();
    input.flush().unwrap();
    let accuracy = "ostl_stream_accuracy{target=\"class\",view=\"all\"}";
    let begun = Instant::now();
    let page = loop {
        match get(port, "GET /metrics") {
            Some((200, page)) if value(&page, "ostl_stream_rows_total") == Some(400.0) => break page,
            other => assert!(begun.elapsed() < Duration::from_secs(30), "{other:?}"),
        }
        sleep(Duration::from_millis(50));
    };
    assert!(page.contains("# TYPE ostl_stream_rows_total counter"), "{page}");
    assert!((0.3..=1.0).contains(&value(&page, accuracy).unwrap()), "{page}");
    assert_eq!(value(&page, "ostl_stream_learned_total"), Some(400.0));
    assert_eq!(get(port, "GET /").unwrap().0, 404);
    assert_eq!(get(port, "POST /metrics").unwrap().0, 405);
    // A client that says nothing holds nothing up, nor does the server the end.
    let silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    input.write_all(rows(50).lines().skip(1).map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
    drop(input);
    let ran = Ran::from(child.wait_with_output().unwrap()).succeeded();
    assert!(ran.stderr.contains(&format!("http://127.0.0.1:{port}/metrics")), "{}", ran.stderr);
    assert!(ran.stderr.contains("450 rows read, 450 learned from"), "{}", ran.stderr);
    drop(silent);
}

#[test]
fn addresses_that_are_in_use_or_open_are_refused_before_any_row() {
    let place = Workplace::new();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let run = |address: &str| place.ostl(&format!("stream --target class missing.csv --listen {address}"));
    run(&format!("127.0.0.1:{port}")).refused(2, &["--listen", &port.to_string()]);
    run(&port.to_string()).refused(2, &["--listen", &port.to_string()]);
    run("0.0.0.0:0").refused(2, &["--listen 0.0.0.0:0", "--listen-anywhere"]);
    run("nowhere").refused(2, &["--listen nowhere", "127.0.0.1:9464"]);
    let ran = place.ostl("stream --target class missing.csv --listen-anywhere");
    assert!(ran.status == 2 && ran.stderr.contains("--listen"), "{}", ran.stderr);
}
