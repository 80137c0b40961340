//! A network learns a text and goes on with it.

mod support;

use std::fs;

use support::{Workplace, same};

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
