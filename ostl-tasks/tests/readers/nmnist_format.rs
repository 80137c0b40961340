//! Recordings of an event camera written here: what they become, and what the errors say about broken ones.

use std::fs;
use std::path::{Path, PathBuf};

use ostl_core::Target;
use ostl_tasks::events::nmnist::{CameraEvent, events_from_slice, list_from_slice};
use ostl_tasks::{At, Bin, BinValue, DatasetError, Metric, NMnist, NMnistConfig, Split, TargetSteps, Task, TaskError};
use proptest::prelude::*;

fn bytes_of(&CameraEvent { time, x, y, on }: &CameraEvent) -> [u8; 5] {
    [x, y, (time >> 16) as u8 | if on { 0x80 } else { 0 }, (time >> 8) as u8, time as u8]
}

fn event(time: u32, x: u8, y: u8, on: bool) -> CameraEvent {
    CameraEvent { time, x, y, on }
}

fn file_of(events: &[CameraEvent]) -> Vec<u8> {
    events.iter().flat_map(bytes_of).collect()
}

/// Recording k, of so many: three events in three bins of 10 ms.
fn recording(k: u8) -> Vec<u8> {
    file_of(&[event(0, k, 2, false), event(10_000, 33, 33, true), event(10_001, 32, 33, true), event(29_999, 5, k, true)])
}

/// Twelve training recordings and two test recordings, recording k of the digit k mod 10, in the layout with lists.
fn lists(folder: &Path) {
    let list = |numbers: &[u8]| {
        let lines = numbers.iter().map(|number| format!("{number}\t{}\n", number % 10));
        format!("#sample #class\n{}", lines.collect::<String>())
    };
    fs::create_dir_all(folder.join("events")).unwrap();
    fs::write(folder.join("train1K.txt"), list(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])).unwrap();
    fs::write(folder.join("test100.txt"), list(&[13, 14])).unwrap();
    (1..=14).for_each(|k| fs::write(folder.join(format!("events/{k}.bs2")), recording(k)).unwrap());
}

/// The same recordings as published.
fn folders(folder: &Path) {
    for split in ["Train", "Test"] {
        (0..10).for_each(|digit| fs::create_dir_all(folder.join(format!("{split}/{digit}"))).unwrap());
    }
    for k in 1..=14 {
        let split = if k <= 12 { "Train" } else { "Test" };
        fs::write(folder.join(format!("{split}/{}/{k:05}.bin", k % 10)), recording(k)).unwrap();
    }
    fs::write(folder.join("Train/3/notes.txt"), "not a recording").unwrap();
}

fn batches(task: &NMnist) -> Vec<ostl_core::SequenceBatch<f32>> {
    let all = |split| (0..task.sequences(split)).collect::<Vec<_>>();
    Split::ALL.map(|split| task.batch(split, &all(split))).to_vec()
}

#[test]
fn an_event_by_hand() {
    // 0x81 0x02 0x03: brighter, at 0x010203 µs.
    let events = events_from_slice(&[7, 33, 0x81, 2, 3, 0, 0, 0x7f, 0xff, 0xff], Path::new("x")).unwrap();
    assert_eq!(events, [event(0x01_0203, 7, 33, true), event(0x7f_ffff, 0, 0, false)]);
}

#[test]
fn row_240_is_a_clock_that_began_anew() {
    let mut file = file_of(&[event(8000, 1, 1, true)]);
    file.extend([0, 240, 0, 0, 0]);
    file.extend(file_of(&[event(3, 2, 2, false)]));
    file.extend([33, 240, 0x80, 0, 0, 0, 240, 0, 0, 0]);
    file.extend(file_of(&[event(4, 3, 3, false)]));
    let events = events_from_slice(&file, Path::new("x")).unwrap();
    assert_eq!(events.iter().map(|event| event.time).collect::<Vec<_>>(), [8000, 8192 + 3, 3 * 8192 + 4]);
}

#[test]
fn broken_recordings_name_the_byte() {
    let broken = |bytes: &[u8], byte: u64, words: &str| {
        let error = events_from_slice(bytes, Path::new("7.bs2")).unwrap_err();
        let message = error.to_string();
        assert!(
            matches!(&error, DatasetError::Malformed { path, at, .. } if path == Path::new("7.bs2") && *at == At::Byte(byte))
        );
        assert!(message.contains(words), "{message}");
    };
    let whole = recording(1);
    broken(&[], 0, "no events");
    broken(&[0, 240, 0, 0, 0], 0, "no events");
    broken(&whole[..13], 10, "3 bytes after the last whole event");
    broken(&[&whole[..], &[34, 0, 0, 0, 0]].concat(), 20, "event 4 is of pixel x = 34, y = 0");
    broken(&[0, 99, 0, 0, 0], 0, "y = 99");
}

#[test]
fn broken_lists_name_the_line() {
    let list = |text: &str| list_from_slice(text.as_bytes(), Path::new("train1K.txt"));
    assert_eq!(list("#sample #class\r\n60001\t7\r\n\n 2  0 \n").unwrap(), [(60001, 7), (2, 0)]);
    for (text, line, words) in [
        ("# none\n", 1, "no recordings"),
        ("1 2\n2 10\n", 2, "`2 10`"),
        ("1 2\n\n2\n", 3, "`2`, expected"),
        ("1 2 3\n", 1, "`1 2 3`"),
        ("-1 2\n", 1, "`-1 2`"),
        ("5 1\n6 1\n5 2", 3, "recording 5 is listed a second time"),
    ] {
        let error = list(text).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, DatasetError::Malformed { at: At::Line(at), .. } if at == line), "{message}");
        assert!(message.contains("train1K.txt") && message.contains(words), "{message}");
    }
}

#[test]
fn both_layouts_hold_the_same() {
    let [a, b] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    lists(a.path());
    folders(&b.path().join("N-MNIST"));
    let config = NMnistConfig { valid: Some(3), ..Default::default() };
    let listed = NMnist::open(a.path(), &config).unwrap();
    let published = NMnist::open(b.path(), &config).unwrap();
    assert_eq!(Split::ALL.map(|split| listed.sequences(split)), [9, 3, 2]);
    assert_eq!(batches(&listed), batches(&published));
    assert_eq!(listed.recording(Split::Valid, 0).class, 0);
    assert_eq!(listed.recording(Split::Test, 1).times, [0, 10_000, 10_001, 29_999]);
    // A tenth is held out if nothing is said, here one.
    assert_eq!(NMnist::open(a.path(), &NMnistConfig::default()).unwrap().sequences(Split::Valid), 1);
    let limited = NMnist::open(a.path(), &NMnistConfig { limit: Some(2), ..config }).unwrap();
    assert_eq!(Split::ALL.map(|split| limited.sequences(split)), [2, 3, 2]);
    assert_eq!(batches(&limited)[1], batches(&listed)[1]);
}

#[test]
fn a_sequence_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    lists(folder.path());
    let open = |config: NMnistConfig| NMnist::open(folder.path(), &config).unwrap();
    let task = open(NMnistConfig::default());
    assert_eq!((task.inputs(), task.outputs(), task.is_sparse()), (2312, 10, true));
    assert_eq!(task.metrics(), [Metric::SequenceAccuracy, Metric::Accuracy]);
    let batch = task.batch(Split::Train, &[3]);
    let rows = |step| batch.events(0, step).0.to_vec();
    assert_eq!((batch.steps(), batch.target_count()), (3, 3));
    assert_eq!(rows(0), [2 * 34 + 4]);
    assert_eq!(rows(1), [(34 + 33) * 34 + 32, (34 + 33) * 34 + 33]);
    assert_eq!(rows(2), [(34 + 4) * 34 + 5]);
    assert_eq!(batch.target(0, 2), Some(Target::Class(4)));

    let merged = open(NMnistConfig {
        polarity: false,
        pool: 2,
        value: BinValue::Count,
        targets: TargetSteps::Last,
        ..Default::default()
    });
    let batch = merged.batch(Split::Train, &[3]);
    assert_eq!((merged.inputs(), batch.target_count()), (17 * 17, 1));
    assert_eq!(batch.events(0, 0), (&[17 + 2][..], &[1.0][..]));
    assert_eq!(batch.events(0, 1), (&[16 * 17 + 16][..], &[2.0][..]));

    let counted = open(NMnistConfig { bin: Bin::Count(3), max_steps: Some(1), ..Default::default() });
    assert_eq!(counted.batch(Split::Train, &[3]).events(0, 0).0.len(), 3);
    assert_eq!(counted.steps(Split::Train, 3), 1);
}

#[test]
fn the_first_saccade_ends_after_100_ms() {
    let folder = tempfile::tempdir().unwrap();
    lists(folder.path());
    let events = [event(99_999, 1, 1, true), event(100_000, 2, 2, true)];
    fs::write(folder.path().join("events/1.bs2"), file_of(&events)).unwrap();
    let config = NMnistConfig { first_saccade_only: true, ..Default::default() };
    assert_eq!(NMnist::open(folder.path(), &config).unwrap().recording(Split::Train, 0).times, [99_999]);
}

#[test]
fn what_is_missing_or_out_of_range_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = |config: &NMnistConfig| NMnist::open(folder.path(), config).unwrap_err();
    let message = open(&NMnistConfig::default()).to_string();
    assert!(message.contains("train1K.txt") && message.contains("N-MNIST"), "{message}");
    lists(folder.path());
    for (config, words) in [
        (NMnistConfig { valid: Some(12), ..Default::default() }, "valid = 12: must be less than 12"),
        (NMnistConfig { valid: Some(0), ..Default::default() }, "valid = 0"),
        (NMnistConfig { limit: Some(0), ..Default::default() }, "limit = 0"),
        (NMnistConfig { pool: 3, ..Default::default() }, "pool = 3: must be 1 or 2"),
        (NMnistConfig { bin: Bin::Count(0), ..Default::default() }, "bin.count = 0"),
    ] {
        let error = open(&config);
        assert!(matches!(&error, TaskError::Config(_)) && error.to_string().contains(words), "{error}");
    }
    let lost = folder.path().join("events/5.bs2");
    fs::remove_file(&lost).unwrap();
    let error = open(&NMnistConfig::default());
    assert!(
        matches!(&error, TaskError::Dataset(DatasetError::Malformed { at: At::Line(6), problem, .. })
            if problem.contains(&format!("no file at {}: ", lost.display()))),
        "{error}"
    );

    let folder = tempfile::tempdir().unwrap();
    folders(folder.path());
    let open = || NMnist::open(folder.path(), &NMnistConfig::default()).unwrap_err().to_string();
    fs::write(folder.path().join("Test/4/first.bin"), recording(1)).unwrap();
    assert!(open().contains("first.bin") && open().contains("their numbers"), "{}", open());
    fs::remove_dir_all(folder.path().join("Test/4")).unwrap();
    assert!(open().contains(&PathBuf::from("Test/4").display().to_string()), "{}", open());
}

fn camera_events() -> impl Strategy<Value = Vec<CameraEvent>> {
    let one = (0_u32..1 << 23, 0_u8..34, 0_u8..34, any::<bool>());
    proptest::collection::vec(one.prop_map(|(time, x, y, on)| event(time, x, y, on)), 1..40)
}

proptest! {
    #[test]
    fn what_is_written_is_read(events in camera_events()) {
        prop_assert_eq!(events_from_slice(&file_of(&events), Path::new("x")).unwrap(), events);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(events) = events_from_slice(&bytes, Path::new("x")) {
            prop_assert!(!events.is_empty() && events.iter().all(|event| event.x < 34 && event.y < 34));
        }
        let _ = list_from_slice(&bytes, Path::new("x"));
    }

    #[test]
    fn flips_and_cuts_are_read_or_refused(
        events in camera_events(), cut in any::<prop::sample::Index>(), flip in any::<prop::sample::Index>(), bit in 0..8,
        list in "[0-9 \n#\t-]{0,40}",
    ) {
        let mut bytes = file_of(&events);
        let at = flip.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        bytes.truncate(cut.index(bytes.len() + 1));
        match events_from_slice(&bytes, Path::new("x")) {
            Ok(read) => prop_assert!(read.len() * 5 <= bytes.len()),
            Err(error) => prop_assert!(error.to_string().contains("byte")),
        }
        if let Ok(listed) = list_from_slice(list.as_bytes(), Path::new("x")) {
            prop_assert!(listed.iter().all(|&(_, class)| class < 10));
        }
    }
}

#[test]
fn lists_by_other_programs_and_names_in_capitals() {
    let list = |text: &[u8]| list_from_slice(text, Path::new("train1K.txt")).map_err(|error| error.to_string());
    assert_eq!(list(b"\xef\xbb\xbf1 2\r3 4\r\n\r\n").unwrap(), [(1, 2), (3, 4)]);
    let error = list(b"5 1\n6 1\n5 2\n").unwrap_err();
    assert!(error.contains("line 3: recording 5 is listed a second time, as a 2 after a 1 in line 1"), "{error}");
    assert!(list(b"\xff\xfe1\0").unwrap_err().contains("UTF-16LE"));

    let folder = tempfile::tempdir().unwrap();
    lists(folder.path());
    let expected = batches(&NMnist::open(folder.path(), &NMnistConfig::default()).unwrap());
    let at = |name: &str| folder.path().join(name);
    for (from, to) in [
        ("train1K.txt", "TRAIN1K.TXT"),
        ("events/3.bs2", "events/3.BS2"),
        ("events/4.bs2", "events/00004.bin"),
        ("events", "Events"),
    ] {
        fs::rename(at(from), at(to)).unwrap();
    }
    assert_eq!(batches(&NMnist::open(folder.path(), &NMnistConfig::default()).unwrap()), expected);
    let error = || NMnist::open(folder.path(), &NMnistConfig::default()).unwrap_err().to_string();
    fs::copy(at("Events/1.bs2"), at("Events/1.BIN")).unwrap();
    assert!(error().contains("TRAIN1K.TXT: line 2: the recording may be `1.BIN` or `1.bs2`"), "{}", error());
    for name in ["1.BIN", "1.bs2", "7.bs2"] {
        fs::remove_file(at("Events").join(name)).unwrap();
    }
    let words = ["TRAIN1K.TXT: line 2: no file at ", "1.bs2, and none for 1 more lines", "copy it there"];
    assert!(words.iter().all(|words| error().contains(words)), "{}", error());
}

#[test]
fn recordings_in_two_places_are_told() {
    let folder = tempfile::tempdir().unwrap();
    lists(folder.path());
    fs::write(folder.path().join("test100.txt"), "13 3\n2 2\n").unwrap();
    let task = NMnist::open(folder.path(), &NMnistConfig::default()).unwrap();
    assert_eq!(task.remarks(), ["1 of the 2 recordings of the test split are learned from, too: 2.bs2"]);

    let folder = tempfile::tempdir().unwrap();
    folders(folder.path());
    let at = |name: &str| folder.path().join(name);
    let open = || NMnist::open(folder.path(), &NMnistConfig::default()).map_err(|error| error.to_string());
    fs::rename(at("Train/3/00003.bin"), at("Train/3/00003.BIN")).unwrap();
    assert_eq!(open().unwrap().sequences(Split::Train), 11);
    fs::copy(at("Train/3/00003.BIN"), at("Train/5/3.bin")).unwrap();
    let error = open().unwrap_err();
    assert!(
        error.contains("00003.BIN: in `its name`: the same recording is at") && error.contains("as a 5, and here as a 3"),
        "{error}"
    );
    fs::rename(at("Train/5/3.bin"), at("Train/5/00017.bin.zip")).unwrap();
    assert!(open().unwrap_err().contains("00017.bin.zip"));
    fs::rename(at("Train/5/00017.bin.zip"), at("Train/5/._00017.bin")).unwrap();
    assert_eq!(open().unwrap().sequences(Split::Train), 11);
}
