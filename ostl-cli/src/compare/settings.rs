//! Settings as keys and values, so that those of two runs can be laid beside each other.

use std::collections::BTreeMap;

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
