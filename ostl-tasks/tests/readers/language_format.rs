//! Texts written here: what they become, and what the errors say about broken ones.

use std::fs;
use std::io::Write;
use std::path::Path;

use ostl_core::{SequenceBatch, Target};
use ostl_tasks::{
    Characters, CharactersConfig, DatasetError, Metric, Split, Task, TaskConfig, TaskError, Words, WordsConfig,
};
use proptest::prelude::*;

fn words(files: [&str; 3], config: &WordsConfig) -> Words {
    let [train, valid, test] = files.map(str::as_bytes);
    let [a, b, c] = ["train", "valid", "test"].map(Path::new);
    Words::from_slices([(train, a), (valid, b), (test, c)], config).unwrap_or_else(|error| panic!("{error}"))
}

fn characters(text: &str, config: &CharactersConfig) -> Result<Characters, TaskError> {
    Characters::from_slice(text.as_bytes(), Path::new("some.txt"), config)
}

/// Inputs and targets of a stream, read off a batch.
fn pairs(batch: &SequenceBatch<f32>, stream: usize) -> Vec<(usize, usize)> {
    let pair = |step| {
        let (&[row], &[1.0]) = batch.events(stream, step) else { panic!("{:?}", batch.events(stream, step)) };
        let Some(Target::Class(class)) = batch.target(stream, step) else { panic!("no class at {step}") };
        (row as usize, class)
    };
    (0..batch.lengths()[stream]).map(pair).collect()
}

#[test]
fn words_by_hand() {
    let config = WordsConfig { streams: 2, ..Default::default() };
    let task = words(["the cat\n\n the  mat\r\n", "the dog", "a\nthe"], &config);
    // the 0, cat 1, <eos> 2, mat 3, <unk> 4.
    let vocabulary = task.vocabulary().unwrap();
    assert_eq!(vocabulary.decode(&[0, 1, 2, 3, 4]), "the cat\nmat <unk>");
    assert_eq!((task.inputs(), task.outputs(), task.is_sparse(), task.stretch()), (5, 5, true, Some(200)));
    assert_eq!(Split::ALL.map(|split| task.words(split)), [7, 3, 4]);
    // the cat <eos> <eos> the mat <eos>: six predictions in two streams.
    let batch = task.batch(Split::Train, &[0, 1]);
    assert_eq!(pairs(&batch, 0), [(0, 1), (1, 2), (2, 2)]);
    assert_eq!(pairs(&batch, 1), [(2, 0), (0, 3), (3, 2)]);
    assert_eq!((task.word(Split::Test, 0), task.word(Split::Test, 1)), (4, 2), "a is unknown");
    // <unk> <eos> the <eos>: three predictions, the longest stream first.
    let batch = task.batch(Split::Test, &[0, 1]);
    assert_eq!(pairs(&batch, 0), [(4, 2), (2, 0)]);
    assert_eq!(pairs(&batch, 1), [(0, 2)]);
    assert_eq!(task.metrics(), [Metric::Perplexity, Metric::Accuracy]);
    assert_eq!(task.class_name(1), "cat");
    // Counts 2 1 3 1 0, each once more, of 7 + 5: the targets are <eos>, the, <eos>.
    let chance = (2.0 * (12.0_f64 / 4.0).ln() + (12.0_f64 / 3.0).ln()) / 3.0;
    assert!((task.chance().unwrap() - chance).abs() < 1e-12);
    assert_eq!(task.chance_accuracy(), Some(2.0 / 3.0));
}

#[test]
fn a_limit_leaves_the_vocabulary_whole() {
    let text = "a b c\nd e f\n";
    let whole = words([text, text, text], &WordsConfig::default());
    let first = words([text, text, text], &WordsConfig { limit: Some(3), ..Default::default() });
    assert_eq!([Split::Train, Split::Valid, Split::Test].map(|split| first.words(split)), [3, 8, 8]);
    assert_eq!((0..3).map(|index| first.word(Split::Train, index)).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(first.vocabulary(), whole.vocabulary());
    let more = words([text, text, text], &WordsConfig { limit: Some(30), ..Default::default() });
    assert_eq!(more.words(Split::Train), whole.words(Split::Train));
}

#[test]
fn rare_words_are_unknown() {
    let text = "a b a c\nb a d\n";
    let two = words([text, text, text], &WordsConfig { min_count: 2, ..Default::default() });
    let vocabulary = two.vocabulary().unwrap();
    let whole = |task: &Words| -> String {
        let numbers: Vec<u32> = (0..task.words(Split::Train)).map(|index| task.word(Split::Train, index) as u32).collect();
        task.vocabulary().unwrap().decode(&numbers)
    };
    assert_eq!((vocabulary.len(), whole(&two)), (4, "a b a <unk>\nb a <unk>\n".to_owned()));
    let three = words([text, text, text], &WordsConfig { max_vocabulary: Some(3), ..Default::default() });
    assert_eq!((three.inputs(), whole(&three)), (3, "a <unk> a <unk>\n<unk> a <unk>\n".to_owned()));
    assert!((0..three.words(Split::Valid)).all(|index| three.word(Split::Valid, index) == three.word(Split::Train, index)));
}

#[test]
fn characters_by_hand() {
    let config = CharactersConfig { valid: 0.3, streams: 3, stretch: 2, ..Default::default() };
    let task = characters("abca\nßabx\n", &config).unwrap();
    // Train: the first 7 of 10 characters; valid: b, x and a line feed.
    assert_eq!(Split::ALL.map(|split| task.characters(split)), [7, 3, 3]);
    assert!(!task.has_test());
    let vocabulary = task.vocabulary().unwrap();
    assert_eq!(vocabulary.decode(&[0, 1, 2, 3, 4, 5]), "abc\nß\u{fffd}");
    assert_eq!(task.inputs(), 6, "x stands only in the valid split");
    assert_eq!([0, 1, 2].map(|index| task.character(Split::Valid, index)), [1, 5, 3]);
    let batch = task.batch(Split::Train, &[0, 1, 2]);
    assert_eq!([0, 1, 2].map(|stream| pairs(&batch, stream)), [[(0, 1), (1, 2)], [(2, 0), (0, 3)], [(3, 4), (4, 0)]]);
    assert_eq!(task.sequences(Split::Valid), 2, "three characters make two predictions");
    assert_eq!(task.batch(Split::Valid, &[0, 1]), task.batch(Split::Test, &[0, 1]));
    assert_eq!((task.class_name(3), task.class_name(0)), ("'\\n'".into(), "'a'".into()));
    assert_eq!(task.metrics(), [Metric::BitsPerCharacter, Metric::Accuracy]);
    // Counts a 3, b 1, c 1, line feed 1, ß 1, unknown 0; targets of the valid split: unknown and a line feed.
    let chance = ((13.0_f64 / 1.0).ln() + (13.0_f64 / 2.0).ln()) / 2.0;
    assert!((task.chance().unwrap() - chance).abs() < 1e-12);
    assert_eq!(task.chance_accuracy(), Some(0.0));
}

#[test]
fn a_test_split_of_its_own() {
    let config = CharactersConfig { valid: 0.2, test: 0.3, streams: 1, ..Default::default() };
    let task = characters("abcdefghij", &config).unwrap();
    assert!(task.has_test());
    assert_eq!(Split::ALL.map(|split| task.characters(split)), [5, 2, 3]);
    assert_eq!(task.inputs(), 6, "five characters and the unknown one");
}

#[test]
fn settings_out_of_range() {
    let says = |config: &str, field: &str| {
        let config: TaskConfig = serde_json::from_str(config).unwrap();
        let error = config.open(Some(Path::new("/nowhere"))).err().unwrap();
        assert!(matches!(&error, TaskError::Config(_)), "{error}");
        assert!(error.to_string().starts_with(&format!("{field} = ")), "{error}");
    };
    says(r#"{"name": "words", "streams": 0}"#, "streams");
    says(r#"{"name": "words", "stretch": 0}"#, "stretch");
    says(r#"{"name": "words", "min_count": 0}"#, "min_count");
    says(r#"{"name": "words", "max_vocabulary": 1}"#, "max_vocabulary");
    says(r#"{"name": "words", "limit": 1}"#, "limit");
    says(r#"{"name": "words", "folder": "../up"}"#, "folder");
    says(r#"{"name": "words", "folder": ""}"#, "folder");
    says(r#"{"name": "characters", "valid": 0.0}"#, "valid");
    says(r#"{"name": "characters", "valid": 1.0}"#, "valid");
    says(r#"{"name": "characters", "valid": 0.5, "test": 0.5}"#, "test");
    says(r#"{"name": "characters", "streams": 65537}"#, "streams");
}

#[test]
fn broken_texts() {
    let error = Characters::from_slice(b"ab\nc\xffd", Path::new("some.txt"), &CharactersConfig::default()).unwrap_err();
    assert_eq!(error.to_string(), "some.txt: byte 4: byte 0xff in line 2 is not UTF-8: convert the file to UTF-8");
    let error = characters("ab", &CharactersConfig::default()).unwrap_err();
    assert!(error.to_string().contains("2 characters are too few"), "{error}");
    let good: (&[u8], &Path) = (b"a\n", Path::new("good"));
    for bad in [&b""[..], b"\n", b"a\xc3"] {
        let error = Words::from_slices([good, (bad, Path::new("bad")), good], &WordsConfig::default()).unwrap_err();
        assert!(
            matches!(&error, TaskError::Dataset(DatasetError::Malformed { path, .. }) if path == Path::new("bad")),
            "{error}"
        );
    }
}

#[test]
fn where_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let open = |config: &WordsConfig| Words::open(folder.path(), config);
    let error = open(&WordsConfig::default()).unwrap_err().to_string();
    assert!(error.contains("--data DIR") && error.contains("no file wiki.train.tokens, "), "{error}");
    assert!(error.contains(", nor in its folder wikitext-2, ptb, "), "{error}");
    let nowhere = folder.path().join("nowhere");
    let error = Words::open(&nowhere, &WordsConfig::default()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("no file at {}: ", nowhere.display())), "{error}");

    for name in ["ptb", "mine"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    for split in ["train", "valid"] {
        fs::write(folder.path().join(format!("ptb/ptb.{split}.txt")), "a b\n").unwrap();
    }
    let error = open(&WordsConfig::default()).unwrap_err().to_string();
    assert!(error.contains("ptb/ptb.test.txt"), "{error}");
    fs::write(folder.path().join("ptb/ptb.test.txt"), "a b\n").unwrap();
    assert_eq!(open(&WordsConfig::default()).unwrap().inputs(), 4);

    for split in Split::ALL {
        let file = fs::File::create(folder.path().join(format!("mine/{split}.txt.gz"))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        packed.write_all(b"a b c\n").unwrap();
        packed.finish().unwrap();
    }
    assert_eq!(open(&WordsConfig { folder: Some("mine".into()), ..Default::default() }).unwrap().inputs(), 5);
    assert!(open(&WordsConfig { folder: Some("ptb".into()), ..Default::default() }).unwrap().inputs() == 4);

    let open = |path: &Path| Characters::open(path, &CharactersConfig { valid: 0.5, ..Default::default() });
    assert!(matches!(open(folder.path()), Err(TaskError::Dataset(DatasetError::NotFound { .. }))));
    assert_eq!(open(&folder.path().join("mine/test.txt.gz")).unwrap().characters(Split::Train), 3);
    fs::create_dir(folder.path().join("tinyshakespeare")).unwrap();
    fs::write(folder.path().join("tinyshakespeare/input.txt"), "abcdef").unwrap();
    assert_eq!(open(folder.path()).unwrap().characters(Split::Valid), 3);
}

proptest! {
    /// The streams one after the other are the text, and stretches one after the other are a stream.
    #[test]
    fn stretches_make_streams_and_streams_the_text(text in "[a-e\n]{8,200}", streams in 1_usize..9, stretch in 1_usize..20) {
        let config = CharactersConfig { valid: 0.4, streams, stretch, ..Default::default() };
        let task = characters(&text, &config).unwrap();
        for split in [Split::Train, Split::Valid] {
            let all: Vec<usize> = (0..task.characters(split)).map(|index| task.character(split, index)).collect();
            let expected: Vec<(usize, usize)> = all.windows(2).map(|pair| (pair[0], pair[1])).collect();
            let mut found = Vec::new();
            for index in 0..task.sequences(split) {
                let steps = task.steps(split, index);
                let whole = pairs(&task.batch(split, &[index]), 0);
                let mut pieces = Vec::new();
                for start in (0..steps).step_by(stretch) {
                    let range = start..steps.min(start + stretch);
                    let mut batch = task.empty_batch(&[range.len()]);
                    task.write_stretch(split, index, range, &mut batch, 0);
                    pieces.extend(pairs(&batch, 0));
                }
                prop_assert_eq!(&pieces, &whole);
                found.extend(whole);
            }
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_vocabulary_gives_the_text_back(lines in proptest::collection::vec("[a-zé]{1,3}( [a-zé]{1,3}){0,5}", 1..20)) {
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let task = words([&text, &text, &text], &WordsConfig::default());
        let numbers: Vec<u32> = (0..task.words(Split::Valid)).map(|index| task.word(Split::Valid, index) as u32).collect();
        prop_assert_eq!(task.vocabulary().unwrap().decode(&numbers), text.as_str());
        prop_assert_eq!(task.vocabulary().unwrap().encode(&text), Ok(numbers));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), ascii in any::<bool>()) {
        let bytes: Vec<u8> = if ascii { bytes.iter().map(|byte| byte & 0x7f).collect() } else { bytes };
        let path = Path::new("x");
        if let Ok(task) = Characters::from_slice(&bytes, path, &CharactersConfig::default()) {
            prop_assert!(task.batch(Split::Train, &[0]).target_count() > 0 && task.chance().unwrap().is_finite());
        }
        let file = (&bytes[..], path);
        if let Ok(task) = Words::from_slices([file, file, file], &WordsConfig::default()) {
            prop_assert!(task.batch(Split::Test, &[0]).target_count() > 0 && task.chance().unwrap().is_finite());
        }
    }

    /// Texts cut off anywhere and with bits turned over, packed and not.
    #[test]
    fn damaged_files_are_read_or_refused(
        text in "[a-zß \n]{20,200}", pack in any::<bool>(), cut in any::<prop::sample::Index>(), flip in any::<prop::sample::Index>(),
    ) {
        let mut bytes = text.into_bytes();
        if pack {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(&bytes).unwrap();
            bytes = packed.finish().unwrap();
        }
        let bit = flip.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes.truncate(cut.index(bytes.len()) + 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.txt");
        fs::write(&path, &bytes).unwrap();
        if let Err(error) = Characters::open(&path, &CharactersConfig::default()) {
            prop_assert!(error.to_string().contains("input.txt"), "{}", error);
        }
    }
}

#[test]
fn texts_by_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("WIKI.TRAIN.TOKENS", &b"\xef\xbb\xbfa b\r\nc\r\n"[..]),
        ("Wiki.Valid.Tokens", b"a b\rc\r"),
        ("wiki.test.tokens", b"a b\nc"),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let task = Words::open(folder.path(), &WordsConfig::default()).unwrap();
    // a, b, the end of a line, c, the end of a line; the byte order mark is no part of a word.
    assert_eq!(Split::ALL.map(|split| task.words(split)), [5, 5, 5]);
    assert_eq!(task.vocabulary().unwrap().number("a"), Some(0));
    let wide: Vec<u8> = "a b\nc\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    fs::write(folder.path().join("wiki.test.tokens"), &wide).unwrap();
    let error = Words::open(folder.path(), &WordsConfig::default()).unwrap_err().to_string();
    assert!(error.contains("wiki.test.tokens: byte 0: text in UTF-16BE") && error.contains("iconv"), "{error}");
    let error = Characters::from_slice(&wide, Path::new("a.txt"), &CharactersConfig::default()).unwrap_err().to_string();
    assert!(error.contains("a.txt: byte 0: text in UTF-16BE"), "{error}");
}
