//! Files in the `.ts` format of the UCR and UEA archives.

use std::path::Path;

use ostl_core::{Loss, Target};
use ostl_tasks::own::{Classes, Encoding, Own, OwnConfig, Source};
use ostl_tasks::{Split, Task};
use proptest::prelude::*;

const TRAIN: &str = "\u{feff}# made by hand\r\n@problemName Made\r\n@TIMESTAMPS false\r\n@missing false\r\n@univariate false\r\n@Dimensions 2\r\n\
                     @equalLength false\r\n@classlabel TRUE left right\r\n\r\n@DATA\r\n1,2,3:0,0,1:left\r\n# a comment\r\n% another\r\n2, 1,0,4 :1,1,1,0: right\r\n\r\n\
                     5,4,3,2,1:0,1,0,1,0:left\r\n";
const VALID: &str = "@classLabel true right left\n@data\n1e1,-2:0.5,.25:right";

fn source<'a>(text: &'a str, path: &'a str) -> Source<'a> {
    Source { bytes: text.as_bytes(), encoding: Encoding::Ts, path: Path::new(path) }
}

fn of(train: &str, valid: &str, config: &OwnConfig) -> Result<Own, String> {
    Own::from_slices(source(train, "train.ts"), source(valid, "valid.ts"), None, config).map_err(|error| error.to_string())
}

#[test]
fn series_of_unequal_length_with_classes_by_name() {
    let task = of(TRAIN, VALID, &OwnConfig::default()).unwrap();
    assert_eq!((task.inputs(), task.outputs(), task.loss()), (2, 2, Loss::SoftmaxCrossEntropy));
    assert_eq!([task.class_name(0), task.class_name(1)], ["left", "right"]);
    let batch = task.batch(Split::Train, &[0, 1, 2]);
    assert_eq!(batch.lengths(), [3, 4, 5]);
    assert_eq!(
        [batch.input(0, 0), batch.input(0, 2), batch.input(1, 3), batch.input(2, 1)],
        [[1.0, 0.0], [3.0, 1.0], [4.0, 0.0], [4.0, 1.0]]
    );
    let targets = [batch.target(0, 2), batch.target(1, 3), batch.target(2, 4)];
    assert_eq!(targets, [0, 1, 0].map(|class| Some(Target::Class(class))));
    assert_eq!((batch.target(0, 1), batch.target_count()), (None, 3));
    // Another order of names in another file is the same classes.
    let valid = task.batch(Split::Valid, &[0]);
    assert_eq!((valid.input(0, 1), valid.target(0, 1)), (&[-2.0, 0.25][..], Some(Target::Class(1))));
    // The configuration may number them, and know one more.
    let names = Classes::Names(["up", "right", "left"].map(str::to_owned).to_vec());
    let task = of(TRAIN, VALID, &OwnConfig { classes: Some(names), loss: None }).unwrap();
    assert_eq!((task.outputs(), task.class_counts(Split::Train)), (3, Some(vec![0, 1, 2])));
}

#[test]
fn values_to_predict() {
    let text = "@univariate true\n@targetLabel true\n@data\n1,2:0.5\n3,4:-1.5e1\n";
    let task = of(text, text, &OwnConfig::default()).unwrap();
    assert_eq!((task.inputs(), task.outputs(), task.loss()), (1, 1, Loss::MeanSquaredError));
    assert_eq!(task.batch(Split::Train, &[1]).target(0, 1), Some(Target::Values(&[-15.0])));
}

#[test]
fn what_is_missing_or_broken_is_told_with_its_place() {
    let header = "@problemName x\n@univariate false\n@classLabel true a b\n@data\n";
    let says = |text: &str, words: &[&str]| {
        let error = of(text, VALID, &OwnConfig::default()).unwrap_err();
        assert!(error.starts_with("train.ts: ") && words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
    };
    let series =
        |line: &str, words: &[&str]| says(&format!("{header}1,2:3,4:a\n{line}\n"), &[&["line 6: "], words].concat());
    series("1,2,3:1,?,3:b", &["channel 1, step 1 (counted from 0): `?`, a missing value"]);
    for token in ["NaN", "nan", "-Infinity", "inf"] {
        series(&format!("1,{token}:1,2:b"), &["channel 0, step 1", token, "must be a finite number"]);
    }
    series("1,1e39:1,2:b", &["channel 0, step 1", "too large for single precision"]);
    series("1,x:1,2:b", &["channel 0, step 1", "`x` is no number"]);
    series("1,,3:1,2,3:b", &["channel 0, step 1", "nothing between two commas"]);
    series("1,2,3:1,2:b", &["channel 1 has 2 values and channel 0 has 3"]);
    series("1,2:b", &["1 channels where the series before have 2"]);
    series("1,2", &["no `:`"]);
    series("1,2:3,4:c", &["the class `c` is not among those after @classLabel (a b)"]);
    series("1,2:3,4:?", &["a series without a label"]);
    series("1,2:3,4:", &["no class after the last `:`"]);
    series("(0,1),(1,2):(0,1),(1,2):a", &["time and value"]);
    series("1,2:(0,1),(1,2):a", &["time and value"]);
    series("@data", &["`@data` after `@data`"]);
    says("@timeStamps true\n", &["line 1: ", "time stamps"]);
    says("@classLabel false\n@data\n1,2\n", &["line 2: ", "nothing to learn"]);
    says("@data\n1,2:a\n", &["line 1: ", "no `@classLabel` or `@targetLabel`"]);
    says("@classLabel true\n@data\n", &["line 1: ", "no names after"]);
    says("@classLabel true a a\n@data\n", &["`a` comes twice"]);
    says("@classLabel true a\n@targetLabel true\n@data\n", &["line 2: ", "keep one"]);
    says("@classLabels true a\n@data\n", &["line 1: unknown tag `@classLabels`, did you mean @classLabel?"]);
    says("@classLabel true a b\n", &["no line `@data`"]);
    says("@classLabel true a b\n@data\n# none\n", &["line 2: no series"]);
    says("1,2:a\n", &["line 1: ", "before `@data`"]);
    says("@relation x\n@attribute a numeric\n", &["ARFF"]);
    says("@univariate perhaps\n", &["expected true or false after @univariate"]);
    says("@classLabel true a\n@dimensions 3\n@data\n1:2:a\n", &["line 4: 2 channels", "`@dimensions 3`"]);
    says("@classLabel true a\n@univariate true\n@data\n1:2:a\n", &["line 4: 2 channels", "`@univariate true`"]);
    says("@classLabel true a\n@univariate true\n@dimensions 2\n@data\n", &["contradict each other"]);
    says("@classLabel true a\n@equalLength true\n@data\n1,2:a\n1:a\n", &["line 5: ", "`@equalLength true`"]);
    says("@classLabel true a\n@equalLength true\n@seriesLength 3\n@data\n1,2:a\n", &["@seriesLength 3"]);
    let wide: Vec<u8> = TRAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = Source { bytes: &wide, encoding: Encoding::Ts, path: Path::new("train.ts") };
    assert!(Own::from_slices(wide, wide, None, &OwnConfig::default()).unwrap_err().to_string().contains("UTF-16LE"));
}

#[test]
fn another_split_has_no_classes_of_its_own() {
    let error = of(TRAIN, "@classLabel true left up\n@data\n1:2:left\n1:2:up\n", &OwnConfig::default()).unwrap_err();
    assert!(error.starts_with("valid.ts: line 4: the class `up` is not one of the train split's (left right)"), "{error}");
    let error = of(TRAIN, "@classLabel true left\n@data\n1:left\n", &OwnConfig::default()).unwrap_err();
    assert!(error.contains("1 value in a step, but 2 in the train split"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(body in "[@a-z0-9:,.?#\n -]{0,200}", header in any::<bool>()) {
        let text = if header { format!("@classLabel true a b\n@data\n{body}") } else { body };
        if let Err(error) = of(&text, &text, &OwnConfig::default()) {
            prop_assert!(error.contains(".ts: "), "{}", error);
        }
    }
}
