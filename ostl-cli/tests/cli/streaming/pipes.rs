//! Signals, readers that go away, and readers that are slow.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::rows;
use crate::support::{Ran, Workplace};

#[test]
fn what_is_read_no_further_or_interrupted_is_saved() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), rows(5000)).unwrap();
    let mut command = place.command("stream rows.csv --target class -p - -f closed.bin --quiet");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    place.ostl("stream rows.csv -i closed.bin --skip-seen --quiet").succeeded();

    let mut command = place.command("stream --target class -p p.csv -f stopped.bin");
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(rows(50).as_bytes()).unwrap();
    input.flush().unwrap();
    while fs::read_to_string(place.path("p.csv")).unwrap_or_default().lines().count() < 51 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    drop(input);
    assert_eq!(ran.status, 130, "{}", ran.stderr);
    assert!(ran.stderr.contains("interrupted after 50 rows") && ran.stderr.contains("-i stopped.bin"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly_with_the_state_saved() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), rows(20_000)).unwrap();
    let ostl = env!("CARGO_BIN_EXE_ostl");
    let script = format!("{ostl} stream rows.csv --target class -p - -f s.bin --quiet --units 8; echo $? > status");
    let script = format!("({script}) | head -n 5");
    let ran = Ran::from(Command::new("sh").current_dir(place.path("")).args(["-c", &script]).output().unwrap());
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (0, 5, ""));
    assert_eq!(place.read("status").trim(), "0");
    let said = place.ostl("stream rows.csv -i s.bin --skip-seen --max-rows 1").succeeded().stderr;
    let read: u64 = said.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((5..20_000).contains(&read), "{said}");
}

/// Kilobytes that a process holds.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_slow_reader_makes_it_wait_and_hold_no_more() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), rows(300_000)).unwrap();
    let mut command = place.command("stream rows.csv --target class -p - --quiet --units 4 -f s.bin");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    // Nothing is read: what is not taken fills the pipe, and then it waits.
    sleep(Duration::from_millis(1500));
    let before = resident(child.id());
    sleep(Duration::from_millis(1500));
    let after = resident(child.id());
    assert!(child.try_wait().unwrap().is_none(), "it did not wait");
    assert!(after < before + 1024 && after < 100_000, "{before} and {after} KB");
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert!(place.path("s.bin").exists());
}
