//! One's own data through the program: what is odd is said once, classes go by their names, and files are found.

use std::fs;

use crate::support::Workplace;

const OWN: &str = r#"
[task]
name = "own"
[[layers]]
cell = "gru"
units = 3
[method]
window = 4
carry = "layer"
[optimizer]
rule = "adam"
learning_rate = 0.01
[training]
epochs = 1
batch = 2
"#;

/// A workplace with this as both splits.
fn with(name: &str, text: &str) -> Workplace {
    let place = Workplace::new();
    for split in ["train", "valid"] {
        fs::write(place.path(&format!("{split}.{name}")), text).unwrap();
    }
    fs::write(place.path("own.toml"), OWN).unwrap();
    place
}

fn of_classes(classes: &[usize]) -> String {
    classes.iter().map(|class| format!("{{\"inputs\": [[{class}], [1]], \"target\": {class}}}\n")).collect()
}

#[test]
fn labels_that_count_from_one_are_told_of_once() {
    let place = with("jsonl", &of_classes(&[1, 2, 3, 1, 2, 3]));
    let told = place.ostl("train own.toml --data . --out x").succeeded().stderr;
    assert_eq!(told.matches("class 0 has no target in any split: do the labels count from 1?").count(), 1, "{told}");
    let info = place.ostl("data info own --data .").succeeded().stdout;
    assert_eq!(info.matches("note: class 0 has no target in any split").count(), 1, "{info}");
    // Going on says it no more.
    let again = place.ostl("train --resume x --set training.epochs=2").succeeded().stderr;
    assert!(!again.contains("no target in any split"), "{again}");

    fs::write(place.path("valid.jsonl"), of_classes(&[0, 1, 4])).unwrap();
    let told = place.ostl("train own.toml --data . --out y").succeeded().stderr;
    assert!(told.contains("classes 0, 4 have targets to be judged by, but none in the train split to learn from"), "{told}");
    fs::write(place.path("valid.jsonl"), of_classes(&[1])).unwrap();
    fs::write(place.path("train.jsonl"), of_classes(&[0, 1, 3])).unwrap();
    let told = place.ostl("train own.toml --data . --out z").succeeded().stderr;
    assert!(told.contains("class 2 has no target in any split") && !told.contains("count from 1"), "{told}");
}

#[test]
fn classes_go_by_their_names_everywhere() {
    let place = with("jsonl", &of_classes(&[0, 1, 2, 0, 1, 2]));
    fs::write(place.path("classes.json"), "[\"north\", \"south, warm\", \"west\"]").unwrap();
    place.ostl("train own.toml --data . --out x").succeeded();
    assert!(place.read("x/confusion.csv").starts_with("class,north,\"south, warm\",west\nnorth,"));
    assert!(place.read("x/classes.csv").contains("\nwest,2,"));
    assert_eq!(place.json("x/summary.json")["classes"][1], "south, warm");
    let shown = place.ostl("evaluate x").succeeded().stdout;
    assert!(shown.contains("\nnorth "), "{shown}");
    let info = place.ostl("data info own --data .").succeeded().stdout;
    assert!(info.contains("\nnorth "), "{info}");
    let set = r#"task={name="own",classes=["a","b","c"]}"#;
    let mut command = place.command("train own.toml --data . --out y --set");
    let ran = crate::support::Ran::from(command.arg(set).output().unwrap()).succeeded();
    drop(ran);
    assert!(place.read("y/confusion.csv").starts_with("class,a,b,c\n"));
    place.ostl("data make own --data . --out made").succeeded();
    assert_eq!(place.read("made/classes.json"), "[\"north\",\"south, warm\",\"west\"]\n");
}

#[test]
fn the_archives_of_time_series() {
    let header =
        "@problemName Made\n@univariate false\n@dimensions 2\n@equalLength false\n@classLabel true left right\n@data\n";
    let place = with("ts", &format!("{header}1,2,3:0,0,1:left\n2,1,0,4:1,1,1,0:right\n5,4,3,2,1:0,1,0,1,0:left\n"));
    let info = place.ostl("data info own --data train.ts").succeeded().stdout;
    assert!(info.contains("own: 2 inputs, 2 classes") && info.contains("\nleft "), "{info}");
    let train: Vec<&str> = info.lines().find(|line| line.starts_with("train")).unwrap().split_whitespace().collect();
    assert_eq!(train[1..6], ["3", "12", "3", "4", "5"]);
    place.ostl("train own.toml --data . --out x").succeeded();
    assert!(place.read("x/confusion.csv").starts_with("class,left,right\n"));
    fs::write(place.path("valid.ts"), format!("{header}1,2,?:0,0,1:left\n")).unwrap();
    place
        .ostl("data info own --data .")
        .refused(1, &["valid.ts: line 7: channel 0, step 2 (counted from 0): `?`, a missing value"]);
}
