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
    assert_eq!([Split::Train, Split::Test].map(|split| task.class_counts(split)), [Some(vec![4, 3]), Some(vec![3, 0])]);

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

fn opened(changed: &[(&str, &str)]) -> Result<EventLists, String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &FILES);
    write(folder.path(), changed);
    EventLists::open(folder.path(), &EventListsConfig::default()).map_err(|error| error.to_string())
}

/// A recording listed twice is refused, under any of its names and whatever its labels.
#[test]
fn no_recording_is_listed_twice() {
    let with = |line: &str| opened(&[("train.csv", &format!("file,label\nevents/a.csv,up\nevents/b.csv,down\n{line}\n"))]);
    let error = with("events/a.csv,down").unwrap_err();
    assert!(
        error.contains("train.csv: line 4: `events/a.csv` is listed twice, in line 2 and here, with two labels"),
        "{error}"
    );
    assert!(error.contains("`up` and `down`") && error.contains("remove one of the lines"), "{error}");
    for line in ["events/a.csv,up", "./events/a.csv,up", "events//a.csv,up", "events/./a.csv,up", "Events/A.csv,up"] {
        let error = with(line).unwrap_err();
        assert!(error.contains("line 4") && error.contains("listed twice, in line 2 and here, both times"), "{error}");
    }
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &FILES);
        std::os::unix::fs::symlink(folder.path().join("events/a.csv"), folder.path().join("again.csv")).unwrap();
        write(folder.path(), &[("test.csv", "file,label\nevents/a.csv,up\nagain.csv,up\n")]);
        let error = EventLists::open(folder.path(), &EventListsConfig::default()).unwrap_err().to_string();
        assert!(error.contains("test.csv: line 3: `again.csv` is listed twice"), "{error}");
    }
}

/// What lies in two splits is learned from, and told.
#[test]
fn recordings_of_two_splits_are_told() {
    let task = opened(&[]).unwrap();
    assert_eq!(task.remarks(), ["1 of the 1 recordings of the valid split are learned from, too: b.csv"]);
    let task = opened(&[("valid.csv", "file,label\nevents/d.csv,up\n")]).unwrap();
    assert!(task.remarks().is_empty());
    let long = "t_s,channel\n0,0\n1000.001,3\n";
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &FILES);
    write(folder.path(), &[("events/d.csv", long)]);
    let config = EventListsConfig { bin: Bin::WidthMs(1.0), ..EventListsConfig::default() };
    let remarks = EventLists::open(folder.path(), &config).unwrap().remarks();
    assert!(
        remarks.iter().any(|remark| remark.contains("1 of the 1 recordings of the test split go on beyond 1000000 steps"))
    );
    let asked = EventListsConfig { max_steps: Some(10), ..config };
    assert_eq!(EventLists::open(folder.path(), &asked).unwrap().remarks().len(), 1);
}

/// A list says where recordings lie below it. What lies elsewhere is not opened, and so none of it gets into a message.
#[test]
fn paths_stay_below_the_list() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.csv");
    fs::write(&secret, "password-of-the-house\n").unwrap();
    for path in [secret.to_str().unwrap(), "../secret.csv", "events/../../secret.csv", "/etc/passwd", "C:\\secret.csv", "."]
    {
        let error = opened(&[("train.csv", &format!("file,label\nevents/a.csv,up\n\"{path}\",down\n"))]).unwrap_err();
        assert!(error.contains("train.csv: line 3") && error.contains("does not lie below the folder"), "{error}");
        assert!(!error.contains("password") && !error.contains("root"), "{error}");
    }
    // A file below that is something else altogether is not quoted either.
    let error = opened(&[("events/a.csv", "root:x:0:0:root:/root\n")]).unwrap_err();
    assert!(error.contains("a.csv: line 1: column 1 has no known name, expected the columns `channel`"), "{error}");
    assert!(!error.contains("root:"), "{error}");
}

/// One wrong number does not make a network of millions of inputs, unless a setting says that it is right.
#[test]
fn channels_beyond_belief_are_refused() {
    for channel in ["9999999", "4294967295", "1048576"] {
        let error = opened(&[("events/a.csv", &format!("t_us,channel\n0,{channel}\n"))]).unwrap_err();
        let words = format!(
            "a.csv: line 2: channel `{channel}`, expected a whole number below 1048576, unless the setting `channels`"
        );
        assert!(error.contains(&words), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &FILES);
    write(folder.path(), &[("events/a.csv", "t_us,channel\n0,9999999\n")]);
    let config = EventListsConfig { channels: Some(10_000_000), ..EventListsConfig::default() };
    assert_eq!(EventLists::open(folder.path(), &config).unwrap().inputs(), 10_000_000);
}

#[test]
fn what_other_programs_write_is_read_or_told() {
    let plain = opened(&[]).unwrap().batch(Split::Train, &[0, 1, 2]);
    let as_of = |csv: &str| opened(&[("events/a.csv", csv)]).map(|task| task.batch(Split::Train, &[0, 1, 2]));
    for csv in [
        "\u{feff}t_ms,channel\n0,2\n9.999,0\n10,1\n10.5,1\n",
        "T_MS,Channel\r\n0,2\r\n9.999,0\r\n10,1\r\n10.5,1\r\n\r\n  \r\n",
        "t_ms,channel\n0.0,2.0\n9.999,0.0\n10.0,1.0\n10.5,1.0\n",
        "t_ms,channel\r0,2\r9.999,0\r10,1\r10.5,1\r",
        "\"t_ms\",\"channel\"\n\"10.5\",\"1\"\n10,1\n\n0,2\n9.999,0",
    ] {
        assert!(as_of(csv).unwrap() == plain, "{csv:?}");
    }
    for (csv, words) in [
        ("0,2\n9.999,0\n", "line 1: numbers, expected the names of the columns"),
        ("t_ms;channel\n0;2\n", "line 1: fields are separated by semicolons: save the file with commas"),
        ("t_ms\tchannel\n", "tabulators"),
        ("t_ms,channel\r\r0,2\r-3,0\r", "line 4: time `-3`, expected a number from 0 to 4294 seconds"),
        ("t_ms,channel\n-3,0\n", "count from the start of the recording"),
        ("t_ms,channel\nNaN,0\n", "line 2: time `NaN`"),
        ("t_ms,channel\n0,-1\n", "line 2: channel `-1`"),
    ] {
        let error = as_of(csv).unwrap_err();
        assert!(error.contains("a.csv") && error.contains(words), "{error}");
    }
    let wide: Vec<u8> = "t_ms,channel\n0,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = read(&wide, 8).unwrap_err().to_string();
    assert!(error.contains("a.csv: byte 0: text in UTF-16LE, expected UTF-8"), "{error}");
    for (list, words) in [
        ("events/a.csv,up\n", "line 1: column 1 has no known name, expected the columns `file` and `label`"),
        (
            "file,label\nevents/a.csv,\"up\nevents/b.csv,down\n",
            "line 2: a field that goes on in the next line: close its quotes",
        ),
        ("file,label\nevents/a.csv,1\nevents/b.csv,01\n", "is the same number as `"),
        ("file,label\nevents/y.csv,1\nevents/a.csv,1\nevents/z.csv,2\n", "and none for 1 more lines"),
    ] {
        let error = opened(&[("train.csv", list)]).unwrap_err();
        assert!(error.contains("train.csv") && error.contains(words), "{error}");
    }
    // Names of lists and recordings in capitals.
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &FILES);
    for (from, to) in [("train.csv", "TRAIN.CSV"), ("test.csv", "Test.Csv"), ("events/a.csv", "events/A.CSV")] {
        fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
    }
    let task = EventLists::open(folder.path(), &EventListsConfig::default()).unwrap();
    assert!(task.batch(Split::Train, &[0, 1, 2]) == plain);
}
