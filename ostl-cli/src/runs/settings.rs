//! Settings as keys and values, so that those of two runs can be laid beside each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// `layers.0.units` → `16`.
pub(crate) type Settings = BTreeMap<String, String>;

/// What runs of one configuration may differ in: the seed, where data lie, and what changes no result.
const BESIDE_THE_POINT: [&str; 4] = ["seed", "data", "threads", "training.checkpoint_minutes"];

/// All settings that make a difference.
pub(crate) fn flattened(settings: &Value) -> Settings {
    let mut flat = Settings::new();
    add(&mut flat, String::new(), settings);
    for key in BESIDE_THE_POINT {
        flat.remove(key);
    }
    flat
}

/// More differences than these name nothing.
pub(crate) const MOST_SETTINGS: usize = 5;

/// The settings that some configurations do not have in common.
pub(crate) fn differing(all: &[&Settings]) -> Vec<String> {
    let keys: BTreeSet<&String> = all.iter().flat_map(|settings| settings.keys()).collect();
    let of_first = |key: &String| all.first().and_then(|settings| settings.get(key));
    let differs = |key: &&String| all.iter().any(|settings| settings.get(*key) != of_first(key));
    keys.into_iter().filter(differs).cloned().collect()
}

/// `carry=local, units=16`: a configuration by what distinguishes it, in short; nothing where that is nothing, or too much.
pub(crate) fn called(settings: &Settings, differing: &[String]) -> Option<String> {
    if !(1..=MOST_SETTINGS).contains(&differing.len()) {
        return None;
    }
    let short = |key| short(key, differing.iter().map(String::as_str));
    let parts = differing.iter().filter_map(|key| Some(format!("{}={}", short(key), settings.get(key)?)));
    Some(parts.collect::<Vec<_>>().join(", ")).filter(|name| !name.is_empty())
}

/// The last part of a key, unless another of `all` keys ends in the same.
pub(crate) fn short<'k, 'a>(key: &'k str, all: impl Iterator<Item = &'a str>) -> &'k str {
    fn last(key: &str) -> &str {
        key.rsplit('.').next().unwrap_or_default()
    }
    let alike = all.filter(|other| last(other) == last(key)).count();
    if alike > 1 { key } else { last(key) }
}

fn add(flat: &mut Settings, key: String, value: &Value) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(parts) => parts.iter().for_each(|(name, part)| add(flat, below(name), part)),
        Value::Array(parts) if parts.iter().any(Value::is_object) => {
            parts.iter().enumerate().for_each(|(index, part)| add(flat, below(&index.to_string()), part));
        }
        // As if it had been left out.
        Value::Null => {}
        Value::String(text) => drop(flat.insert(key, text.clone())),
        other => drop(flat.insert(key, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_distinguishes_names() {
        let [a, b] = [
            json!({ "method": { "carry": "local" }, "layers": [{ "units": 8 }] }),
            json!({ "method": {}, "layers": [{ "units": 8 }, { "units": 4 }] }),
        ];
        let [a, b] = [flattened(&a), flattened(&b)];
        let keys = differing(&[&a, &b]);
        assert_eq!(keys, ["layers.1.units", "method.carry"]);
        assert_eq!((called(&a, &keys).unwrap(), called(&b, &keys).unwrap()), ("carry=local".into(), "units=4".into()));
        assert_eq!((called(&a, &[]), differing(&[&a, &a])), (None, vec![]));
        let alike = ["layers.0.units", "layers.1.units"].map(str::to_owned);
        assert_eq!(called(&b, &alike).unwrap(), "layers.0.units=8, layers.1.units=4");
    }

    #[test]
    fn keys_are_those_of_set() {
        let flat = flattened(&json!({
            "seed": 3,
            "threads": 0,
            "data": "DIR",
            "layers": [{ "cell": "lstm", "units": 16 }, { "cell": "snu", "recurrent": false }],
            "task": { "name": "adding", "seed": 1, "bands": [1, 2.5] },
            "training": { "epochs": 3, "patience": null, "checkpoint_minutes": 10.0 },
        }));
        let expected = [
            ("layers.0.cell", "lstm"),
            ("layers.0.units", "16"),
            ("layers.1.cell", "snu"),
            ("layers.1.recurrent", "false"),
            ("task.bands", "[1,2.5]"),
            ("task.name", "adding"),
            ("task.seed", "1"),
            ("training.epochs", "3"),
        ];
        assert_eq!(flat, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }
}
