//! The files of one's own data: by their names in any case, beside each other, and those that are not read.

use std::fs;
use std::path::Path;

use ostl_tasks::own::{Own, OwnConfig};
use ostl_tasks::{Split, Task};

const GOOD: &str = "{\"inputs\": [[1]], \"target\": 0}\n{\"inputs\": [[2]], \"target\": 1}\n";
/// As good, and other.
const OTHER: &str = "{\"inputs\": [[3]], \"target\": 0}\n";
const SERIES: &str = "@classLabel true a b\n@data\n1,2:a\n3,4:b\n";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn open(path: &Path) -> Result<Own, String> {
    Own::open(path, &OwnConfig::default()).map_err(|error| error.to_string())
}

/// A folder of arrays.
fn arrays(at: &Path) {
    fs::create_dir_all(at).unwrap();
    let header = |shape: &str| {
        let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00".to_vec(), (text.len() as u16).to_le_bytes().to_vec(), text.into_bytes()].concat()
    };
    fs::write(at.join("Inputs.NPY"), [header("(2, 1, 1)"), vec![1, 2]].concat()).unwrap();
    fs::write(at.join("targets.npy"), [header("(2,)"), vec![0, 1]].concat()).unwrap();
}

#[test]
fn capitals_and_the_path_of_a_file() {
    let place = folder(&[("Train.JSONL", GOOD), ("VALID.Jsonl", OTHER), ("notes.txt", "")]);
    for path in [place.path().to_owned(), place.path().join("Train.JSONL"), place.path().join("VALID.Jsonl")] {
        let task = open(&path).unwrap();
        assert_eq!((task.sequences(Split::Train), task.has_test(), task.remarks().len()), (2, false, 0));
    }
    let error = open(&place.path().join("notes.txt")).unwrap_err();
    assert!(error.contains("notes.txt") && error.contains("give the folder that holds train.npz"), "{error}");
    arrays(&place.path().join("arrays/Train"));
    arrays(&place.path().join("arrays/valid"));
    for path in ["arrays", "arrays/Train", "arrays/Train/Inputs.NPY", "arrays/valid"] {
        assert_eq!(open(&place.path().join(path)).unwrap().sequences(Split::Train), 2, "{path}");
    }
    let inside = folder(&[("Own/train.jsonl", GOOD), ("Own/valid.jsonl", GOOD)]);
    assert!(open(inside.path()).is_ok());
    let error = open(&place.path().join("nowhere")).unwrap_err();
    assert!(error.contains("nowhere"), "{error}");
}

#[test]
fn two_files_for_one_split_are_refused() {
    for (one, other) in [("valid.jsonl", "valid.ts"), ("valid.jsonl", "Valid.JSONL"), ("valid.jsonl", "valid.jsonl.gz")] {
        let place = folder(&[("train.jsonl", GOOD), (one, GOOD), (other, SERIES)]);
        let error = open(place.path()).unwrap_err();
        assert!(error.contains(one) && error.contains(other) && error.contains("keep one of the two"), "{error}");
    }
}

#[test]
fn what_lies_there_and_is_not_read_is_told() {
    let place = folder(&[("train.jsonl", GOOD), ("val.jsonl", GOOD)]);
    let error = open(place.path()).unwrap_err();
    assert!(error.contains("in `val.jsonl`: not read, and there is no valid split"), "{error}");
    let place = folder(&[("train.json", GOOD), ("valid.jsonl", GOOD)]);
    assert!(open(place.path()).unwrap_err().contains("in `train.json`: not read"));
    let place = folder(&[("train.jsonl", GOOD), ("valid.jsonl", OTHER), ("testing.jsonl", GOOD), ("train.csv", "")]);
    let notes = open(place.path()).unwrap().remarks();
    assert!(
        notes.len() == 2 && notes[0].starts_with("testing.jsonl is not read") && notes[1].starts_with("train.csv"),
        "{notes:?}"
    );
    let twice = format!("{GOOD}{OTHER}{OTHER}");
    let place = folder(&[("train.jsonl", &twice), ("valid.jsonl", OTHER)]);
    let notes = open(place.path()).unwrap().remarks();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert_eq!(notes[0], "1 of the 4 sequences of train repeat others of it, inputs and targets alike");
    assert!(notes[1].starts_with("1 of the 1 sequences of valid are in train too"), "{notes:?}");
    let place = folder(&[("train.jsonl", GOOD), ("valid.jsonl", OTHER), ("test.ts", SERIES)]);
    let error = open(place.path());
    let notes = error.unwrap().remarks();
    assert!(notes.len() == 1 && notes[0].contains("train.jsonl, valid.jsonl, test.ts"), "{notes:?}");
}

/// What is said of the valid split is how it was chosen.
#[test]
fn which_series_are_held_out_is_told_as_it_is() {
    let said = |classes: &[&str]| {
        let series: String = classes.iter().enumerate().map(|(i, class)| format!("{i},1:{class}\n")).collect();
        let place = folder(&[("X_TRAIN.ts", &format!("@classLabel true a b\n@data\n{series}")), ("X_TEST.ts", SERIES)]);
        open(place.path()).unwrap().remarks().into_iter().find(|remark| remark.contains("no valid split")).unwrap()
    };
    assert!(said(&["a", "a", "b", "b"]).ends_with(": 2 of the 4 series of X_TRAIN.ts, the last of each class, are it"));
    assert!(said(&["a", "a", "b"]).ends_with(": 1 of the 3 series of X_TRAIN.ts, the last of each class, is it"));
    assert!(
        said(&[["a"; 5], ["b"; 5]].concat())
            .ends_with(": 2 of the 10 series of X_TRAIN.ts, every 5th of each class, are it")
    );
}

/// `NAME_TRAIN.ts` and `NAME_TEST.ts`, as the archives have them: every fifth series of each class becomes the valid split.
#[test]
fn the_names_of_the_archives() {
    let series: String = (0..12).map(|i| format!("{i},1:{}\n", if i < 10 { "a" } else { "b" })).collect();
    let train = format!("@classLabel true a b\n@data\n{series}");
    let place = folder(&[("Made_TRAIN.ts", &train), ("Made_TEST.ts", SERIES), ("made.txt", "")]);
    let task = open(place.path()).unwrap();
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [9, 3, 2]);
    let first = |split, index| task.batch(split, &[index]).input(0, 0)[0];
    assert_eq!([0, 1, 2].map(|index| first(Split::Valid, index)), [4.0, 9.0, 11.0]);
    assert_eq!([3, 4, 8].map(|index| first(Split::Train, index)), [3.0, 5.0, 10.0]);
    assert_eq!(task.class_counts(Split::Valid), Some(vec![2, 1]));
    let held = "3 of the 12 series of Made_TRAIN.ts, every 5th of each class, or its last where it has fewer, are it";
    assert!(task.has_test() && task.remarks()[0].ends_with(held), "{:?}", task.remarks());
    // A valid file beside them is the valid split; with two archives one says which.
    fs::write(place.path().join("Made_VALID.ts"), SERIES).unwrap();
    assert_eq!(open(place.path()).unwrap().sequences(Split::Valid), 2);
    fs::write(place.path().join("Other_TRAIN.ts"), SERIES).unwrap();
    let error = open(place.path()).unwrap_err();
    assert!(error.contains("Made_TRAIN.ts") && error.contains("Other_TRAIN.ts"), "{error}");
    assert_eq!(open(&place.path().join("Made_TRAIN.ts")).unwrap().sequences(Split::Train), 12);
    let lonely = folder(&[("train.ts", SERIES)]);
    assert!(open(lonely.path()).unwrap_err().contains("too few series of each class to hold some out"));
}
