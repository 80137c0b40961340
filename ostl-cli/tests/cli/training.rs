//! What a training run leaves behind, and that it can be stopped anywhere.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{Ran, Workplace, same};

#[test]
fn a_run_leaves_its_files_and_a_table() {
    let place = Workplace::new();
    let ran = place.ostl("train tiny.toml --out run").succeeded();
    for name in ["valid", "test", "chance", "accuracy", "0.6931", "exact", "1.0000"] {
        assert!(ran.stdout.contains(name), "no {name} in\n{}", ran.stdout);
    }
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("epoch")).count(), 3, "{}", ran.stderr);

    let metrics = place.read("run/metrics.csv");
    let rows: Vec<Vec<&str>> = metrics.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..4], ["epoch", "learning_rate", "train_loss", "valid_loss"]);
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    assert_eq!((rows[1][0], rows[3][0], rows[1][1]), ("1", "3", "0.02"));

    let summary = place.json("run/summary.json");
    assert_eq!(summary["status"], "finished");
    assert_eq!(summary["network"], "4 > lstm 6 recurrent > readout 2");
    assert_eq!(summary["parameters"], 4 * 6 * (4 + 6 + 1) + 2 * 7);
    assert!(summary["trace_bytes"].as_u64().unwrap() > 0);
    let best = summary["best_epoch"].as_u64().unwrap() as usize;
    let lowest = rows[1..].iter().map(|row| row[3].parse::<f64>().unwrap()).fold(f64::INFINITY, f64::min);
    assert_eq!(rows[best][3].parse::<f64>().unwrap(), lowest);
    assert_eq!(summary["valid"]["loss"].as_f64().unwrap(), lowest);

    // Every figure by its name, and which class was taken for which.
    assert_eq!(summary["test"]["metrics"]["accuracy"], summary["test"]["accuracy"]);
    assert_eq!(summary["best_by"], "loss");
    assert!(summary["seconds"].as_f64().unwrap() >= summary["train_seconds"].as_f64().unwrap());
    let confusion = place.read("run/confusion.csv");
    let counts: Vec<Vec<u64>> =
        confusion.lines().skip(1).map(|row| row.split(',').skip(1).map(|count| count.parse().unwrap()).collect()).collect();
    assert_eq!((confusion.lines().next(), counts.len()), (Some("class,0,1"), 2));
    assert_eq!(counts.concat().iter().sum::<u64>(), 24, "the sequences of the test split");
    assert_eq!((counts[0][0] + counts[1][1]) as f64 / 24.0, summary["test"]["accuracy"].as_f64().unwrap());

    // The resolved configuration does the same again.
    place.ostl("train run/config.toml --out again --quiet").succeeded();
    assert!(same(&place.path("run/last.ckpt"), &place.path("again/last.ckpt")));
    assert_eq!(place.read("run/config.toml"), place.read("again/config.toml"));
    let names: Vec<_> = place.snapshot("run").into_iter().map(|(path, _)| path).collect();
    assert_eq!(names.len(), 8, "{names:?}");
}

#[test]
fn evaluate_finds_what_the_summary_says() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --out run --quiet").succeeded();
    let summary = place.json("run/summary.json");
    for split in ["test", "valid"] {
        let ran = place.ostl(&format!("evaluate run --split {split}")).succeeded();
        let loss = format!("loss {:.6}", summary[split]["loss"].as_f64().unwrap());
        assert!(ran.stdout.contains(&loss) && ran.stdout.contains(split), "{loss}: {}", ran.stdout);
    }
    assert!(place.ostl("evaluate run").succeeded().stdout.contains("test"));
    assert!(place.ostl("evaluate run --split train").succeeded().stdout.contains("64 sequences"));
}

#[test]
fn quiet_is_quiet_and_the_default_place_is_named_after_the_run() {
    let place = Workplace::new();
    let ran = place.ostl("train tiny.toml --quiet --seed 9").succeeded();
    assert_eq!(ran.stderr, "");
    assert!(place.path("runs/store-recall-lstm-k3-layer-9/summary.json").exists());
    assert!(place.read("runs/store-recall-lstm-k3-layer-9/config.toml").contains("seed = 9"));
    // A second run of that name stands beside the first.
    let before = place.read("runs/store-recall-lstm-k3-layer-9/summary.json");
    place.ostl("train tiny.toml --quiet --seed 9").succeeded();
    assert!(place.path("runs/store-recall-lstm-k3-layer-9-2/summary.json").exists());
    assert_eq!(place.read("runs/store-recall-lstm-k3-layer-9/summary.json"), before);
}

#[test]
fn threads_and_time_change_nothing_but_the_seed_does() {
    let place = Workplace::new();
    for (out, set) in [("one", "threads=1"), ("two", "threads=2"), ("other", "seed=5")] {
        place.ostl(&format!("train tiny.toml --quiet --out {out} --set {set}")).succeeded();
    }
    for name in ["last.ckpt", "best.ckpt"] {
        assert!(same(&place.path("one").join(name), &place.path("two").join(name)), "{name}");
        assert!(!same(&place.path("one").join(name), &place.path("other").join(name)), "{name}");
    }
}

#[test]
fn named_methods_train_and_are_written_back() {
    let place = Workplace::new();
    for (method, written) in [
        ("{name='rolling_tbptt',window=4}", "window = \"rolling-4\""),
        ("{name='ostl_random',window=3,seed=5}", "feedback = \"random\""),
        ("{name='osttp'}", "feedback = \"target-projection\""),
        ("{name='snap'}", "carry = \"snap-1\""),
    ] {
        let (once, again) = (format!("{}-1", written.len()), format!("{}-2", written.len()));
        let ran = place.ostl(&format!("train tiny.toml --out {once} --set method={method}")).succeeded();
        assert!(ran.stdout.contains("The gradient beside BPTT's"), "{}", ran.stdout);
        let config = place.read(&format!("{once}/config.toml"));
        assert!(config.contains(written) && config.contains("name = "), "{config}");
        place.ostl(&format!("train {once}/config.toml --quiet --out {again}")).succeeded();
        assert!(same(&place.path(&once).join("last.ckpt"), &place.path(&again).join("last.ckpt")), "{method}");
    }
}

#[test]
fn patience_and_schedules_are_kept() {
    let place = Workplace::new();
    let set = "--set training.epochs=50 --set training.patience=2 --set optimizer.learning_rate=1e-30";
    place.ostl(&format!("train tiny.toml --quiet --out patient {set}")).succeeded();
    // Weights that do not move never get better than after the first epoch.
    assert_eq!(place.json("patient/summary.json")["epochs"], 3);
    let schedule = "--set optimizer.schedule={kind=\"step\",every=1,factor=0.5}";
    place.ostl(&format!("train tiny.toml --quiet --out stepped {schedule}")).succeeded();
    let rates: Vec<String> =
        place.read("stepped/metrics.csv").lines().skip(1).map(|row| row.split(',').nth(1).unwrap().to_owned()).collect();
    assert_eq!(rates, ["0.02", "0.01", "0.005"]);
}

#[test]
fn the_best_epoch_is_that_of_the_figure_that_was_asked_for() {
    let place = Workplace::new();
    let set = "--set training.best=accuracy --set training.epochs=12 --set training.patience=5";
    place.ostl(&format!("train tiny.toml --quiet --out run {set}")).succeeded();
    let rows = place.read("run/metrics.csv");
    let accuracies: Vec<f64> = rows.lines().skip(1).map(|row| row.split(',').nth(4).unwrap().parse().unwrap()).collect();
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let first = 1 + accuracies.iter().position(|&accuracy| accuracy == highest).unwrap();
    let summary = place.json("run/summary.json");
    assert_eq!((summary["best_by"].as_str(), summary["best_epoch"].as_u64()), (Some("accuracy"), Some(first as u64)));
    assert_eq!(summary["valid"]["accuracy"].as_f64(), Some(highest));
    assert!(accuracies.len() == 12 || accuracies.len() == first + 5, "{accuracies:?}");
    place
        .ostl("train tiny.toml --set training.best=perplexity")
        .refused(2, &["training.best = perplexity", "loss, accuracy"]);
    place.ostl("train tiny.toml --set training.best=quality").refused(2, &["training.best = \"quality\"", "`accuracy`"]);
}

#[test]
fn a_finished_run_can_be_made_longer() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out long --set training.epochs=5").succeeded();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    let before = place.snapshot("run");
    place.ostl("train --resume run --set training.epochs=2").refused(2, &["--set: training.epochs = 2", "at least 3"]);
    place.ostl("train --resume run --set optimizer.rule=sgd").refused(2, &["optimizer.rule", "training.epochs"]);
    assert_eq!(place.snapshot("run"), before);
    place.ostl("train --resume run --quiet --set training.epochs=5").succeeded();
    for name in ["last.ckpt", "best.ckpt", "config.toml"] {
        assert!(same(&place.path("long").join(name), &place.path("run").join(name)), "{name}");
    }
    assert_eq!(place.read("run/metrics.csv").lines().count(), 6);
    assert_eq!(place.json("run/summary.json")["test"], place.json("long/summary.json")["test"]);
}

#[test]
fn a_run_without_a_text_cannot_be_sampled() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run --set training.epochs=1").succeeded();
    place.ostl("sample run").refused(2, &["`store-recall`", "no vocabulary"]);
    place.ostl("sample run --temperature=-1").refused(2, &["--temperature -1", "0 or more"]);
    place.ostl("sample run --top-k 0").refused(2, &["--top-k 0", "at least 1"]);
    place.ostl("sample nowhere").refused(2, &["no such run directory"]);
    place.ostl("train tiny.toml --set training.batch=").refused(2, &["training.batch"]);
}

#[test]
fn a_large_network_is_not_audited_unasked() {
    let place = Workplace::new();
    let set =
        "--set layers.0.units=300 --set method.carry=local --set training.epochs=1 --set task.train=8 --set task.valid=4";
    let ran = place.ostl(&format!("train tiny.toml --out large {set}")).succeeded();
    assert!(ran.stdout.contains("not audited") && ran.stdout.contains("test"), "{}", ran.stdout);
}

/// Starts a long run, waits for so many epochs, and asks it to stop.
fn interrupted(place: &Workplace, arguments: &str, epochs: usize, signal: &str) -> Ran {
    let mut child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = 0;
    let mut stderr = String::new();
    while seen < epochs {
        let line = lines.next().expect("the run ended too early").unwrap();
        seen += usize::from(line.starts_with("epoch"));
    }
    let killed = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    lines.for_each(|line| stderr = stderr.clone() + &line.unwrap() + "\n");
    let output = child.wait_with_output().unwrap();
    Ran { stderr, ..Ran::from(output) }
}

#[cfg(unix)]
#[test]
fn a_stopped_run_goes_on_bit_for_bit() {
    let place = Workplace::new();
    // A window longer than any rest of a sequence, updates within the sequence, momentum: whatever is forgotten shows.
    let set = "--set training.epochs=80 --set task.train=400 --set method.update=window --set optimizer.clip_norm=0.5";
    place.ostl(&format!("train tiny.toml --quiet --out whole {set}")).succeeded();
    let mut arguments = format!("train tiny.toml --out parts {set}");
    for (signal, epochs) in [("-TERM", 2), ("-INT", 1), ("-KILL", 3)] {
        let ran = interrupted(&place, &arguments, epochs, signal);
        if signal != "-KILL" {
            assert_eq!(ran.status, 130, "{}", ran.stderr);
            assert!(ran.stderr.contains("ostl train --resume parts"), "{}", ran.stderr);
            assert_eq!(place.json("parts/summary.json")["status"], "interrupted");
        }
        arguments = "train --resume parts".into();
    }
    place.ostl("train --resume parts --quiet").succeeded();
    for name in ["last.ckpt", "best.ckpt", "config.toml"] {
        assert!(same(&place.path("whole").join(name), &place.path("parts").join(name)), "{name}");
    }
    let (whole, parts) = (place.json("whole/summary.json"), place.json("parts/summary.json"));
    for key in ["status", "best_epoch", "valid", "test", "epochs"] {
        assert_eq!(whole[key], parts[key], "{key}");
    }
    // Apart from the two columns of time, the tables are the same.
    let untimed = |name: &str| {
        let text = place.read(name);
        text.lines().map(|row| row.split(',').take(5).collect::<Vec<_>>().join(",")).collect::<Vec<_>>()
    };
    assert_eq!(untimed("whole/metrics.csv"), untimed("parts/metrics.csv"));
    // A finished run has nothing left to do, and says what it came to.
    assert!(place.ostl("train --resume parts").succeeded().stdout.contains("test"));
    assert!(same(&place.path("whole/last.ckpt"), &place.path("parts/last.ckpt")));
}
