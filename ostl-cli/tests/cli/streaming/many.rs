//! Many streams of one file side by side.

use std::fs;

use super::{column, goes_on_as_if_never_stopped, rows};
use crate::support::Workplace;

/// Rows of a stream: its name, then inputs, some of them missing, and a class. Streams differ.
fn of(stream: &str, shift: usize, count: usize) -> Vec<String> {
    let all = rows(count + shift);
    all.lines().skip(1 + shift).map(|line| format!("{stream},{}\n", line.replace(",3,", ",,"))).collect()
}

fn written(place: &Workplace, name: &str, rows: impl IntoIterator<Item = String>) {
    let rows: String = rows.into_iter().collect();
    fs::write(place.path(name), format!("machine,a,b,class\n{rows}")).unwrap();
}

#[test]
fn each_stream_is_answered_as_if_it_were_alone() {
    let place = Workplace::new();
    let (a, b) = (of("a", 0, 60), of("b", 17, 60));
    written(&place, "x.csv", of("x", 5, 200));
    written(&place, "a.csv", a.clone());
    written(&place, "b.csv", b.clone());
    // In turns of changing lengths.
    let mut both = Vec::new();
    let (mut left, mut right) = (a.iter(), b.iter());
    for turn in 0..60 {
        both.extend(left.by_ref().take(1 + turn % 3).cloned());
        both.extend(right.by_ref().take(1 + turn % 2).cloned());
    }
    assert_eq!(both.len(), 120);
    written(&place, "both.csv", both.clone());
    for more in ["", "--feedback --cell lstm", "--delay 2 --task classify"] {
        let ostl = |arguments: &str| place.ostl(&format!("stream {arguments} --quiet")).succeeded();
        ostl(&format!("x.csv --target class --stream-by machine --units 12 {more} -f x.bin"));
        for name in ["a", "b", "both"] {
            ostl(&format!("{name}.csv -i x.bin -t -p {name}.p"));
        }
        for name in ["prediction", "probability"] {
            let (a, b, both) = (place.read("a.p"), place.read("b.p"), place.read("both.p"));
            let (streams, together) = (column(&both, "stream"), column(&both, name));
            for (stream, alone) in [("a", column(&a, name)), ("b", column(&b, name))] {
                let found: Vec<&str> =
                    together.iter().zip(&streams).filter(|(_, of)| **of == stream).map(|(value, _)| *value).collect();
                assert_eq!(found, alone, "{more}: {name} of {stream}");
                let differ = found.windows(2).any(|pair| pair[0] != pair[1]);
                assert!(differ || name == "prediction", "{more}: all are alike");
            }
        }
    }
    // Taken for one stream they are answered otherwise.
    written(&place, "one.csv", both.iter().map(|row| row.replacen(['a', 'b'], "o", 1)));
    place.ostl("stream one.csv -i x.bin -t -p one.p --quiet").succeeded();
    assert_ne!(column(&place.read("one.p"), "probability"), column(&place.read("both.p"), "probability"));
}

#[test]
fn same_as_last_is_of_the_same_stream() {
    let place = Workplace::new();
    let rows = (0..60).flat_map(|row| [format!("a,{row},0,high\n"), format!("b,{row},0,low\n")]);
    written(&place, "rows.csv", rows);
    let last = |options: &str| {
        let _ = fs::remove_file(place.path("m.csv"));
        place.ostl(&format!("stream rows.csv --target class --metrics m.csv --metrics-every 120 {options}")).succeeded();
        column(&place.read("m.csv"), "last_accuracy")[0].parse::<f64>().unwrap()
    };
    assert_eq!((last("--stream-by machine"), last("--ignore machine")), (1.0, 0.0));
}

#[test]
fn the_least_recently_used_stream_is_given_up() {
    let place = Workplace::new();
    written(&place, "x.csv", of("x", 5, 100));
    let (a, b, c) = (of("a", 0, 10), of("b", 3, 10), of("c", 6, 10));
    place.ostl("stream x.csv --target class --stream-by machine --max-streams 2 --units 7 --quiet -f x.bin").succeeded();
    // x goes for b, then a, which was used before b, for c; b is still there, and a begins anew.
    let order = [&a[0], &b[0], &a[1], &b[1], &c[0], &b[2], &a[2]];
    written(&place, "rows.csv", order.map(String::clone));
    let said = place.ostl("stream rows.csv -i x.bin -t -p rows.p").succeeded().stderr;
    assert!(said.contains("row 102: more than 2 streams: `x`") && said.contains("2 streams, 3 streams given up"), "{said}");
    let answers = |name: &str, rows: &[String]| {
        written(&place, name, rows.to_vec());
        place.ostl(&format!("stream {name} -i x.bin -t -p alone.p --quiet")).succeeded();
        column(&place.read("alone.p"), "probability").iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()
    };
    let said = place.read("rows.p");
    let said = column(&said, "probability");
    let (kept, anew) = (answers("b.csv", &b[..3]), answers("a.csv", &a[2..3]));
    assert_eq!((said[5], said[6]), (kept[2].as_str(), anew[0].as_str()));
    assert_ne!(said[6], answers("a.csv", &a[..3])[2]);
}

#[test]
fn many_streams_are_gone_on_with() {
    let place = Workplace::new();
    let streams: Vec<Vec<String>> = (0..5).map(|stream| of(&format!("m{stream}"), 7 * stream, 60)).collect();
    let mut all = Vec::new();
    for row in 0..60 {
        all.extend(
            streams.iter().enumerate().filter(|(stream, _)| (row + stream) % 4 > 0).map(|(_, rows)| rows[row].clone()),
        );
    }
    written(&place, "rows.csv", all);
    for options in [
        "--target class --stream-by machine --max-streams 3 --feedback --season 2 --alarm 0.9",
        "--target class --stream-by machine --delay 3 --window 4 --carry layer --cell lstm --units 8",
        "--target a --task forecast --horizon 2 --stream-by machine --max-streams 4 --categorical class",
        "--target class --stream-by machine --reset-on b --cell gru --units 8 --set method.carry=snap-2",
    ] {
        for stop in [73, 150] {
            goes_on_as_if_never_stopped(&place, "rows.csv", options, stop);
        }
    }
    // A label for a row that is not there need not say which stream it is of, since it teaches none.
    fs::write(place.path("labels.csv"), "id,machine,a,class\n1,m,1,\n2,,,high\n1,,,high\n1,,,high\n3,,4,\n").unwrap();
    let said = place.ostl("stream labels.csv --task classify --target class --stream-by machine --id id").succeeded().stderr;
    assert!(
        said.contains("1 learned from, 1 label by itself, 2 labels of rows that are not there, 1 stream, 1 broken"),
        "{said}"
    );
    // A row that does not say which stream it is of is broken.
    fs::write(place.path("rows.csv"), "machine,a,b,class\na,1,2,high\n,1,2,high\n").unwrap();
    let said = place.ostl("stream rows.csv --target class --stream-by machine").succeeded().stderr;
    assert!(said.contains("line 3: `machine` is missing") && said.contains(", 1 stream, 1 broken"), "{said}");
}
