//! Runs beside each other.

use std::fs;

use crate::support::Workplace;
use serde_json::Value;

/// Trains two seeds with traces and one without.
fn trained() -> Workplace {
    let place = Workplace::new();
    for (name, options) in [("a-0", "local --set seed=0"), ("a-1", "local --set seed=1"), ("b", "none --set seed=0")] {
        place.ostl(&format!("train tiny.toml --quiet --out {name} --set method.carry={options}")).succeeded();
    }
    place
}

/// A figure of a run's test split.
fn figure(place: &Workplace, run: &str, name: &str) -> f64 {
    place.json(&format!("{run}/summary.json"))["test"]["metrics"][name].as_f64().unwrap()
}

#[test]
fn seeds_are_one_row_with_mean_and_deviation() {
    let place = trained();
    let said = place.ostl("compare a-0 a-1 b --json").succeeded().stdout;
    let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [a, b] = &rows[..] else { panic!("{said}") };
    assert_eq!((&a["settings"]["method.carry"], &b["settings"]["method.carry"]), (&"local".into(), &"none".into()));
    assert_eq!(a["settings"].as_object().unwrap().len(), 1, "{a}");
    assert_eq!((a["seeds"].to_string(), b["seeds"].to_string()), ("[0,1]".into(), "[0]".into()));
    let [first, second] = ["a-0", "a-1"].map(|run| figure(&place, run, "loss"));
    assert!(first != second);
    let loss = &a["figures"]["loss"];
    assert_eq!(loss["values"], Value::from(vec![first, second]));
    assert!((loss["mean"].as_f64().unwrap() - (first + second) / 2.0).abs() < 1e-12, "{loss}");
    assert!((loss["deviation"].as_f64().unwrap() - (first - second).abs() / 2.0_f64.sqrt()).abs() < 1e-12, "{loss}");
    assert!(b["figures"]["loss"]["deviation"].is_null(), "{b}");

    // As CSV, and a run named twice counts once.
    let csv = place.ostl("compare a-0 a-1 ./a-0 b --csv --split valid").succeeded().stdout;
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(head[..8], ["method.carry", "runs", "seeds", "split", "parameters", "trace_bytes", "loss", "loss_deviation"]);
    let row: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(row[..4], ["local", "2", "0 1", "valid"]);
    assert!(lines.next().unwrap().starts_with("none,1,0,valid,"));
}

#[test]
fn the_best_is_marked_and_can_come_first() {
    let place = trained();
    // Figures by hand, so that it is known which is the better.
    for (run, loss) in [("a-0", 0.5), ("a-1", 0.7), ("b", 0.125)] {
        let mut summary = place.json(&format!("{run}/summary.json"));
        summary["test"]["metrics"]["loss"] = loss.into();
        fs::write(place.path(&format!("{run}/summary.json")), summary.to_string()).unwrap();
    }
    let said = place.ostl("compare a-0 a-1 b").succeeded().stdout;
    let rows: Vec<&str> = said.lines().collect();
    assert!(rows[0].starts_with("method.carry  runs"), "{said}");
    assert!(rows[1].starts_with("local            2") && rows[1].contains("0.6000 ± 0.1414   "), "{said}");
    assert!(rows[2].starts_with("none             1") && rows[2].contains(" 0.1250 *"), "{said}");
    assert!(rows[3].starts_with("test split, mean ± standard deviation"), "{said}");
    let said = place.ostl("compare a-0 a-1 b --sort loss").succeeded().stdout;
    assert!(said.lines().nth(1).unwrap().starts_with("none"), "{said}");
    place.ostl("compare a-0 b --sort lost").refused(2, &["--sort lost: there is no such figure: did you mean `loss`?"]);
    // Runs of one configuration alone have no name but their own, and nothing is the best.
    let said = place.ostl("compare a-0 a-1").succeeded().stdout;
    assert!(said.lines().nth(1).unwrap().starts_with("a-0     2") && !said.contains('*'), "{said}");
}

#[test]
fn runs_that_have_not_come_to_their_end_are_left_out() {
    let place = trained();
    fs::remove_file(place.path("b/summary.json")).unwrap();
    let ran = place.ostl("compare a-0 b").succeeded();
    assert!(ran.stderr.contains("b: left out: it has not come to its end: ostl train --resume b"), "{}", ran.stderr);
    assert!(!ran.stdout.contains("none"), "{}", ran.stdout);
    let ran = place.ostl("compare b");
    assert!(ran.status == 2 && ran.stderr.contains("none of these runs has come to its end"), "{}", ran.stderr);
    place.ostl("compare tiny.toml").refused(2, &["tiny.toml: is a file, and a run is a directory"]);
    fs::write(place.path("a-1/summary.json"), "{ \"status\": \"fin").unwrap();
    let failed = place.ostl("compare a-0 a-1");
    assert!(failed.status == 1 && failed.stderr.contains("a-1/summary.json: is damaged"), "{}", failed.stderr);
    // The same settings on other data.
    let mut summary = place.json("a-0/summary.json");
    summary["fingerprint"] = "other".into();
    fs::create_dir(place.path("c")).unwrap();
    fs::copy(place.path("a-0/config.toml"), place.path("c/config.toml")).unwrap();
    fs::write(place.path("c/summary.json"), summary.to_string()).unwrap();
    let said = place.ostl("compare a-0 c").succeeded().stderr;
    assert!(said.contains("a-0, c: the same settings, but not the same data"), "{said}");
}

/// `runs/*` has sweeps in it, and in sweeps there are logs beside the runs.
#[test]
fn folders_of_runs_are_their_runs_and_what_is_no_run_is_left_out() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out runs/alone --set method.window=2").succeeded();
    let sweep = "sweep tiny.toml --set method.carry=none,local --set training.epochs=1 --out runs/sweep";
    place.ostl(sweep).succeeded();
    fs::create_dir(place.path("runs/empty")).unwrap();
    let named = "runs/alone runs/sweep/carry=local_seed=0 runs/sweep/carry=none_seed=0";
    let expected = place.ostl(&format!("compare {named}")).succeeded().stdout;
    let ran = place.ostl("compare runs/alone runs/empty runs/sweep").succeeded();
    assert_eq!(ran.stdout, expected);
    assert_eq!(ran.stderr, "left out: runs/empty: is no run directory: it has no config.toml\n");
    let logs = "runs/sweep/carry=local_seed=0.log runs/sweep/carry=none_seed=0.log";
    let ran = place.ostl(&format!("compare {named} {logs} runs/empty tiny.toml")).succeeded();
    assert_eq!(ran.stdout, expected);
    let said = "left out, being no runs: runs/sweep/carry=local_seed=0.log, runs/sweep/carry=none_seed=0.log, runs/empty and 1 more";
    assert_eq!(ran.stderr.trim_end(), said);
    // The same of the others that take runs, and each run once.
    place.ostl("plot runs/sweep runs/sweep/carry=none_seed=0 runs/empty --out curves.svg").succeeded();
    let picture = place.read("curves.svg");
    assert!(picture.contains("carry=local") && picture.contains("carry=none") && !picture.contains("(2 runs)"));
    place.ostl("report runs/sweep runs/empty --no-audit").succeeded();
    assert!(place.read("report.html").contains("2 runs on store-recall"));
    // A name that is nothing at all is a mistake, and so is nothing but what is no run.
    place.ostl("compare runs/alone runs/alnoe").refused(2, &["runs/alnoe: there is no such run directory"]);
    place.ostl("plot runs/empty --terminal").refused(2, &["runs/empty: is no run directory"]);
}

#[test]
fn figures_of_two_tasks_are_not_set_against_each_other() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out a --set training.epochs=1").succeeded();
    let other = "--set task={name=\"temporal-xor\",train=16,valid=8,test=8} --set layers=[{cell=\"gru\",units=3}]";
    place.ostl(&format!("train tiny.toml --quiet --out b --set training.epochs=1 {other}")).succeeded();
    let said = place.ostl("compare a b").succeeded().stdout;
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        [&rows[0][..2], &rows[1][..2], &rows[2][..2]],
        [["run", "task.name"], ["a", "store-recall"], ["b", "temporal-xor"]]
    );
    assert!(said.contains("the runs are of 2 tasks: their figures are not comparable") && !said.contains('*'), "{said}");
    // What differs is named, though there is too much of it for columns.
    let last = said.lines().last().unwrap();
    for words in
        ["settings differ: layers.0.cell, ", "layers.0.units, ", "task.name", "(--csv and --json have their values)"]
    {
        assert!(last.contains(words), "no `{words}` in {last}");
    }
    let ran = place.ostl("plot a b --out curves.svg").succeeded();
    let words = "these runs are of 2 tasks (store-recall, temporal-xor): their figures are not comparable";
    assert_eq!(ran.stderr.trim_end(), words);
    let picture = place.read("curves.svg");
    assert!(picture.contains("store-recall: a") && picture.contains("temporal-xor: b"), "{picture}");
    place.ostl("report a b --no-audit").succeeded();
    let page = place.read("report.html");
    assert!(
        page.contains("2 runs on store-recall, temporal-xor")
            && page.contains("of 2 tasks")
            && !page.contains("class=\"best\"")
    );
    // A setting of one task is no other task.
    place.ostl("train tiny.toml --quiet --out c --set training.epochs=1 --set task.delay=9").succeeded();
    let said = place.ostl("compare a c").succeeded().stdout;
    assert!(said.contains('*') && !said.contains("tasks"), "{said}");
}
