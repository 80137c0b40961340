//! What of a file no longer holds when the command line changes the kind of a thing: the options that only the old kind has.

use ostl_core::Update;
use toml::{Table, Value};

use super::method::MethodName;
use super::tree::{find, find_mut, keys, remove, spelled_path};
use super::{blame, spelling};
use crate::names::same;

/// The parts that make a method's name. When the weights change, the seed and the memory stay the file's.
const PARTS_OF_A_METHOD: [&str; 6] = ["window", "carry", "order", "feedback", "edge", "trace"];

/// Settings of a task whose targets are classes, which a loss of values does not have.
const OF_CLASSES: [&str; 3] = ["classes", "class_weights", "label_smoothing"];

/// Keys of one table that stand in each other's place.
const ALTERNATIVES: [&[&str]; 7] = [
    &["cell", "dense", "embedding"],
    &["decay", "time_constant"],
    &["leak", "time_constant"],
    &["synaptic_decay", "synaptic_time_constant"],
    &["adaptation_decay", "adaptation_time_constant"],
    &["carry", "order"],
    &["width_ms", "count"],
];

/// The keys that were left out, by the `--set` that they went for.
#[derive(Debug, Default)]
pub(super) struct Left {
    gone: Vec<(String, Vec<String>)>,
    kept: Vec<String>,
    /// When the weights change, where the named method does it otherwise: that is not left out.
    update: Option<String>,
}

/// Takes out of the file's tree what a `--set` stands in place of: a method's name of the parts that make it, a key of those that say the same in
/// another way. What is `--set` itself is not touched.
pub(super) fn forget(tree: &mut Value, sets: &[(Vec<String>, String)]) -> Left {
    let mut left = Left::default();
    for (path, value) in sets {
        let path = spelled_path(tree, path);
        let Some((key, parents)) = path.split_last() else { continue };
        let is_set = |other: &str| {
            let other = [parents, &[other.to_owned()]].concat();
            sets.iter().any(|(set, _)| set.len() == other.len() && set.iter().zip(&other).all(|(a, b)| same(a, b)))
        };
        let mut replaced: Vec<&str> = Vec::new();
        if parents.iter().map(String::as_str).eq(["method"]) && same(key, "name") {
            replaced.extend(PARTS_OF_A_METHOD);
            left.update = update_that_stays(find(tree, parents), value).filter(|_| !is_set("update"));
        }
        let of_values =
            ["mean-squared-error", "binary-cross-entropy"].iter().any(|loss| same(value.trim_matches(['"', '\'']), loss));
        if parents.iter().map(String::as_str).eq(["task"]) && same(key, "loss") && of_values {
            replaced.extend(OF_CLASSES);
        }
        for group in ALTERNATIVES.iter().filter(|group| group.iter().any(|known| same(known, key))) {
            replaced.extend(group.iter().filter(|known| !same(known, key)));
        }
        let there = find(tree, parents).map(keys).unwrap_or_default();
        let there = there.into_iter().filter(|known| replaced.iter().any(|other| same(other, known)) && !is_set(known));
        for other in there {
            if remove(tree, parents, &other) {
                left.add(path.join("."), other);
            }
        }
    }
    left
}

impl Left {
    fn add(&mut self, by: String, key: String) {
        match self.gone.iter_mut().find(|(known, _)| *known == by) {
            Some((_, keys)) if keys.contains(&key) => {}
            Some((_, keys)) => keys.push(key),
            None => self.gone.push((by, vec![key])),
        }
    }

    /// Takes out a key that is refused only because something beside it was `--set`: it comes from the file, and the file by itself
    /// was right about it. Says whether it was so.
    pub(super) fn take(&mut self, tree: &mut Table, path: &[String], sets: &[(Vec<String>, String)], file: &Table) -> bool {
        let touches = |set: &[String]| set.iter().zip(path).all(|(a, b)| same(a, b));
        let Some((key, parents)) = path.split_last() else { return false };
        if sets.iter().any(|(set, _)| touches(set)) {
            return false;
        }
        let beside = |set: &[String]| {
            let around = set.len().saturating_sub(1);
            around > 0 && around <= parents.len() && set[..around].iter().zip(parents).all(|(a, b)| same(a, b))
        };
        let Some((by, _)) = sets.iter().rev().find(|(set, _)| beside(set)) else { return false };
        if !is_right_in(file, path) {
            return false;
        }
        let mut root = Value::Table(std::mem::take(tree));
        let gone = remove(&mut root, parents, key);
        if by.iter().map(String::as_str).eq(["task", "name"]) {
            self.kept = find_mut(&mut root, parents).map(|task| keys(task)).unwrap_or_default();
            self.kept.retain(|key| !sets.iter().any(|(set, _)| set.last() == Some(key)));
        }
        if let Value::Table(table) = root {
            *tree = table;
        }
        if gone {
            self.add(by.join("."), key.clone());
        }
        gone
    }

    /// A line for each `--set` that left something out, or names a method and leaves a part of it to the file.
    pub(super) fn in_words(&self, file: &str) -> Vec<String> {
        let line = |(by, keys): &(String, Vec<String>)| {
            let kept = match (by.as_str(), &self.update) {
                ("task.name", _) if !self.kept.is_empty() => format!("; {} stay as they are there", self.kept.join(", ")),
                ("method.name", Some(update)) => format!("; keeps {update}"),
                _ => String::new(),
            };
            format!("--set {by}: leaves out what {file} says of {}{kept}", keys.join(", "))
        };
        let mut lines: Vec<String> = self.gone.iter().map(line).collect();
        if let Some(update) = self.update.as_ref().filter(|_| self.gone.iter().all(|(by, _)| by != "method.name")) {
            lines.push(format!("--set method.name: keeps {update}"));
        }
        lines
    }
}

/// `update = "sequence" (ostl as published: "window")`: what a file's method says of when the weights change, where the method of this name does it
/// otherwise.
fn update_that_stays(method: Option<&Value>, name: &str) -> Option<String> {
    let Value::Table(method) = method? else { return None };
    let (_, Value::String(update)) = method.iter().find(|(key, _)| same(key, "update"))? else { return None };
    let name = MethodName::read(name.trim_matches(['"', '\''])).ok()?;
    let own = if name.method().update == Update::Window { "window" } else { "sequence" };
    (!same(update, own)).then(|| format!("update = \"{update}\" ({} as published: \"{own}\")", name.as_str()))
}

/// Whether a file by itself has a key and says nothing wrong with it.
fn is_right_in(file: &Table, path: &[String]) -> bool {
    let mut file = file.clone();
    let wrong = loop {
        match blame::read(&file) {
            Ok(config) => break config.validate().err().map(|error| error.path()),
            Err(wrong) if spelling::corrected(&mut file, &wrong) => {}
            Err(wrong) => break Some(wrong.path),
        }
    };
    find(&Value::Table(file), path).is_some() && wrong.is_none_or(|wrong| wrong != path)
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::super::{Config, LayerConfig};

    /// A configuration with a layer, a schedule and a task that have options of their own, changed by `--unset` and `--set`.
    fn changed(unset: &[&str], set: &[&str]) -> Result<(Config, Vec<String>), String> {
        const TEXT: &str = "
            [task]
            name = 'store-recall'
            delay = 20
            distractors = 2
            train = 64
            [[layers]]
            cell = 'lif'
            units = 5
            recurrent = true
            decay = 0.7
            density = 0.5
            activity = { rate = { target = 0.1, weight = 1 } }
            [readout]
            cell = 'li'
            decay = 0.8
            [method]
            name = 'snap'
            order = 1
            window = 3
            [optimizer]
            rule = 'adamw'
            learning_rate = 0.01
            weight_decay = 0.1
            beta1 = 0.8
            [optimizer.schedule]
            kind = 'cosine'
            total = 9
            minimum = 0.1
            [training]
            epochs = 3
            batch = 4
            patience = 2";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, TEXT).unwrap();
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let read = Source::new(Some(&path), &owned(unset), &owned(set)).map_err(|error| error.to_string());
        read.map(|(config, source)| (config, source.notes().to_vec()))
    }

    /// What a `--set` leaves out, as it is said.
    #[track_caller]
    fn leaves_out(set: &str, keys: &str) -> Config {
        let (config, notes) = changed(&[], &[set]).unwrap_or_else(|error| panic!("{set}: {error}"));
        assert_eq!(notes.len(), 1, "{set}: {notes:?}");
        let (key, _) = set.split_once('=').unwrap();
        assert!(notes[0].starts_with(&format!("--set {key}: leaves out what ")), "{notes:?}");
        assert!(notes[0].contains(&format!("a.toml says of {keys}")), "{notes:?}");
        config
    }

    #[test]
    fn another_kind_drops_the_options_that_it_does_not_have() {
        let config = leaves_out("layers.0.cell=lru", "decay, recurrent, density");
        assert_eq!(config.layers[0].name(), "lru");
        leaves_out("layers.0.cell=gru", "decay");
        leaves_out("layers.0.dense=tanh", "cell, activity, decay, density, recurrent");
        let config = leaves_out("optimizer.schedule.kind=constant", "minimum, total");
        assert_eq!(config.schedule().0, ostl_core::Schedule::Constant);
        leaves_out("optimizer.rule=adam", "weight_decay");
        leaves_out("optimizer.rule=sgd", "beta1, weight_decay");
        leaves_out("readout.cell=lstm", "decay");
        leaves_out("layers.0.recurrent=false", "density");
        leaves_out("layers.0.time_constant=20", "decay");
        leaves_out("method.name=ostl", "order, window");
        leaves_out("method.carry=local", "order");
        let config = leaves_out("task.name=jsb", "delay, distractors, train");
        assert_eq!(config.task.name(), "jsb");
        leaves_out("task.name=adding", "delay, distractors; train stay as they are there");
    }

    /// A name stands for when the weights change, too, but what the file says of that stays: it is said, whether or not anything else is left out.
    #[test]
    fn an_update_that_is_not_the_named_methods_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let notes = |method: &str, set: &[&str]| {
            let text = include_str!("../default.toml");
            let start = text.find("[method]").unwrap();
            let end = start + text[start..].find("[optimizer]").unwrap();
            std::fs::write(&path, format!("{}[method]\n{method}\n{}", &text[..start], &text[end..])).unwrap();
            let set: Vec<String> = set.iter().map(|&text| text.to_owned()).collect();
            let (_, source) = Source::new(Some(&path), &[], &set).unwrap();
            source.notes().iter().map(|note| note.replace(&path.display().to_string(), "a.toml")).collect::<Vec<_>>()
        };
        let plain = "window = 5\ncarry = \"layer\"\nupdate = \"sequence\"";
        let kept = "keeps update = \"sequence\" (ostl as published: \"window\")";
        let gone = "--set method.name: leaves out what a.toml says of carry, window";
        assert_eq!(notes(plain, &["method.name=ostl"]), [format!("{gone}; {kept}")]);
        assert_eq!(notes(plain, &["method.name=ostl", "method.update=sequence"]), [gone]);
        assert_eq!(notes(plain, &["method.name=bptt"]), [gone], "whose weights change then");
        let named = "name = \"bptt\"\nupdate = \"sequence\"";
        assert_eq!(notes(named, &["method.name=\"OSTL\""]), [format!("--set method.name: {kept}")]);
        assert_eq!(notes(named, &["method.seed=3"]), Vec::<String>::new());
    }

    #[test]
    fn what_is_the_same_kind_or_has_the_options_keeps_them() {
        for set in ["layers.0.cell=lif", "layers.0.units=7", "optimizer.rule=adamw", "task.name=store_recall", "seed=3"] {
            let (_, notes) = changed(&[], &[set]).unwrap();
            assert_eq!(notes, Vec::<String>::new(), "{set}");
        }
        let (config, _) = changed(&[], &["layers.0.cell=alif"]).unwrap();
        let decays = |layer: &LayerConfig| toml::to_string(layer).unwrap().contains("decay = 0.7");
        assert!(decays(&config.layers[0]));
    }

    /// What is `--set` itself is no leftover, and neither is what is wrong in the file whatever is set.
    #[test]
    fn what_was_asked_for_is_refused_and_not_dropped() {
        let refused = |set: &[&str], word: &str| {
            let error = changed(&[], set).unwrap_err();
            assert!(error.contains(word), "{error}");
        };
        refused(&["layers.0.cell=lru", "layers.0.forget_bias=1"], "--set: layers.0.forget_bias = 1: unknown key");
        refused(&["optimizer.rule=sgd", "optimizer.momentum=0.5"], "--set: optimizer.momentum = 0.5");
        refused(&["task.name=jsb", "task.delay=3"], "--set: task.delay = 3: unknown key");
        refused(&["layers.0.time_constant=20", "layers.0.decay=0.5"], "--set: layers.0.time_constant");
        refused(&["optimizer.schedule.kind=step"], "optimizer.schedule.every: missing");
        refused(&["layers.0.unit=3", "layers.0.cell=lru"], "layers.0.unit = 3: unknown key");
    }

    #[test]
    fn a_key_is_taken_away() {
        let (config, notes) = changed(&["training.patience", "optimizer.schedule"], &[]).unwrap();
        assert!(config.training.patience.is_none() && notes.is_empty());
        assert_eq!(config.schedule().0, ostl_core::Schedule::Constant);
        let (config, _) = changed(&["readout", "optimizer.Weight-Decay"], &["optimizer.weight_decay=0.3"]).unwrap();
        assert!(config.readout.is_none());
        let refused = |unset: &str, words: &[&str]| {
            let error = changed(&[unset], &[]).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        };
        refused("training.patiense", &["--unset training.patiense", "no such key", "did you mean `patience`?"]);
        refused("training.best", &["--unset training.best", "no such key", "epochs"]);
        refused("training.epochs", &["training.epochs: missing"]);
        refused("layers.3", &["--unset layers.3", "no such key"]);
        refused("seed=3", &["--unset seed=3", "a key alone"]);
    }
}
