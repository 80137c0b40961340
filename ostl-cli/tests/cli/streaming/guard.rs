//! Traces that explode, and networks from which nothing comes.

use std::fs;

use super::{column, goes_on_as_if_never_stopped};
use crate::support::Workplace;

/// How often something was counted at the end.
fn counted(said: &str, what: &str) -> u64 {
    let last = said.lines().last().unwrap();
    last.split(", ").find_map(|part| part.strip_suffix(what)?.trim().parse().ok()).unwrap_or(0)
}

#[test]
fn traces_that_explode_are_forgotten_and_answers_stay_numbers() {
    let place = Workplace::new();
    // Momentum carries weights beyond what keeps a trace bounded.
    let options = "--carry layer --cell lru --units 16 --learning-rate 0.1 --set optimizer.beta1=0.9";
    let said = place.ostl(&format!("stream --example {options} --max-rows 7000 -p p.csv")).succeeded().stderr;
    assert!(said.contains("times the usual: the traces of its stream are forgotten"), "{said}");
    assert!(counted(&said, "times that traces had exploded") > 0, "{said}");
    let text = place.read("p.csv");
    let answers = &column(&text, "probability")[1..];
    assert_eq!(answers.len(), 6999);
    let missing = answers.iter().filter(|answer| answer.is_empty()).count() as u64;
    assert!(missing <= counted(&said, "not learned from since a number broke"), "{said}");
    assert!(answers.iter().all(|p| p.is_empty() || (0.0..=1.0).contains(&p.parse::<f64>().unwrap())));
    // Where nothing explodes nothing is forgotten.
    let said = place.ostl("stream --example --max-rows 7000").succeeded().stderr;
    assert_eq!(counted(&said, "times that traces had exploded"), 0, "{said}");
}

/// Rows whose class nothing says beforehand: four of five are `a`.
fn noise(count: usize) -> String {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let rows = (0..count).map(|_| format!("{:.3},{}\n", next(), if next() < 0.8 { "a" } else { "b" }));
    format!("x,class\n{}", rows.collect::<String>())
}

#[test]
fn a_network_from_which_nothing_comes_begins_anew_if_asked_to() {
    let place = Workplace::new();
    fs::write(place.path("rows.csv"), noise(5000)).unwrap();
    let wild = "--target class --cell lstm --units 8 --learning-rate 20";
    let said = place.ostl(&format!("stream rows.csv {wild} --restart-dead 2")).succeeded().stderr;
    assert!(said.contains("worse than guesses 2 times in a row: the network begins anew, with the seed"), "{said}");
    assert_eq!(counted(&said, "new beginnings"), 2, "{said}");
    let said = place.ostl(&format!("stream rows.csv {wild}")).succeeded().stderr;
    assert_eq!(counted(&said, "new beginnings"), 0, "{said}");
    let said = place.ostl("stream --example --restart-dead 1").succeeded().stderr;
    assert_eq!(counted(&said, "new beginnings"), 0, "{said}");
    for stop in [1999, 2001, 4321] {
        goes_on_as_if_never_stopped(&place, "rows.csv", &format!("{wild} --restart-dead 2 --feedback"), stop);
    }
}
