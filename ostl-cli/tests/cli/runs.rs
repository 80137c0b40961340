//! Runs among other processes, killed processes, and files that go missing.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use crate::support::{Ran, Workplace, same};

/// A run that takes long enough to be met at work.
const LONG: &str = "--set training.epochs=2000 --set task.train=400";

/// Starts a run and waits for so many epochs.
fn at_work(place: &Workplace, arguments: &str, epochs: usize) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (mut seen, mut line) = (0, String::new());
    while seen < epochs {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the run ended too early");
        seen += usize::from(line.starts_with("epoch"));
    }
    (child, stderr)
}

/// Ends it as a power cut would.
fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The names in a folder, in order.
fn names(place: &Workplace, folder: &str) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(place.path(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn one_process_at_a_time_works_on_a_run() {
    let place = Workplace::new();
    let (child, stderr) = at_work(&place, &format!("train tiny.toml --out run {LONG}"), 1);
    let number = child.id().to_string();
    for arguments in ["train --resume run", "train tiny.toml --out run --force"] {
        place.ostl(arguments).refused(1, &["run: another process", &number]);
    }
    // Looking at it is free.
    place.ostl("evaluate run").succeeded();
    killed(child);
    drop(stderr);
    // Nothing of a lock is left: the next process goes on.
    place.ostl("train --resume run --quiet --set training.epochs=2000 --set training.patience=1").succeeded();
    assert!(!names(&place, "run").contains(&".lock".to_owned()), "{:?}", names(&place, "run"));
}

#[test]
fn what_a_killed_process_left_half_written_is_removed() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    let whole = names(&place, "run");
    let left = [".checkpoint-aB3xYz.tmp", "metrics.csvQ0w9Er.tmp", "summary.json123456.tmp", "history.jsonabcdef.tmp"];
    left.iter().for_each(|name| fs::write(place.path("run").join(name), "half").unwrap());
    fs::write(place.path("run/notes.tmp"), "mine").unwrap();
    // Who only looks changes nothing.
    place.ostl("evaluate run").succeeded();
    assert_eq!(names(&place, "run").len(), whole.len() + 5);
    place.ostl("train --resume run --quiet").succeeded();
    let now: Vec<String> = names(&place, "run").into_iter().filter(|name| name != "notes.tmp").collect();
    assert_eq!((now, place.path("run/notes.tmp").exists()), (whole, true));
}

#[test]
fn runs_that_start_at_once_get_a_number_each() {
    let place = Workplace::new();
    let start = |_| place.command("train tiny.toml --quiet").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<Child> = (0..4).map(start).collect();
    for child in children {
        Ran::from(child.wait_with_output().unwrap()).succeeded();
    }
    let name = "store-recall-lstm-k3-layer-4";
    assert_eq!(names(&place, "runs"), [name.to_owned(), format!("{name}-2"), format!("{name}-3"), format!("{name}-4")]);
    assert!(names(&place, "runs").iter().all(|run| place.path(&format!("runs/{run}/summary.json")).exists()));
}

#[test]
fn names_hold_the_method_and_summaries_every_setting() {
    let place = Workplace::new();
    for (method, name) in [
        ("{name='e_prop'}", "store-recall-lstm-e_prop-4"),
        ("{name='rolling_tbptt',window=4}", "store-recall-lstm-rolling_tbptt-4"),
        ("{window='sequence',carry='none'}", "store-recall-lstm-bptt-4"),
        ("{window=3,carry='local',feedback='random'}", "store-recall-lstm-k3-local-random-4"),
    ] {
        place.ostl(&format!("train tiny.toml --quiet --set training.epochs=1 --set method={method}")).succeeded();
        let summary = place.json(&format!("runs/{name}/summary.json"));
        assert_eq!(summary["settings"]["optimizer"]["learning_rate"], 0.02);
        assert_eq!(summary["settings"]["task"]["delay"], 8);
        assert_eq!(summary["settings"]["layers"][0]["units"], 6);
        for key in ["started", "ended"] {
            let date = summary[key].as_str().unwrap();
            assert!(date.len() == 20 && date.starts_with("20") && date.ends_with('Z'), "{date}");
        }
        assert_eq!(summary["fingerprint"].as_str().unwrap().len(), 33);
    }
}

/// Data of one's own: two sequences a split, the second input of the first as given.
fn own_data(place: &Workplace, folder: &str, value: f32) {
    fs::create_dir_all(place.path(folder)).unwrap();
    for split in ["train", "valid"] {
        let lines =
            format!("{{\"inputs\": [[0.5], [{value}]], \"target\": 1}}\n{{\"inputs\": [[0.1], [0.2]], \"target\": 0}}\n");
        fs::write(place.path(&format!("{folder}/{split}.jsonl")), lines).unwrap();
    }
}

#[test]
fn a_run_goes_on_with_its_own_data_wherever_they_are() {
    let place = Workplace::new();
    own_data(&place, "data", 0.25);
    let set = r#"--set task={name="own",classes=2}"#;
    place.ostl(&format!("train tiny.toml --data data --quiet --out run {set} --set training.epochs=2")).succeeded();
    place.ostl(&format!("train tiny.toml --data data --quiet --out long {set} --set training.epochs=4")).succeeded();
    let before = place.snapshot("run");

    // The same shapes, one other number.
    own_data(&place, "data", 0.75);
    let words = ["run/last.ckpt", "the data are not those", "2 training sequences of 4 steps", "other numbers", "--force"];
    place.ostl("train --resume run --set training.epochs=4").refused(1, &words);
    assert_eq!(place.snapshot("run"), before);

    // The right ones at another place, and remembered there.
    own_data(&place, "data", 0.25);
    fs::rename(place.path("data"), place.path("moved")).unwrap();
    place.ostl("train --resume run --set training.epochs=4 --quiet").refused(2, &["no file at", "--data DIR"]);
    place.ostl("train --resume run --set training.epochs=3 --data moved --quiet").succeeded();
    place.ostl("train --resume run --set training.epochs=4 --quiet").succeeded();
    assert!(same(&place.path("run/last.ckpt"), &place.path("long/last.ckpt")));
    assert_eq!(place.json("run/summary.json")["changes"], serde_json::json!([]));

    // By force with others, and that is written down.
    own_data(&place, "moved", 0.75);
    let ran = place.ostl("train --resume run --set training.epochs=5 --force").succeeded();
    assert!(ran.stderr.contains("other data"), "{}", ran.stderr);
    let change = &place.json("run/summary.json")["changes"][0];
    assert_eq!((&change["key"], &change["after_epochs"]), (&"data".into(), &4.into()));
    // Those are the run's data now.
    place.ostl("train --resume run --set training.epochs=6 --quiet").succeeded();
}

#[test]
fn a_lost_table_is_written_anew() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    let table = place.read("run/metrics.csv");
    for broken in [None, Some(&table.as_bytes()[..150]), Some(b"\xff\xfe nonsense".as_slice())] {
        match broken {
            Some(bytes) => fs::write(place.path("run/metrics.csv"), bytes).unwrap(),
            None => fs::remove_file(place.path("run/metrics.csv")).unwrap(),
        }
        let said = place.ostl("train --resume run").succeeded().stderr;
        assert!(said.contains("metrics.csv was not whole"), "{said}");
        assert_eq!(place.read("run/metrics.csv"), table);
    }
    // Without the times, their cells stay empty; everything else is there.
    fs::remove_file(place.path("run/metrics.csv")).unwrap();
    fs::write(place.path("run/history.json"), "{").unwrap();
    fs::remove_file(place.path("run/summary.json")).unwrap();
    let said = place.ostl("train --resume run --set training.epochs=4").succeeded().stderr;
    assert!(said.contains("metrics.csv was not whole") && said.contains("history.json was lost"), "{said}");
    let cells =
        |text: &str| -> Vec<Vec<String>> { text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect() };
    let (now, before) = (cells(&place.read("run/metrics.csv")), cells(&table));
    assert_eq!(now.len(), 5);
    for (row, (now, before)) in now.iter().zip(&before).enumerate().skip(1) {
        assert_eq!((now[5].as_str(), now[6].as_str(), now[13].as_str()), ("", "", ""), "row {row}");
        assert_eq!((&now[..5], &now[7..13], &now[14..]), (&before[..5], &before[7..13], &before[14..]), "row {row}");
    }
    assert!(!now[4][5].is_empty());
}

#[test]
fn times_add_up_over_sessions() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run --set training.epochs=30").succeeded();
    let of = |key: &str| place.json("run/summary.json")[key].as_f64().unwrap();
    let (seconds, learning) = (of("seconds"), of("train_seconds"));
    assert!(seconds >= learning && learning > 0.0);
    // A finished run that is resumed took no less time than it did.
    place.ostl("train --resume run --quiet").succeeded();
    let (again, learning_again) = (of("seconds"), of("train_seconds"));
    assert!(again >= seconds && learning_again == learning, "{again} {seconds}");
    place.ostl("train --resume run --quiet --set training.epochs=60").succeeded();
    assert!(of("train_seconds") > learning && of("seconds") - again >= of("train_seconds") - learning);
    let history = place.json("run/history.json");
    let sessions = history["sessions"].as_array().unwrap();
    let sum: f64 = sessions.iter().map(|session| session["seconds"].as_f64().unwrap()).sum();
    assert!((sum - of("seconds")).abs() < 1e-6 && sessions.len() == 3 && of("sessions") == 3.0);
    // What the epochs took is in the table, and no more than that in all.
    let epochs: f64 = place
        .read("run/metrics.csv")
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(5).unwrap().parse::<f64>().unwrap())
        .sum();
    assert!(epochs <= of("seconds") + 0.1, "{epochs}");
}

#[test]
fn the_best_weights_are_those_of_the_best_epoch_whenever_the_process_was_killed() {
    let place = Workplace::new();
    let set = "--set optimizer.learning_rate=1e-30";
    // Weights that hardly move: the first epoch stays the best one.
    place.ostl(&format!("train tiny.toml --quiet --out still {set}")).succeeded();
    place.ostl("train tiny.toml --quiet --out short --set training.epochs=1").succeeded();
    place.ostl("train tiny.toml --quiet --out run --set training.epochs=1").succeeded();
    let older = place.bytes("run/best.ckpt");
    place.ostl("train --resume run --quiet --set training.epochs=2").succeeded();
    assert_eq!(place.json("run/summary.json")["best_epoch"], 2, "the second epoch is better, or this shows nothing");
    let best = place.bytes("run/best.ckpt");

    // Killed after last.ckpt of epoch 2 was written and before best.ckpt.
    fs::write(place.path("run/best.ckpt"), &older).unwrap();
    let ran = place.ostl("train --resume run --quiet").succeeded();
    assert!(ran.stdout.contains("best epoch 2 of 2"), "{}", ran.stdout);
    assert_eq!(place.bytes("run/best.ckpt"), best);
    // Lost altogether.
    fs::remove_file(place.path("run/best.ckpt")).unwrap();
    place.ostl("train --resume run --quiet").succeeded();
    assert_eq!(place.bytes("run/best.ckpt"), best);

    // Best weights of an epoch that the checkpoint knows nothing of.
    fs::write(place.path("short/best.ckpt"), &best).unwrap();
    let ran = place.ostl("train --resume short --quiet").succeeded();
    assert!(ran.stdout.contains("best epoch 1 of 1"), "{}", ran.stdout);
    assert_eq!(place.bytes("short/best.ckpt"), older);

    // Of an epoch long past they cannot be had again.
    fs::write(place.path("still/best.ckpt"), &older).unwrap();
    place.ostl("train --resume still --quiet").refused(1, &["still", "of epoch 1, are lost", "training.epochs"]);
    let said = place.ostl("train --resume still --set training.epochs=4").succeeded();
    assert!(said.stderr.contains("chosen anew") && said.stdout.contains("best epoch 4 of 4"), "{}", said.stderr);
}

#[test]
fn mistaken_paths_are_told_from_runs() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run --set training.epochs=1").succeeded();
    place.ostl("train --resume run/last.ckpt").refused(2, &["run/last.ckpt: is a file of a run", "itself: run"]);
    place.ostl("evaluate run/best.ckpt").refused(2, &["run/best.ckpt: is a file of a run"]);
    place.ostl("train --resume tiny.toml").refused(2, &["tiny.toml: is a file, and a run is a directory"]);
    place.ostl("train run").refused(2, &["run: is a run", "ostl train --resume run", "ostl train run/config.toml"]);
    fs::create_dir(place.path("folder")).unwrap();
    place.ostl("train folder").refused(2, &["folder: is a folder; give a configuration file"]);
    place.ostl("train tiny.toml --data nowhere").refused(2, &["--data nowhere: there is no file or folder"]);
    place.ostl("evaluate run --data nowhere").refused(2, &["--data nowhere: there is no file or folder"]);
    place.ostl("data info mnist --data nowhere").refused(2, &["--data nowhere: there is no file or folder"]);
}

#[cfg(unix)]
#[test]
fn a_killed_run_goes_on_bit_for_bit() {
    let place = Workplace::new();
    let set = "--set training.epochs=15 --set task.train=160 --set training.checkpoint_minutes=1e-9";
    place.ostl(&format!("train tiny.toml --quiet --out whole {set}")).succeeded();
    let mut arguments = format!("train tiny.toml --out parts {set}");
    for epochs in [1, 2, 1, 3] {
        killed(at_work(&place, &arguments, epochs).0);
        arguments = "train --resume parts".to_owned();
    }
    place.ostl("train --resume parts --quiet").succeeded();
    for name in ["last.ckpt", "best.ckpt"] {
        assert!(same(&place.path("whole").join(name), &place.path("parts").join(name)), "{name}");
    }
    let rows = |name: &str| -> Vec<Vec<String>> {
        let untimed = |row: &str| {
            let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
            // Seconds, steps per second, memory.
            cells.remove(13);
            cells.drain(5..7);
            cells
        };
        place.read(name).lines().map(untimed).collect()
    };
    assert_eq!(rows("whole/metrics.csv"), rows("parts/metrics.csv"));
    assert_eq!(names(&place, "whole"), names(&place, "parts"));
    assert_eq!(place.json("parts/summary.json")["sessions"], 5);
}

#[cfg(unix)]
#[test]
fn the_audit_at_the_end_can_be_interrupted() {
    let place = Workplace::new();
    // The audit follows the whole influence of two layers over 96 steps.
    let set = "--set layers=[{cell=\"lstm\",units=32},{cell=\"lstm\",units=32}] --set training.epochs=1 --set task.train=8 \
               --set task.valid=4 --set task.test=4 --set task.min_delay=100 --set task.delay=100 --set method.window=24 --set method.carry=local";
    let mut child = place
        .command(&format!("train tiny.toml --out run {set}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("best epoch") {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "it ended too early");
    }
    // In the midst of the audit.
    let asked = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, rest.contains("The gradient beside")), (130, false), "{rest}{}", ran.stderr);
    assert!(ran.stderr.contains("the run was finished, and is saved in run"), "{}", ran.stderr);
    assert_eq!(place.json("run/summary.json")["status"], "finished");
}
