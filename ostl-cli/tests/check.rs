//! The gradient audit.

mod support;

use support::Workplace;

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_fixed_set_holds_and_json_has_one_block_a_line() {
    let place = Workplace::new();
    let ran = place.ostl("check --json").succeeded();
    let blocks = lines(&ran.stdout);
    assert!(blocks.len() > 1000, "{}", blocks.len());
    let keys = ["block", "carry", "claim", "cosine", "layer", "network", "relative_error", "window"];
    let mut claims = [0, 0];
    for block in &blocks {
        assert_eq!(block.as_object().unwrap().keys().collect::<Vec<_>>(), keys, "{block}");
        let error = block["relative_error"].as_f64().unwrap();
        match block["claim"].as_str().unwrap() {
            "exact" => {
                assert!(error <= 1e-10, "{block}");
                claims[0] += 1;
            }
            "approximate" => {
                assert!(block["cosine"].as_f64().unwrap().abs() <= 1.0);
                claims[1] += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(claims[0] > 100 && claims[1] > 100, "{claims:?}");
    // A claim is only worth something where the opposite is seen: what is called approximate is off somewhere.
    let off =
        |block: &&serde_json::Value| block["claim"] == "approximate" && block["relative_error"].as_f64().unwrap() > 1e-3;
    assert!(blocks.iter().filter(off).count() > 100);
}

#[test]
fn the_fixed_set_reads_well() {
    let place = Workplace::new();
    let ran = place.ostl("check").succeeded();
    assert!(ran.stdout.contains("lowest cosine") && ran.stdout.contains("all do") && !ran.stdout.contains("NOT"));
}

#[test]
fn a_config_is_checked_with_its_own_network_and_method() {
    let place = Workplace::new();
    let ran = place.ostl("check tiny.toml").succeeded();
    assert!(ran.stdout.contains("4 > lstm 6 recurrent > readout 2") && ran.stdout.contains("R = 0"), "{}", ran.stdout);
    let two = "--set layers=[{cell=\"snu\",units=5},{dense=\"tanh\",units=4},{cell=\"gru\",units=3}]";
    let ran = place.ostl(&format!("check tiny.toml --json {two} --set method.window=2")).succeeded();
    let blocks = lines(&ran.stdout);
    assert!(blocks.iter().all(|block| block["window"] == 2 && block["carry"] == "layer"));
    assert!(blocks.iter().any(|block| block["layer"] == 0 && block["claim"] == "approximate"));
    assert!(blocks.iter().any(|block| block["layer"] == 2 && block["claim"] == "exact"));
    let ran = place.ostl(&format!("check tiny.toml {two}")).succeeded();
    assert!(ran.stdout.contains("spiking units fire"), "{}", ran.stdout);
}

#[test]
fn a_task_without_its_data_is_checked_on_random_sequences() {
    let place = Workplace::new();
    let ran = place.ostl("check tiny.toml --set task={name=\"jsb\"} --set method.window=sequence").succeeded();
    assert!(ran.stdout.contains("random sequences") && ran.stdout.contains("88 > lstm 6"), "{}", ran.stdout);
    let ran = place.ostl("check tiny.toml --json --set task={name=\"jsb\"} --set method.window=sequence").succeeded();
    assert!(lines(&ran.stdout).iter().all(|block| block["window"] == "sequence" && block["claim"] == "exact"));
}

#[test]
fn the_audit_crosses_window_edges_or_says_that_it_does_not() {
    let place = Workplace::new();
    let crossing = place.ostl("check tiny.toml --set method.window=2").succeeded();
    assert!(!crossing.stdout.contains("says nothing"), "{}", crossing.stdout);
    // However long the window: nothing is allocated for steps that never come.
    let within = place.ostl("check tiny.toml --set method.window=1000000000").succeeded();
    assert!(within.stdout.contains("says nothing about what the carry drops"), "{}", within.stdout);
    place.ostl("train tiny.toml --quiet --set method.window=1000000000").succeeded();
}
