//! Parsing, ranges, and the list of every variant.

use ostl_core::Cell;
use serde::Deserialize;
use serde_json::json;

use super::*;

fn parse(value: serde_json::Value) -> Result<CellConfig, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Name of the cell, S, names of the gates, and their initial constants.
struct Describe;

impl CellVisitor for Describe {
    type Output = (&'static str, usize, Vec<(&'static str, f64)>);

    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Self::Output {
        let gates = cell.gates().iter().enumerate().map(|(g, gate)| (gate.name, cell.initial_constant(g))).collect();
        (cell.name(), S, gates)
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    assert_eq!(parse(json!({"cell": "snu"})), Ok(CellConfig::Snu(SnuConfig::default())));
    assert_eq!(parse(json!({"cell": "ssnu"})), Ok(CellConfig::Ssnu(SoftSnuConfig::default())));
    assert_eq!(parse(json!({"cell": "lstm"})), Ok(CellConfig::Lstm(LstmConfig::default())));
}

#[test]
fn options_reach_the_cell() {
    let config = parse(json!({"cell": "ssnu", "decay": 0.5, "learn_decay": true, "initial_bias": -1})).unwrap();
    let gates = vec![("current", 0.0), ("threshold", -1.0), ("decay", 0.0)];
    assert_eq!(config.visit(Describe), Ok(("ssnu", 1, gates)));
    let config = parse(json!({"cell": "lstm", "recurrent": false, "forget_bias": 2.5})).unwrap();
    assert!(!config.is_recurrent());
    let gates = vec![("input", 0.0), ("forget", 2.5), ("cell", 0.0), ("output", 0.0)];
    assert_eq!(config.visit(Describe), Ok(("lstm", 1, gates)));
}

#[test]
fn what_is_misspelled_is_named() {
    let error = parse(json!({"cell": "snu", "decoy": 0.9})).unwrap_err();
    assert!(error.contains("`decoy`") && error.contains("`decay`"), "{error}");
    let error = parse(json!({"cell": "gru", "forget_bias": 1.0})).unwrap_err();
    assert!(error.contains("`forget_bias`"), "{error}");
    let error = parse(json!({"cell": "lsmt"})).unwrap_err();
    assert!(error.contains("`lsmt`") && error.contains("`lstm`"), "{error}");
    let error = parse(json!({"cell": "snu", "pseudo_derivative": "tan"})).unwrap_err();
    assert!(error.contains("`tan`") && error.contains("`fast-sigmoid`"), "{error}");
}

/// A layer's table may hold the cell's keys among its own: `units = 150`, `cell = "gru"`.
#[test]
fn it_flattens_into_a_table_with_other_keys() {
    #[derive(Debug, Deserialize)]
    struct Layer {
        units: usize,
        #[serde(flatten)]
        cell: CellConfig,
    }
    let layer: Layer = serde_json::from_value(json!({"units": 150, "cell": "gru", "recurrent": false})).unwrap();
    assert_eq!((layer.units, layer.cell), (150, CellConfig::Gru(GruConfig { recurrent: false })));
    let error = serde_json::from_value::<Layer>(json!({"units": 150, "cell": "gru", "decay": 0.5})).unwrap_err();
    assert!(error.to_string().contains("`decay`"), "{error}");
}

#[test]
fn what_is_out_of_range_is_named() {
    let message = |value| parse(value).unwrap().validate().unwrap_err().to_string();
    let error = message(json!({"cell": "snu", "decay": 1.2}));
    assert_eq!(error, "decay = 1.2 is out of range: it must be between 0 and 1");
    let error = message(json!({"cell": "ssnu", "decay": 1, "learn_decay": true}));
    assert_eq!(error, "decay = 1 is out of range: it must be strictly between 0 and 1 where it is learnt");
}

#[test]
fn every_variant_is_valid_and_survives_a_round_trip() {
    let every = CellConfig::every();
    let names: std::collections::BTreeSet<_> = every.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), every.len(), "names are unique");
    for (name, config) in &every {
        let (cell, ..) = config.visit(Describe).unwrap();
        assert_eq!(cell, config.name());
        let can_have_h = config.with_recurrent(true).is_recurrent();
        assert_eq!(config.is_recurrent(), can_have_h && !name.ends_with("without-h"), "{name}");
        assert!(!config.with_recurrent(false).is_recurrent());
        let text = serde_json::to_string(config).unwrap();
        assert_eq!(serde_json::from_str::<CellConfig>(&text).unwrap(), *config, "{text}");
    }
}

/// What a description says of its cell is what the cell says itself.
#[test]
fn descriptions_know_their_cells() {
    struct Says;
    impl CellVisitor for Says {
        type Output = (bool, bool);
        fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> (bool, bool) {
            (cell.is_smooth(), cell.gates().iter().any(|gate| gate.sums_output))
        }
    }
    for (name, config) in CellConfig::every() {
        assert_eq!(config.visit(Says), Ok((!config.is_spiking(), config.is_recurrent())), "{name}");
    }
}

#[test]
fn decays_are_shares_or_time_constants() {
    let error = |value| parse(value).unwrap().validate().unwrap_err().to_string();
    let both = json!({"cell": "lif", "decay": 0.9, "time_constant": 20});
    assert_eq!(error(both), "decay and time_constant exclude each other");
    let both = json!({"cell": "rnn", "leak": 0.9, "time_constant": 20});
    assert_eq!(error(both), "leak and time_constant exclude each other");
    let both = json!({"cell": "synaptic-lif", "synaptic_decay": 0.9, "synaptic_time_constant": 20});
    assert_eq!(error(both), "synaptic_decay and synaptic_time_constant exclude each other");
    let error_of = |cell: &str, key: &str, value: f64| error(json!({"cell": cell, key: value}));
    for (cell, key) in [("lif", "time_constant"), ("li", "time_constant"), ("alif", "adaptation_time_constant")] {
        assert_eq!(error_of(cell, key, -1.0), format!("{key} = -1 is out of range: it must be positive and finite"));
    }
    struct DecayOf;
    impl CellVisitor for DecayOf {
        type Output = Option<f64>;
        fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Option<f64> {
            cell.leak().map(|leak| leak.factor)
        }
    }
    for cell in ["lif", "synaptic-lif", "alif", "li"] {
        let key = if cell == "synaptic-lif" { "synaptic_time_constant" } else { "time_constant" };
        let config = parse(json!({"cell": cell, key: 20, "step": 2})).unwrap();
        assert_eq!(config.visit(DecayOf), Ok(Some((-0.1_f64).exp())), "{cell}");
    }
}

#[test]
fn ranges_of_the_newer_cells_are_named() {
    for (value, key) in [
        (json!({"cell": "lif", "decay": 1.5}), "decay"),
        (json!({"cell": "lif", "threshold": 0}), "threshold"),
        (json!({"cell": "lif", "refractory": 3, "output": "sigmoid"}), "refractory"),
        (json!({"cell": "lif", "decay": 1, "learn_decay": true}), "decay"),
        (json!({"cell": "alif", "adaptation": -1}), "adaptation"),
        (json!({"cell": "synaptic-lif", "synaptic_decay": 0, "learn_decay": true}), "synaptic_decay"),
        (json!({"cell": "rnn", "leak": 0}), "leak"),
        (json!({"cell": "ind-rnn", "largest_weight": 0}), "largest_weight"),
        (json!({"cell": "lru", "r_min": 1}), "r_min"),
        (json!({"cell": "rtu", "r_max": 1.5}), "r_max"),
        (json!({"cell": "rtu", "max_phase": 7}), "max_phase"),
    ] {
        let error = parse(value.clone()).unwrap().validate().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{key} = ")), "{value}: {error}");
    }
    let error = parse(json!({"cell": "min-gru", "recurrent": true})).unwrap_err();
    assert!(error.contains("`recurrent`"), "{error}");
}
