//! Numbers that are not finite: what becomes of the run, and that it can be gone on with in another way.

use std::fs;

use crate::support::{Workplace, same};

/// A linear network that learns to repeat a value.
const LINEAR: &str = r#"
[task]
name = "own"
[[layers]]
dense = "identity"
units = 3
[method]
name = "bptt"
[optimizer]
rule = "sgd"
learning_rate = 0.05
[training]
epochs = 3
batch = 4
"#;

/// Forty sequences; in one of the training split the target's square is more than single precision holds, if asked for.
fn data(place: &Workplace, is_broken: bool) {
    fs::write(place.path("linear.toml"), LINEAR).unwrap();
    for split in ["train", "valid"] {
        let value = |index: u32| f64::from(index % 7) / 4.0 - 0.75;
        let line = |index: u32| {
            let target = if is_broken && split == "train" && index == 17 { 1e30 } else { value(index) };
            format!("{{\"inputs\": [[{}], [0.5]], \"target\": [{target:e}]}}\n", value(index))
        };
        fs::write(place.path(&format!("{split}.jsonl")), (0..40).map(line).collect::<String>()).unwrap();
    }
}

/// A column of the table of epochs.
fn column(place: &Workplace, run: &str, name: &str) -> Vec<String> {
    let table = place.read(&format!("{run}/metrics.csv"));
    let at = table.lines().next().unwrap().split(',').position(|column| column == name).unwrap();
    table.lines().skip(1).map(|row| row.split(',').nth(at).unwrap().to_owned()).collect()
}

#[test]
fn a_run_that_stops_says_what_may_help_and_takes_it_when_resumed() {
    let place = Workplace::new();
    data(&place, true);
    let words = ["epoch 1: batch ", "the loss is not finite", "sound", "--resume run", "learning_rate=0.005", "clip_norm=1"];
    place.ostl("train linear.toml --data . --quiet --out run").refused(1, &words);
    let ran = place.ostl("train linear.toml --data . --quiet --out other --set optimizer.clip_norm=1");
    assert!(!ran.stderr.contains("clip"), "{}", ran.stderr);
    ran.refused(1, &["the loss is not finite", "on_non_finite=skip"]);

    // What else a run is cannot be set anew.
    place.ostl("train --resume run --set optimizer.rule=adam").refused(2, &["optimizer.rule", "optimizer.learning_rate"]);
    let set = "--set training.on_non_finite=skip --set optimizer.learning_rate=0.01 --set optimizer.clip_norm=2";
    place.ostl(&format!("train --resume run --quiet {set}")).succeeded();
    let summary = place.json("run/summary.json");
    assert_eq!((&summary["status"], &summary["skipped"]), (&"finished".into(), &3.into()));
    let changes: Vec<[&str; 3]> = summary["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| ["key", "from", "to"].map(|k| c[k].as_str().unwrap()))
        .collect();
    let expected = [
        ["optimizer.learning_rate", "0.05", "0.01"],
        ["optimizer.clip_norm", "none", "2"],
        ["training.on_non_finite", "stop", "skip"],
    ];
    assert_eq!(changes, expected);
    let config = place.read("run/config.toml");
    assert!(config.contains("on_non_finite = \"skip\"") && config.contains("clip_norm = 2"), "{config}");
    // From the start it is the same as a run that was so from the start.
    place.ostl(&format!("train linear.toml --data . --quiet --out same {set}")).succeeded();
    assert!(same(&place.path("run/best.ckpt"), &place.path("same/best.ckpt")));
}

#[test]
fn what_is_passed_over_is_counted() {
    let place = Workplace::new();
    data(&place, true);
    let ran = place.ostl("train linear.toml --data . --out run --set training.on_non_finite=skip").succeeded();
    assert!(ran.stderr.contains("the loss is not finite") && ran.stderr.contains("1 skipped"), "{}", ran.stderr);
    assert_eq!(column(&place, "run", "skipped"), ["1", "1", "1"]);
    // 36 sequences of 2 steps were learned from, and 4 were not.
    assert_eq!(column(&place, "run", "steps"), ["72", "144", "216"]);
    let losses: Vec<f64> = column(&place, "run", "valid_loss").iter().map(|loss| loss.parse().unwrap()).collect();
    assert!(losses[2] < losses[0] && losses[0] < 1.0, "{losses:?}");
    // Where everything is refused, nothing is learned, and the run does not pretend to.
    data(&place, false);
    let all: String = place
        .read("train.jsonl")
        .lines()
        .map(|line| format!("{},\"target\":[1e30]}}\n", line.split(", \"target").next().unwrap()))
        .collect();
    fs::write(place.path("train.jsonl"), all).unwrap();
    place
        .ostl("train linear.toml --data . --quiet --out all --set training.on_non_finite=skip")
        .refused(1, &["epoch 1: every update was refused"]);
}

#[test]
fn backing_off_finds_a_rate_that_works_and_can_be_stopped_anywhere() {
    let place = Workplace::new();
    data(&place, false);
    let set = "--set optimizer.learning_rate=50 --set training.batch=1 --set training.on_non_finite=back-off";
    let ran = place.ostl(&format!("train linear.toml --data . --out run {set}")).succeeded();
    assert!(ran.stderr.contains("done over at half the rate (25)"), "{}", ran.stderr);
    let rate: f64 = column(&place, "run", "learning_rate")[2].parse().unwrap();
    let halvings = (50.0 / rate).log2();
    assert!(halvings.fract() == 0.0 && halvings >= 2.0, "{rate}");
    let summary = place.json("run/summary.json");
    assert_eq!((&summary["halvings"], &summary["skipped"]), (&(halvings as u64).into(), &(halvings as u64).into()));
    assert_eq!(column(&place, "run", "skipped")[0], halvings.to_string());
    assert!(column(&place, "run", "valid_loss").iter().all(|loss| loss.parse::<f64>().unwrap().is_finite()));
    // The same again, by the same steps.
    place.ostl(&format!("train linear.toml --data . --quiet --out again {set}")).succeeded();
    assert!(same(&place.path("run/last.ckpt"), &place.path("again/last.ckpt")));
    // A rate set anew is that rate.
    place.ostl("train --resume run --quiet --set training.epochs=4 --set optimizer.learning_rate=0.25").succeeded();
    assert_eq!(column(&place, "run", "learning_rate")[3], "0.25");
}
