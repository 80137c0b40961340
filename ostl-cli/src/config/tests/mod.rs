//! What is read, and what is refused with which words.

use super::source::DEFAULT;
use super::*;

mod layers;

fn with(set: &[&str]) -> Result<Config, String> {
    let set: Vec<String> = set.iter().map(|&text| text.to_owned()).collect();
    Source::new(None, &[], &set).map(|(config, _)| config).map_err(|error| error.to_string())
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
    assert_eq!((config.seed, config.training.patience, config.layers[0].units), (3, Some(4), 7));
    let layers = r#"layers=[{cell="ssnu", units=5, decay=0.4, recurrent=false}, {dense="tanh", units=3}]"#;
    let config = with(&[layers]).unwrap();
    assert_eq!(config.layers.len(), 2);
    assert_eq!(config.network::<f32>(4, 2).unwrap().description(), "4 > ssnu 5 threshold > tanh 3 > readout 2");
    let config = with(&["optimizer.schedule={kind=\"cosine\", total=9}", "optimizer.learning_rate=1"]).unwrap();
    assert_eq!(config.schedule(), (Schedule::Cosine { total: 9, minimum: 0.0 }, ScheduleEvery::Epoch));
    assert_eq!(config.optimizer().learning_rate, 1.0);
}

/// The method of a configuration whose `[method]` holds just this.
fn method(keys: &str) -> Result<Method, String> {
    with(&[&format!("method={{{keys}}}")]).map(|config| config.method())
}

#[test]
fn a_method_s_name_stands_for_all_its_parts() {
    for (name, named) in Method::every() {
        assert_eq!(method(&format!("name=\"{name}\"")), Ok(named), "{name}");
    }
}

#[test]
fn keys_override_parts_of_a_named_method() {
    use ostl_core::{Carry, Feedback, TraceFormat, Update, Window};
    for (keys, expected) in [
        ("name='tbptt', window=7", Method::tbptt(7)),
        ("name='rolling_tbptt', window=7", Method::rolling_tbptt(7)),
        ("name='rolling_tbptt', window='rolling-3'", Method::rolling_tbptt(3)),
        ("name='bptt', window='rolling-3', update='window'", Method::rolling_tbptt(3)),
        ("name='ostl', feedback='random'", Method::ostl_random()),
        ("name='ostl', window='sequence'", Method { window: Window::Sequence, ..Method::ostl() }),
        (
            "name='osttp', carry='local', update='sequence'",
            Method::osttp().with_carry(Carry::Local).with_update(Update::Sequence),
        ),
        ("name='e_prop', trace='bf16'", Method::e_prop().with_trace(TraceFormat::Bf16)),
        ("name='snap', order=3", Method::snap(3)),
        ("name='d_rtrl', carry='snap-2', order=2", Method::snap(2)),
        ("window=1, order=2, update='window'", Method::snap(2)),
        (
            "name='rflo', seed=9, feedback='target-projection'",
            Method::rflo().with_seed(9).with_feedback(Feedback::TargetProjection),
        ),
        ("window='rolling-4', carry='none', update='window'", Method::rolling_tbptt(4)),
    ] {
        assert_eq!(method(keys), Ok(expected), "{keys}");
    }
    assert_eq!(with(&["method={name='uoro'}", "seed=5"]).unwrap().method().seed, 5, "the run's seed unless it has its own");
    assert_eq!(with(&["method={name='uoro', seed=2}", "seed=5"]).unwrap().method().seed, 2);
}

#[test]
fn a_resolved_method_reads_back_alike() {
    for keys in [
        "name='rolling_tbptt', window=20",
        "name='rolling_tbptt'",
        "name='snap', order=3",
        "window='rolling-20', carry='none'",
        "name='osttp', seed=3, window='auto', memory=7",
        "window=1, order=1",
    ] {
        let config = with(&[&format!("method={{{keys}}}")]).unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(blame::read(&text.parse().unwrap()), Ok(config), "{text}");
        assert_eq!(text.contains("\"rolling-20\""), keys.contains("rolling_tbptt") || keys.contains("rolling-20"), "{text}");
    }
}

#[test]
fn methods_that_make_no_sense_are_refused_with_the_reason() {
    let refused = |keys: &str, words: &[&str]| refused(&[&format!("method={{{keys}}}")], words);
    refused(
        "name='uoro', feedback='target-projection'",
        &["method.feedback = target-projection", "uoro is right on average"],
    );
    refused("window='rolling-3-by-4', carry='local'", &["method.window = rolling-3-by-4", "1 to 3 steps"]);
    refused("name='ostl', carry='snap-2', trace='bf16'", &["method.trace = bf16", "full", "local, layer and network"]);
    refused(
        "name='ostl_random', carry='network'",
        &["method.name = ostl_random", "another feedback than random", "layer to layer"],
    );
    refused("name='osttp', carry='kf-rtrl'", &["method.name = osttp", "kf-rtrl"]);
    refused("window=1, carry='network', feedback='random'", &["method.feedback = random", "symmetric"]);
    refused("name='otpe', feedback='direct'", &["method.feedback = direct", "symmetric"]);
    refused("name='ostl_with_h'", &["method.name = \"ostl_with_h\"", "`ostl`", "`e_prop_random`", "`otpe`"]);
    refused("name='tbptt', window=0", &["method.window = 0", "at least 1"]);
    refused("name='tbptt', window='rolling-0'", &["method.window = \"rolling-0\"", "\"rolling-20\""]);
    refused("name='rolling_tbptt', window='auto'", &["method.window = \"auto\"", "rolling"]);
    refused("name='snap', order=0", &["method.order = 0", "1 or more"]);
    refused("name='ostl', order=2", &["method.order = 2", "snap-2", "layer"]);
    refused("window=1, carry='snap-3', order=2", &["method.", "snap-2", "snap-3"]);
    refused("carry='local'", &["method.window", "missing"]);
    refused("window=3", &["method.carry", "missing"]);
    refused("window=3, carry='snap-0'", &["method.carry = \"snap-0\"", "snap-1"]);
}

#[test]
fn a_method_that_does_not_fit_the_layers_is_refused() {
    let of = |set: &[&str]| with(set).unwrap().network::<f32>(4, 2).unwrap_err();
    let error = of(&["method={name='ottt'}"]);
    assert_eq!((error.key.as_str(), error.value.as_str()), ("method.name", "ottt"));
    assert!(
        error.allowed.contains("another carry than presynaptic") && error.allowed.contains("layer 0 (lstm)"),
        "{error:?}"
    );
    let error = of(&["method={window=1, carry='presynaptic'}"]);
    assert_eq!((error.key.as_str(), error.value.as_str()), ("method.carry", "presynaptic"));
}

/// What is given at its default is no unknown key.
#[test]
fn defaults_may_be_said() {
    for set in ["method.memory=1024", "training.best=loss", "training.checkpoint_minutes=10", "seed=0", "readout.tied=false"]
    {
        with(&[set]).unwrap();
    }
}

#[test]
fn unknown_keys_are_named() {
    refused(&["sead=1"], &["sead = 1", "unknown key", "`seed`"]);
    refused(&["method.windw=1"], &["method.windw = 1", "unknown key", "`window`"]);
    refused(&["layers.0.dekay=0.5"], &["layers.0.dekay = 0.5", "unknown key", "`forget_bias`", "`units`", "`cell`"]);
    refused(
        &["layers.0.dekay=0.5"],
        &["expected one of `cell`, `units`, `activity`, `density`, `dropout`, `learning_rate_scale`, `frozen`, "],
    );
    refused(&["task.dealy=5"], &["task.dealy = 5", "unknown key", "`delay`"]);
    refused(
        &["optimizer.schedule.kind=constant", "optimizer.schedule.every=3"],
        &["optimizer.schedule.every = 3", "unknown key"],
    );
    refused(&["a.b.c=3"], &["a", "unknown key"]);
    refused(
        &["layers=[{dense=\"tanh\", units=3, bias=1}]"],
        &["layers.0.bias = 1", "unknown key", "`units`, `dropout`, `learning_rate_scale`, `frozen`, `dense`"],
    );
    refused(&["readout={cell=\"li\", dekay=1}"], &["readout.dekay = 1", "`cell`, `decay`"]);
    refused(&["task.dealy=5"], &["`name`, `class_weights`, `label_smoothing`, `delay`"]);
}

#[test]
fn wrong_types_are_named() {
    refused(&["training.epochs=many"], &["training.epochs = \"many\"", "a whole number"]);
    refused(&["method=[]"], &["method = []", "must be a table: a section [method]"]);
    refused(&["initialization.input=3"], &["initialization.input = 3", "must be a name in quotes"]);
    refused(&["layers.0.units=99999999999999999999"], &["layers.0.units", "smaller than 9223372036854775808"]);
    refused(&["readout=li"], &["readout = \"li\"", "{ cell = \"li\" }", "and is text"]);
    refused(&["task={name='event-list',bin=5}"], &["task.bin = 5", "{ width_ms = 10 }"]);
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
    refused(
        &["layers.0.units=99999999"],
        &["layers.0.units = 99999999", "weights", "would be needed", "what would fit: layers.0.units = "],
    );
    refused(&["layers=[]"], &["layers = []", "at least one"]);
    refused(&["layers=[{cell=\"ssnu\", units=3, decay=-0.1}]"], &["layers.0.decay = -0.1", "between 0 and 1"]);
    refused(&["layers.0.forget_bias=nan"], &["layers.0.forget_bias = NaN"]);
    refused(&["method.window=0"], &["method.window = 0", "at least 1"]);
    refused(&["method.window=-1"], &["method.window = -1", "at least 1"]);
    for rate in ["0", "-0.1", "nan", "inf"] {
        refused(&[&format!("optimizer.learning_rate={rate}")], &["optimizer.learning_rate = ", "a positive number"]);
    }
    // Training is in single precision.
    for (set, key) in [
        ("optimizer.learning_rate=1e300", "optimizer.learning_rate = 1e300"),
        ("optimizer.epsilon=1e-46", "optimizer.epsilon = 1e-46"),
        ("optimizer.clip_norm=1e-50", "optimizer.clip_norm = 1e-50"),
        ("optimizer.beta2=0.999999999", "optimizer.beta2 = 0.999999999"),
    ] {
        refused(&[set], &[key, "f32"]);
    }
    let growing = "optimizer.schedule={kind=\"step\", every=1, factor=1e10}";
    refused(&[growing, "training.epochs=9"], &["optimizer.schedule.factor", "9 epochs"]);
    refused(&["optimizer.clip_norm=0"], &["optimizer.clip_norm = 0", "positive"]);
    refused(&["optimizer.beta1=1.0"], &["optimizer.beta1 = 1", "below 1"]);
    refused(&["optimizer.momentum=0.9"], &["optimizer.momentum = 0.9", "adam"]);
    refused(&["optimizer.centred=true"], &["optimizer.centred = true", "adam"]);
    refused(&["optimizer.rule=rms_prop", "optimizer.alpha=1.0"], &["optimizer.alpha = 1", "below 1"]);
    refused(&["optimizer.rule=rmsprop", "optimizer.beta1=0.8"], &["optimizer.beta1 = 0.8", "rmsprop"]);
    refused(&["optimizer.schedule={kind=\"step\", every=0, factor=0.5}"], &["optimizer.schedule.every = 0", "at least 1"]);
    refused(&["training.epochs=0"], &["training.epochs = 0", "at least 1"]);
    refused(&["training.batch=0"], &["training.batch = 0", "at least 1"]);
    refused(&["training.patience=0"], &["training.patience = 0", "at least 1"]);
    refused(&["training.checkpoint_minutes=0"], &["training.checkpoint_minutes = 0", "positive"]);
    refused(&["training.best=quality"], &["training.best = \"quality\"", "`loss`", "`bits-per-character`"]);
    refused(&["threads=100000"], &["threads = 100000", "4096"]);
    refused(&["seed=-1"], &["seed = -1", "0 or more"]);
}

#[test]
fn set_itself_can_be_wrong() {
    refused(&["seed"], &["--set seed", "KEY=VALUE"]);
    refused(&["=3"], &["--set =3", "no key"]);
    refused(&["layers..units=3"], &["`layers..units`"]);
    refused(&["layers.7.units=3"], &["layers has 1 element,"]);
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
    assert!(load_file(folder.path()).unwrap_err().to_string().contains("is a folder"));
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

#[test]
fn h_can_be_sparse() {
    let config = with(&["layers.0.density=0.25"]).unwrap();
    assert!(config.network::<f32>(4, 2).unwrap().description().contains("%"));
    let text = toml::to_string(&config).unwrap();
    assert_eq!(blame::read(&text.parse().unwrap()), Ok(config), "{text}");
    refused(&["layers.0.density=1.5"], &["layers.0.density = 1.5", "between 0 and 1"]);
    refused(&["layers.0.density=0.5", "layers.0.recurrent=false"], &["layers.0.density = 0.5", "no H"]);
}

#[test]
fn the_edge_is_a_key_of_its_own() {
    let config = with(&["method.edge=heard", "method.name=e_prop"]).unwrap();
    assert_eq!(config.method().edge, ostl_core::Edge::Heard);
    let config = with(&[r#"method={name="e_prop"}"#]).unwrap();
    assert_eq!(config.method().edge, ostl_core::Edge::Cut);
    let text = toml::to_string(&config).unwrap();
    assert_eq!(blame::read(&text.parse().unwrap()), Ok(config), "{text}");
    refused(&[r#"method={name="ostl", edge="cut"}"#], &["method.edge = cut", "layer"]);
}

/// The default's file has a window and a carry of its own, which a name on the command line does away with.
#[test]
fn a_name_on_the_command_line_is_the_whole_method() {
    use ostl_core::{Carry, Method, Update, Window};
    for (name, method) in Method::every() {
        if let Ok(config) = with(&[&format!("method.name={name}")]) {
            assert_eq!(config.method(), method.with_update(Update::Sequence), "{name}");
        } else {
            assert!(["ottt", "otpe"].contains(&name), "{name}");
        }
    }
    let config = with(&["method.window=7", "method.name=ostl", "method.update=window"]).unwrap();
    assert_eq!((config.method().window, config.method().carry), (Window::Steps(7), Carry::Layer));
    assert_eq!(config.method().update, Update::Window);
}

/// Every option that a cell has is in its row of the book.
#[test]
fn the_book_lists_every_option_of_every_cell() {
    let page = include_str!("../../../../docs/book/src/program-config.md");
    let table = &page[page.find("### Options of the cells").unwrap()..];
    for name in [
        "lstm",
        "gru",
        "rnn",
        "snu",
        "ssnu",
        "lif",
        "synaptic-lif",
        "alif",
        "li",
        "ind-rnn",
        "e-lstm",
        "lru",
        "rtu",
        "min-gru",
        "min-lstm",
    ] {
        let row = table.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_else(|| panic!("{name}"));
        let error = with(&[&format!("layers=[{{cell=\"{name}\", units=3, zzz=1}}]")]).unwrap_err();
        let (_, known) = error
            .split_once("expected one of `cell`, `units`, `activity`, `density`, `dropout`, `learning_rate_scale`, `frozen`")
            .unwrap_or_else(|| panic!("{error}"));
        let options: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let listed = |option: &&str| row.contains(&format!("`{option}`"));
        assert!(options.iter().all(listed), "{row}: {options:?}");
        assert!(name == "min-gru" || !options.is_empty(), "{error}");
    }
}
