//! Chorale files written here: what they become, and what the errors say about broken ones.

use std::fs;
use std::path::{Path, PathBuf};

use ostl_core::Target;
use ostl_tasks::{Batches, DatasetError, Defect, JsbChorales, Place, Split, Task};
use proptest::prelude::*;

const SMALL: &str = r#"{
    "train": [[[60, 64, 67], [], [62]], [[21], [108]]],
    "valid": [[[60], [60]]],
    "test": [[[60], [64, 60], [60]]]
}"#;

fn parse(json: &str) -> Result<JsbChorales, DatasetError> {
    JsbChorales::from_slice(json.as_bytes(), Path::new("some.json"))
}

#[test]
fn byte_order_marks_are_passed_over_and_other_encodings_named() {
    let plain = parse(SMALL).unwrap();
    let marked = parse(&format!("\u{feff}{SMALL}")).unwrap();
    assert_eq!(marked.batch(Split::Train, &[0, 1]), plain.batch(Split::Train, &[0, 1]));
    let wide: Vec<u8> = [0xfeff].into_iter().chain(SMALL.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [&wide[..], &wide[2..]] {
        let error = JsbChorales::from_slice(bytes, Path::new("some.json")).unwrap_err().to_string();
        assert!(error.contains("some.json") && error.contains("`iconv -f UTF-16LE -t UTF-8`"), "{error}");
    }
}

#[test]
fn nan_is_named() {
    for (written, named) in [("NaN", "NaN"), ("nan", "NaN"), ("-Infinity", "Infinity"), ("Infinity", "Infinity")] {
        let (defect, place) = broken(&SMALL.replace("[62]", &format!("[{written}]")));
        assert_eq!((defect, place.sequence, place.step), (Defect::NotFinite(named), Some(0), Some(2)));
    }
}

/// The content error of a file, after checks that its message names the file, the place and a way out.
fn broken(json: &str) -> (Defect, Place) {
    let error = parse(json).unwrap_err();
    let message = error.to_string();
    let DatasetError::Content { path, line, column, place, defect } = error else { panic!("{message}") };
    assert_eq!(path, Path::new("some.json"));
    for part in ["some.json", &format!("line {line}, column {column}"), &place.to_string(), &defect.to_string(), "README"] {
        assert!(message.contains(part), "no `{part}` in {message}");
    }
    (defect, place)
}

/// A file whose train split holds what is given.
fn with_train(train: &str) -> String {
    format!(r#"{{"train": {train}, "valid": [[[60], [60]]], "test": [[[60], [60]]]}}"#)
}

fn at(split: Split, sequence: impl Into<Option<usize>>, step: impl Into<Option<usize>>) -> Place {
    Place { split: Some(split), sequence: sequence.into(), step: step.into() }
}

#[test]
fn a_small_file_by_hand() {
    let task = parse(SMALL).unwrap();
    assert_eq!((task.name(), task.inputs(), task.outputs()), ("jsb", 88, 88));
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [2, 1, 1]);
    assert_eq!([task.steps(Split::Train, 0), task.steps(Split::Train, 1), task.steps(Split::Test, 0)], [2, 1, 2]);
    assert_eq!(task.chord(Split::Test, 0, 1), [60, 64], "sorted, though the file is not");

    // Floating-point programs write whole numbers with a point.
    assert_eq!(parse(&SMALL.replace("64", "64.0")).unwrap().chord(Split::Test, 0, 1), [60, 64]);

    let batch = task.batch(Split::Train, &[0, 1]);
    let on = |values: &[f32]| -> Vec<usize> {
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.0));
        (0..values.len()).filter(|&key| values[key] == 1.0).collect()
    };
    assert_eq!(batch.lengths(), [2, 1]);
    assert_eq!(batch.target_count(), 3);
    assert_eq!(on(batch.input(0, 0)), [39, 43, 46]);
    assert!(on(batch.input(0, 1)).is_empty());
    assert_eq!(on(batch.input(1, 0)), [0]);
    let mut batch = batch;
    assert!(on(batch.values_mut(0, 0)).is_empty());
    assert_eq!(on(batch.values_mut(0, 1)), [41]);
    assert_eq!(on(batch.values_mut(1, 0)), [87]);
}

#[test]
fn writing_leaves_nothing_of_what_was_there() {
    let task = parse(SMALL).unwrap();
    let fresh = task.batch(Split::Train, &[0]);
    let mut used = task.batch(Split::Test, &[0]);
    task.write(Split::Train, 0, &mut used, 0);
    assert_eq!(used, fresh);
}

#[test]
fn chance_is_the_loss_of_the_train_frequencies() {
    let task = parse(SMALL).unwrap();
    // The readout that always says the odds of each key in the five chords of the train split, Laplace-smoothed.
    let mut known = [0_u32; 88];
    for (sequence, chords) in [(0, 3), (1, 2)] {
        for chord in 0..chords {
            task.chord(Split::Train, sequence, chord).iter().for_each(|&note| known[usize::from(note) - 21] += 1);
        }
    }
    let logits = known.map(|count| ((f64::from(count) + 1.0) / (6.0 - f64::from(count))).ln());
    let mut signal = [0.0; 88];
    let mut loss = 0.0;
    for chord in 1..3 {
        let mut keys = [0.0; 88];
        task.chord(Split::Test, 0, chord).iter().for_each(|&note| keys[usize::from(note) - 21] = 1.0);
        loss += task.loss().evaluate(&logits, Target::Values(&keys), &mut signal) / 2.0;
    }
    assert!((task.chance().unwrap() - loss).abs() < 1e-12, "{:?} {loss}", task.chance());
}

#[test]
fn defects_and_their_places() {
    use Split::{Train, Valid};
    let nowhere = Place::default();
    for (train, defect, place) in [
        ("[]", Defect::NoSequences, at(Train, None, None)),
        ("[[[60], [60]], []]", Defect::EmptySequence, at(Train, 1, None)),
        ("[[[60]]]", Defect::SingleChord, at(Train, 0, None)),
        ("[[[60], [60, 128]]]", Defect::NotMidi(128), at(Train, 0, 1)),
        ("[[[60], [60, -1]]]", Defect::NotMidi(-1), at(Train, 0, 1)),
        ("[[[60], [18446744073709551615]]]", Defect::NotMidi(u64::MAX.into()), at(Train, 0, 1)),
        ("[[[20], [60]]]", Defect::OffKeyboard(20), at(Train, 0, 0)),
        ("[[[60], [109]]]", Defect::OffKeyboard(109), at(Train, 0, 1)),
        ("[[[60], [61]], [[60, 64, 60], []]]", Defect::RepeatedNote(60), at(Train, 1, 0)),
        ("[[[60], [60]]], \"train\": [[[60], [60]]]", Defect::RepeatedSplit, at(Train, None, None)),
        ("[[[60], [60]]], \"dev\": 3", Defect::UnknownKey("dev".into()), nowhere),
    ] {
        assert_eq!(broken(&with_train(train)), (defect, place), "{train}");
    }
    assert_eq!(broken("{}"), (Defect::MissingSplit(Train), nowhere));
    let (defect, place) = broken(r#"{"train": [[[60], [60]]], "test": [[[60], [60]]]}"#);
    assert_eq!((defect, place), (Defect::MissingSplit(Valid), nowhere));
}

#[test]
fn wrong_shapes_are_told_in_the_parsers_words() {
    for (train, words, place) in [
        ("[[[60.5], [60]]]", "`60.5`, expected a MIDI note number", at(Split::Train, 0, 0)),
        ("[[[\"C4\"], [60]]]", "\"C4\", expected a MIDI note number", at(Split::Train, 0, 0)),
        ("[[60, 62]]", "`60`, expected a chord, a list of notes", at(Split::Train, 0, 0)),
        ("[null]", "null, expected a sequence, a list of chords", at(Split::Train, 0, None)),
        ("{}", "map, expected a split, a list of sequences", at(Split::Train, None, None)),
        ("[[[60] [60]]]", "expected `,` or `]`", at(Split::Train, 0, 1)),
    ] {
        let (defect, found) = broken(&with_train(train));
        let Defect::Json(message) = defect else { panic!("{defect:?}") };
        assert!(message.contains(words), "{message}");
        assert_eq!(found, place, "{train}");
    }
    let (defect, _) = broken("[1, 2]");
    assert!(defect.to_string().contains("expected an object of the splits"), "{defect}");
    let (defect, _) = broken(&format!("{SMALL} x"));
    assert!(defect.to_string().contains("trailing characters"), "{defect}");
}

#[test]
fn lines_and_columns_lead_to_the_place() {
    let error = parse("{\n \"train\": [[[60], [60]],\n [[60, 64, 200], []]]}").unwrap_err();
    assert!(error.to_string().contains("some.json: line 3, column 14, in split `train`, sequence 1, step 0"), "{error}");
}

#[test]
fn a_long_or_unprintable_key_does_not_flood_the_terminal() {
    let (defect, _) = broken(&format!("{{\"\\u001b[2J{}\": 1}}", "x".repeat(10_000)));
    let message = defect.to_string();
    assert!(message.len() < 400 && !message.contains('\u{1b}'), "{message}");
    let (defect, _) = broken(&with_train(&format!("[[[\"{}\"]]]", "x".repeat(10_000))));
    assert!(defect.to_string().len() < 400, "{defect}");
}

#[test]
fn every_truncation_is_an_error() {
    let whole = SMALL.trim_end();
    for end in 1..whole.len() {
        assert_eq!(broken(&whole[..end]).0, Defect::Truncated, "{}", &whole[..end]);
    }
    assert!(matches!(parse(" \n"), Err(DatasetError::Empty { .. })));
    assert!(matches!(parse(""), Err(DatasetError::Empty { .. })));
}

#[test]
fn the_file_is_found_in_a_folder_its_subfolder_or_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let direct = folder.path().join("other.json");
    fs::write(&direct, SMALL).unwrap();
    assert!(JsbChorales::open(&direct).is_ok());

    let looked_at = |path: &Path| -> Vec<PathBuf> {
        let error = JsbChorales::open(path).unwrap_err();
        assert!(error.to_string().contains("--data DIR"), "{error}");
        let DatasetError::NotFound { looked_at, .. } = error else { panic!("{error}") };
        looked_at
    };
    let inside = folder.path().join(JsbChorales::FILE);
    let below = folder.path().join("jsb").join(JsbChorales::FILE);
    let packed = |path: &Path| path.with_extension("json.gz");
    assert_eq!(looked_at(folder.path()), [inside.clone(), packed(&inside), below.clone(), packed(&below)]);
    assert_eq!(looked_at(&folder.path().join("nowhere")), [folder.path().join("nowhere")]);
    assert_eq!(looked_at(&direct.join("below-a-file")), [direct.join("below-a-file")]);

    fs::create_dir(folder.path().join("jsb")).unwrap();
    fs::write(&below, SMALL).unwrap();
    assert_eq!(JsbChorales::open(folder.path()).unwrap().sequences(Split::Train), 2);
    fs::write(&inside, with_train("[[[60], [60]]]")).unwrap();
    assert_eq!(
        JsbChorales::open(folder.path()).unwrap().sequences(Split::Train),
        1,
        "the folder comes before its subfolder"
    );
}

#[test]
fn files_that_are_no_files_empty_or_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JsbChorales::FILE);
    fs::create_dir(&path).unwrap();
    assert!(matches!(JsbChorales::open(folder.path()), Err(DatasetError::NotAFile { path: at }) if at == path));
    fs::remove_dir(&path).unwrap();
    #[cfg(unix)]
    assert!(matches!(JsbChorales::open(Path::new("/dev/zero")), Err(DatasetError::NotAFile { .. })));

    let file = fs::File::create(&path).unwrap();
    assert!(matches!(JsbChorales::open(folder.path()), Err(DatasetError::Empty { path: at }) if at == path));
    // Sparse: it takes no room on the disk.
    file.set_len(JsbChorales::LARGEST_FILE + 1).unwrap();
    let error = JsbChorales::open(folder.path()).unwrap_err();
    assert!(matches!(error, DatasetError::TooLarge { bytes, .. } if bytes == JsbChorales::LARGEST_FILE + 1), "{error}");
}

/// A text like a real file, and the shape it was made from.
fn chorales() -> impl Strategy<Value = (String, Vec<Vec<Vec<u8>>>)> {
    let chord = proptest::collection::btree_set(21_u8..=108, 0..5).prop_map(|notes| notes.into_iter().collect::<Vec<u8>>());
    let sequences = proptest::collection::vec(proptest::collection::vec(chord, 2..12), 1..6);
    sequences.prop_map(|train| (with_train(&serde_json::to_string(&train).expect("lists of numbers")), train))
}

proptest! {
    #[test]
    fn what_is_written_is_read((json, train) in chorales()) {
        let task = parse(&json).unwrap();
        prop_assert_eq!(task.sequences(Split::Train), train.len());
        for (sequence, chords) in train.iter().enumerate() {
            prop_assert_eq!(task.chords(Split::Train, sequence), chords.len());
            for (index, chord) in chords.iter().enumerate() {
                prop_assert_eq!(task.chord(Split::Train, sequence, index), chord.as_slice());
            }
        }
        let batches = Batches::in_order(&task, Split::Train, 3);
        let steps: usize = train.iter().map(|chords| chords.len() - 1).sum();
        prop_assert_eq!(batches.iter().map(|batch| batch.target_count()).sum::<usize>(), steps);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(JsbChorales::from_slice(&bytes, Path::new("x")).is_err());
    }

    #[test]
    fn mutations_are_read_or_refused(
        (json, _) in chorales(),
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(b"[]{}\",:019-.eE n\xff".to_vec())), 1..4),
    ) {
        let mut bytes = json.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        match JsbChorales::from_slice(&bytes, Path::new("x")) {
            // What is accepted can be used in full.
            Ok(task) => for split in Split::ALL {
                prop_assert!(Batches::shuffled(&task, split, 2, 0, 0).iter().all(|batch| batch.target_count() > 0));
            },
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
