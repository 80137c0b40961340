//! Recordings and folders written here: what they become, and what the errors say about broken ones.

use std::fs;
use std::path::Path;

use ostl_core::Target;
use ostl_tasks::speech::{FrontEnd, Recording, sphere};
use ostl_tasks::{DatasetError, Fsdd, FsddConfig, Split, TargetSteps, Task, TaskError, Timit, TimitConfig};
use proptest::prelude::*;

/// A RIFF file of 16-bit samples, one channel, byte by byte as the format's description has it.
fn riff(rate: u32, samples: &[i16]) -> Vec<u8> {
    let length = 2 * samples.len() as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend((2 * rate).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(length.to_le_bytes());
    samples.iter().for_each(|sample| bytes.extend(sample.to_le_bytes()));
    bytes
}

/// A SPHERE file with a header of 1,024 bytes as TIMIT's have it; `order` is `01` or `10`.
fn nist(order: &str, samples: &[i16]) -> Vec<u8> {
    let count = samples.len();
    let mut bytes = format!(
        "NIST_1A\n   1024\ndatabase_id -s5 TIMIT\nchannel_count -i 1\nsample_count -i {count}\nsample_rate -i 16000\n\
         sample_min -i -2191\nsample_n_bytes -i 2\nsample_byte_format -s2 {order}\nsample_sig_bits -i 16\nend_head\n"
    )
    .into_bytes();
    bytes.resize(1024, b' ');
    let encode = if order == "01" { i16::to_le_bytes } else { i16::to_be_bytes };
    samples.iter().for_each(|&sample| bytes.extend(encode(sample)));
    bytes
}

/// So many samples that are not all the same.
fn noise(samples: usize, seed: usize) -> Vec<i16> {
    (0..samples).map(|i| ((i * i * (seed + 7) + 31 * i) % 2003) as i16 - 1001).collect()
}

fn sphere_error(bytes: &[u8]) -> String {
    let error = sphere::read(bytes, Path::new("a.wav")).unwrap_err();
    assert!(matches!(error, DatasetError::Malformed { .. }));
    error.to_string()
}

#[test]
fn sphere_in_both_byte_orders() {
    for order in ["01", "10"] {
        let read = Recording::from_slice(&nist(order, &[-32768, 16384, 1]), Path::new("a.wav")).unwrap();
        assert_eq!((read.rate, read.samples), (16_000, vec![-1.0, 0.5, 1.0 / 32768.0]));
    }
    let mut stereo = nist("01", &[16384, 8192, -16384, 16384]);
    let at = stereo.windows(13).position(|part| part == b"channel_count").unwrap() + 17;
    stereo[at] = b'2';
    let at = stereo.windows(12).position(|part| part == b"sample_count").unwrap() + 16;
    stereo[at] = b'2';
    assert_eq!(sphere::read(&stereo, Path::new("a.wav")).unwrap().samples, [0.375, 0.0]);
}

#[test]
fn broken_sphere_headers_are_told() {
    let whole = nist("01", &[1, 2, 3]);
    for end in 0..whole.len() {
        assert!(sphere_error(&whole[..end]).contains("a.wav: byte"), "{end}");
    }
    assert!(
        sphere_error(&whole[..whole.len() - 1])
            .contains("byte 1029: the header announces 3 samples of 2 bytes, and 5 bytes")
    );
    let with = |from: &str, to: &str| {
        let text = String::from_utf8(whole[..1024].to_vec()).unwrap().replace(from, to);
        let mut bytes = text.into_bytes();
        bytes.resize(1024, b' ');
        bytes.extend(&whole[1024..]);
        sphere_error(&bytes)
    };
    for (from, to, words) in [
        ("   1024", "   4294", "the file ends inside its header of 4294 bytes"),
        ("   1024", "9999999", "expected the header's length"),
        ("sample_count -i 3", "sample_count -i 99999999999999", "announces 99999999999999 samples"),
        ("sample_count -i 3", "sample_count -i 18446744073709551615", "announces"),
        ("sample_count -i 3", "sample_count -i -3", "header line `sample_count -i -3`: expected a whole number"),
        ("sample_count -i 3", "sample_count -r 3", "expected the type `-i`"),
        ("sample_count -i 3", "sample_count", "expected `name type value`"),
        ("sample_count -i 3\n", "", "no field `sample_count`"),
        ("sample_byte_format -s2 01", "sample_byte_format -s2 00", "`sample_byte_format` is `00`"),
        ("sample_byte_format -s2 01", "sample_byte_format -s9 01", "expected 9 characters"),
        ("sample_n_bytes -i 2", "sample_n_bytes -i 1", "`sample_n_bytes` is `1`"),
        ("channel_count -i 1", "channel_count -i 0", "`channel_count` is `0`"),
        ("sample_rate -i 16000", "sample_rate -i 0", "`sample_rate` is `0`"),
        ("end_head", "end_body x y", "no line `end_head`"),
        ("database_id -s5 TIMIT", "sample_coding -s26 pcm,embedded-shorten-v2.00\n", "sph2pipe"),
    ] {
        let error = with(from, to);
        assert!(error.contains(words), "{error}");
    }
}

/// Recordings of two digits and two speakers in memory, one of each split.
fn digits() -> Vec<(String, Vec<u8>)> {
    let names = ["0_ann_0", "0_ann_5", "0_ann_12", "3_b_o_1", "3_b_o_9", "3_b_o_10"];
    let file = |(i, name): (usize, &&str)| (format!("{name}.wav"), riff(8000, &noise(600 + 80 * i, i)));
    names.iter().enumerate().map(file).collect()
}

fn from_memory(recordings: &[(String, Vec<u8>)], config: &FsddConfig) -> Result<Fsdd, String> {
    let borrowed: Vec<(&str, &[u8])> = recordings.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    Fsdd::from_recordings(&borrowed, config).map_err(|error| error.to_string())
}

#[test]
fn digits_in_memory_and_in_every_folder() {
    let config = FsddConfig::default();
    let task = from_memory(&digits(), &config).unwrap();
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [2, 2, 2]);
    let who = |split, index| (task.digit(split, index), task.speaker(split, index));
    assert_eq!([who(Split::Train, 0), who(Split::Train, 1), who(Split::Test, 1)], [(0, "ann"), (3, "b_o"), (3, "b_o")]);
    // 760 samples are 1 + (760 − 200)/80 = 8 frames, 680 are 7.
    assert_eq!([task.steps(Split::Train, 0), task.steps(Split::Valid, 0)], [8, 7]);
    let batch = task.batch(Split::Test, &[1]);
    assert!((0..batch.steps()).all(|step| batch.target(0, step) == Some(Target::Class(3))));

    let folder = tempfile::tempdir().unwrap();
    for sub in ["", "recordings", "fsdd", "fsdd/recordings"] {
        let inside = folder.path().join(sub);
        fs::create_dir_all(&inside).unwrap();
        fs::write(inside.join("README.md"), "").unwrap();
        fs::write(inside.join("._0_ann_0.wav"), "").unwrap();
        for (name, bytes) in digits() {
            fs::write(inside.join(name), bytes).unwrap();
        }
        let opened = Fsdd::open(folder.path(), &config).unwrap();
        for split in Split::ALL {
            assert_eq!(opened.batch(split, &[0, 1]), task.batch(split, &[0, 1]));
        }
        for (name, _) in digits() {
            fs::remove_file(inside.join(name)).unwrap();
        }
    }
    let TaskError::Dataset(DatasetError::NotFound { looked_at, .. }) = Fsdd::open(folder.path(), &config).unwrap_err()
    else {
        panic!("opened")
    };
    assert_eq!(looked_at.len(), 4);
}

#[test]
fn broken_digits_are_told() {
    let config = FsddConfig::default();
    let (nobody, name) = (digits(), |at: usize, name: &str| {
        let mut recordings = digits();
        recordings[at].0 = name.to_owned();
        recordings
    });
    let content = |bytes: Vec<u8>| {
        let mut recordings = digits();
        recordings[2].1 = bytes;
        recordings
    };
    for (recordings, words) in [
        (name(0, "zero_ann_0.wav"), "zero_ann_0.wav: in `the file's name`: expected `{digit}_{speaker}_{index}.wav`"),
        (name(0, "0_ann_+1.wav"), "0_ann_+1.wav"),
        (name(0, "0_ann_05.wav"), "the same recording as `0_ann_05.wav`: remove"),
        (nobody[..1].to_vec(), "split train"),
        (content(riff(16_000, &[1; 900])), "0_ann_12.wav: in `header`: 16000 samples a second, expected 8000: resample"),
        (content(riff(8_000, &[])), "0_ann_12.wav: in `data`: no samples"),
        (content(riff(8_000, &[1; 900])[..900].to_vec()), "0_ann_12.wav: byte 900: the file ends before"),
        (content(b"OggS".to_vec()), "0_ann_12.wav: byte 0: neither a RIFF WAVE nor"),
        (content(Vec::new()), "0_ann_12.wav: byte 0: the file is empty"),
    ] {
        let error = from_memory(&recordings, &config).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    for (config, words) in [
        (FsddConfig { valid: vec![7, 4], ..config.clone() }, "valid = 4: must be indices from 5 on"),
        (FsddConfig { valid: vec![], ..config.clone() }, "valid = []"),
        (
            FsddConfig { held_out: Some("eve".into()), ..config.clone() },
            "held_out = \"eve\": must be one of the speakers: ann, b_o",
        ),
    ] {
        let error = from_memory(&nobody, &config).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let mut spikes = FsddConfig { front_end: FrontEnd::Spikes, ..config };
    for (levels, words) in [
        (vec![], "spikes.levels (how many) = 0"),
        (vec![1.0, 0.0], "in ascending order"),
        (vec![f32::NAN], "spikes.levels = NaN"),
    ] {
        spikes.spikes.levels = levels;
        let error = from_memory(&nobody, &spikes).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

/// A corpus of one sentence (and SA1) of a train speaker, a development one, one of neither set, and a core one.
fn corpus(root: &Path, content: impl Fn(usize) -> Vec<u8>, capitals: bool) {
    let speakers = ["train/dr1/fcjf0", "test/dr1/faks0", "test/dr1/mzzz0", "test/dr2/felc0"];
    for (i, speaker) in speakers.into_iter().enumerate() {
        let case = |text: &str| if capitals { text.to_ascii_uppercase() } else { text.to_owned() };
        let folder = root.join(case(speaker));
        fs::create_dir_all(&folder).unwrap();
        for sentence in ["sa1", "si10"] {
            fs::write(folder.join(case(&format!("{sentence}.wav"))), content(i)).unwrap();
            fs::write(folder.join(case(&format!("{sentence}.phn"))), "0 800 h#\n800 1200 q\n1200 1500 ix\n1500 1600 zh\n")
                .unwrap();
        }
    }
}

fn class_names(task: &Timit) -> Vec<String> {
    let batch = task.batch(Split::Test, &[0]);
    let name = |step| match batch.target(0, step) {
        Some(Target::Class(class)) => task.class_name(class).into_owned(),
        _ => "-".to_owned(),
    };
    (0..batch.steps()).map(name).collect()
}

#[test]
fn a_corpus_in_either_format_and_case() {
    let samples = |i| noise(2000, i);
    let (little, big, wave) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    corpus(little.path(), |i| nist("01", &samples(i)), true);
    corpus(&big.path().join("timit/data"), |i| nist("10", &samples(i)), false);
    corpus(&wave.path().join("TIMIT"), |i| riff(16_000, &samples(i)), true);
    let config = TimitConfig::default();
    let task = Timit::open(little.path(), &config).unwrap();
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [1, 1, 1]);
    assert_eq!([task.sentence(Split::Valid, 0), task.sentence(Split::Test, 0)], [("faks0", "si10"), ("felc0", "si10")]);
    assert_eq!((task.inputs(), task.outputs(), task.name()), (39, 39, "timit"));
    // Frames of 400 samples each 160: their middles are 200, 360, …, 1 800.
    assert_eq!(class_names(&task), ["sil", "sil", "sil", "sil", "-", "-", "-", "ih", "ih", "-", "-"]);
    let (chance, accuracy) = (task.chance().unwrap(), task.chance_accuracy().unwrap());
    // Train and test alike: four frames of sil, two of ih, of 39 classes.
    let loss = -(4.0 * (5.0_f64 / 45.0).ln() + 2.0 * (3.0_f64 / 45.0).ln()) / 6.0;
    assert!((chance - loss).abs() < 1e-12 && (accuracy - 4.0 / 6.0).abs() < 1e-12);
    for folder in [big.path(), wave.path()] {
        let other = Timit::open(folder, &config).unwrap();
        assert!(Split::ALL.iter().all(|&split| other.batch(split, &[0]) == task.batch(split, &[0])));
    }
    let all = Timit::open(little.path(), &TimitConfig { phones: 61, ..config.clone() }).unwrap();
    assert_eq!(class_names(&all)[3..9], ["h#", "q", "q", "q", "ix", "ix"]);
    let some = Timit::open(little.path(), &TimitConfig { phones: 48, ..config.clone() }).unwrap();
    assert_eq!((some.outputs(), &class_names(&some)[3..8]), (48, &["sil", "-", "-", "-", "ix"].map(String::from)[..]));
    let error = Timit::open(little.path(), &TimitConfig { phones: 40, ..config }).unwrap_err().to_string();
    assert!(error.contains("phones = 40: must be 39, 48 or 61"), "{error}");
}

#[test]
fn broken_corpora_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let error = || Timit::open(root, &TimitConfig::default()).unwrap_err().to_string();
    assert!(error().contains("TRAIN") && error().contains("--data DIR"), "{}", error());
    corpus(root, |i| nist("01", &noise(2000, i)), true);
    let core = root.join("TEST/DR2/FELC0");
    fs::write(core.join("SI10.PHN"), "0 800 h#\n800 900 zz\n").unwrap();
    assert!(error().contains("SI10.PHN: line 2: `zz` is none of the 61 phones"), "{}", error());
    fs::write(core.join("SI10.PHN"), "5000 6000 aa\n").unwrap();
    assert!(error().contains("no phone sounds"), "{}", error());
    fs::remove_file(core.join("SI10.PHN")).unwrap();
    assert!(error().contains("SI10.PHN"), "{}", error());
    fs::remove_file(core.join("SI10.WAV")).unwrap();
    assert!(error().contains("split test"), "{}", error());
    fs::write(core.join("SI10.PHN"), "0 800 h#\n").unwrap();
    assert!(error().contains("SI10.WAV"), "{}", error());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(start in prop::sample::select(vec!["", "RIFF", "NIST_1A\n", "NIST_1A\n   1024\n"]),
                                     bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [start.as_bytes(), &bytes].concat();
        prop_assert!(Recording::from_slice(&bytes, Path::new("x")).is_err());
    }

    #[test]
    fn truncations_and_mutations_are_read_or_refused(
        samples in proptest::collection::vec(any::<i16>(), 1..40), kind in 0..3, cut in any::<Option<prop::sample::Index>>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), early: bool,
    ) {
        let whole = match kind {
            0 => riff(8_000, &samples),
            1 => nist("01", &samples),
            _ => nist("10", &samples),
        };
        let mut bytes = whole;
        // Most changes to the header, which is where they matter.
        let room = if early { bytes.len().min(if kind == 0 { 44 } else { 220 }) } else { bytes.len() };
        for (at, byte) in changes {
            bytes[at.index(room)] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(recording) = Recording::from_slice(&bytes, Path::new("x")) {
            prop_assert!(recording.rate > 0 && recording.samples.len() <= bytes.len());
            prop_assert!(recording.samples.iter().all(|sample| sample.abs() <= 1e6));
        }
    }

    #[test]
    fn digits_of_any_length_become_batches(lengths in proptest::collection::vec(1_usize..2000, 6), spikes: bool, last: bool) {
        let mut recordings = digits();
        for (i, (recording, &length)) in recordings.iter_mut().zip(&lengths).enumerate() {
            recording.1 = riff(8_000, &noise(length, i));
        }
        let config = FsddConfig {
            front_end: if spikes { FrontEnd::Spikes } else { FrontEnd::Mfcc },
            targets: if last { TargetSteps::Last } else { TargetSteps::Every },
            ..FsddConfig::default()
        };
        let task = from_memory(&recordings, &config).unwrap();
        for split in Split::ALL {
            let batch = task.batch(split, &[0, 1]);
            let steps: usize = batch.lengths().iter().sum();
            prop_assert_eq!(batch.target_count(), if last { 2 } else { steps });
            prop_assert_eq!(batch.is_sparse(), spikes);
            for (stream, &length) in batch.lengths().iter().enumerate() {
                prop_assert!((0..length).all(|step| batch.input_values(stream, step).iter().all(|value| value.is_finite())));
            }
        }
    }
}

/// Every recording is read or told of: names in capitals, sounds in other formats, folders in capitals.
#[test]
fn no_recording_is_passed_over_in_silence() {
    let config = FsddConfig::default();
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("FSDD/Recordings");
    fs::create_dir_all(&inside).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(inside.join(name), bytes).unwrap();
    for (at, (name, bytes)) in digits().into_iter().enumerate() {
        let ending = [".WAV", ".Wav", ".wav", ".wave", ".WAV.GZ", ".wav.gz"][at];
        put(&name.replace(".wav", ending), &bytes);
    }
    put("notes.txt", b"");
    put("._3_b_o_11.wav", b"");
    let task = Fsdd::open(folder.path(), &config).unwrap();
    assert_eq!(Split::ALL.map(|split| task.sequences(split)), [2, 2, 2]);
    let expected = from_memory(&digits(), &config).unwrap();
    assert!(Split::ALL.iter().all(|&split| task.batch(split, &[0, 1]) == expected.batch(split, &[0, 1])));
    for name in ["3_b_o_11.flac", "3_b_o_11.MP3", "3_b_o_11.wav.zip"] {
        put(name, b"");
        let error = Fsdd::open(folder.path(), &config).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("neither WAV nor SPHERE") && error.contains("ffmpeg"), "{error}");
        fs::remove_file(inside.join(name)).unwrap();
    }
    put("3_b_o_10.WAV", &digits()[5].1);
    let error = Fsdd::open(folder.path(), &config).unwrap_err().to_string();
    assert!(error.contains("the same recording as `3_b_o_10."), "{error}");
}

/// A header of SPHERE with other fields, and data.
fn nist_with(fields: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("NIST_1A\n   2048\nchannel_count -i 1\nsample_rate -i 16000\n{fields}\nend_head\n").into_bytes();
    bytes.resize(2048, b' ');
    bytes.extend(data);
    bytes
}

#[test]
fn sphere_of_every_width_and_coding() {
    let samples = |fields: &str, data: &[u8]| {
        sphere::read(&nist_with(fields, data), Path::new("a.wav"))
            .map(|read| read.samples)
            .map_err(|error| error.to_string())
    };
    let pcm = |count, width, order: &str| {
        format!("sample_count -i {count}\nsample_n_bytes -i {width}\nsample_byte_format -s{width} {order}")
    };
    assert_eq!(samples(&pcm(2, 3, "012"), &[0, 0, 0x40, 0, 0, 0xc0]).unwrap(), [0.5, -0.5]);
    assert_eq!(samples(&pcm(1, 3, "210"), &[0x40, 0, 0]).unwrap(), [0.5]);
    assert_eq!(samples(&pcm(1, 4, "0123"), &[0, 0, 0, 0xc0]).unwrap(), [-0.5]);
    assert_eq!(samples(&pcm(1, 4, "3210"), &[0xc0, 0, 0, 0]).unwrap(), [-0.5]);
    let law = |name: &str| format!("sample_count -i 2\nsample_n_bytes -i 1\nsample_coding -s{} {name}", name.len());
    assert_eq!(samples(&law("ulaw"), &[0xff, 0x80]).unwrap(), [0.0, 32124.0 / 32768.0]);
    assert_eq!(samples(&law("alaw"), &[0xaa, 0x2a]).unwrap(), [32256.0 / 32768.0, -32256.0 / 32768.0]);
    assert_eq!(samples(&format!("{}\nsample_byte_format -s1 1", law("mu-law")), &[0xff, 0xff]).unwrap(), [0.0, 0.0]);
    for (fields, words) in [
        (pcm(1, 4, "1032"), "`sample_byte_format` is `1032`"),
        (pcm(1, 3, "01"), "sample_byte_format -s3 01`: expected 3 characters"),
        (pcm(1, 8, "01234567"), "`sample_n_bytes` is `8`, expected 2 to 4"),
        (law("ulaw,embedded-shorten-v2.00"), "`ulaw,embedded-shorten-v2.00`, expected `pcm`, `ulaw` or `alaw`: unpack"),
        (law("pcm,embedded-wavpack"), "sph2pipe"),
        (law("ulaw").replace("n_bytes -i 1", "n_bytes -i 2"), "`sample_n_bytes` is `2`, expected 1 in this coding"),
        (pcm(usize::MAX, 4, "0123"), "announces 18446744073709551615 samples"),
    ] {
        let error = samples(&fields, &[0; 8]).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

/// On a disk that tells capitals apart there may be two files for one sentence: neither is chosen in silence.
#[test]
fn sentences_that_differ_in_capitals_alone_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    corpus(folder.path(), |i| nist("01", &noise(2000, i)), true);
    let core = folder.path().join("TEST/DR2/FELC0");
    fs::rename(core.join("SI10.WAV"), core.join("SI10.SPH")).unwrap();
    assert!(Timit::open(folder.path(), &TimitConfig::default()).is_ok());
    fs::copy(core.join("SI10.PHN"), core.join("si10.phn")).unwrap();
    let error = Timit::open(folder.path(), &TimitConfig::default()).unwrap_err().to_string();
    assert!(error.contains("FELC0") && error.contains("`si10.phn` as well") && error.contains("keep one"), "{error}");
}
