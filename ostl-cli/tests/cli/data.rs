//! `ostl data list`, `info` and `make`.

use crate::support::Workplace;

#[test]
fn the_list_has_every_data_set_and_task() {
    let place = Workplace::new();
    let list = place.ostl("data list").succeeded().stdout;
    for name in ["jsb", "mnist", "fsdd", "nmnist-small", "tinyshakespeare", "wikitext-2", "shd", "ssc"] {
        assert!(list.lines().any(|line| line.starts_with(&format!("{name} "))), "no {name} in {list}");
    }
    let recall = list.lines().find(|line| line.starts_with("store-recall")).unwrap();
    assert!(recall.contains("hold a bit") && recall.ends_with("4 > 2"), "{recall}");
    assert!(list.contains("407.2 kB") && list.contains("CC BY-SA 4.0"), "{list}");
}

#[test]
fn info_of_a_generated_task() {
    let place = Workplace::new();
    let set = "--set delay=9 --set min_delay=9 --set distractors=2 --set train=40 --set task.valid=30";
    let info = place.ostl(&format!("data info store-recall {set}")).succeeded().stdout;
    let row = |name: &str| -> Vec<String> {
        let line = info.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{info}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    // Five of the forty inputs of a sequence are one.
    assert_eq!(row("train"), ["train", "40", "400", "10", "10", "10", "40", "12.500", "%"]);
    assert_eq!(row("valid")[1], "30");
    let counts: Vec<u64> = ["0 ", "1 "].iter().map(|class| row(class)[1].parse::<u64>().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), 40);
    assert!(info.contains("chance: loss 0.6931, accuracy 50.0 %"), "{info}");
}

/// A generated task, its files, and the task that reads them: the same counts.
#[test]
fn what_is_made_is_what_was_generated() {
    let place = Workplace::new();
    let set = "--set delay=9 --set train=40 --set valid=30 --set test=20";
    let counts = |info: String| -> Vec<String> {
        let rows = info.lines().filter(|line| ["train", "valid", "test"].iter().any(|split| line.starts_with(split)));
        rows.map(str::to_owned).collect()
    };
    let generated = counts(place.ostl(&format!("data info store-recall {set}")).succeeded().stdout);
    assert_eq!(generated.len(), 3);
    for format in ["npz", "jsonl"] {
        let said = place.ostl(&format!("data make store-recall {set} --out {format} --format {format}")).succeeded().stdout;
        assert!(said.contains(&format!("--data {format}")), "{said}");
        assert!(place.path(&format!("{format}/train.{format}")).exists());
        assert_eq!(counts(place.ostl(&format!("data info own --data {format}")).succeeded().stdout), generated);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let place = Workplace::new();
    place.ostl("data info imagenet").refused(2, &["`imagenet`", "ostl data list"]);
    place.ostl("data info store-recall --set dealy=3").refused(2, &["`store-recall`", "`dealy`", "`delay`"]);
    place.ostl("data info store-recall --set delay=0").refused(2, &["`store-recall`", "delay = 0"]);
    place.ostl("data info store-recall --set delay").refused(2, &["--set delay", "KEY=VALUE"]);
    assert_eq!(place.ostl("data info jsb").status, 2);
    assert_eq!(place.ostl("data info jsb --data nowhere").status, 2);
}

/// A recording of 800 samples of 16 bits, 8,000 a second: chunks before the samples, and the lengths that the header announces.
fn wave(before: &[u8], riff: u32, data: u32) -> Vec<u8> {
    let samples: Vec<u8> = (0..800_i32).flat_map(|i| ((i * i % 2003) as i16 - 1001).to_le_bytes()).collect();
    let format = b"fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0";
    let header = [b"RIFF", &riff.to_le_bytes()[..], b"WAVE", format, before, b"data", &data.to_le_bytes()].concat();
    [header, samples].concat()
}

/// Recordings as other programs write them: each is read and counted, in whatever letters its name ends.
#[test]
fn recordings_of_other_programs_are_counted() {
    let plain = wave(b"", 1636, 1600);
    for (name, bytes) in [
        ("1_anna_10.WAV", plain.clone()),
        ("1_anna_10.wav", wave(b"iXML\x05\0\0\0<a/>x\0", 1650, 1600)),
        ("1_anna_10.wav", wave(b"", u32::MAX, u32::MAX)),
    ] {
        let place = Workplace::new();
        for digit in 0..3 {
            for index in [0, 5, 10] {
                std::fs::write(place.path(&format!("{digit}_anna_{index}.wav")), &plain).unwrap();
            }
        }
        std::fs::remove_file(place.path("1_anna_10.wav")).unwrap();
        std::fs::write(place.path(name), bytes).unwrap();
        let info = place.ostl("data info fsdd --data .").succeeded().stdout;
        let row = info.lines().find(|line| line.starts_with("train")).unwrap();
        // 800 samples are 1 + (800 - 200)/80 = 8 frames.
        assert_eq!(row.split_whitespace().collect::<Vec<_>>()[..6], ["train", "3", "24", "8", "8", "8"], "{info}");
    }
}

#[test]
fn lists_of_events_are_checked_and_remarked_on() {
    let place = Workplace::new();
    let put = |name: &str, content: &str| std::fs::write(place.path(name), content).unwrap();
    put("a.csv", "t_ms,channel\n0,2\n9.5,0\n10,1\n");
    put("b.csv", "t_ms,channel\n1,1\n31,2\n");
    for split in ["train", "valid", "test"] {
        put(&format!("{split}.csv"), "file,label\na.csv,up\nb.csv,down\n");
    }
    let info = place.ostl("data info event-list --data . --set bin={width_ms=10}").succeeded().stdout;
    assert!(info.contains("note: 2 of the 2 recordings of the test split are learned from, too: a.csv, b.csv"), "{info}");
    put("train.csv", "file,label\na.csv,up\nb.csv,down\na.csv,down\n");
    let words = ["train.csv: line 4: `a.csv` is listed twice", "two labels, `up` and `down`", "remove one of the lines"];
    place.ostl("data info event-list --data . --set bin={width_ms=10}").refused(1, &words);
    // Of 23 bytes, with a channel that nobody has.
    put("train.csv", "file,label\na.csv,up\nb.csv,down\n");
    put("b.csv", "t_us,channel\n1,9999999\n");
    let words = ["b.csv: line 2: channel `9999999`", "setting `channels`"];
    place.ostl("data info event-list --data .").refused(1, &words);
}

#[test]
fn music_with_a_byte_order_mark() {
    let place = Workplace::new();
    let splits = r#"{"train": [[[60], [62]]], "valid": [[[60], [62]]], "test": [[[60], [62]]]}"#;
    std::fs::write(place.path("JSB-Chorales-Quarter.json"), format!("\u{feff}{splits}")).unwrap();
    assert!(place.ostl("data info jsb --data .").succeeded().stdout.contains("jsb: 88 inputs"));
}

/// The licence of the chorales is not that of any other music.
#[test]
fn other_data_than_the_published_ones_are_not_called_so() {
    let place = Workplace::new();
    let splits = r#"{"train": [[[60], [62]]], "valid": [[[60], [62]]], "test": [[[60], [62]]]}"#;
    std::fs::write(place.path("tune.json"), splits).unwrap();
    let info = place.ostl("data info jsb --data tune.json").succeeded().stdout;
    assert!(info.starts_with("jsb: other data than the published ones (382 four-part chorales"), "{info}");
    assert!(info.contains("tune.json") && info.contains("jsb: 88 inputs, 88 values"), "{info}");
    for words in ["licence:", "Boulanger-Lewandowski", "address:"] {
        assert!(!info.contains(words), "{words} in {info}");
    }
}

/// Whoever guesses a test split of a single class is not perfectly balanced.
#[test]
fn one_of_a_kind_is_no_plural_and_no_chance() {
    let place = Workplace::new();
    let line = |class: usize| format!("{{\"inputs\": [[0.5]], \"target\": {class}}}\n");
    std::fs::write(place.path("train.jsonl"), line(0) + &line(1)).unwrap();
    std::fs::write(place.path("valid.jsonl"), line(0)).unwrap();
    let info = place.ostl("data info own --data .").succeeded().stdout;
    assert!(info.contains("own: 1 input, 2 classes"), "{info}");
    let chance = info.lines().find(|line| line.starts_with("chance:")).unwrap();
    assert!(chance.contains("accuracy") && !chance.contains("balanced-accuracy"), "{info}");
    std::fs::write(place.path("valid.jsonl"), line(0) + &line(1)).unwrap();
    let info = place.ostl("data info own --data .").succeeded().stdout;
    assert!(info.contains("balanced-accuracy 50.0 %"), "{info}");
}
