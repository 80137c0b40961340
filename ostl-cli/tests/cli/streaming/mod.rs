//! `ostl stream`: rows from whatever they come in, figures by hand, and states that are gone on from bit for bit.

mod basics;
mod guard;
mod late;
mod many;
#[cfg(unix)]
mod pipes;
mod serving;
mod values;

use std::io::Write;
use std::process::Stdio;

use crate::support::{Ran, Workplace};

/// Rows of two inputs and a class that is what the sum of the last two `a` was above.
pub(crate) fn rows(count: usize) -> String {
    let mut text = String::from("a,b,class\n");
    let mut a = 0.3_f64;
    for row in 0..count {
        let before = a;
        a = 3.9 * a * (1.0 - a);
        text += &format!("{a:.3},{},{}\n", row % 7, if a + before > 1.1 { "high" } else { "low" });
    }
    text
}

/// The rows of CSV as JSON Lines.
pub(crate) fn as_json(csv: &str) -> String {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let object = |line: &str| {
        let pairs = names.iter().zip(line.split(',')).map(|(name, value)| match value.parse::<f64>() {
            Ok(_) => format!("\"{name}\": {value}"),
            Err(_) => format!("\"{name}\": \"{value}\""),
        });
        format!("{{{}}}\n", pairs.collect::<Vec<_>>().join(", "))
    };
    lines.map(object).collect()
}

pub(crate) fn with_input(place: &Workplace, arguments: &str, input: &[u8]) -> Ran {
    let mut command = place.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have refused already.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::from(child.wait_with_output().unwrap())
}

pub(crate) fn column<'t>(csv: &'t str, name: &str) -> Vec<&'t str> {
    let mut lines = csv.lines();
    let at = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    lines.map(|line| line.split(',').nth(at).unwrap()).collect()
}

/// A run in one go and one that was interrupted after `stop` rows come to the same, byte for byte.
#[track_caller]
pub(crate) fn goes_on_as_if_never_stopped(place: &Workplace, file: &str, options: &str, stop: usize) {
    let ostl = |arguments: &str| place.ostl(&format!("stream {arguments}")).succeeded();
    ostl(&format!("{file} {options} -p whole.csv -f whole.bin"));
    ostl(&format!("{file} {options} -p first.csv -f half.bin --max-rows {stop}"));
    ostl(&format!("{file} -i half.bin --skip-seen -p second.csv -f end.bin"));
    let (first, second) = (place.read("first.csv"), place.read("second.csv"));
    let (head, rest) = second.split_once('\n').unwrap();
    assert!(first.starts_with(head) && first.lines().count() == stop + 1, "{options}");
    assert!(place.read("whole.csv") == format!("{first}{rest}"), "{options}");
    assert!(place.bytes("whole.bin") == place.bytes("end.bin"), "{options}");
}

/// Whether two states hold the same numbers under names with one of these beginnings; how many there are.
#[track_caller]
pub(crate) fn same_arrays(place: &Workplace, [one, other]: [&str; 2], beginnings: &[&str]) -> usize {
    let read = |name: &str| ostl_core::checkpoint::read(&place.path(name)).unwrap();
    let (one, other) = (read(one), read(other));
    let mut compared = 0;
    for name in one.names().filter(|name| beginnings.iter().any(|beginning| name.starts_with(beginning))) {
        if let Some(values) = one.values::<f32>(name) {
            assert_eq!(Some(values), other.values::<f32>(name), "{name}");
            compared += 1;
        }
    }
    compared
}
