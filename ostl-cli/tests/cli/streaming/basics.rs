//! Rows, figures, and states that are gone on from.

use std::fs::{self, File};
use std::io::Write;

use super::{as_json, column, goes_on_as_if_never_stopped, rows, with_input};
use crate::support::Workplace;

#[test]
fn figures_by_hand() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), "x,y\n1,a\n2,a\n3,a\n4,a\n5,b\n6,a\n").unwrap();
    place
        .ostl("stream rows.csv --target y -p p.csv --metrics m.csv --metrics-every 6 --learning-rate 1e-9 --alarm 0.9")
        .succeeded();
    let (said, figures) = (place.read("p.csv"), place.read("m.csv"));
    // Until there was another class, the only known one is answered.
    assert_eq!(column(&said, "prediction")[..5], ["", "a", "a", "a", "a"]);
    assert_eq!(column(&said, "target"), ["a", "a", "a", "a", "b", "a"]);
    assert_eq!(column(&said, "row"), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(column(&said, "alarm"), ["0"; 6]);
    // Five rows were judged; the last one's answer is either class.
    let last_is_right = column(&said, "prediction")[5] == "a";
    let accuracy: f64 = column(&figures, "accuracy")[0].parse().unwrap();
    assert_eq!(accuracy, if last_is_right { 0.8 } else { 0.6 });
    assert_eq!(column(&figures, "rows"), ["6"]);
    assert_eq!(column(&figures, "majority_accuracy")[0].parse::<f64>().unwrap(), 0.75);
    // −ln p is the surprise, and the log loss is its mean.
    let surprises: Vec<f64> = column(&said, "surprise")[1..].iter().map(|text| text.parse().unwrap()).collect();
    let log_loss: f64 = column(&figures, "log_loss")[0].parse().unwrap();
    assert!((log_loss - surprises.iter().sum::<f64>() / 5.0).abs() < 1e-12);
}

#[test]
fn the_same_from_whatever_they_come_in() {
    let place = Workplace::new();
    let csv = rows(120);
    fs::write(place.path("rows.csv"), &csv).unwrap();
    place.ostl("stream rows.csv --target class -p csv.out -f csv.bin").succeeded();
    let expected = place.read("csv.out");
    assert_eq!(expected.lines().count(), 121);

    fs::write(place.path("rows.jsonl"), as_json(&csv)).unwrap();
    let marked = format!("\u{feff}{}", csv.replace('\n', "\r\n").replace("high", "\"high\""));
    fs::write(place.path("marked.csv"), marked).unwrap();
    fs::write(place.path("semicolons.txt"), csv.replace(',', ";")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(File::create(place.path("rows.csv.gz")).unwrap(), Default::default());
    packed.write_all(csv.as_bytes()).unwrap();
    packed.finish().unwrap();
    for name in ["rows.jsonl", "marked.csv", "rows.csv.gz", "semicolons.txt --delimiter ;"] {
        place.ostl(&format!("stream {name} --target class -p other.out -f other.bin")).succeeded();
        assert_eq!(place.read("other.out"), expected, "{name}");
        assert_eq!(place.bytes("other.bin"), place.bytes("csv.bin"), "{name}");
    }
    for input in [csv.as_bytes().to_vec(), as_json(&csv).into_bytes(), place.bytes("rows.csv.gz")] {
        assert_eq!(with_input(&place, "stream --target class -p - --quiet", &input).succeeded().stdout, expected);
        assert_eq!(with_input(&place, "stream - --target class -p - --quiet", &input).succeeded().stdout, expected);
    }
    let lines = place.ostl("stream rows.csv --target class -p - --output-format jsonl --quiet").succeeded().stdout;
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["row"], &first["prediction"]), (&serde_json::json!(1), &serde_json::Value::Null));
}

#[test]
fn broken_rows_are_named_and_passed_over() {
    let place = Workplace::new();
    let mut text = String::from("a,y\n1,2.5\n1,2,3\nx,1.5\n2,3.5\n,1.5\n1e300,1.5\n");
    text += &"9\n".repeat(20);
    fs::write(place.path("rows.csv"), text).unwrap();
    let said = place.ostl("stream rows.csv --target y -p p.csv").succeeded().stderr;
    for words in [
        "rows.csv: line 3: 3 values where there are 2 columns",
        "line 4: `a` is `x`, which is no number",
        "line 7: `a` is 1e300, which is too large",
        "line 14: 1 value where there are 2 columns; the row is passed over; further broken rows are only counted",
        "26 rows read, 3 learned from, 23 broken",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(!said.contains("line 15"), "{said}");
    assert_eq!(place.read("p.csv").lines().count(), 27);
    place.ostl("stream rows.csv --target y --strict --quiet").refused(1, &["line 3", "--strict"]);
    // Lines are counted alike where they end in carriage returns, too.
    let marked = place.read("rows.csv").replace('\n', "\r\n");
    fs::write(place.path("marked.csv"), marked).unwrap();
    place.ostl("stream marked.csv --target y --strict --quiet").refused(1, &["line 3", "--strict"]);
    let json = "{\"a\": 1, \"y\": 2.5}\n[1]\n{\"a\": 1, \"z\": 2}\n{\"a\": [1]}\n\n{\"y\": 1.5, \"a\": 2}\n{\"a\"\n";
    fs::write(place.path("rows.jsonl"), json).unwrap();
    let said = place.ostl("stream rows.jsonl --target y").succeeded().stderr;
    for words in [
        "line 2: no JSON object",
        "line 3: `z` is ignored",
        "line 4: `a` is a list",
        "line 7",
        "6 rows read, 2 learned from, 1 without a target, 3 broken",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}

#[test]
fn a_stream_that_is_gone_on_with_is_one_that_never_stopped() {
    let place = Workplace::new();
    let csv = rows(300).replace(",3,", ",,");
    fs::write(place.path("rows.csv"), &csv).unwrap();
    for options in [
        "--target class --feedback --alarm 0.9 --categorical b --season 3",
        "--target a --task forecast --horizon 3",
        "--target a,b --task regress --window 4 --missing zero-mask --half-life 50 --cell gru",
        "--target a,b --task regress --window rolling-8-by-3 --carry layer --cell gru",
        "--target class --window rolling-6 --carry local+uoro-2 --cell lstm",
        "--target class --reset-on b --missing mean",
    ] {
        goes_on_as_if_never_stopped(&place, "rows.csv", options, 137);
    }
    place.ostl("stream rows.csv -i half.bin --units 7").refused(2, &["layers.0.units is 7", "learned with 64"]);
    place.ostl("stream rows.csv -i half.bin --feedback").refused(2, &["--feedback", "without -i"]);
    fs::write(place.path("other.csv"), "a,c,class\n1,2,high\n").unwrap();
    place.ostl("stream other.csv -i half.bin").refused(1, &["other.csv", "a, c, class", "a, b, class"]);
    place.ostl("stream rows.csv -i rows.csv").refused(1, &["rows.csv"]);
    // What only predicts learns nothing: rows that come again are predicted alike.
    place.ostl("stream rows.csv -i half.bin -t -p t1.csv -f frozen.bin --learning-rate 0.1").succeeded();
    place.ostl("stream rows.csv -i half.bin -t -p t2.csv").succeeded();
    assert_eq!(place.read("t1.csv"), place.read("t2.csv"));
}

/// Where nothing is learned a target need not be there at all. Where it is, the figures are those of the new rows.
#[test]
fn what_only_predicts_tells_of_the_new_rows_and_needs_no_target() {
    let place = Workplace::new();
    let csv = rows(300);
    fs::write(place.path("rows.csv"), &csv).unwrap();
    place.ostl("stream rows.csv --target class -f state.bin").succeeded();
    let new: Vec<&str> = csv.lines().skip(200).take(40).collect();
    let bare: Vec<&str> = new.iter().map(|line| line.rsplit_once(',').unwrap().0).collect();
    fs::write(place.path("new.csv"), format!("a,b,class\n{}\n", new.join("\n"))).unwrap();
    fs::write(place.path("bare.csv"), format!("a,b\n{}\n", bare.join("\n"))).unwrap();
    let judged = place.ostl("stream new.csv -i state.bin -t -p new.out --metrics m.csv --metrics-every 1").succeeded();
    let predicted = place.ostl("stream bare.csv -i state.bin -t -p bare.out").succeeded();
    let [with, without] = ["new.out", "bare.out"].map(|name| place.read(name));
    assert_eq!(column(&with, "prediction"), column(&without, "prediction"));
    assert_eq!(column(&without, "target"), [""; 40]);
    assert!(predicted.stderr.contains("no new row had a target") && !predicted.stderr.contains("fading"));
    assert!(predicted.stderr.contains("40 rows read, 0 learned from, 40 without a target"), "{}", predicted.stderr);
    // By hand, from what was said of these rows alone.
    let pairs = column(&with, "prediction").into_iter().zip(column(&with, "target"));
    let accuracy = pairs.filter(|(said, right)| said == right).count() as f64 / 40.0;
    assert_eq!(column(&place.read("m.csv"), "accuracy").last().unwrap().parse::<f64>().unwrap(), accuracy);
    assert!(
        judged.stderr.contains("new rows") && judged.stderr.contains("40 rows read, 0 learned from"),
        "{}",
        judged.stderr
    );
    // To learn from rows, their targets' column has to be there.
    place.ostl("stream bare.csv -i state.bin").refused(1, &["the columns are a, b", "empty where nothing is known", "-t"]);
    fs::write(place.path("half.csv"), "a\n1\n").unwrap();
    place.ostl("stream half.csv -i state.bin -t").refused(1, &["the columns are a, and", "a, b, class"]);
}

#[test]
fn a_sine_is_forecast_better_than_by_its_last_value() {
    let place = Workplace::new();
    let text: String = (0..3000).map(|row| format!("{:.5}\n", (0.3 * f64::from(row)).sin())).collect();
    fs::write(place.path("sine.csv"), format!("value\n{text}")).unwrap();
    place.ostl("stream sine.csv --task forecast --horizon 3 --target value --metrics m.csv -p p.csv").succeeded();
    let figures = place.read("m.csv");
    let of = |name: &str| column(&figures, name).last().unwrap().parse::<f64>().unwrap();
    assert!(of("window_mae") < 0.2 * of("window_held_mae"), "{figures}");
    // What is expected of a row was predicted three rows before.
    let said = place.read("p.csv");
    assert_eq!(column(&said, "prediction")[..2997], column(&said, "expected")[3..]);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), rows(5)).unwrap();
    fs::write(place.path("empty.csv"), "").unwrap();
    for (arguments, words) in [
        ("rows.csv --target clas", &["--target clas", "did you mean `class`?"][..]),
        ("rows.csv", &["--target COLUMN"]),
        ("rows.csv --target class --task forecast", &["--horizon ROWS"]),
        ("rows.csv --target class --ignore a,b", &["no column is left"]),
        ("rows.csv --target class --alarm 2", &["quantile"]),
        ("rows.csv --target class --units 0", &["layers.0.units"]),
        ("rows.csv --target class --window sequence", &["a stream has no end"]),
        ("rows.csv --target class --window rolling", &["--window", "rolling-"]),
        ("rows.csv --target class --set method.window=sequence", &["a stream has no end"]),
        ("none.csv --target class", &["none.csv", "cannot be read"]),
        ("empty.csv --target class", &["empty.csv", "is empty"]),
        ("rows.csv rows.csv --target class", &["one file of rows"]),
        ("none.toml rows.csv --target class", &["none.toml"]),
    ] {
        place.ostl(&format!("stream {arguments} --quiet")).refused(2, words);
    }
    // Several targets are numbers.
    place.ostl("stream rows.csv --target a,b --ignore class --feedback").succeeded();
    // Sections that are not used may be left out.
    fs::write(
        place.path("net.toml"),
        "[[layers]]\ncell = \"gru\"\nunits = 5\n[method]\nwindow = 2\ncarry = \"local\"\n[optimizer]\nrule = \"adam\"\nlearning_rate = 0.01\n",
    )
    .unwrap();
    let said = place.ostl("stream net.toml rows.csv --target class").succeeded().stderr;
    assert!(said.contains("gru"), "{said}");
}

#[test]
fn the_example_learns() {
    let place = Workplace::new();
    let ran = place.ostl("stream --example --metrics m.csv").succeeded();
    assert!(ran.stdout.is_empty() && ran.stderr.contains("same as last"), "{}", ran.stderr);
    let figures = place.read("m.csv");
    let of = |name: &str| column(&figures, name).last().unwrap().parse::<f64>().unwrap();
    assert!(of("window_accuracy") > 0.9 && of("window_accuracy") > 0.1 + of("window_last_accuracy"), "{figures}");
}
