//! How a configuration is written, changed and misspelt, as a user does it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{TINY, Workplace};

#[test]
fn one_name_in_any_spelling_wherever_names_are_read() {
    let place = Workplace::new();
    let text = TINY
        .replace("learning_rate", "Learning-Rate")
        .replace("store-recall", "Store_Recall")
        .replace("[method]", "[Method]");
    // As Windows writes it: a byte order mark, and two characters at each line's end.
    fs::write(place.path("other.toml"), format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    place.ostl("train tiny.toml --quiet --out plain").succeeded();
    place.ostl("train other.toml --quiet --out other").succeeded();
    assert_eq!(place.read("plain/config.toml"), place.read("other/config.toml"));
    assert_eq!(place.bytes("plain/last.ckpt"), place.bytes("other/last.ckpt"));

    let methods = ["e-prop", "e_prop", "E-Prop"]
        .map(|name| place.ostl(&format!("check tiny.toml --json --set method.name={name}")).succeeded().stdout);
    assert!(methods[0] == methods[1] && methods[1] == methods[2]);
    for (command, words) in [
        ("data info store_recall", "store-recall: 4 inputs"),
        ("data info Store-Recall --set min-delay=5", "store-recall: 4 inputs"),
        ("data make STORE_RECALL --out made --format JSONL --set train=2 --set valid=2", "`store-recall`"),
        ("evaluate plain --split Valid", "store-recall valid"),
    ] {
        let ran = place.ostl(command).succeeded();
        assert!(ran.stdout.contains(words), "{command}: {}", ran.stdout);
    }
}

#[test]
fn what_is_misspelt_is_answered_with_the_nearest() {
    let place = Workplace::new();
    for (command, words) in [
        ("train tiny.toml --set layers.0.cell=lsmt", ["layers.0.cell = \"lsmt\"", "did you mean `lstm`?"]),
        ("train tiny.toml --set task.name=store-recal", ["task.name", "did you mean `store-recall`?"]),
        ("train tiny.toml --set method.name=e_porp", ["method.name", "did you mean `e_prop`?"]),
        ("train tiny.toml --set method.carry=lokal", ["method.carry", "did you mean `local`?"]),
        ("train tiny.toml --set optimizer.rule=adm", ["optimizer.rule", "did you mean `adam`?"]),
        ("train tiny.toml --set training.best=acuracy", ["training.best", "did you mean `accuracy`?"]),
        ("train tiny.toml --set optimizer.learnig_rate=1", ["optimizer.learnig_rate", "did you mean `learning_rate`?"]),
        ("train tiny.toml --set lr=1", ["lr = 1", "did you mean `optimizer.learning_rate`?"]),
        ("train tiny.toml --lr 0.1", ["--lr", "did you mean --set optimizer.learning_rate=0.1?"]),
        ("train tiny.toml --epochs=5", ["--epochs", "did you mean --set training.epochs=5?"]),
        ("train tiny.toml optimizer.learning_rate=0.1", ["`ostl train`", "did you mean --set optimizer.learning_rate=0.1?"]),
        ("train lr=0.1", ["no such file", "did you mean --set optimizer.learning_rate=0.1?"]),
        ("train tiney.toml", ["cannot be read: there is no such file", "did you mean `tiny.toml`?"]),
        ("train store-recall", ["no such file", "--set task.name=store-recall"]),
        ("trian tiny.toml", ["`trian`", "did you mean `train`?"]),
        ("evaluate tiny --split tset", ["--split tset", "did you mean `test`?"]),
        ("data info store-recal", ["`store-recal`", "did you mean `store-recall`?"]),
        ("data info store-recall --set dealy=3", ["`dealy` = 3", "did you mean `delay`?"]),
        ("data fetch mnst --out x", ["`mnst`", "did you mean `mnist`?"]),
        ("check --all --cells lsmt", ["--cells lsmt", "did you mean `lstm`?"]),
        ("bench --method e-porp", ["--method e-porp", "did you mean `e_prop`?"]),
    ] {
        place.ostl(command).refused(2, &words);
    }
}

#[test]
fn another_kind_drops_the_options_of_the_old_one_and_says_so_once() {
    let place = Workplace::new();
    let config = TINY.replace("units = 6", "units = 6\nrecurrent = true")
        + "[optimizer.schedule]\nkind = \"cosine\"\ntotal = 9\nminimum = 0.1\n";
    fs::write(place.path("full.toml"), config).unwrap();
    let set = "--set layers.0.cell=lru --set optimizer.schedule.kind=constant --set method.carry=local";
    let ran = place.ostl(&format!("train full.toml --quiet --out run {set}")).succeeded();
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "--set layers.0.cell: leaves out what full.toml says of recurrent",
            "--set optimizer.schedule.kind: leaves out what full.toml says of minimum, total",
        ]
    );
    let written = place.read("run/config.toml");
    assert!(
        written.contains("cell = \"lru\"") && !written.contains("recurrent = true") && !written.contains("total"),
        "{written}"
    );
    // What went is not missed by the run.
    assert_eq!(place.ostl("train --resume run --quiet").succeeded().stderr, "");
    let ran = place.ostl("train tiny.toml --set task.name=jsb");
    assert_eq!(ran.status, 2);
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert!(said[0].contains("leaves out what tiny.toml says of delay, distractors, test, train, valid"), "{said:?}");
    assert!(said.len() == 2 && said[1].contains("`jsb`") && said[1].contains("--data DIR"), "{said:?}");
}

#[test]
fn a_key_is_unset() {
    let place = Workplace::new();
    fs::write(place.path("more.toml"), TINY.to_owned() + "patience = 1\n").unwrap();
    place.ostl("train more.toml --quiet --out run --unset training.patience --unset seed").succeeded();
    let written = place.read("run/config.toml");
    assert!(!written.contains("patience") && written.contains("seed = 0"), "{written}");
    place
        .ostl("train more.toml --unset training.patiense")
        .refused(2, &["--unset training.patiense", "did you mean `patience`?"]);
    place.ostl("train more.toml --unset training.epochs").refused(2, &["training.epochs: missing", "epochs = 20"]);
    place.ostl("train --resume run --unset task.delay").refused(2, &["--unset task.delay", "--resume"]);
    place.ostl("train tiny.toml --quiet --out patient --set training.patience=9").succeeded();
    place.ostl("train --resume patient --quiet --unset training.patience").succeeded();
    assert!(!place.read("patient/config.toml").contains("patience"));
}

#[test]
fn every_broken_file_is_told_with_its_place_and_a_remedy() {
    let place = Workplace::new();
    let broken = |from: &str, to: &str, words: &[&str]| {
        assert!(TINY.contains(from), "{from}");
        fs::write(place.path("a.toml"), TINY.replace(from, to)).unwrap();
        for command in ["train a.toml", "check a.toml", "data info --config a.toml"] {
            place.ostl(command).refused(2, words).refused(2, &["error: a.toml: line "]);
        }
    };
    broken("units = 6", "unit = 150", &["line 12: layers.0.unit = 150: unknown key: did you mean `units`?"]);
    broken("cell = \"lstm\"", "cell = lstm", &["line 11, column 8: text needs quotes: write cell = \"lstm\""]);
    broken("cell = \"lstm\"", "cell = “lstm”", &["line 11, column", "straight"]);
    broken("epochs = 3", "epochs: 3", &["line 20, column", "write epochs = 3"]);
    broken(
        "epochs = 3",
        "epochs = \"3\"",
        &["line 20: training.epochs = \"3\"", "a whole number, 0 or more", "write 3 without quotes"],
    );
    broken("epochs = 3", "epochs = 3.0", &["line 20: training.epochs = 3.0", "write 3 without a point"]);
    broken("epochs = 3", "epochs = -3", &["line 20: training.epochs = -3", "a whole number, 0 or more"]);
    broken("epochs = 3", "epochs = 0", &["line 20: training.epochs = 0", "at least 1"]);
    broken("epochs = 3", "epochs = [3]", &["line 20: training.epochs = [3]", "and is a list"]);
    broken("epochs = 3", "epochs = 3\nepochs = 4", &["line 21, column", "key `epochs`", "twice"]);
    broken("epochs = 3\n", "", &["line 19: training.epochs: missing", "epochs = 20"]);
    broken("[[layers]]", "[layers]", &["line 10: layers = ", "[[layers]]"]);
    broken("rule = \"adam\"\n", "", &["line 16: optimizer.rule: missing", "rule = \"adam\""]);
    broken("delay = 8", "delay = 0", &["line 5: task.delay = 0"]);
    broken("[method]", "[method", &["line 13", "not closed"]);
    fs::write(place.path("a.toml"), TINY.split("[training]").next().unwrap()).unwrap();
    place.ostl("train a.toml").refused(2, &["a.toml: training: missing", "[training] with epochs = 20"]);
}

#[test]
fn what_is_no_configuration_is_told_apart() {
    let place = Workplace::new();
    fs::create_dir(place.path("folder")).unwrap();
    let gzip: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00";
    let latin: Vec<u8> = [b"seed = 4 # ".as_slice(), b"\xfc\n", TINY.as_bytes()].concat();
    let utf16: Vec<u8> = "\u{feff}seed = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files: [(&str, &[u8], &str); 7] = [
        ("empty.toml", b"", "is empty"),
        ("blank.toml", b"\n \n", "is empty"),
        ("a.toml.gz", gzip, "gunzip"),
        ("latin.toml", &latin, "line 1, column 12: byte 0xFC is not UTF-8"),
        ("utf16.toml", &utf16, "UTF-16"),
        ("array.npy", b"\x93NUMPY\x01\x00", "NumPy"),
        ("big.toml", &vec![b'#'; (1 << 20) + 1], "longer than 1048576 bytes"),
    ];
    for (name, bytes, words) in files {
        fs::write(place.path(name), bytes).unwrap();
        place.ostl(&format!("train {name}")).refused(2, &[name, words]);
    }
    place.ostl("train folder").refused(2, &["folder", "is a folder"]);
    place.ostl("train tiny.toml/x").refused(2, &["tiny.toml/x", "not a folder"]);
    place.ostl("train nowhere/x.toml").refused(2, &["nowhere/x.toml", "no such file", "nor a folder nowhere"]);
    if cfg!(target_os = "linux") {
        place.ostl("train /dev/full").refused(2, &["/dev/full", "zero"]);
        place.ostl("train /dev/null").refused(2, &["/dev/null", "is empty"]);
    }
}

#[test]
fn data_are_made_and_looked_into_as_a_configuration_has_them() {
    let place = Workplace::new();
    place.ostl("data make --config tiny.toml --out made --format jsonl").succeeded();
    let lines = |split: &str| place.read(&format!("made/{split}.jsonl")).lines().count();
    assert_eq!(["train", "valid", "test"].map(lines), [64, 20, 24]);
    let info = place.ostl("data info --config tiny.toml").succeeded().stdout;
    let plain =
        place.ostl("data info store-recall --set delay=8 --set distractors=1 --set train=64 --set valid=20 --set test=24");
    let counts = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(counts(&info), counts(&plain.succeeded().stdout));
    // What was made can be learned from by the same configuration, as is said.
    let said = place.ostl("data make --config tiny.toml --out again --set train=32 --set task.delay=9").succeeded().stdout;
    assert!(said.contains("ostl train tiny.toml --set 'task={name=\"own\"}' --data again"), "{said}");
    assert!(said.contains("32 train"), "{said}");
    place.ostl("train tiny.toml --quiet --set task={name=\"own\"} --data again").succeeded();

    place
        .ostl("data make --config tiny.toml --out x --set dealy=3")
        .refused(2, &["--set: task.dealy = 3", "did you mean `delay`?"]);
    place.ostl("data make adding --config tiny.toml --out x").refused(2, &["tiny.toml", "`store-recall`", "`adding`"]);
    place.ostl("data make --out x").refused(2, &["`ostl data make`", "--config FILE"]);
    place.ostl("data info").refused(2, &["`ostl data info`", "--config FILE"]);
    place.ostl("data make --config none.toml --out x").refused(2, &["none.toml", "no such file"]);
}

#[test]
fn a_run_that_learned_nothing_says_so() {
    let place = Workplace::new();
    let wild = "--set optimizer.rule=sgd --set optimizer.learning_rate=100 --unset optimizer --set optimizer.rule=sgd";
    let ran = place.ostl(&format!("train tiny.toml --quiet {wild} --set optimizer.learning_rate=100")).succeeded();
    assert!(
        ran.stdout.contains("WORSE THAN CHANCE: loss") && ran.stdout.contains("optimizer.learning_rate than 100"),
        "{}",
        ran.stdout
    );
    let ran = place.ostl("train tiny.toml --quiet --set optimizer.learning_rate=1e-30").succeeded();
    assert!(ran.stdout.contains("never improved: in 3 epochs the validation loss"), "{}", ran.stdout);
    // What is stored eight steps before cannot be learned in windows of three that carry nothing, whatever the rate.
    let ran = place.ostl("train tiny.toml --quiet --set method.carry=none --set optimizer.learning_rate=1e-30").succeeded();
    let advice = "nothing is carried beyond the window of 3 steps (sequences have ";
    assert!(ran.stdout.contains(advice) && ran.stdout.contains("try method.carry = \"local\""), "{}", ran.stdout);
    assert!(!ran.stdout.contains("try another optimizer.learning_rate"), "{}", ran.stdout);
    let ran = place.ostl("train tiny.toml --quiet --set training.epochs=40").succeeded();
    assert!(!ran.stdout.contains("never improved") && !ran.stdout.to_lowercase().contains("chance:"), "{}", ran.stdout);
}

/// A method whose cost explodes is told of before its first epoch is over, not after.
#[test]
fn a_long_epoch_is_foretold_with_what_would_be_cheaper() {
    let place = Workplace::new();
    let set = "--set layers.0.units=32 --set method.window=1 --set task.train=20000";
    let mut child = place.command(&format!("train tiny.toml {set}")).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        said.push(line.unwrap());
        if said.last().is_some_and(|line| line.starts_with("cheaper: ") || line.starts_with("epoch ")) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let [_, epoch, cheaper] = &said[..] else { panic!("{said:?}") };
    for words in ["an epoch will take about ", "all 3 about ", "traces "] {
        assert!(epoch.contains(words), "{said:?}");
    }
    for words in ["--set method.carry=local is about ", "times as fast (less of the gradient is exact)", "`ostl check`"] {
        assert!(cheaper.contains(words), "{said:?}");
    }
    // Where there is nothing to wait for, nothing is said.
    let ran = place.ostl("train tiny.toml").succeeded();
    assert!(!ran.stderr.contains("will take"), "{}", ran.stderr);
}

/// Of two classes one is rare, and so little is learned that it is never answered: that is said by its name.
#[test]
fn a_class_that_is_never_answered_is_named() {
    let place = Workplace::new();
    let line = |class: usize| format!("{{\"inputs\": [[0.5], [0.1]], \"target\": {class}}}\n");
    for split in ["train", "valid"] {
        fs::write(place.path(&format!("{split}.jsonl")), line(0).repeat(19) + &line(1)).unwrap();
    }
    let own = TINY.replace(
        "name = \"store-recall\"\ndelay = 8\ndistractors = 1\ntrain = 64\nvalid = 20\ntest = 24",
        "name = \"own\"\nclasses = [\"sound\", \"broken\"]",
    );
    fs::write(place.path("own.toml"), own).unwrap();
    let ran = place.ostl("train own.toml --data . --quiet").succeeded();
    let advised = "never answered: class broken (1 target); task.class_weights = \"balanced\"";
    assert!(ran.stdout.contains(advised), "{}", ran.stdout);
    // Weights that are there already are not advised again.
    let ran = place.ostl("train own.toml --data . --quiet --set task.class_weights=[1,1]").succeeded();
    assert!(ran.stdout.contains("never answered: class broken (1 target)\n"), "{}", ran.stdout);
    let values = "--set task.loss=mean-squared-error";
    let ran = place.ostl(&format!("train own.toml --data . --quiet {values}"));
    assert!(ran.stderr.starts_with("--set task.loss: leaves out what own.toml says of classes\n"), "{}", ran.stderr);
}
