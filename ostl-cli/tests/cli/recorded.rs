//! What happens inside a network during a sequence.

use ostl_tasks::numpy::read_archive;

use crate::support::Workplace;

#[test]
fn every_array_has_a_row_a_step() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run --set method.carry=local").succeeded();
    let said = place.ostl("record run --what spikes,state,trace,signal").succeeded().stdout;
    let arrays = read_archive(&place.path("run/recording.npz")).unwrap();
    let shape = |name: &str| arrays.iter().find(|array| array.name == name).map(|array| array.shape.clone());
    let steps = shape("inputs").unwrap()[0];
    assert!(said.starts_with(&format!("run/recording.npz: {steps} steps of sequence 0 of the valid split")), "{said}");
    assert!(steps > 5 && arrays.iter().all(|array| array.shape[0] == steps), "{said}");
    assert_eq!(shape("layers.0.y"), Some(vec![steps, 6]));
    assert_eq!(shape("layers.0.s"), Some(vec![steps, 1, 6]));
    assert_eq!(shape("layers.0.signal"), Some(vec![steps, 6]));
    assert_eq!(shape("predictions"), Some(vec![steps, 2]));
    assert_eq!((shape("losses"), shape("targets")), (Some(vec![steps]), Some(vec![steps])));
    let traces = shape("traces.layers.0.W").unwrap();
    assert_eq!((traces[0], traces[traces.len() - 2], traces[traces.len() - 1]), (steps, 6, 4), "{said}");

    // A beginning is a beginning, and what was not asked for is not there.
    place.ostl("record run --steps 3 --what output --out short.npz").succeeded();
    let short = read_archive(&place.path("short.npz")).unwrap();
    let names: Vec<&str> = short.iter().map(|array| array.name.as_str()).collect();
    assert_eq!(names, ["inputs", "targets", "predictions", "losses", "layers.0.y"]);
    assert!(short.iter().all(|array| array.shape[0] == 3));
    // Another sequence is another.
    place.ostl("record run --sequence 1 --out other.npz").succeeded();
    assert!(place.bytes("other.npz") != place.bytes("run/recording.npz"));
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run --set method.carry=none").succeeded();
    place.ostl("record run --what trace").refused(2, &["--what trace", "method.carry"]);
    place.ostl("record run --sequence 9999").refused(2, &["--sequence 9999", "valid split", "sequences, from 0"]);
    place.ostl("record run --what trances").refused(2, &["trances"]);
    place.ostl("record run --steps 0").refused(2, &["--steps"]);
    place.ostl("record run").succeeded();
    place.ostl("record run").refused(2, &["run/recording.npz: is there already", "--force"]);
    place.ostl("record run --force").succeeded();
    place.ostl("record nowhere").refused(2, &["nowhere"]);
}
