//! What is refused, in one line, with which exit status, and that nothing is overwritten.

use std::fs;

use crate::support::Workplace;

#[test]
fn wrong_settings_are_one_line_with_key_value_and_range() {
    let place = Workplace::new();
    for (set, words) in [
        ("sead=1", ["sead = 1", "`seed`"]),
        ("method.window=0", ["method.window = 0", "at least 1"]),
        ("layers.0.units=0", ["layers.0.units = 0", "at least 1"]),
        ("layers.0.units=many", ["layers.0.units = \"many\"", "a whole number"]),
        ("layers=[{cell=\"ssnu\",units=3,decay=-0.5}]", ["layers.0.decay = -0.5", "between 0 and 1"]),
        ("optimizer.learning_rate=-1", ["optimizer.learning_rate = -1", "positive"]),
        ("training.batch=0", ["training.batch = 0", "at least 1"]),
        ("training.epochs=0", ["training.epochs = 0", "at least 1"]),
        ("task.delay=0", ["task.delay = 0", "from 1 to"]),
        ("task.dealy=5", ["task.dealy = 5", "`delay`"]),
        ("method={name='ostpp'}", ["method.name = \"ostpp\"", "did you mean `osttp`?"]),
        ("method={name='uoro',feedback='target-projection'}", ["method.feedback = target-projection", "uoro"]),
        ("method={name='rolling_tbptt',window='rolling-3-by-4'}", ["method.window = rolling-3-by-4", "1 to 3"]),
        ("method={name='ostl',carry='snap-2',trace='bf16'}", ["method.trace = bf16", "full"]),
        ("method={name='rtrl',feedback='random'}", ["method.feedback = random", "symmetric"]),
        ("method={name='ottt'}", ["method.name = ottt", "layer 0 (lstm)"]),
    ] {
        for command in ["train", "check"] {
            let ran = place.ostl(&format!("{command} tiny.toml --set {set}"));
            ran.refused(2, &words).refused(2, &["error: --set"]);
        }
    }
    assert!(!place.path("runs").exists(), "nothing is made for a run that cannot start");
}

#[test]
fn a_processor_that_nobody_knows_is_refused() {
    let place = Workplace::new();
    for command in ["train tiny.toml", "check tiny.toml", "bench", "evaluate run", "data list"] {
        let mut command = place.command(command);
        let ran = crate::support::Ran::from(command.env("OSTL_PROCESSOR", "sse9").output().unwrap());
        ran.refused(2, &["OSTL_PROCESSOR = sse9", "`plain`, `avx2`, `avx512`"]);
    }
    for known in ["plain", "avx2", "avx512", ""] {
        let mut command = place.command(&format!("train tiny.toml --quiet --out run-{known}"));
        crate::support::Ran::from(command.env("OSTL_PROCESSOR", known).output().unwrap()).succeeded();
    }
    assert!(!place.path("runs").exists());
}

/// Each of several processes would else do the whole work, and write to the same run.
#[test]
#[cfg(not(feature = "mpi"))]
fn several_processes_want_mpi() {
    let place = Workplace::new();
    for variable in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"] {
        let mut command = place.command("train --set training.epochs=1 --out run");
        let ran = crate::support::Ran::from(command.env(variable, "4").output().unwrap());
        ran.refused(2, &["one of 4 processes", "--features mpi"]);
    }
    assert!(!place.path("run").exists());
    let mut command = place.command("data list");
    crate::support::Ran::from(command.env("PMI_SIZE", "1").output().unwrap()).succeeded();
}

#[test]
fn wrong_files_are_named() {
    let place = Workplace::new();
    let broken = place.read("tiny.toml").replace("epochs = 3", "epochs = -3");
    fs::write(place.path("broken.toml"), broken).unwrap();
    place.ostl("train broken.toml").refused(2, &["broken.toml: line 20: training.epochs = -3", "0 or more"]);
    fs::write(place.path("broken.toml"), "seed = [").unwrap();
    place.ostl("train broken.toml").refused(2, &["broken.toml: line 1, column"]);
    place.ostl("train none.toml").refused(2, &["none.toml: cannot be read"]);
    place.ostl("train tiny.toml --set task={name=\"jsb\"}").refused(2, &["--data DIR"]);
    place.ostl("train tiny.toml --set task={name=\"jsb\"} --data nowhere").refused(2, &["nowhere", "no file"]);
    place.ostl("evaluate nowhere").refused(2, &["nowhere", "no such run directory"]);
    place.ostl("evaluate .").refused(2, &["config.toml"]);
    place.ostl("check --set seed=1").refused(2, &["CONFIG"]);
}

#[test]
fn an_existing_run_is_only_replaced_by_force() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    let before = place.snapshot("run");
    place.ostl("train tiny.toml --quiet --out run").refused(2, &["run: exists", "--force", "--resume"]);
    assert_eq!(place.snapshot("run"), before);
    // Even by force, nothing is touched before the configuration is known to be good.
    place.ostl("train tiny.toml --quiet --out run --force --set seed=x").refused(2, &["seed"]);
    assert_eq!(place.snapshot("run"), before);
    place.ostl("train tiny.toml --quiet --out run --force --seed 8").succeeded();
    assert!(place.read("run/config.toml").contains("seed = 8"));
}

#[test]
fn resume_stands_alone() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    for (other, name) in
        [("tiny.toml", "CONFIG"), ("--set seed=1", "--set seed=1"), ("--out x", "--out"), ("--seed 1", "--seed")]
    {
        place.ostl(&format!("train {other} --resume run")).refused(2, &["--resume", name]);
    }
    place.ostl("train --resume nowhere").refused(2, &["nowhere", "no such run directory"]);
    fs::remove_file(place.path("run/last.ckpt")).unwrap();
    place.ostl("train --resume run").refused(1, &["run: has no checkpoint", "--force"]);
    fs::remove_file(place.path("run/best.ckpt")).unwrap();
    place.ostl("evaluate run").refused(1, &["run: has no best.ckpt"]);
}

#[test]
fn a_run_does_not_go_on_with_other_data() {
    let place = Workplace::new();
    let data = |more: &str| {
        let line = r#"{"inputs": [[0.5], [0.1]], "target": 1}"#;
        for split in ["train", "valid"] {
            fs::write(place.path(&format!("{split}.jsonl")), format!("{line}\n{line}\n{more}")).unwrap();
        }
    };
    data("");
    let set = r#"--set task={name="own",classes=2} --set training.epochs=1"#;
    place.ostl(&format!("train tiny.toml --data . --quiet --out run {set}")).succeeded();
    let before = place.snapshot("run");
    data("{\"inputs\": [[1.5]], \"target\": 0}\n");
    let words = ["run/last.ckpt", "2 training sequences of 4 steps", "3 training sequences of 5 steps", "the data"];
    place.ostl("train --resume run --set training.epochs=2").refused(1, &words);
    assert_eq!(place.snapshot("run"), before);
    // Weights may be looked at on any data.
    place.ostl("evaluate run").succeeded();
    data("");
    place.ostl("train --resume run --set training.epochs=2 --quiet").succeeded();
}

#[test]
fn broken_checkpoints_are_refused_by_name_and_nothing_is_overwritten() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    let last = place.bytes("run/last.ckpt");
    let best = place.bytes("run/best.ckpt");
    let mut flipped = last.clone();
    // The last value, before its sum.
    flipped[last.len() - 5] ^= 1;
    let mut newer = last.clone();
    newer[8] += 1;
    for (bytes, words) in [
        (flipped.as_slice(), "corrupt"),
        (&last[..last.len() / 2], "cut short"),
        (&[], "whole ostl checkpoint"),
        (newer.as_slice(), "this program reads version 8"),
        (best.as_slice(), "the data it was written with"),
    ] {
        fs::write(place.path("run/last.ckpt"), bytes).unwrap();
        let before = place.snapshot("run");
        place.ostl("train --resume run --quiet").refused(1, &["run/last.ckpt", words]);
        assert_eq!(place.snapshot("run"), before, "{words}");
    }
    fs::write(place.path("run/best.ckpt"), &best[..40]).unwrap();
    place.ostl("evaluate run").refused(1, &["run/best.ckpt"]);

    // Of another network: the configuration was changed under it.
    fs::write(place.path("run/last.ckpt"), &last).unwrap();
    fs::write(place.path("run/best.ckpt"), &best).unwrap();
    let config = place.read("run/config.toml").replace("units = 6", "units = 7");
    fs::write(place.path("run/config.toml"), config).unwrap();
    let before = place.snapshot("run");
    place.ostl("train --resume run --quiet").refused(1, &["run/last.ckpt", "lstm 6", "lstm 7"]);
    place.ostl("evaluate run").refused(1, &["run/best.ckpt", "lstm 6", "lstm 7"]);
    assert_eq!(place.snapshot("run"), before);
}

#[test]
fn exploding_weights_stop_the_run_before_they_change() {
    let place = Workplace::new();
    let set = "--set optimizer.rule=sgd --set optimizer.learning_rate=1e38 --set layers=[{dense=\"identity\",units=5}]";
    let ran = place.ostl(&format!("train tiny.toml --quiet --out run {set}"));
    ran.refused(1, &["epoch 1", "not finite", "layer"]);
    // What was saved before it can still be gone on from, to the same end.
    place.ostl("train --resume run --quiet").refused(1, &["epoch 1", "not finite"]);
}
