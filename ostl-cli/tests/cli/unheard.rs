//! Nobody listens, or what is written to is full: work goes on and is saved, and nothing ends in a panic.

use std::fs::OpenOptions;
use std::process::{Child, Stdio};

use crate::support::{Ran, Workplace};

/// Whose end of the pipe is closed before anything is said.
fn closed(mut child: Child, stdout: bool, stderr: bool) -> Ran {
    drop(child.stdout.take().filter(|_| stdout));
    drop(child.stderr.take().filter(|_| stderr));
    Ran::from(child.wait_with_output().unwrap())
}

fn started(place: &Workplace, arguments: &str) -> Child {
    place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a_run_is_finished_though_its_reader_is_gone() {
    let place = Workplace::new();
    for (out, stdout, stderr) in [("a", true, false), ("b", false, true), ("c", true, true)] {
        let child = started(&place, &format!("train tiny.toml --out {out}"));
        let ran = closed(child, stdout, stderr);
        assert_eq!(ran.status, 0, "{out}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert_eq!(place.json(&format!("{out}/summary.json"))["status"], "finished");
    }
}

#[test]
fn every_command_ends_cleanly_where_nobody_reads() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    for arguments in [
        "data list",
        "data info store-recall",
        "data make store-recall --out made",
        "evaluate run",
        "check",
        "check tiny.toml",
        "check --all --cells li",
        "bench --case digits --cell snu --runs 1",
        "--help",
        "train --help",
        "--version",
    ] {
        let ran = closed(started(&place, arguments), true, false);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{arguments}");
    }
    // A refusal is a refusal, whether it is heard or not.
    assert_eq!(closed(started(&place, "train none.toml"), false, true).status, 2);
    assert_eq!(closed(started(&place, "no-such-command"), false, true).status, 2);
}

#[test]
fn full_disks_are_told_of_and_nothing_is_lost() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let place = Workplace::new();
    let ran = Ran::from(place.command("train tiny.toml --out run").stdout(full()).output().unwrap());
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("standard output cannot be written to") && !ran.stderr.contains("panicked"),
        "{}",
        ran.stderr
    );
    assert_eq!(place.json("run/summary.json")["status"], "finished");
    let ran = Ran::from(place.command("train tiny.toml --out other").stderr(full()).output().unwrap());
    assert!(ran.status == 0 && ran.stdout.contains("best epoch"), "{}", ran.stdout);
    for arguments in ["data list", "evaluate run", "check tiny.toml", "--help"] {
        let ran = Ran::from(place.command(arguments).stdout(full()).output().unwrap());
        assert_eq!(ran.status, 1, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains("standard output cannot be written to"), "{arguments}: {}", ran.stderr);
        let ran = Ran::from(place.command("train none.toml").stderr(full()).output().unwrap());
        assert_eq!(ran.status, 2);
    }
}
