//! Data of one's own: what files become, what the errors say, and tasks written out and read again.

use std::fs;
use std::path::Path;

use ostl_core::{Loss, SequenceBatch, Target};
use ostl_tasks::own::{Classes, Encoding, Format, Own, OwnConfig, Source, WriteError, write};
use ostl_tasks::{
    Characters, CharactersConfig, DatasetError, JsbChorales, Metric, Split, StoreRecall, StoreRecallConfig, Task, TaskError,
};
use proptest::prelude::*;

fn lines<'a>(bytes: &'a str, path: &'a str) -> Source<'a> {
    Source { bytes: bytes.as_bytes(), encoding: Encoding::JsonLines, path: Path::new(path) }
}

/// A task whose train split is given; the valid split is the same.
fn of(train: &str, config: &OwnConfig) -> Result<Own, String> {
    Own::from_slices(lines(train, "a.jsonl"), lines(train, "b.jsonl"), None, config).map_err(|error| error.to_string())
}

fn says(train: &str, words: &[&str]) {
    let error = of(train, &OwnConfig::default()).unwrap_err();
    assert!(error.starts_with("a.jsonl: ") && words.iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn classes_at_the_end_by_hand() {
    let train = r#"{"inputs": [[0.5, 1], [-2, 0]], "target": 2}
        {"target": 0, "inputs": [[7, 8]]}"#;
    let task = Own::from_slices(
        lines(train, "train"),
        lines(r#"{"inputs": [[0, 0]], "target": 1}"#, "valid"),
        Some(lines("{\"inputs\": [[0, 0]], \"target\": 3}\n\n", "test")),
        &OwnConfig::default(),
    )
    .unwrap();
    assert_eq!((task.name(), task.inputs(), task.outputs(), task.loss()), ("own", 2, 4, Loss::SoftmaxCrossEntropy));
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [2, 1, 1]);
    let batch = task.batch(Split::Train, &[0, 1]);
    assert_eq!((batch.lengths(), batch.target_count()), (&[2, 1][..], 2));
    assert_eq!([batch.input(0, 0), batch.input(0, 1), batch.input(1, 0)], [[0.5, 1.0], [-2.0, 0.0], [7.0, 8.0]]);
    assert_eq!((batch.target(0, 1), batch.target(1, 0)), (Some(Target::Class(2)), Some(Target::Class(0))));
    assert!(task.has_test());
    // Of two targets and four classes, each once more: class 3 has one in six.
    assert!((task.chance().unwrap() - 6.0_f64.ln()).abs() < 1e-12);
    assert_eq!((task.chance_accuracy(), task.metrics()), (Some(0.0), &[Metric::Accuracy][..]));
}

#[test]
fn values_and_gaps_by_hand() {
    let train = r#"{"inputs": [[1], [2], [3]], "targets": [null, [0.5, 2], [1.5, 4]]}
        {"inputs": [[4]], "targets": [null]}"#;
    let task = of(train, &OwnConfig::default()).unwrap();
    assert_eq!((task.outputs(), task.loss(), task.has_test()), (2, Loss::MeanSquaredError, false));
    let batch = task.batch(Split::Valid, &[0, 1]);
    assert_eq!(batch.target(0, 0), None);
    assert_eq!(batch.target(0, 2), Some(Target::Values(&[1.5, 4.0])));
    assert_eq!(batch.target(1, 0), None);
    // The means are 1 and 3; squared errors 0.25 and 1 at both targets, half of their sum each.
    assert!((task.chance().unwrap() - 0.625).abs() < 1e-12);
    assert_eq!(task.metrics(), [Metric::R2, Metric::Nrmse]);

    let binary = OwnConfig { loss: Some(Loss::BinaryCrossEntropy), classes: None };
    let task = of(r#"{"inputs": [[1], [2]], "targets": [[1], [0]]}"#, &binary).unwrap();
    assert!((task.chance().unwrap() - 2.0_f64.ln()).abs() < 1e-12);
    let error = of(train, &binary).unwrap_err();
    assert!(error.contains("2 as a target, expected 0 to 1"), "{error}");
}

#[test]
fn writing_leaves_nothing_of_what_was_there() {
    let task = of(
        "{\"inputs\": [[1], [2]], \"targets\": [0, null]}\n{\"inputs\": [[1], [2]], \"targets\": [null, 1]}",
        &OwnConfig::default(),
    );
    let task = task.unwrap();
    let mut used = task.batch(Split::Train, &[0]);
    task.write(Split::Train, 1, &mut used, 0);
    assert_eq!(used.target(0, 0), None);
    assert_eq!(used.target(0, 1), Some(Target::Class(1)));
}

#[test]
fn defects_of_lines() {
    says("", &["line 1", "no sequences"]);
    says("[{\"inputs\": [[1]], \"target\": 0}]", &["line 1: begins with `[`", "one sequence a line", "jq -c '.[]'"]);
    says("\n 3", &["line 2", "one sequence a line"]);
    says(
        "{\n  \"inputs\": [[1]],\n  \"target\": 0\n}",
        &["line 1", "goes on after this line", "one sequence a line", "jq -c ."],
    );
    says("{\"inputs\": [[1]], \"tar", &["line 1", "cut off"]);
    says(
        "{\"inputs\": [[1]], \"target\": 0} {\"inputs\": [[1]], \"target\": 0}",
        &["line 1: a second sequence on the line"],
    );
    says("{\"inputs\": [[1]], \"target\": 0},", &["line 1: a comma after the sequence"]);
    says("{'inputs': [[1]]}", &["line 1", "not JSON"]);
    says(r#"{"train": []}"#, &["one file holds one split"]);
    says(r#"{"inputs": [[[1]], [[2]]], "targets": [0, 1]}"#, &["step 0, feature 0", "a list in place of a number"]);
    says(r#"{"inputs": [["1"]], "target": 0}"#, &["the text \"1\" in place of a number: write numbers without quotes"]);
    says(r#"{"inputs": [[1], [2, {}]], "target": 0}"#, &["step 1, feature 1", "an object in place of a number"]);
    says(
        "{\"inputs\": [[1]], \"target\": 0}\n{\"inputs\": [[1, 2]], \"target\": 0}",
        &["line 2", "2 values where those before have 1"],
    );
    says(r#"{"inputs": [[1]]}"#, &["line 1", "`targets` (at each step) is missing"]);
    says(r#"{"target": 1}"#, &["`inputs` is missing"]);
    says(r#"{"inputs": [[1]], "target": 0, "label": 1}"#, &["unknown key \"label\"", "did you mean `target`?"]);
    says(r#"{"inputs": [[1]], "inputs": [[1]], "target": 0}"#, &["the key `inputs` comes twice"]);
    says(r#"{"imputs": [[1]], "target": 0}"#, &["did you mean `inputs`?"]);
    says(r#"{"inputs": [[1]], "Target": 0}"#, &["did you mean `target`?"]);
    says(r#"{"inputs": [[1]], "target": 0, "targets": [0]}"#, &["comes twice"]);
    says(
        "{\"inputs\": [[1]], \"target\": 0}\n{\"inputs\": [[1]], \"targets\": [0]}",
        &["line 2", "use the same in every line"],
    );
    says(r#"{"inputs": [[1], [2]], "targets": [0]}"#, &["1 `targets` for 2 steps"]);
    says(r#"{"inputs": [], "target": 0}"#, &["without steps"]);
    says(r#"{"inputs": [[]], "target": 0}"#, &["an empty list of values"]);
    says(r#"{"inputs": [[1]], "target": -1}"#, &["class -1", "from 0"]);
    says(r#"{"inputs": [[1]], "target": 1048576}"#, &["class 1048576, expected 0 to 1048575"]);
    says(r#"{"inputs": [[1]], "target": 0.5}"#, &["`target`", "write [0.5]"]);
    says(r#"{"inputs": [[1]], "target": -2.0}"#, &["class -2", "from 0"]);
    says(r#"{"inputs": [[1]], "target": 1e300}"#, &["expected 0 to 1048575"]);
    says(r#"{"inputs": [[1]], "target": "left"}"#, &["the text \"left\" as a target", "classes.json"]);
    says(r#"{"inputs": [[1]], "target": {}}"#, &["an object as a target"]);
    says(r#"{"inputs": [[1]], "target": null}"#, &["null as `target`"]);
    says(r#"{"inputs": [[1], [1]], "targets": [0, [1]]}"#, &["one kind"]);
    says(r#"{"inputs": [[1], [1]], "targets": [[1], 0]}"#, &["one kind"]);
    says(r#"{"inputs": [[1e39]], "target": 0}"#, &["too large for single precision"]);
    says(
        r#"{"inputs": [[1], [null]], "target": 0}"#,
        &["step 1, feature 0 of `inputs` (counted from 0): null", "a missing value"],
    );
    says(r#"{"inputs": [[1]], "targets": [null]}"#, &["no step has a target"]);
    says("[1]", &["one sequence a line"]);
}

#[test]
fn numbers_that_are_not_finite_are_named_with_their_place() {
    let good = r#"{"inputs": [[1, 2]], "target": 0}"#;
    for (token, name) in
        [("NaN", "NaN"), ("nan", "nan"), ("Infinity", "Infinity"), ("-Infinity", "-Infinity"), ("-inf", "-inf")]
    {
        let place = "line 2: step 1, feature 1 of `inputs` (counted from 0): ";
        let line = format!("{good}\n{{\"inputs\": [[0, 0], [1, {token}]], \"target\": 0}}");
        says(&line, &[&format!("{place}{name}, and every number must be finite: remove or replace it")]);
        says(&format!("{good}\n{{\"target\": {token}}}"), &["line 2: `target`: ", name, "must be finite"]);
        let line = format!("{{\"inputs\": [[0], [1]], \"targets\": [[0.5], [{token}]]}}");
        says(&line, &["line 1: step 1 of `targets` (counted from 0): ", name, "must be finite"]);
        says(&format!("{{\"inputs\": [[\"{token}\"]], \"target\": 0}}"), &["step 0, feature 0", "must be finite"]);
    }
    says(r#"{"inputs": [[1], [1e400]], "target": 0}"#, &["step 1, feature 0", "too large"]);
}

#[test]
fn classes_however_they_are_written() {
    let text = "\u{feff}{\"inputs\": [[true], [false]], \"target\": 2.0}\r\n\r\n{\"inputs\": [[1]], \"target\": false}\r{\"inputs\": [[1]], \"target\": 1e0}";
    let task = of(text, &OwnConfig::default()).unwrap();
    let batch = task.batch(Split::Train, &[0, 1, 2]);
    assert_eq!((batch.input(0, 0), batch.input(0, 1)), (&[1.0][..], &[0.0][..]));
    let classes = [batch.target(0, 1), batch.target(1, 0), batch.target(2, 0)];
    assert_eq!(classes, [2, 0, 1].map(|class| Some(Target::Class(class))));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let source = Source { bytes: &wide, encoding: Encoding::JsonLines, path: Path::new("a.jsonl") };
    let error = Own::from_slices(source, source, None, &OwnConfig::default()).unwrap_err().to_string();
    assert!(error.contains("UTF-16LE") && error.contains("UTF-8"), "{error}");
}

#[test]
fn classes_by_name() {
    let names = OwnConfig { classes: Some(Classes::Names(["up", "down", "still"].map(str::to_owned).to_vec())), loss: None };
    let text = "{\"inputs\": [[1]], \"target\": \"down\"}\n{\"inputs\": [[1]], \"target\": 0}";
    let task = of(text, &names).unwrap();
    assert_eq!(
        (task.outputs(), task.class_name(2), task.class_counts(Split::Valid)),
        (3, "still".into(), Some(vec![1, 1, 0]))
    );
    let error = of(r#"{"inputs": [[1]], "target": "left"}"#, &names).unwrap_err();
    assert!(error.contains("\"left\" is not the name of a class (there are up, down, still)"), "{error}");
    let error = of(r#"{"inputs": [[1]], "target": 3}"#, &names).unwrap_err();
    assert!(error.contains("class 3, but the setting `classes`, or classes.json, says that there are 3"), "{error}");

    // Beside the files; written with them, too.
    let folder = tempfile::tempdir().unwrap();
    write(&task, folder.path(), Format::JsonLines).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("classes.json")).unwrap(), "[\"up\",\"down\",\"still\"]\n");
    let again = Own::open(folder.path(), &OwnConfig::default()).unwrap();
    assert_eq!((again.outputs(), again.class_name(1)), (3, "down".into()));
    fs::rename(folder.path().join("classes.json"), folder.path().join("Classes.JSON")).unwrap();
    assert_eq!(Own::open(folder.path(), &OwnConfig::default()).unwrap().class_name(1), "down");
    fs::write(folder.path().join("Classes.JSON"), "{}").unwrap();
    assert!(Own::open(folder.path(), &OwnConfig::default()).unwrap_err().to_string().contains("Classes.JSON: line 1"));
}

#[test]
fn a_class_at_every_step_of_a_sequence_is_judged_by_sequence() {
    let metrics = |text: &str| of(text, &OwnConfig::default()).unwrap().metrics().to_vec();
    let one_each = "{\"inputs\": [[1], [2]], \"targets\": [1, 1]}\n{\"inputs\": [[1], [2]], \"targets\": [null, 0]}";
    assert_eq!(metrics(one_each), [Metric::SequenceAccuracy, Metric::Accuracy]);
    for other in [
        "{\"inputs\": [[1], [2]], \"targets\": [1, 0]}",
        "{\"inputs\": [[1], [2]], \"targets\": [null, 0]}",
        "{\"inputs\": [[1], [2]], \"target\": 1}",
    ] {
        assert_eq!(metrics(other), [Metric::Accuracy]);
    }
}

#[test]
fn rows_of_one_hot_targets_are_told_of() {
    let notes = |text: &str, config: &OwnConfig| {
        of(text, config).unwrap().remarks().iter().filter(|note| note.contains("single one")).count()
    };
    let hot = "{\"inputs\": [[1]], \"target\": [0, 1, 0]}\n{\"inputs\": [[1]], \"target\": [1, 0, 0]}";
    assert_eq!(notes(hot, &OwnConfig::default()), 1);
    assert_eq!(notes(hot, &OwnConfig { loss: Some(Loss::BinaryCrossEntropy), classes: None }), 0);
    assert_eq!(notes(r#"{"inputs": [[1]], "target": [0, 0.5]}"#, &OwnConfig::default()), 0);
}

#[test]
fn splits_must_fit_together() {
    let good = r#"{"inputs": [[1]], "target": 0}"#;
    for (valid, words) in [
        (r#"{"inputs": [[1, 2]], "target": 0}"#, "2 values in a step, but 1 in the train split"),
        (r#"{"inputs": [[1]], "target": [1]}"#, "1 value in a target, but classes"),
        (r#"{"inputs": [[1]], "targets": [1]}"#, "one target a step, but one target a sequence"),
    ] {
        let both = Own::from_slices(lines(good, "train"), lines(valid, "valid"), None, &OwnConfig::default());
        let error = both.unwrap_err().to_string();
        assert!(error.starts_with("valid: ") && error.contains(words), "{error}");
    }
    let with = |loss, classes| of(good, &OwnConfig { loss, classes });
    assert_eq!(with(None, Some(7.into())).unwrap().outputs(), 7);
    assert!(with(None, Some(1.into())).unwrap_err().starts_with("classes = 1"));
    assert!(with(Some(Loss::MeanSquaredError), Some(3.into())).unwrap_err().starts_with("classes = 3"));
    assert!(with(Some(Loss::MeanSquaredError), None).unwrap_err().contains("classes, but the `loss` is one of values"));
    let error = of(r#"{"inputs": [[1]], "target": 5}"#, &OwnConfig { loss: None, classes: Some(3.into()) }).unwrap_err();
    assert!(error.contains("class 5, but the setting `classes`, or classes.json, says that there are 3"), "{error}");
}

#[test]
fn splits_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Own::open(folder.path(), &OwnConfig::default());
    let error = open().unwrap_err();
    assert!(matches!(error, TaskError::Dataset(DatasetError::NotFound { .. })));
    let error = error.to_string();
    assert!(error.contains("train.npz") && error.contains("own"), "{error}");
    fs::write(folder.path().join("train.jsonl"), r#"{"inputs": [[1]], "target": 0}"#).unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains("valid.npz, valid.jsonl, valid.ts or valid/inputs.npy"), "{error}");
    fs::write(folder.path().join("valid.jsonl"), r#"{"inputs": [[2]], "target": 0}"#).unwrap();
    let task = open().unwrap();
    assert!(!task.has_test());
    assert_eq!(task.batch(Split::Test, &[0]), task.batch(Split::Valid, &[0]));
    let npz = folder.path().join("test.npz");
    fs::write(&npz, "no archive").unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains("test.npz") && error.contains("np.savez"), "{error}");
}

/// Every sequence of every split, dense.
fn all(task: &dyn Task) -> Vec<SequenceBatch<f32>> {
    let sequences = |split| (0..task.sequences(split)).map(move |index| task.batch(split, &[index]).to_dense());
    Split::ALL.into_iter().flat_map(sequences).collect()
}

fn comes_back(task: &dyn Task, config: &OwnConfig) {
    for format in [Format::Npz, Format::JsonLines] {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("own");
        write(task, &to, format).unwrap_or_else(|error| panic!("{error}"));
        let again = Own::open(folder.path(), config).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.has_test(), task.has_test());
        assert_eq!(all(&again), all(task), "{format:?}");
    }
}

#[test]
fn tasks_come_back_from_files() {
    let ragged = StoreRecallConfig { delay: 9, min_delay: Some(4), train: 7, valid: 3, test: 2, ..Default::default() };
    comes_back(&StoreRecall::new(ragged).unwrap(), &OwnConfig::default());
    let text = Characters::from_slice(
        b"hello world, hello world",
        Path::new("x"),
        &CharactersConfig { valid: 0.3, streams: 3, ..Default::default() },
    );
    let text = text.unwrap();
    comes_back(&text, &OwnConfig { classes: Some(text.outputs().into()), ..Default::default() });
    let music =
        br#"{"train": [[[60, 64], [], [62]], [[21], [108]]], "valid": [[[60], [60]]], "test": [[[60], [64, 60], [60]]]}"#;
    let music = JsbChorales::from_slice(music, Path::new("x")).unwrap();
    comes_back(&music, &OwnConfig { loss: Some(Loss::BinaryCrossEntropy), ..Default::default() });
}

#[test]
fn what_cannot_be_written() {
    let long = StoreRecallConfig { delay: 1_000_000, train: 1_000, ..Default::default() };
    let folder = tempfile::tempdir().unwrap();
    let error = write(&StoreRecall::new(long).unwrap(), folder.path(), Format::Npz).unwrap_err();
    assert!(matches!(error, WriteError::TooLarge { split: Split::Train, .. }), "{error}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let task = of(r#"{"inputs": [[1]], "target": 0}"#, &OwnConfig::default()).unwrap();
    assert!(matches!(write(&task, &file, Format::JsonLines), Err(WriteError::File { .. })));
}

/// Sequences with a target at some steps, as JSON Lines.
fn small() -> impl Strategy<Value = String> {
    let value = prop_oneof![(-9_i32..10).prop_map(|n| n as f32), any::<f32>().prop_filter("finite", |x| x.is_finite())];
    let step = (proptest::collection::vec(value, 3), proptest::option::of(0_u32..5));
    let sequence = proptest::collection::vec(step, 1..6);
    proptest::collection::vec(sequence, 1..5).prop_map(|mut sequences| {
        sequences[0][0].1 = Some(4);
        let line = |sequence: Vec<(Vec<f32>, Option<u32>)>| {
            let (inputs, targets): (Vec<_>, Vec<_>) = sequence.into_iter().unzip();
            format!(
                "{{\"inputs\": {}, \"targets\": {}}}\n",
                serde_json::to_string(&inputs).unwrap(),
                serde_json::to_string(&targets).unwrap()
            )
        };
        sequences.into_iter().map(line).collect()
    })
}

proptest! {
    #[test]
    fn any_sequences_come_back(text in small()) {
        comes_back(&of(&text, &OwnConfig::default()).unwrap(), &OwnConfig::default());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for encoding in [Encoding::Npz, Encoding::JsonLines] {
            let source = Source { bytes: &bytes, encoding, path: Path::new("x") };
            let error = Own::from_slices(source, source, None, &OwnConfig::default()).unwrap_err();
            prop_assert!(error.to_string().starts_with("x: "), "{}", error);
        }
    }

    #[test]
    fn damaged_files_are_read_or_refused(
        text in small(), npz in any::<bool>(), cut in proptest::option::of(any::<prop::sample::Index>()),
        flips in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (format, name) = if npz { (Format::Npz, "train.npz") } else { (Format::JsonLines, "train.jsonl") };
        write(&of(&text, &OwnConfig::default()).unwrap(), folder.path(), format).unwrap();
        let mut bytes = fs::read(folder.path().join(name)).unwrap();
        for flip in flips {
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        fs::write(folder.path().join(name), bytes).unwrap();
        match Own::open(folder.path(), &OwnConfig::default()) {
            Ok(task) => for batch in all(&task) {
                for step in 0..batch.steps() {
                    prop_assert!(batch.input(0, step).iter().all(|value| value.is_finite()));
                }
            },
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
