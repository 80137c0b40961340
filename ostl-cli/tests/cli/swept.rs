//! Grids of settings and seeds.

use std::fs;

use crate::support::Workplace;

const GRID: &str = "sweep tiny.toml --set method.carry=none,local --seeds 0..1 --out grid";
const RUNS: [&str; 4] = ["carry=none_seed=0", "carry=none_seed=1", "carry=local_seed=0", "carry=local_seed=1"];

/// The test loss of a run.
fn loss(place: &Workplace, run: &str) -> f64 {
    place.json(&format!("{run}/summary.json"))["test"]["loss"].as_f64().unwrap()
}

#[test]
fn every_combination_is_a_run_like_any_other() {
    let place = Workplace::new();
    let ran = place.ostl(&format!("{GRID} --set training.epochs=2 --jobs 2")).succeeded();
    for (index, run) in RUNS.iter().enumerate() {
        assert!(ran.stderr.contains(&format!("{run}: done in ")), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("[{}/4] ", index + 1)), "{}", ran.stderr);
        assert!(place.read(&format!("grid/{run}.log")).contains("test"), "{run}");
    }
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert!(rows[1].starts_with("none             2") && rows[2].starts_with("local            2"), "{}", ran.stdout);
    let direct = "train tiny.toml --quiet --set method.carry=local --set training.epochs=2 --seed 1 --out direct";
    place.ostl(direct).succeeded();
    assert_eq!(loss(&place, "direct"), loss(&place, "grid/carry=local_seed=1"));
    assert!(loss(&place, "direct") != loss(&place, "grid/carry=local_seed=0"));
}

#[test]
fn what_is_done_is_not_done_again() {
    let place = Workplace::new();
    place.ostl(GRID).succeeded();
    let kept = |run: &str| place.snapshot(&format!("grid/{run}"));
    let (first, lost) = (kept(RUNS[0]), loss(&place, &format!("grid/{}", RUNS[3])));
    fs::remove_dir_all(place.path(&format!("grid/{}", RUNS[3]))).unwrap();
    // As if it had been interrupted after its last epoch.
    fs::remove_file(place.path(&format!("grid/{}/summary.json", RUNS[2]))).unwrap();
    let ran = place.ostl(GRID).succeeded();
    assert!(ran.stderr.contains("2 of 4 runs are done already") && ran.stderr.contains("[4/4] "), "{}", ran.stderr);
    assert!(kept(RUNS[0]) == first);
    assert_eq!(loss(&place, &format!("grid/{}", RUNS[3])), lost);
    assert!(place.path(&format!("grid/{}/summary.json", RUNS[2])).is_file());
    // More seeds are added to those that are there; other settings are not mixed with them.
    let ran = place.ostl(&GRID.replace("0..1", "0..2")).succeeded();
    assert!(ran.stderr.contains("4 of 6 runs are done already"), "{}", ran.stderr);
    let other = format!("{GRID} --set layers.0.units=7");
    place.ostl(&other).refused(2, &["grid/carry=none_seed=0: is there already, and was made with other settings"]);
    assert!(kept(RUNS[0]) == first);
}

#[test]
fn settings_are_checked_first_and_a_run_that_fails_stops_no_other() {
    let place = Workplace::new();
    place.ostl("sweep tiny.toml --set layers.0.units=6,none --out grid").refused(2, &["layers.0.units", "none"]);
    assert!(!place.path("grid").exists());
    place.ostl("sweep tiny.toml --set layers.0.units=6,, --out grid").refused(2, &["a value between two commas"]);
    let ran = place.ostl("sweep tiny.toml --set optimizer.learning_rate=1e38,0.02 --out grid");
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("learning_rate=1e38_seed=0: failed: error: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("learning_rate=0.02_seed=0: done in"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 of 2 runs failed") && ran.stdout.contains("test split"), "{}", ran.stderr);
}

/// What all runs leave out of the file alike is said once, and a folder is called by words that can be typed.
#[test]
fn whole_tables_are_values_and_what_they_leave_out_is_said_once() {
    let place = Workplace::new();
    let kinds = "--set layers.0.cell=gru,rnn --set method.name=ostl,tbptt --set method.window=3 --set training.epochs=1";
    let ran = place.ostl(&format!("sweep tiny.toml {kinds} --out kinds")).succeeded();
    assert_eq!(ran.stderr.matches("leaves out what tiny.toml says of carry").count(), 1, "{}", ran.stderr);
    let tables = "--set method={name=\"tbptt\",window=2},{name=\"ostl\"} --set training.epochs=1";
    place.ostl(&format!("sweep tiny.toml {tables} --out tables")).succeeded();
    for run in ["method=name=tbptt-window=2_seed=0", "method=name=ostl_seed=0"] {
        assert!(place.path(&format!("tables/{run}/summary.json")).is_file(), "{run}");
    }
}
