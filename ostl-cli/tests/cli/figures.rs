//! Data of which one class is rare: weights of classes, smoothed labels, and figures that a majority vote does not win.

use std::fs;

use crate::support::{Workplace, same};

const RARE: &str = r#"
[task]
name = "own"
[[layers]]
cell = "lstm"
units = 4
[method]
window = 4
carry = "layer"
update = "sequence"
[optimizer]
rule = "adam"
learning_rate = 0.03
[training]
epochs = 6
batch = 5
"#;

/// Forty sequences, two of which are of class 1 and begin with a larger value.
fn rare() -> Workplace {
    let place = Workplace::new();
    let line = |i: usize| {
        let class = usize::from(i % 20 == 7);
        let first = 0.1 * (i % 7) as f64 - 0.3 + 2.0 * class as f64;
        format!("{{\"inputs\": [[{first}], [0.5], [-0.25]], \"target\": {class}}}\n")
    };
    let lines: String = (0..40).map(line).collect();
    for split in ["train", "valid"] {
        fs::write(place.path(&format!("{split}.jsonl")), &lines).unwrap();
    }
    fs::write(place.path("rare.toml"), RARE).unwrap();
    place
}

/// The column of metrics.csv.
fn column(place: &Workplace, run: &str, name: &str) -> Vec<f64> {
    let text = place.read(&format!("{run}/metrics.csv"));
    let at = text
        .lines()
        .next()
        .unwrap()
        .split(',')
        .position(|column| column == name)
        .unwrap_or_else(|| panic!("no {name}: {text}"));
    text.lines().skip(1).map(|row| row.split(',').nth(at).unwrap().parse().unwrap()).collect()
}

#[test]
fn weights_find_the_rare_class_and_the_figures_show_it() {
    let place = rare();
    let train = |more: &str| place.ostl(&format!("train rare.toml --data . {more}")).succeeded();
    // So soon, the rare class is not found without them.
    train("--out plain --set training.epochs=5");
    let told = train("--out weighted --set task.class_weights=[1,19] --set training.best=balanced_accuracy").stderr;
    assert!(told.contains("task.class_weights: 0 0.526, 1 10.000 (the mean weight of a training target is 1)"), "{told}");
    // A majority vote is right nineteen times in twenty, and half the time by class.
    assert_eq!(column(&place, "plain", "valid_accuracy").last(), Some(&0.95));
    assert_eq!(column(&place, "plain", "valid_balanced_accuracy").last(), Some(&0.5));
    assert_eq!(column(&place, "plain", "valid_recall_1").last(), Some(&0.0));
    let recall = column(&place, "weighted", "valid_recall_1");
    assert!(recall.contains(&1.0), "{recall:?}");
    let (found, highest) = (place.json("weighted/summary.json"), column(&place, "weighted", "valid_balanced_accuracy"));
    assert_eq!(found["best_by"], "balanced-accuracy");
    assert_eq!(found["valid"]["metrics"]["balanced-accuracy"].as_f64(), highest.into_iter().reduce(f64::max));
    assert!(found["valid"]["metrics"]["macro-f1"].is_number() && found["valid"]["metrics"]["recall-1"].is_number());
    let classes = place.read("plain/classes.csv");
    assert_eq!(
        classes,
        "class,targets,answers,hits,recall,precision,f1\n0,38,40,38,1,0.95,0.9743589743589743\n1,2,0,0,0,,0\n"
    );
    let shown = place.ostl("evaluate plain").succeeded().stdout;
    assert!(
        shown.contains("balanced-accuracy 50.0 %, macro-f1 48.7 %")
            && shown.contains("\n1            2        0    0.0 %          -   0.0 %\n"),
        "{shown}"
    );
    // Any weights in the same proportion are the same weights, and so are the balanced ones.
    train("--out same --set task.class_weights=[20,380]");
    train("--out balanced --set task.class_weights=balanced");
    train("--out once --set task.class_weights=[1,19]");
    for other in ["same", "balanced"] {
        let (a, b) = (column(&place, "once", "train_loss"), column(&place, other, "train_loss"));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4 * a), "{other}: {a:?} {b:?}");
    }
    place.ostl("train rare.toml --data . --out by-recall --set training.best=recall-1").succeeded();
    assert_eq!(place.json("by-recall/summary.json")["best_by"], "recall-1");
}

/// A run keeps the weights as numbers, and goes on with the same bits.
#[test]
fn a_resumed_run_has_the_same_weights() {
    let place = rare();
    let set = "--set task.class_weights=balanced --set task.label_smoothing=0.1";
    place.ostl(&format!("train rare.toml --data . --out whole {set}")).succeeded();
    place.ostl(&format!("train rare.toml --data . --out parts {set} --set training.epochs=2")).succeeded();
    let config = place.read("parts/config.toml");
    assert!(config.contains("class_weights = [0.526315789473684") && config.contains("label_smoothing = 0.1"), "{config}");
    place.ostl("train --resume parts --set training.epochs=6").succeeded();
    for file in ["last.ckpt", "best.ckpt"] {
        assert!(same(&place.path(&format!("whole/{file}")), &place.path(&format!("parts/{file}"))), "{file}");
    }
    // From the run's own configuration once more: nothing is worked out anew.
    place.ostl("train whole/config.toml --out again").succeeded();
    assert!(same(&place.path("whole/best.ckpt"), &place.path("again/best.ckpt")));
    // The loss that is reported of a split is the plain one, whatever was learned with.
    let plain = place.ostl("train rare.toml --data . --out plain --set training.epochs=1").succeeded();
    drop(plain);
    let check = place.ostl(&format!("check rare.toml --data . {set}")).succeeded().stdout;
    assert!(check.contains("exact"), "{check}");
}

#[test]
fn weights_that_do_not_fit_name_their_key() {
    let place = rare();
    let refused = |set: &str, words: &[&str]| {
        place.ostl(&format!("train rare.toml --data . --out x --set {set}")).refused(2, words);
        assert!(!place.path("x").exists());
    };
    refused("task.class_weights=[1,2,3]", &["task.class_weights = [1, 2, 3]", "a list of 2 numbers, one for each class"]);
    refused("task.class_weights=[1,-1]", &["task.class_weights = [1, -1]", "class 1"]);
    refused("task.class_weights=[1,nan]", &["task.class_weights = [1, NaN]", "class 1"]);
    refused("task.class_weights=[0,0]", &["task.class_weights", "more than 0"]);
    refused("task.class_weights=equal", &["task.class_weights", "\"balanced\" or a list of numbers"]);
    refused("task.label_smoothing=1", &["task.label_smoothing = 1", "less than 1"]);
    refused("training.best=recall-2", &["training.best = recall-2", "macro-f1, recall-0 … recall-1"]);
    refused("training.best=f1", &["training.best", "`macro-f1`"]);
    let values = "{\"inputs\": [[1]], \"target\": [2]}\n";
    ["train", "valid"].iter().for_each(|split| fs::write(place.path(&format!("{split}.jsonl")), values).unwrap());
    refused("task.class_weights=balanced", &["task.class_weights = \"balanced\"", "the targets are values"]);
    refused("task.label_smoothing=0.1", &["task.label_smoothing = 0.1", "the targets are values"]);
}
