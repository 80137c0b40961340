//! The gradient audit.

use crate::support::Workplace;

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_fixed_set_holds_and_json_has_one_block_a_line() {
    let place = Workplace::new();
    let ran = place.ostl("check --json").succeeded();
    let blocks = lines(&ran.stdout);
    assert!(blocks.len() > 1000, "{}", blocks.len());
    let keys = ["block", "carry", "claim", "cosine", "feedback", "layer", "network", "norm", "relative_error", "window"];
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
fn a_named_method_is_checked_whatever_it_is() {
    let place = Workplace::new();
    for (method, words) in [
        ("{name='ostl_random'}", ["carry layer", "random feedback"]),
        ("{name='rolling_tbptt',window=3}", ["the last 3 steps at every step", "updates at every step"]),
        ("{name='snap',order=2}", ["carry snap-2", "updates every window"]),
        ("{name='e_prop_random'}", ["carry local", "direct feedback"]),
    ] {
        let ran = place.ostl(&format!("check tiny.toml --set method={method}")).succeeded();
        assert!(words.iter().all(|word| ran.stdout.contains(word)), "{}", ran.stdout);
    }
}

#[test]
fn all_methods_on_some_cells() {
    let place = Workplace::new();
    let ran = place.ostl("check --all --cells lstm,snu --json").succeeded();
    let (rules, residuals): (Vec<_>, Vec<_>) = lines(&ran.stdout).into_iter().partition(|line| line["table"] == "rules");
    assert_eq!(residuals.len(), 2 * 4 * 5);
    assert!(rules.iter().all(|line| line["cell"] == "lstm" || line["cell"] == "snu"));
    let entry = |cell: &str, rule: &str, window: u64| {
        let mut found = rules.iter().filter(|line| line["cell"] == cell && line["rule"] == rule && line["window"] == window);
        let entry = found.next().unwrap_or_else(|| panic!("no {rule} on {cell}, K = {window}"));
        assert!(found.next().is_none());
        entry
    };
    for window in [1, 4, 16] {
        for (rule, claim) in [("ostl", "exact"), ("bptt", "exact"), ("rtrl", "exact"), ("tbptt", "approximate")] {
            let entry = entry("lstm", rule, window);
            assert_eq!(entry["claim"], claim, "{entry}");
            let error = entry["relative_error"].as_f64().unwrap();
            assert_eq!(error < 1e-10, claim == "exact", "{entry}");
        }
        assert_eq!(entry("snu", "uoro", window)["claim"], "random");
        assert_eq!(entry("lstm", "uoro", window)["draws"], 64);
        assert!(entry("lstm", "ottt", window)["reason"].as_str().unwrap().contains("leaky"));
    }
    let error = |rule, window| entry("lstm", rule, window)["relative_error"].as_f64().unwrap();
    assert!((error("tbptt", 1) - error("rolling_tbptt", 1)).abs() < 1e-12, "over one step they are the same");
    assert!((error("tbptt", 4) - error("rolling_tbptt", 4)).abs() > 1e-3);
    for line in &residuals {
        assert_eq!(line["residual"].as_f64().unwrap() < 1e-12, line["depth"] == 1, "{line}");
    }
}

#[test]
fn all_methods_read_well_in_a_terminal_and_in_a_file() {
    let place = Workplace::new();
    let text = place.ostl("check --all --cells lstm,gru").succeeded().stdout;
    for words in ["K = 16", "e_prop", "rolling_tbptt", "1 × lstm", "all do", "refused"] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert!(!text.contains("NOT") && text.lines().all(|line| line.chars().count() <= 140), "{text}");
    let text = place.ostl("check --all --markdown --cells rnn").succeeded().stdout;
    assert!(text.starts_with("# ") && text.contains("ostl check --all --markdown") && !text.contains("× "), "{text}");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.iter().all(|row| row.matches('|').count() == 3), "{text}");
    place.ostl("check --all --cells lsmt").refused(2, &["lsmt", "lstm"]);
    for wrong in ["--all tiny.toml", "--all --set seed=1", "--markdown", "--all --json --markdown"] {
        assert_eq!(place.ostl(&format!("check {wrong}")).status, 2, "{wrong}");
    }
}

#[test]
fn ways_through_deep_stacks_are_a_table_and_a_picture() {
    let place = Workplace::new();
    let ran = place.ostl("check --deep --json --cells gru --out deep.svg").succeeded();
    let entries: Vec<serde_json::Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = |depth: u64, way: &str, window: u64| {
        let is_it = |e: &&serde_json::Value| e["depth"] == depth && e["way"] == way && e["window"] == window;
        entries.iter().find(is_it).unwrap()["error"].as_f64().unwrap()
    };
    assert_eq!(entries.len(), 4 * 9 * 5);
    assert!(error(1, "layer (R)", 4) < 1e-10 && error(1, "local", 4) > 1e-3 && error(2, "layer (R)", 4) > 1e-3);
    for depth in [2, 3, 4] {
        assert!(error(depth, "local, rolling", 16) < error(depth, "local", 16) / 2.0, "{depth}");
        assert!(error(depth, "local+UORO, 8", 1) < error(depth, "UORO", 1));
    }
    let picture = std::fs::read_to_string(place.path("deep.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("4 × gru") && picture.contains("local, rolling"));
    place.ostl("check --deep --cells gru --out deep.svg").refused(2, &["deep.svg", "--force"]);
    place.ostl("check --deep --cells gru --out deep.png").refused(2, &["deep.png", ".svg"]);
    let text = place.ostl("check --deep --markdown --cells lru").succeeded().stdout;
    assert!(
        text.starts_with("# ") && text.contains("ostl check --deep --markdown") && text.contains("| 1 local | 0 | 0 |"),
        "{text}"
    );
    place.ostl("check --deep --cells lsmt").refused(2, &["lsmt", "lstm"]);
    for wrong in ["--deep --all", "--deep tiny.toml", "--out x.svg"] {
        assert_eq!(place.ostl(&format!("check {wrong}")).status, 2, "{wrong}");
    }
}

#[test]
fn a_task_without_its_data_is_checked_on_random_sequences() {
    let place = Workplace::new();
    let ran = place.ostl("check tiny.toml --set task={name=\"jsb\"} --set method.window=sequence").succeeded();
    assert!(ran.stdout.contains("random sequences") && ran.stdout.contains("88 > lstm 6"), "{}", ran.stdout);
    let ran = place.ostl("check tiny.toml --json --set task={name=\"jsb\"} --set method.window=sequence").succeeded();
    assert!(lines(&ran.stdout).iter().all(|block| block["window"] == "sequence" && block["claim"] == "exact"));
}

/// Once everything is learned the gradient is what is left over, and says little of a method: so the start is shown beside it.
#[test]
fn training_ends_with_the_audit_of_its_start_and_of_its_end() {
    let place = Workplace::new();
    let set = "--set method.carry=none --set method.window=3 --set training.epochs=25 --set optimizer.learning_rate=0.05";
    let text = place.ostl(&format!("train tiny.toml {set}")).succeeded().stdout;
    let all = text.lines().find(|line| line.starts_with("all ")).unwrap_or_else(|| panic!("{text}"));
    let figures: Vec<f64> = all.split_whitespace().skip(1).map(|figure| figure.parse().unwrap()).collect();
    let [_, cosine, norm, _, cosine_trained, norm_trained] = figures[..] else { panic!("{all}") };
    assert!(norm_trained < 0.1 * norm && cosine != cosine_trained, "{text}");
    assert!(text.contains("times smaller") && text.contains("error at start"), "{text}");
    // The start is that of the network as it is checked before any training.
    let blocks = lines(&place.ostl(&format!("check tiny.toml --json {set}")).succeeded().stdout);
    let whole = blocks.iter().map(|block| block["norm"].as_f64().unwrap().powi(2)).sum::<f64>().sqrt();
    assert!((whole / norm - 1.0).abs() < 0.05, "{whole} {text}");
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

/// What is stored long before it is asked for: the end of a sequence alone would not have it, and would show no gradient at all.
#[test]
fn whole_sequences_are_audited_however_short_the_window() {
    let place = Workplace::new();
    let late = "--set task.delay=50 --set task.min_delay=50 --set method.carry=none";
    let said = place.ostl(&format!("check tiny.toml {late}")).succeeded().stdout;
    assert!(said.contains("double precision, 3 sequences of 51 steps, whole)") && !said.contains("too long"), "{said}");
    // A network that is too large for that says what was looked at, and what was not.
    let large =
        "--set layers=[{cell=\"lstm\",units=60}] --set method.window=1 --set task.delay=400 --set task.min_delay=400";
    let said = place.ostl(&format!("check tiny.toml {large}")).succeeded().stdout;
    assert!(said.contains("double precision, the last 24 steps of 3 sequences of 401 steps)"), "{said}");
    assert!(said.contains("only the last 24 of 401 steps") && said.contains("from further back is not measured"), "{said}");
}

#[test]
fn a_block_without_any_gradient_has_no_direction() {
    let place = Workplace::new();
    let silent = "--set layers=[{cell=\"snu\",units=5,recurrent=false,initial_bias=-20}] --set method.carry=local";
    let text = place.ostl(&format!("check tiny.toml {silent}")).succeeded().stdout;
    let row = text.lines().find(|line| line.starts_with("1 readout  W")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>()[3..], ["exact", "0.0e0", "-", "0.0e0"], "{text}");
}
