//! What is read, and what is refused with which words.

use super::source::DEFAULT;
use super::*;
use crate::arguments::ConfigArguments;

fn with(set: &[&str]) -> Result<Config, String> {
    let set = set.iter().map(|&text| text.to_owned()).collect();
    let arguments = ConfigArguments { config: None, data: None, set };
    load(&arguments, None).map(|(config, _)| config).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(set: &[&str], words: &[&str]) {
    let error = with(set).expect_err("should be refused");
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
    assert!(error.starts_with("--set") && !error.contains('\n'), "{error}");
}

#[test]
fn the_default_reads_and_survives_a_round_trip() {
    let config = with(&[]).unwrap();
    let text = toml::to_string(&config).unwrap();
    let tree = text.parse().unwrap();
    assert_eq!(blame::read(&tree), Ok(config), "{text}");
}

#[test]
fn the_default_is_the_one_in_configs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/default.toml");
    // A packaged crate stands alone, without the workspace's configs.
    if let Ok(text) = std::fs::read_to_string(path) {
        assert_eq!(text, DEFAULT);
    }
}

#[test]
fn every_shipped_config_reads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            load_file(&path).unwrap();
        }
    }
}

#[test]
fn set_changes_what_it_names() {
    let config = with(&["method.window=sequence", "seed=3", "training.patience=4", "layers.0.units=7"]).unwrap();
    assert_eq!(config.method().window, ostl_core::Window::Sequence);
    assert_eq!((config.seed, config.training.patience, config.layers[0].units()), (3, Some(4), 7));
    let layers = r#"layers=[{cell="ssnu", units=5, decay=0.4, recurrent=false}, {dense="tanh", units=3}]"#;
    let config = with(&[layers]).unwrap();
    assert_eq!(config.layers.len(), 2);
    assert_eq!(config.network::<f32>(4, 2).unwrap().description(), "4 > ssnu 5 threshold > tanh 3 > readout 2");
    let config = with(&["optimizer.schedule={kind=\"cosine\", total=9}", "optimizer.learning_rate=1"]).unwrap();
    assert_eq!(config.schedule(), Schedule::Cosine { total: 9, minimum: 0.0 });
    assert_eq!(config.optimizer().learning_rate, 1.0);
}

#[test]
fn unknown_keys_are_named() {
    refused(&["sead=1"], &["sead = 1", "unknown key", "`seed`"]);
    refused(&["method.windw=1"], &["method.windw = 1", "unknown key", "`window`"]);
    refused(&["layers.0.dekay=0.5"], &["layers.0.dekay = 0.5", "unknown key", "`forget_bias`"]);
    refused(&["task.dealy=5"], &["task.dealy = 5", "unknown key", "`delay`"]);
    refused(
        &["optimizer.schedule.kind=constant", "optimizer.schedule.every=3"],
        &["optimizer.schedule.every = 3", "unknown key"],
    );
    refused(&["a.b.c=3"], &["a", "unknown key"]);
    refused(&["layers=[{dense=\"tanh\", units=3, bias=1}]"], &["layers.0.bias = 1", "unknown key"]);
}

#[test]
fn wrong_types_are_named() {
    refused(&["training.epochs=many"], &["training.epochs = \"many\"", "a whole number"]);
    refused(&["training.epochs=1.5"], &["training.epochs = 1.5", "a whole number"]);
    refused(&["optimizer.learning_rate=fast"], &["optimizer.learning_rate = \"fast\"", "a number"]);
    refused(&["task.delay=long"], &["task.delay = \"long\"", "a whole number"]);
    refused(&["layers.0.units=[1]"], &["layers.0.units = [1]", "a whole number"]);
    refused(&["layers.0.recurrent=3"], &["layers.0.recurrent = 3", "true or false"]);
    refused(&["layers=5"], &["layers = 5"]);
    refused(&["task=jsb"], &["task = \"jsb\""]);
    // The same mistake twice: either may be named, but not something else.
    refused(&["training.epochs=many", "training.batch=many"], &["training", "a whole number"]);
}

#[test]
fn unknown_names_are_named() {
    refused(&["layers.0.cell=lsmt"], &["layers.0.cell = \"lsmt\"", "`lstm`"]);
    refused(&["method.carry=everything"], &["method.carry = \"everything\"", "`layer`"]);
    refused(&["method.window=all"], &["method.window = \"all\"", "\"sequence\""]);
    refused(&["task.name=bach"], &["task.name = \"bach\"", "`jsb`"]);
    refused(&["optimizer.rule=sdg"], &["optimizer.rule = \"sdg\"", "`sgd`"]);
    refused(&["initialization.input=zeros"], &["initialization.input = \"zeros\"", "`glorot`"]);
}

#[test]
fn values_out_of_range_are_named() {
    refused(&["layers.0.units=0"], &["layers.0.units = 0", "at least 1"]);
    refused(&["layers.0.units=-3"], &["layers.0.units = -3", "0 or more"]);
    refused(&["layers.0.units=99999999"], &["layers.0.units = 99999999", "weights"]);
    refused(&["layers=[]"], &["layers = []", "at least one"]);
    refused(&["layers=[{cell=\"ssnu\", units=3, decay=-0.1}]"], &["layers.0.decay = -0.1", "between 0 and 1"]);
    refused(&["layers.0.forget_bias=nan"], &["layers.0.forget_bias = NaN"]);
    refused(&["method.window=0"], &["method.window = 0", "at least 1"]);
    refused(&["method.window=-1"], &["method.window = -1", "at least 1"]);
    for rate in ["0", "-0.1", "nan", "inf"] {
        refused(&[&format!("optimizer.learning_rate={rate}")], &["optimizer.learning_rate = ", "a positive number"]);
    }
    refused(&["optimizer.clip_norm=0"], &["optimizer.clip_norm = 0", "positive"]);
    refused(&["optimizer.beta1=1.0"], &["optimizer.beta1 = 1", "below 1"]);
    refused(&["optimizer.momentum=0.9"], &["optimizer.momentum = 0.9", "adam"]);
    refused(&["optimizer.schedule={kind=\"step\", every=0, factor=0.5}"], &["optimizer.schedule.every = 0", "at least 1"]);
    refused(&["training.epochs=0"], &["training.epochs = 0", "at least 1"]);
    refused(&["training.batch=0"], &["training.batch = 0", "at least 1"]);
    refused(&["training.patience=0"], &["training.patience = 0", "at least 1"]);
    refused(&["threads=100000"], &["threads = 100000", "4096"]);
    refused(&["seed=-1"], &["seed = -1", "0 or more"]);
}

#[test]
fn set_itself_can_be_wrong() {
    refused(&["seed"], &["--set seed", "KEY=VALUE"]);
    refused(&["=3"], &["--set =3", "no key"]);
    refused(&["layers..units=3"], &["`layers..units`"]);
    refused(&["layers.7.units=3"], &["layers has 1 elements"]);
    refused(&["seed.x=3"], &["seed is a value"]);
}

#[test]
fn a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    let reads = |text: &str| {
        std::fs::write(&path, text).unwrap();
        load_file(&path).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(reads(DEFAULT), Ok(()));
    let before = DEFAULT.lines().take_while(|line| *line != "[training]").count();
    let place = format!("line {}, column", before + 1);
    for (from, to, words) in [
        ("epochs = 20", "epochs = 'x'", "training.epochs = \"x\""),
        ("batch = 16", "", "training.batch: missing"),
        ("rule = \"adam\"", "", "optimizer.rule: missing"),
        ("units = 16", "", "layers.0.units: missing"),
        ("name = \"store-recall\"", "", "task.name: missing"),
        ("cell = \"lstm\"", "", "neither `cell` nor `dense`"),
        ("[training]", "[training", place.as_str()),
        ("[training]", "[optimizer.training]", "optimizer.training = "),
    ] {
        assert!(DEFAULT.contains(from), "{from}");
        let error = reads(&DEFAULT.replace(from, to)).unwrap_err();
        assert!(error.contains("my.toml: ") && error.contains(words) && !error.contains('\n'), "{error}");
    }
    assert!(load_file(folder.path()).unwrap_err().to_string().contains("cannot be read"));
    assert!(load_file(&folder.path().join("none.toml")).unwrap_err().to_string().contains("none.toml"));
}

#[test]
fn activity_terms_belong_to_a_cell() {
    let layer = r#"layers=[{cell="snu", units=5, activity={rate={target=0.1, weight=2}}}]"#;
    let config = with(&[layer]).unwrap();
    let text = toml::to_string(&config).unwrap();
    assert_eq!(blame::read(&text.parse().unwrap()), Ok(config), "{text}");
    let set = |activity: &str| format!(r#"layers=[{{cell="snu", units=5, activity={activity}}}]"#);
    refused(&[&set("{rate={target=2, weight=1}}")], &["layers.0.activity.rate.target = 2", "between 0 and 1"]);
    refused(&[&set("{voltage={bound=1}}")], &["weight"]);
    refused(&[&set("{rate={target=0.1, weight=1, decoy=0.5}}")], &["decoy"]);
    refused(&[r#"layers=[{dense="tanh", units=5, activity={}}]"#], &["activity", "dense"]);
}

#[test]
fn a_readout_can_leak() {
    let config = with(&[r#"readout={cell="li", decay=0.8}"#]).unwrap();
    assert_eq!(config.network::<f32>(4, 2).unwrap().description(), "4 > lstm 16 recurrent > readout 2 li");
    let text = toml::to_string(&config).unwrap();
    assert_eq!(blame::read(&text.parse().unwrap()), Ok(config), "{text}");
    refused(&[r#"readout={cell="li", decay=1.8}"#], &["readout.decay = 1.8"]);
    refused(&[r#"readout={cell="li", dekay=0.8}"#], &["dekay"]);
}
