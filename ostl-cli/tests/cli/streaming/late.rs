//! Labels that come later than their rows.

use std::fs;

use super::{column, goes_on_as_if_never_stopped, rows, same_arrays};
use crate::support::Workplace;

/// A label that comes late teaches what it would have taught in time: the same weights, states and traces, bit for bit.
#[test]
fn labels_that_come_late_are_learned_with_the_state_of_their_row() {
    const LATE: usize = 5;
    let place = Workplace::new();
    let all = rows(80 + LATE);
    let lines: Vec<&str> = all.lines().skip(1).collect();
    let class = |line: &str| line.rsplit(',').next().unwrap().to_owned();
    let inputs = |line: &str| line.rsplit_once(',').unwrap().0.to_owned();
    let (mut in_time, mut late) = ("a,b,class\n".to_owned(), "a,b,class\n".to_owned());
    for (at, line) in lines.iter().enumerate() {
        if at < 80 {
            in_time += &format!("{line}\n");
        }
        let label = at.checked_sub(LATE).map_or(String::new(), |before| class(lines[before]));
        late += &format!("{},{label}\n", inputs(line));
    }
    fs::write(place.path("in-time.csv"), in_time).unwrap();
    fs::write(place.path("late.csv"), late).unwrap();
    for cell in ["lru", "lstm"] {
        let options = format!("--task classify --target class --units 9 --cell {cell} --quiet");
        place.ostl(&format!("stream in-time.csv {options} -f in-time.state")).succeeded();
        place.ostl(&format!("stream late.csv {options} --delay {LATE} -f late.state -p late.p.csv")).succeeded();
        let compared = same_arrays(&place, ["in-time.state", "late.state"], &["layers.", "traces.", "states."]);
        assert!(compared > 6, "{cell}: {compared}");
        // What was expected then stands beside the label that says how it was.
        let said = place.read("late.p.csv");
        let (predicted, expected) = (column(&said, "prediction"), column(&said, "expected"));
        assert_eq!(predicted[10..80 - LATE], expected[10 + LATE..80]);
        assert!(expected[..LATE].iter().all(|answer| answer.is_empty()));
    }
    place
        .ostl("stream late.csv --task classify --target class --horizon 3")
        .refused(2, &["--horizon is for --task forecast"]);
}

/// The rows of `count` steps as inputs and classes.
fn inputs_and_classes(count: usize) -> Vec<(String, String)> {
    let split = |line: &str| line.rsplit_once(',').map(|(inputs, class)| (inputs.to_owned(), class.to_owned())).unwrap();
    rows(count).lines().skip(1).map(split).collect()
}

#[test]
fn labels_by_themselves_teach_what_those_of_a_fixed_delay_do() {
    const LATE: usize = 4;
    let place = Workplace::new();
    let rows = inputs_and_classes(120);
    let (mut by_delay, mut by_id) = ("a,b,class\n".to_owned(), "id,a,b,class\n".to_owned());
    for (at, (inputs, _)) in rows.iter().enumerate() {
        let label = at.checked_sub(LATE).map_or("", |before| &rows[before].1);
        by_delay += &format!("{inputs},{label}\n");
        if !label.is_empty() {
            // Its other values do not count.
            by_id += &format!("r{},7,x,{label}\n", at - LATE);
        }
        by_id += &format!("r{at},{inputs},\n");
    }
    fs::write(place.path("delay.csv"), by_delay).unwrap();
    fs::write(place.path("id.csv"), by_id).unwrap();
    for more in ["", "--feedback --cell lstm", "--window 3 --cell gru --carry layer"] {
        let options = format!("--task classify --target class --units 9 --quiet {more}");
        place.ostl(&format!("stream delay.csv {options} --delay {LATE} -f delay.state -p delay.p")).succeeded();
        place.ostl(&format!("stream id.csv {options} --id id -f id.state -p id.p")).succeeded();
        let parts = ["layers.", "traces.", "states.", "optimizer.", "ahead.layers.", "ahead.states."];
        let compared = same_arrays(&place, ["delay.state", "id.state"], &parts);
        assert!(compared > 12, "{more}: {compared}");
        let (by_delay, by_id) = (place.read("delay.p"), place.read("id.p"));
        for name in ["prediction", "probability"] {
            let (ids, all) = (column(&by_id, "target"), column(&by_id, name));
            let questions: Vec<&str> =
                all.iter().zip(ids).filter(|(_, target)| target.is_empty()).map(|(p, _)| *p).collect();
            assert_eq!(questions, column(&by_delay, name), "{more}");
        }
        // What was predicted stands beside the label.
        let labels = column(&by_id, "expected").into_iter().filter(|expected| !expected.is_empty()).count();
        assert!(labels > 100, "{labels}");
    }
}

#[test]
fn labels_in_any_order_teach_in_the_order_of_their_rows() {
    let place = Workplace::new();
    let rows = inputs_and_classes(90);
    let (mut in_time, mut shuffled) = ("part,a,b,class\n".to_owned(), "id,part,a,b,class\n".to_owned());
    let mut due = Vec::new();
    for (at, (inputs, class)) in rows.iter().enumerate() {
        let part = at / 20;
        in_time += &format!("{part},{inputs},{class}\n");
        // Some are known at once.
        let known = if at % 10 == 9 { class.as_str() } else { "" };
        shuffled += &format!("{at},{part},{inputs},{known}\n");
        if known.is_empty() {
            due.push((at + 1 + at * 7 % 6, at));
        }
        due.sort();
        while due.first().is_some_and(|&(when, _)| when <= at) {
            let (_, row) = due.remove(0);
            shuffled += &format!("{row},,,,{}\n", rows[row].1);
        }
    }
    for (_, row) in due {
        shuffled += &format!("{row},,,,{}\n", rows[row].1);
    }
    fs::write(place.path("in-time.csv"), in_time).unwrap();
    fs::write(place.path("shuffled.csv"), shuffled).unwrap();
    // A sequence may end while labels of it are still to come.
    for more in ["--ignore part", "--reset-on part", "--reset-on part --window 3 --cell gru --carry layer"] {
        let options = format!("--target class --classes low,high --units 9 {more}");
        place.ostl(&format!("stream in-time.csv {options} -f in-time.state")).succeeded();
        let ran = place.ostl(&format!("stream shuffled.csv {options} --id id -f shuffled.state")).succeeded();
        let parts = ["layers.", "traces.", "states.", "optimizer."];
        let compared = same_arrays(&place, ["in-time.state", "shuffled.state"], &parts);
        assert!(compared > 12, "{more}: {compared}");
        assert!(ran.stderr.contains("90 learned from, 81 labels by themselves"), "{more}: {}", ran.stderr);
    }
}

#[test]
fn labels_that_never_come_and_such_that_nothing_waits_for() {
    let place = Workplace::new();
    let mut text = String::from("id,a,y\n");
    for row in 0..10 {
        text += &format!("{row},{row},\n");
    }
    // Too late for the first seven; a label for none; one for 8 and once more; a row with its label at once, for which 7 is given up; one without an id;
    // one for 9, and one that is too late for 7.
    text += "0,,1.5\nnone,,2.5\n8,,3.5\n8,,3.5\n11,4,1.5\n,5,\n9,,1\n7,,1\n";
    fs::write(place.path("rows.csv"), text).unwrap();
    let said = place.ostl("stream rows.csv --task regress --target y --id id --max-waiting 3 -p p.csv").succeeded().stderr;
    for words in [
        "18 rows read, 3 learned from, 1 without a target",
        "2 labels by themselves",
        "4 labels of rows that are not there",
        "8 given up",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(!said.contains("still waiting"), "{said}");
    assert_eq!(place.read("p.csv").lines().count(), 19);
    for (options, words) in [
        ("--target y --id id --delay 2", "--delay"),
        ("--target y --id id --horizon 2", "--horizon"),
        ("--target y --id nobody", "nobody"),
    ] {
        assert_eq!(place.ostl(&format!("stream rows.csv {options}")).status, 2, "{words}");
    }
}

#[test]
fn rows_that_wait_are_gone_on_with() {
    let place = Workplace::new();
    let rows = inputs_and_classes(150);
    let mut text = String::from("id,machine,part,a,b,class\n");
    for (at, (inputs, _)) in rows.iter().enumerate() {
        text += &format!("{at},m{},{},{inputs},\n", at % 3, at / 40);
        if let Some(row) = at.checked_sub(5 + at % 4).filter(|row| row % 11 != 3) {
            text += &format!("{row},,,,,{}\n", rows[row].1);
        }
    }
    fs::write(place.path("rows.csv"), text).unwrap();
    for options in [
        "--target class --task classify --id id --max-waiting 9 --feedback",
        "--target class --task classify --id id --stream-by machine --max-waiting 12",
        "--target class --task classify --id id --stream-by machine --max-streams 2 --reset-on part --feedback --window 2",
    ] {
        for stop in [61, 190] {
            goes_on_as_if_never_stopped(&place, "rows.csv", options, stop);
        }
    }
}
