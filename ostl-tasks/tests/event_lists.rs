//! Lists of events in CSV files: what they become, and what the errors say about broken ones.

use std::fs;
use std::path::Path;

use ostl_core::Target;
use ostl_tasks::events::lists::{events_from_slice, manifest_from_slice};
use ostl_tasks::{
    At, Bin, BinValue, DatasetError, EventLists, EventListsConfig, Recordings, Split, TargetSteps, Task, TaskError,
};
use proptest::prelude::*;

fn read(csv: &[u8], channels: u32) -> Result<Recordings, DatasetError> {
    let mut recordings = Recordings::new();
    events_from_slice(csv, Path::new("a.csv"), channels, "the setting `channels`", &mut recordings)?;
    recordings.finish(0);
    Ok(recordings)
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

const FILES: [(&str, &str); 7] = [
    ("train.csv", "file,label\nevents/a.csv,up\nevents/b.csv,down\nevents/c.csv,up\n"),
    ("valid.csv", "label,file\ndown,events/b.csv\n"),
    ("test.csv", "file,label\nevents/d.csv,down\n"),
    ("events/a.csv", "t_ms,channel\n0,2\n9.999,0\n10,1\n10.5,1\n"),
    ("events/b.csv", "channel,t_s,value\n3,0.031,0.5\n3,0.0305,-1.25\n0,0,2\n"),
    ("events/c.csv", "t_us,channel\n"),
    ("events/d.csv", "t_us,channel\n25000,3\n"),
];

#[test]
fn a_folder_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("event-list"), &FILES);
    let task = EventLists::open(folder.path(), &EventListsConfig::default()).unwrap();
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [3, 1, 1]);
    assert_eq!((task.inputs(), task.outputs(), task.labels()), (4, 2, &["down".to_owned(), "up".to_owned()][..]));
    assert_eq!(task.class_name(1), "up");
    let batch = task.batch(Split::Train, &[0, 1, 2]);
    assert_eq!(batch.lengths(), [2, 4, 1]);
    assert_eq!(batch.events(0, 0), (&[0, 2][..], &[1.0, 1.0][..]));
    assert_eq!(batch.events(0, 1), (&[1][..], &[2.0][..]));
    assert_eq!(batch.events(1, 0), (&[0][..], &[2.0][..]));
    assert_eq!(batch.events(1, 3), (&[3][..], &[-0.75][..]));
    assert_eq!(batch.events(2, 0).0.len(), 0);
    assert_eq!((batch.target(0, 1), batch.target(1, 0)), (Some(Target::Class(1)), Some(Target::Class(0))));
    assert_eq!(batch.target_count(), 7);
    // Known: 2 + 1 targets of `up`, 4 of `down`; asked: 3 of `down`. With one more of each: 5/9.
    assert!((task.chance().unwrap() + (5.0_f64 / 9.0).ln()).abs() < 1e-12);
    assert_eq!(task.chance_accuracy(), Some(1.0));

    let config = EventListsConfig {
        bin: Bin::Count(2),
        value: BinValue::Binary,
        targets: TargetSteps::Last,
        channels: Some(10),
        max_steps: Some(1),
    };
    let task = EventLists::open(folder.path(), &config).unwrap();
    let batch = task.batch(Split::Train, &[1]);
    assert_eq!((task.inputs(), batch.steps(), batch.target_count()), (10, 1, 1));
    assert_eq!(batch.events(0, 0), (&[0, 3][..], &[1.0, 1.0][..]));
}

#[test]
fn whole_numbers_are_classes_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &FILES);
    let manifest = "file,label\nevents/a.csv,10\nevents/b.csv,9\nevents/c.csv,10\n";
    let labels = [("train.csv", manifest), ("valid.csv", "file,label\nevents/a.csv,9\n"), ("test.csv", manifest)];
    write(folder.path(), &labels);
    let task = EventLists::open(folder.path(), &EventListsConfig::default()).unwrap();
    assert_eq!(task.labels(), ["9", "10"]);
    assert_eq!(task.recording(Split::Train, 0).class, 1);
}

#[test]
fn broken_folders_name_the_line() {
    let config = EventListsConfig::default();
    let with = |changed: &[(&str, &str)], config: &EventListsConfig| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &FILES);
        write(folder.path(), changed);
        EventLists::open(folder.path(), config).unwrap_err()
    };
    for (changed, words) in [
        (("test.csv", "file,label\nevents/d.csv,left\n"), ["test.csv: line 2", "`left` is not among", "down, up"]),
        (("train.csv", "file,label\n\n\nevents/a.csv,up\n"), ["train.csv: line 4", "every label is `up`", "two"]),
        (("valid.csv", "file,label\nevents/a.csv,up\nevents/z.csv,up\n"), ["valid.csv: line 3", "z.csv", "no file"]),
        (("events/d.csv", "t_us,channel\n1,4\n"), ["d.csv: line 2", "channel `4`", "below 4"]),
        (("events/a.csv", "t_us,channel\n1,2\n-1,2\n"), ["a.csv: line 3", "time `-1`", "0 to 4294"]),
        (("train.csv", "name,label\n"), ["train.csv: line 1", "`name`", "`file` and `label`"]),
    ] {
        let message = with(&[changed], &config).to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    let error = with(&[], &EventListsConfig { channels: Some(3), ..config.clone() }).to_string();
    assert!(error.contains("b.csv") && error.contains("channel `3`") && error.contains("setting `channels`"), "{error}");
    let error = with(&[], &EventListsConfig { channels: Some(0), ..config.clone() });
    assert!(matches!(&error, TaskError::Config(_)) && error.to_string().contains("channels = 0"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &FILES);
    fs::remove_file(folder.path().join("valid.csv")).unwrap();
    let error = EventLists::open(folder.path(), &config).unwrap_err().to_string();
    assert!(error.contains("valid.csv") && error.contains("--data DIR"), "{error}");
}

#[test]
fn broken_recordings_name_the_line() {
    for (csv, line, words) in [
        ("", 1, "no `channel`"),
        ("channel\n", 1, "exactly one column of times"),
        ("channel,t_us,t_ms\n", 1, "exactly one column of times"),
        ("channel,t_us,channel\n", 1, "`channel` comes twice"),
        ("channel,t_us,weight\n", 1, "unknown column `weight`"),
        ("channel,t_us\n0,1\n\n0\n", 4, "1 fields where the header has 2"),
        ("channel,t_us\n0,nan\n", 2, "time `nan`"),
        ("channel,t_s\n0,4295\n", 2, "time `4295`"),
        ("channel,t_s\n0,inf\n", 2, "time `inf`"),
        ("channel,t_us\r\n\r\n1.5,3\r\n", 3, "channel `1.5`"),
        ("channel,t_us\n8,3\n", 2, "channel `8`, expected a whole number below 8, the setting"),
        ("channel,t_us,value\n1,3,1\n1,3,NaN\n", 3, "value `NaN`"),
        ("channel,t_us,value\n1,3,1e10\n", 2, "value `1e10`"),
    ] {
        let error = read(csv.as_bytes(), 8).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, DatasetError::Malformed { at: At::Line(at), .. } if at == line), "{csv:?}: {message}");
        assert!(message.contains("a.csv") && message.contains(words), "{message}");
    }
    let error = read(b"channel,t_us\n1,\xff\n", 8).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("UTF-8"), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_is_read(events in proptest::collection::vec((0_u32..1_000_000, 0_u32..50, -8_i8..8), 0..40), unit in 0..3) {
        let (name, divisor) = [("t_us", 1.0), ("t_ms", 1e3), ("t_s", 1e6)][unit as usize];
        let line = |&(time, channel, value): &(u32, u32, i8)| format!("{},{channel},{value}\n", f64::from(time) / divisor);
        let csv = format!("{name},channel,value\n{}", events.iter().map(line).collect::<String>());
        let recordings = read(csv.as_bytes(), 50).unwrap();
        let mut sorted = events.clone();
        sorted.sort_by_key(|&(time, ..)| time);
        let recording = recordings.get(0);
        prop_assert_eq!(recording.times, sorted.iter().map(|event| event.0).collect::<Vec<_>>());
        prop_assert_eq!(recording.channels, sorted.iter().map(|event| event.1).collect::<Vec<_>>());
        if events.iter().any(|event| event.2 != 1) {
            prop_assert_eq!(recording.values, sorted.iter().map(|event| f32::from(event.2)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn anything_is_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..80), header: bool, body in "[0-9,.\n\"e-]{0,60}",
    ) {
        let csv = if header { format!("t_us,channel,value\n{body}").into_bytes() } else { bytes };
        if let Ok(recordings) = read(&csv, 20) {
            let recording = recordings.get(0);
            prop_assert!(recording.times.is_sorted() && recording.channels.iter().all(|&channel| channel < 20));
            prop_assert!(recording.values.iter().all(|value| value.is_finite()));
        }
        let manifest = if header { format!("file,label\n{body}").into_bytes() } else { csv };
        if let Ok(listed) = manifest_from_slice(&manifest, Path::new("x")) {
            prop_assert!(listed.iter().all(|entry| !entry.file.is_empty() && !entry.label.is_empty()));
        }
    }
}
