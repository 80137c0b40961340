//! A network learns a text and goes on with it.

use std::fs;

use crate::support::{Workplace, same};

const TEXT: &str = r#"
[task]
name = "characters"
streams = 4
stretch = 30
[[layers]]
cell = "gru"
units = 16
[method]
window = 5
carry = "layer"
update = "window"
[optimizer]
rule = "adam"
learning_rate = 0.01
[training]
epochs = 6
best = "bits-per-character"
"#;

#[test]
fn a_text_is_learned_and_gone_on_with() {
    let place = Workplace::new();
    fs::write(place.path("text.toml"), TEXT).unwrap();
    fs::write(place.path("input.txt"), "abcdef\n".repeat(600)).unwrap();
    place.ostl("train text.toml --data . --quiet --out run").succeeded();
    let header = place.read("run/metrics.csv").lines().next().unwrap().to_owned();
    assert!(header.ends_with(",valid_bits_per_character"), "{header}");
    let summary = place.json("run/summary.json");
    let bits = summary["valid"]["metrics"]["bits-per-character"].as_f64().unwrap();
    // The text is fully determined by its last character; chance is log₂ 7 = 2.8 bits.
    assert!(bits < 0.5, "{bits}");
    assert_eq!(place.read("run/confusion.csv").lines().next().map(|line| line.split(',').count()), Some(8));

    let text = place.ostl("sample run --prompt abc --length 11 --temperature 0").succeeded().stdout;
    assert_eq!(text, "abcdef\nabcdef\n\n");
    let drawn = |seed: u64| {
        place.ostl(&format!("sample run --prompt ab --length 60 --temperature 2 --seed {seed}")).succeeded().stdout
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    place.ostl("sample run --prompt xyz").refused(2, &["--prompt", "'x'"]);
    place.ostl("sample run --prompt -x").refused(2, &["--prompt", "'-'"]);

    // Windows of 7 steps: stretches of 35.
    let ran = place
        .ostl("train text.toml --data . --out other --set method.window=7 --set training.epochs=1 --set training.batch=9");
    let said = ran.succeeded().stderr;
    assert!(said.contains("35 steps instead of 30") && said.contains("training.batch = 9 is not used"), "{said}");
    place.ostl("train run/config.toml --quiet --out again").succeeded();
    assert!(same(&place.path("run/last.ckpt"), &place.path("again/last.ckpt")));

    // Through an embedding that the readout shares.
    let layers = "layers=[{embedding=true,units=12},{cell=\"lstm\",units=12}]";
    let set =
        format!("--set {layers} --set readout={{tied=true}} --set training.epochs=8 --set optimizer.learning_rate=0.02");
    place.ostl(&format!("train text.toml --data . --quiet --out embedded {set}")).succeeded();
    assert_eq!(
        place.ostl("sample embedded --prompt abc --length 11 --temperature 0").succeeded().stdout,
        "abcdef\nabcdef\n\n"
    );
    let ran = place.ostl("evaluate run").succeeded();
    assert!(ran.stdout.contains("no test split of its own") && ran.stdout.contains("bits-per-character"), "{}", ran.stdout);
    assert!(place.json("run/summary.json")["test"].is_null());
}

#[test]
fn a_run_keeps_its_characters_and_needs_no_text() {
    let place = Workplace::new();
    fs::write(place.path("text.toml"), TEXT).unwrap();
    fs::write(place.path("input.txt"), "tick,tock;".repeat(400)).unwrap();
    place.ostl("train text.toml --data . --quiet --out run --set training.epochs=2").succeeded();
    let sampled = |more: &str| place.ostl(&format!("sample run {more}")).succeeded().stdout;
    let before = sampled("--prompt tick --seed 3");
    fs::write(place.path("input.txt"), "another text altogether\n").unwrap();
    assert_eq!(sampled("--prompt tick --seed 3"), before);
    fs::remove_file(place.path("input.txt")).unwrap();
    assert_eq!(sampled("--prompt tick --seed 3"), before);
    place.ostl("sample run --prompt xyz").refused(2, &["--prompt", "'x'"]);
    // The text has no lines: it begins as the text does, and is as long as was asked for.
    for length in [20, 1, 0] {
        let text = sampled(&format!("--length {length}"));
        assert!(text.len() == length + 1 && (length == 0 || text.starts_with('t')), "{text:?}");
    }
    // A run that kept no vocabulary is sampled by its text, as far as that is there.
    fs::remove_file(place.path("run/vocabulary.json")).unwrap();
    fs::write(place.path("input.txt"), "tick,tock;".repeat(400)).unwrap();
    assert_eq!(sampled("--prompt tick --seed 3"), before);
    fs::write(place.path("input.txt"), "another text altogether\n".repeat(100)).unwrap();
    place.ostl("sample run --prompt a").refused(1, &["run/best.ckpt"]);
    fs::write(place.path("run/vocabulary.json"), "{}").unwrap();
    place.ostl("sample run").refused(1, &["run/vocabulary.json"]);
}

#[test]
fn a_run_keeps_its_words() {
    let place = Workplace::new();
    let config = TEXT.replace("characters", "words").replace("bits-per-character", "perplexity");
    fs::write(place.path("text.toml"), config).unwrap();
    fs::create_dir(place.path("text")).unwrap();
    for split in ["train", "valid", "test"] {
        fs::write(place.path(&format!("text/{split}.txt")), "the cat saw the dog\nand the dog saw it\n".repeat(60)).unwrap();
    }
    place.ostl("train text.toml --data text --quiet --out run --set training.epochs=2").succeeded();
    let sampled = |more: &str| place.ostl(&format!("sample run {more}")).succeeded().stdout;
    let before = sampled("--length 12 --seed 5");
    fs::remove_dir_all(place.path("text")).unwrap();
    assert_eq!(sampled("--length 12 --seed 5"), before);
    assert!(before.starts_with('\n') && before.split_whitespace().count() <= 12, "{before:?}");
    place.ostl("evaluate run").refused(2, &["text"]);
}
