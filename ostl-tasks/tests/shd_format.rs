//! HDF5 files of spikes written here: what they become, and what the errors say about broken ones.
#![cfg(feature = "hdf5")]

use std::fs;
use std::io::Write;
use std::path::Path;

use half::f16;
use hdf5_metno::types::VarLenArray;
use hdf5_metno::{File, Group, H5Type};
use ostl_core::Target;
use ostl_tasks::events::shd::recordings_from_slice;
use ostl_tasks::{At, Bin, BinValue, DatasetError, Shd, ShdConfig, Split, Ssc, SscConfig, Task, TaskError};
use proptest::prelude::*;

/// What a small file holds; the default is right.
#[derive(Clone)]
struct Content<T> {
    times: Vec<Vec<T>>,
    units: Vec<Vec<i32>>,
    labels: Vec<i64>,
    speakers: Vec<u16>,
}

/// Recording k: spikes at 0, at 10 ms and at (10 + k) ms.
fn small<T: Copy>(of: fn(f32) -> T) -> Content<T> {
    let times = |k: usize| vec![of(0.0), of(0.010), of((10 + k) as f32 / 1000.0)];
    Content {
        times: (0..6).map(times).collect(),
        units: (0..6).map(|k| vec![699, k, 0]).collect(),
        labels: vec![3, 19, 0, 3, 5, 3],
        speakers: vec![4, 0, 2, 9, 4, 2],
    }
}

fn lists<T: Copy, U: H5Type + Copy>(lists: &[Vec<T>], of: fn(T) -> U) -> Vec<VarLenArray<U>> {
    let list = |list: &Vec<T>| VarLenArray::from_slice(&list.iter().map(|&value| of(value)).collect::<Vec<U>>());
    lists.iter().map(list).collect()
}

fn set<T: H5Type>(group: &Group, name: &str, values: &[T]) {
    group.new_dataset_builder().with_data(values).create(name).unwrap();
}

/// Writes a file; channels as 16 bits, as published, where they fit.
fn write<T: H5Type + Copy>(path: &Path, content: &Content<T>) {
    let file = File::create(path).unwrap();
    let spikes = file.create_group("spikes").unwrap();
    set(&spikes, "times", &lists(&content.times, |time| time));
    if content.units.iter().flatten().all(|&unit| u16::try_from(unit).is_ok()) {
        set(&spikes, "units", &lists(&content.units, |unit| unit as u16));
    } else {
        set(&spikes, "units", &lists(&content.units, |unit| unit));
    }
    set(&file, "labels", &content.labels);
    set(&file.create_group("extra").unwrap(), "speaker", &content.speakers);
}

fn bytes_of<T: H5Type + Copy>(content: &Content<T>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    write(&path, content);
    fs::read(path).unwrap()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn times_of_any_precision_are_read() {
    let of = |bytes: &[u8]| recordings_from_slice(bytes, Path::new("a.h5"), 20).unwrap();
    let halves = of(&bytes_of(&small(f16::from_f32)));
    // What 16 bits make of 10 ms and 15 ms: 1311 and 1966 times 2⁻¹⁷ s.
    assert_eq!(halves.get(5).times, [0, 10_002, 14_999]);
    assert_eq!(halves.get(5).channels, [699, 5, 0]);
    assert_eq!(halves.get(1).class, 19);
    let singles = of(&bytes_of(&small(|time| time)));
    assert_eq!(singles.get(3).times, [0, 10_000, 13_000]);
    assert_eq!(singles, of(&gzip(&bytes_of(&small(f64::from)))));
    for index in 0..6 {
        for (&half, &single) in halves.get(index).times.iter().zip(singles.get(index).times) {
            // 11 bits: half a unit in the last place is 2⁻¹² of the value at most.
            assert!(half.abs_diff(single) <= single / 2048 + 1);
        }
    }
}

#[test]
fn a_folder_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("SHD")).unwrap();
    write(&folder.path().join("SHD/shd_train.h5"), &small(f16::from_f32));
    fs::write(folder.path().join("SHD/shd_test.h5.gz"), gzip(&bytes_of(&small(f16::from_f32)))).unwrap();
    let open = |config: ShdConfig| Shd::open(folder.path(), &config);
    let task = open(ShdConfig::default()).unwrap();
    assert_eq!((task.inputs(), task.outputs(), task.is_sparse()), (700, 20, true));
    assert_eq!((task.class_name(3), task.class_name(12)), ("three".into(), "zwei".into()));
    // Speakers 4 and 9 are the highest: recordings 0, 3 and 4.
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [3, 3, 6]);
    let channels = |split, index| task.recording(split, index).channels.to_vec();
    assert_eq!((0..3).map(|index| channels(Split::Train, index)[1]).collect::<Vec<_>>(), [1, 2, 5]);
    assert_eq!((0..3).map(|index| channels(Split::Valid, index)[1]).collect::<Vec<_>>(), [0, 3, 4]);
    let batch = task.batch(Split::Test, &[5]);
    assert_eq!((batch.steps(), batch.target_count(), batch.target(0, 1)), (2, 2, Some(Target::Class(3))));
    assert_eq!((batch.events(0, 0).0, batch.events(0, 1).0), (&[699][..], &[0, 5][..]));

    let config = ShdConfig { pool: 100, value: BinValue::Count, valid_speakers: Some(vec![0]), ..Default::default() };
    let task = open(config).unwrap();
    assert_eq!((task.inputs(), task.sequences(Split::Train), task.sequences(Split::Valid)), (7, 5, 1));
    assert_eq!(task.batch(Split::Test, &[5]).events(0, 1), (&[0][..], &[2.0][..]));

    for (config, words) in [
        (
            ShdConfig { valid_speakers: Some(vec![4, 5]), ..Default::default() },
            "valid_speakers = [4, 5]: must be some but not all of the speakers [0, 2, 4, 9]",
        ),
        (ShdConfig { valid_speakers: Some(vec![]), ..Default::default() }, "valid_speakers = []"),
        (ShdConfig { valid_speakers: Some(vec![0, 2, 4, 9]), ..Default::default() }, "but not all"),
        (ShdConfig { pool: 3, ..Default::default() }, "pool = 3: must be a divisor of the 700"),
        (ShdConfig { pool: 0, ..Default::default() }, "pool = 0"),
        (ShdConfig { bin: Bin::Count(0), ..Default::default() }, "bin.count"),
    ] {
        let error = open(config).unwrap_err();
        assert!(matches!(&error, TaskError::Config(_)) && error.to_string().contains(words), "{error}");
    }
    fs::remove_file(folder.path().join("SHD/shd_test.h5.gz")).unwrap();
    let error = open(ShdConfig::default()).unwrap_err().to_string();
    assert!(error.contains("shd_test.h5") && error.contains("--data DIR"), "{error}");
}

#[test]
fn the_commands_have_their_own_splits() {
    let folder = tempfile::tempdir().unwrap();
    for (split, label) in [("train", 34), ("valid", 1), ("test", 2)] {
        let content = Content { labels: vec![label; 6], ..small(f16::from_f32) };
        write(&folder.path().join(format!("ssc_{split}.h5")), &content);
    }
    let task = Ssc::open(folder.path(), &SscConfig::default()).unwrap();
    assert_eq!((task.name(), task.inputs(), task.outputs()), ("ssc", 700, 35));
    assert_eq!(Split::ALL.map(|split| task.recording(split, 5).class), [34, 1, 2]);
}

#[test]
fn broken_files_name_the_part() {
    let read = |bytes: &[u8]| recordings_from_slice(bytes, Path::new("a.h5"), 20).unwrap_err();
    let says = |content: &Content<f32>, part: &str, words: &str| {
        let error = read(&bytes_of(content));
        let message = error.to_string();
        assert!(matches!(error, DatasetError::Malformed { at: At::Part(at), .. } if at == part), "{message}");
        assert!(message.contains("a.h5") && message.contains(words), "{message}");
    };
    let base = || small(|time| time);
    for (time, words) in [(f32::NAN, "NaN s"), (-0.5, "-0.5 s"), (f32::INFINITY, "inf s"), (5000.0, "5000 s")] {
        let mut content = base();
        content.times[4][1] = time;
        says(&content, "spikes/times", &format!("spike 1 of recording 4 is at {words}"));
    }
    for unit in [700, -1, 70_000] {
        let mut content = base();
        content.units[2][0] = unit;
        says(&content, "spikes/units", &format!("spike 0 of recording 2 is of channel {unit}"));
    }
    for label in [20, -1, i64::MIN] {
        let mut content = base();
        content.labels[1] = label;
        says(&content, "labels", &format!("label {label} of recording 1, expected 0 to 19"));
    }
    let mut content = base();
    content.units[5].pop();
    says(&content, "spikes/units", "recording 5 has 2 channels for 3 times");
    let mut content = base();
    content.units.pop();
    says(&content, "spikes/units", "5 recordings, but there are 6 labels");
    let mut content = base();
    content.times.push(vec![]);
    says(&content, "spikes/times", "7 recordings, but there are 6 labels");
    let error = read(b"not HDF5");
    assert!(
        matches!(&error, DatasetError::Malformed { at: At::Byte(0), .. }) && error.to_string().contains("HDF5"),
        "{error}"
    );
    let whole = gzip(&bytes_of(&base()));
    assert!(matches!(read(&whole[..whole.len() / 2]), DatasetError::Malformed { at: At::Unpacked(_), .. }));
}

/// A file whose parts are made one by one.
fn with(make: impl Fn(&File, &Group)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let file = File::create(&path).unwrap();
    make(&file, &file.create_group("spikes").unwrap());
    drop(file);
    recordings_from_slice(&fs::read(path).unwrap(), Path::new("a.h5"), 20).unwrap_err().to_string()
}

#[test]
fn missing_parts_and_wrong_types() {
    let content = small(|time| time);
    let times = || lists(&content.times, |time| time);
    let units = || lists(&content.units, |unit| unit as u16);
    let error = with(|_, _| ());
    assert!(error.contains("in `labels`") && error.contains("no such data set"), "{error}");
    let error = with(|file, _| set(file, "labels", &[1_u8; 6]));
    assert!(error.contains("in `spikes/times`") && error.contains("no such data set"), "{error}");
    let error = with(|file, spikes| {
        set(file, "labels", &[1_u8; 6]);
        set(spikes, "times", &times());
    });
    assert!(error.contains("in `spikes/units`") && error.contains("no such data set"), "{error}");
    let error = with(|file, _| set(file, "labels", &[0.5_f32; 6]));
    assert!(error.contains("in `labels`") && error.contains("expected whole numbers"), "{error}");
    let error = with(|file, _| set(file, "labels", &[0_u8; 0]));
    assert!(error.contains("in `labels`") && error.contains("no recordings"), "{error}");
    let error = with(|file, spikes| {
        set(file, "labels", &[1_u8; 6]);
        set(spikes, "times", &units());
    });
    assert!(error.contains("in `spikes/times`") && error.contains("lists of floating-point numbers"), "{error}");
    let error = with(|file, spikes| {
        set(file, "labels", &[1_u8; 6]);
        set(spikes, "times", &times());
        set(spikes, "units", &times());
    });
    assert!(error.contains("in `spikes/units`") && error.contains("lists of whole numbers"), "{error}");
    let error = with(|file, _| {
        file.new_dataset::<u8>().shape((2, 3)).create("labels").unwrap();
    });
    assert!(error.contains("in `labels`") && error.contains("[2, 3]"), "{error}");
    // Nothing is stored, but a terabyte of recordings claimed.
    let error = with(|file, _| {
        file.new_dataset::<u8>().chunk(100).shape(1 << 40).create("labels").unwrap();
    });
    assert!(error.contains("in `labels`") && error.contains("1099511627776 recordings"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        recordings in proptest::collection::vec(proptest::collection::vec((0_u32..2_000_000, 0_i32..700), 0..20), 1..150),
    ) {
        let content = Content {
            times: recordings.iter().map(|list| list.iter().map(|event| f64::from(event.0) / 1e6).collect()).collect(),
            units: recordings.iter().map(|list| list.iter().map(|event| event.1).collect()).collect(),
            labels: (0..recordings.len() as i64).map(|index| index % 20).collect(),
            speakers: vec![0; recordings.len()],
        };
        let read = recordings_from_slice(&bytes_of(&content), Path::new("x"), 20).unwrap();
        prop_assert_eq!(read.len(), recordings.len());
        for (index, list) in recordings.iter().enumerate() {
            let mut sorted = list.clone();
            sorted.sort_by_key(|event| event.0);
            let recording = read.get(index);
            prop_assert_eq!(recording.class, index % 20);
            // 32 bits have 24 for the value: below 2 s an error of less than 0.12 µs, which the rounding to whole ones undoes.
            prop_assert_eq!(recording.times, sorted.iter().map(|event| event.0).collect::<Vec<_>>());
            prop_assert_eq!(recording.channels, sorted.iter().map(|event| event.1 as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), signed: bool) {
        let bytes = if signed { [&b"\x89HDF\r\n\x1a\n"[..], &bytes].concat() } else { bytes };
        prop_assert!(recordings_from_slice(&bytes, Path::new("x"), 20).is_err());
    }

    #[test]
    fn cut_files_are_refused(cut in any::<prop::sample::Index>(), packed: bool) {
        let mut bytes = bytes_of(&small(f16::from_f32));
        bytes.truncate(cut.index(bytes.len()));
        let bytes = if packed { gzip(&bytes) } else { bytes };
        prop_assert!(recordings_from_slice(&bytes, Path::new("x"), 20).is_err());
    }
}
