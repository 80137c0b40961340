//! What no machine can hold is refused in a moment, with the key and what would fit, and nothing is made for it.

use std::fs;

use crate::support::{Ran, Workplace};

/// The program where it may take two gigabytes of addresses: an allocation that nobody checked would end it by a signal.
fn ostl(place: &Workplace, arguments: &str) -> Ran {
    let line = format!("ulimit -v 2000000 && exec {} {arguments}", env!("CARGO_BIN_EXE_ostl"));
    let mut command = std::process::Command::new("sh");
    Ran::from(command.current_dir(place.path("")).args(["-c", &line]).output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_too_large_is_refused_with_its_key_and_what_would_fit() {
    let place = Workplace::new();
    for (set, words) in [
        ("layers.0.units=600 method.carry=network", "method.carry = network|traces|method.carry = local|layers.0.units = "),
        ("layers.0.units=2000 method.name=rtrl", "method.name = rtrl|another carry than network|traces"),
        ("layers.0.units=1000000", "layers.0.units = 1000000|weights|what would fit: layers.0.units = "),
        ("layers.0.units=9223372036854775807", "layers.0.units = 9223372036854775807|more than can be counted"),
        ("layers.0.units=3000 method.window=\"auto\"", "method.carry = layer|what would fit: method.carry = local"),
        ("layers.0.units=64 method.memory=1", "method.carry = layer|for method.memory|may take 1.0 MiB"),
        (
            "layers=[{cell=\"snu\",units=100000000,recurrent=false}]",
            "layers.0.units = 100000000|the task has 4 inputs and 2 outputs",
        ),
        (
            "method={window=\"rolling-900000\",carry=\"none\"} layers.0.units=2000 task.delay=1000000 task.train=1",
            "method.window = |windows",
        ),
    ] {
        let set: String = set.split(' ').map(|set| format!(" --set '{set}'")).collect();
        let ran = ostl(&place, &format!("train tiny.toml --quiet{set}"));
        assert_eq!(ran.status, 2, "{set}: {}", ran.stderr);
        for word in words.split('|').chain(["would be needed", "what would fit"]) {
            assert!(ran.stderr.contains(word), "{set}: no `{word}` in: {}", ran.stderr);
        }
    }
    assert!(!place.path("runs").exists());
    ostl(&place, "check tiny.toml --set layers.0.units=3000 --set method.carry=network")
        .refused(2, &["method.carry = network", "would be needed"]);
    ostl(&place, "bench --case wide --cell lstm --carry network --window 5")
        .refused(2, &["--carry = network", "would be needed"]);
    ostl(&place, "train tiny.toml --quiet --out run").succeeded();
    let config = place.read("run/config.toml").replace("units = 6", "units = 60000");
    fs::write(place.path("run/config.toml"), config).unwrap();
    ostl(&place, "evaluate run").refused(2, &["run/config.toml", "layers.0.units = 60000", "would be needed"]);
    ostl(&place, "train --resume run").refused(2, &["layers.0.units = 60000"]);
}

/// A file of 22 bytes asks for a network of a million inputs.
#[cfg(target_os = "linux")]
#[test]
fn a_channel_of_a_small_file_does_not_take_the_machine() {
    let place = Workplace::new();
    for name in ["a", "b", "c", "d"] {
        fs::write(place.path(&format!("{name}.csv")), "t_us,channel\n1,999999\n").unwrap();
    }
    for (split, list) in [("train", "a.csv,0\nb.csv,1\n"), ("valid", "c.csv,0\n"), ("test", "d.csv,1\n")] {
        fs::write(place.path(&format!("{split}.csv")), format!("file,label\n{list}")).unwrap();
    }
    for command in ["train", "check"] {
        let ran = ostl(
            &place,
            &format!("{command} tiny.toml --data . --set 'task={{name=\"event-list\"}}' --set layers.0.units=3000"),
        );
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("would be needed"), "{}", ran.stderr);
    }
}
