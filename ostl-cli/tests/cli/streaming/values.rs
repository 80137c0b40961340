//! What values mean: times, named classes, intervals, and keys of JSON.

use std::fs;

use super::{column, with_input};
use crate::support::Workplace;

/// Numbers within 0 … 1.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

#[test]
fn the_time_between_rows_is_an_input_if_asked_for() {
    let place = Workplace::new();
    let (mut next, mut seconds) = (noise(3), 0_u64);
    let mut text = String::from("at,x,class\n");
    for row in 0..3000 {
        let gap = if next() < 0.5 { 1 + (next() * 20.0) as u64 } else { 100 + (next() * 3000.0) as u64 };
        seconds += gap;
        let (day, rest) = (1 + seconds / 86_400, seconds % 86_400);
        let at = format!(
            "2024-{:02}-{:02} {:02}:{:02}:{:02}",
            1 + day / 28,
            1 + day % 28,
            rest / 3600,
            rest / 60 % 60,
            rest % 60
        );
        let at = if row % 100 == 50 { "soon".to_owned() } else { at };
        text += &format!("{at},{:.3},{}\n", next(), if gap > 60 { "after a pause" } else { "at once" });
    }
    fs::write(place.path("rows.csv"), text).unwrap();
    let accuracy = |options: &str| {
        let _ = fs::remove_file(place.path("m.csv"));
        place.ostl(&format!("stream rows.csv --target class --time at {options} --metrics m.csv --quiet")).succeeded();
        column(&place.read("m.csv"), "window_accuracy").last().unwrap().parse::<f64>().unwrap()
    };
    let (with, without) = (accuracy("--dt"), accuracy(""));
    assert!(with > 0.95 && without < 0.6, "{with} with, {without} without");
    super::goes_on_as_if_never_stopped(&place, "rows.csv", "--target class --time at --dt --missing zero-mask", 333);
    place.ostl("stream rows.csv --target class --dt").refused(2, &["--dt", "--time COLUMN"]);
}

#[test]
fn classes_that_are_named() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), "x,class\n1,a\n2,b\n3,z\n4,a\n").unwrap();
    let said = place.ostl("stream rows.csv --target class --classes a,b,c -p p.csv").succeeded().stderr;
    assert!(said.contains("line 4: `class` is `z`, which is none of --classes a, b, c"), "{said}");
    assert!(said.contains("4 rows read, 3 learned from, 1 broken"), "{said}");
    let said = place.read("p.csv");
    // There is an answer before there was any label.
    assert!(!column(&said, "prediction")[0].is_empty());
    let first: f64 = column(&said, "probability")[0].parse().unwrap();
    assert!(first >= 1.0 / 3.0, "{first}");
    for (options, words) in [
        ("--classes a", "one class alone"),
        ("--classes a,a", "named twice"),
        ("--classes a,b --task regress", "--task classify"),
        ("--classes a,b --max-classes 3", "--max-classes"),
    ] {
        let ran = place.ostl(&format!("stream rows.csv --target class {options}"));
        assert!(ran.status == 2 && ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
}

#[test]
fn probabilities_are_those_of_classes_that_were_there() {
    let place = Workplace::new();
    let text: String = (0..40).map(|row| format!("{row},{}\n", if row % 2 == 0 { "a" } else { "b" })).collect();
    fs::write(place.path("rows.csv"), format!("x,class\n{text}")).unwrap();
    place.ostl("stream rows.csv --target class -p p.csv --quiet").succeeded();
    let said = place.read("p.csv");
    let probabilities: Vec<f64> = column(&said, "probability")[1..].iter().map(|text| text.parse().unwrap()).collect();
    // One class is sure; the likelier of two has at least half, though there are 16 outputs.
    assert_eq!(probabilities[0], 1.0);
    assert!(probabilities[1..].iter().all(|p| (0.5..=1.0).contains(p)), "{probabilities:?}");
    // The first b was a surprise, but not beyond all bounds: its output had a share.
    let surprise: f64 = column(&said, "surprise")[1].parse().unwrap();
    assert!((1.0..10.0).contains(&surprise), "{surprise}");
    for row in 2..40 {
        let of = |name: &str| column(&said, name)[row].to_owned();
        let p: f64 = of("probability").parse().unwrap();
        let p = if of("prediction") == of("target") { p } else { 1.0 - p };
        assert!((of("surprise").parse::<f64>().unwrap() + p.ln()).abs() < 1e-9, "row {row}");
    }
}

#[test]
fn intervals_hold_the_share_that_was_asked_for() {
    let place = Workplace::new();
    let mut next = noise(5);
    // Errors far from normal: mostly small, now and then large.
    let mut error = || (next() - 0.5) * if next() < 0.95 { 0.1 } else { 4.0 };
    let text: String = (0..6000).map(|row| format!("{},{:.4}\n", row % 5, f64::from(row % 5) + error())).collect();
    fs::write(place.path("rows.csv"), format!("x,y\n{text}")).unwrap();
    let held = |options: &str| {
        place.ostl(&format!("stream rows.csv --target y --task regress -p p.csv --quiet {options}")).succeeded();
        let said = place.read("p.csv");
        let [low, high, target] = ["low", "high", "target"].map(|name| column(&said, name));
        let number = |text: &str| text.parse::<f64>().unwrap();
        let is_held = |row: &usize| (number(low[*row])..=number(high[*row])).contains(&number(target[*row]));
        (3000..6000).filter(is_held).count() as f64 / 3000.0
    };
    for share in [0.5, 0.75, 0.9] {
        let found = held(&format!("--interval {share}"));
        assert!((found - share).abs() < 0.03, "{share}: {found}");
    }
    // Were they taken for normal, nine of ten would be others.
    let normal = held("");
    assert!(normal > 0.93, "{normal}");
    for (options, words) in
        [("--task regress --interval 1.5", "--interval"), ("--task classify --interval 0.9", "--interval")]
    {
        place.ostl(&format!("stream rows.csv --target y {options} --quiet")).refused(2, &[words]);
    }
}

#[test]
fn keys_that_the_first_row_lacks_are_ignored_and_missing_ones_are_missing() {
    let place = Workplace::new();
    let rows = "{\"a\": 1, \"y\": 2.5}\n{\"a\": 2, \"y\": 1.5, \"more\": [1]}\n{\"y\": 3.5}\n{\"other\": 1, \"a\": 1, \"y\": 0.5}\n";
    let ran = with_input(&place, "stream --target y --missing zero-mask", rows.as_bytes()).succeeded();
    assert!(ran.stderr.contains("line 2: `more` is ignored"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("`other`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("4 rows read, 4 learned from"), "{}", ran.stderr);
    // --strict is about rows that cannot be used.
    with_input(&place, "stream --target y --strict --quiet", rows.as_bytes()).succeeded();
}

#[test]
fn a_cell_that_is_none_is_named_with_its_option() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), "x,y\n1,2\n").unwrap();
    for (options, words) in [
        ("--cell lsmt", ["--cell: layers.0.cell", "lstm"]),
        ("--carry lokal", ["--carry: method.carry", "local"]),
        ("--units 0", ["--units: layers.0.units", "at least 1"]),
        ("--set layers.0.units=0", ["--set: layers.0.units", "at least 1"]),
    ] {
        place.ostl(&format!("stream rows.csv --target y --quiet {options}")).refused(2, &words);
    }
}

/// Numbers are at first what they were so far: a network that has learned nothing adds no noise to that.
#[test]
fn nothing_learned_is_the_mean() {
    let place = Workplace::new();
    let rows: String = (0..300).map(|row| format!("{},{}\n", row * 7 % 11, 1 + row % 2 * 2)).collect();
    fs::write(place.path("rows.csv"), format!("x,y\n{rows}")).unwrap();
    let still = "--set optimizer.rule=sgd --set optimizer.learning_rate=1e-25";
    place.ostl(&format!("stream rows.csv --task regress --target y {still} --quiet -p p.csv")).succeeded();
    let said = place.read("p.csv");
    let predictions: Vec<f64> = column(&said, "prediction")[100..].iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(predictions.len(), 200);
    assert!(predictions.iter().all(|said| (said - 2.0).abs() < 0.02), "{predictions:?}");
    place.ostl("stream rows.csv --task regress --target y --quiet -p p.csv").succeeded();
    assert!(place.read("p.csv") != said, "it learns from there");
}
