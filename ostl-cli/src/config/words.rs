//! What is said of a key that could not be read: serde's words put into those of a configuration, and what to write instead.

use toml::Value;

use super::blame::{Fault, Wrong};
use super::keys;
use super::rates::KEYS as RATES;
use super::tree::find;
use crate::names::{did_you_mean, or_known, with_known};

/// Keys of a layer that are read before the rest is left to the cell.
const OF_A_CELL: [&str; 7] = ["cell", "units", "activity", "density", "dropout", RATES[0], RATES[1]];

/// Keys of a task that are read before the rest is left to it.
const OF_A_TASK: [&str; 3] = ["name", super::objective::KEYS[0], super::objective::KEYS[1]];

/// What a key that has no default might be, by its name.
const EXAMPLES: [(&str, &str); 20] = [
    ("task", "[task] with name = \"store-recall\" (ostl data list shows them all)"),
    ("layers", "[[layers]] with cell = \"lstm\" and units = 64"),
    ("method", "[method] with name = \"ostl\""),
    ("optimizer", "[optimizer] with rule = \"adam\" and learning_rate = 0.001"),
    ("training", "[training] with epochs = 20 and batch = 16"),
    ("name", "name = \"store-recall\" (ostl data list shows them all)"),
    ("units", "units = 64"),
    ("cell", "cell = \"li\""),
    ("window", "window = 5, or a method's name such as name = \"ostl\""),
    ("carry", "carry = \"layer\", or a method's name such as name = \"ostl\""),
    ("rule", "rule = \"adam\""),
    ("learning_rate", "learning_rate = 0.001"),
    ("epochs", "epochs = 20"),
    ("kind", "kind = \"cosine\""),
    ("every", "every = 20, the epochs between changes"),
    ("factor", "factor = 0.5, by which the rate changes"),
    ("weight", "weight = 1, how much it counts in the error"),
    ("target", "target = 0.05, the spikes of a unit and step"),
    ("bound", "bound = 2, beyond which a potential counts"),
    ("total", "total = 60, the epochs until the least rate is reached"),
];

/// The names that serde has listed, with those that were taken out before serde saw the table.
pub(super) fn and_taken_out(listed: Vec<String>, root: &Value, path: &[String]) -> Vec<String> {
    let taken: &[&str] = match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["layers", _, _] => {
            let layer = find(root, &path[..2]);
            let has = |key: &str| layer.is_some_and(|layer| layer.get(key).is_some());
            match (has("cell"), has("dense"), has("embedding")) {
                (true, _, _) => &OF_A_CELL,
                (_, true, _) | (_, _, true) => &["units", "dropout", RATES[0], RATES[1]],
                _ => &[],
            }
        }
        ["readout", _] => &["dropout", "tied", RATES[0], RATES[1], "cell"],
        ["task", _] => &OF_A_TASK,
        _ => &[],
    };
    let taken: Vec<String> = taken.iter().map(|&name| name.to_owned()).filter(|name| !listed.contains(name)).collect();
    [taken, listed].concat()
}

/// What is wrong, and what to write instead.
pub(super) fn problem(wrong: &Wrong) -> String {
    let key = wrong.path.last().map(String::as_str).unwrap_or_default();
    match &wrong.fault {
        Fault::UnknownKey { known } => unknown_key(key, &wrong.path, known),
        Fault::UnknownName { name, known } => {
            format!("unknown name `{name}`{}", or_known(name, known))
        }
        Fault::Missing => match EXAMPLES.iter().find(|(name, _)| *name == key) {
            Some((_, example)) => format!("missing; it has no default: add {example}"),
            None => "missing; it has no default".into(),
        },
        Fault::Other(error) => in_words(error, wrong),
    }
}

fn unknown_key(key: &str, path: &[String], known: &[String]) -> String {
    if known.is_empty() {
        return match keys::elsewhere(key) {
            Some(meant) => format!("unknown key, no key is known here: did you mean `{meant}`?"),
            None => "unknown key, no key is known here: leave it out".into(),
        };
    }
    let mut meant = did_you_mean(key, known.iter().map(String::as_str));
    if let Some(other) = keys::elsewhere(key).filter(|other| meant.is_empty() && *other != path.join(".")) {
        meant = format!("did you mean `{other}`?");
    }
    format!("unknown key{}", with_known(&meant, known))
}

/// serde's message in words that stand in a configuration.
fn in_words(error: &str, wrong: &Wrong) -> String {
    let mut message = error.to_owned();
    for (rust, words) in [
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected i64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list in [ ]"),
        ("invalid type: unit variant, expected string only", "must be a name in quotes"),
        ("expected string or map", "expected a table with one key, such as { width_ms = 10 }"),
        ("expected map with a single key", "expected a table with one key alone"),
        ("expected variant identifier", "expected a name in quotes"),
        ("expected string or table", "expected a name in quotes"),
        ("expected internally tagged enum TaskConfig", "expected a table such as { name = \"own\" }"),
        (
            "expected internally tagged enum Schedule",
            "expected a table such as { kind = \"cosine\", total = 60, minimum = 0.1 }",
        ),
        ("expected internally tagged enum CellConfig", "expected a table such as { cell = \"lstm\", units = 64 }"),
        ("expected a map", "expected a table such as { cell = \"lstm\", units = 64 }"),
        ("expected a string", "expected a name in quotes"),
        ("expected path string", "expected a path in quotes"),
    ] {
        message = message.replace(rust, words);
    }
    if wrong.path == ["readout"] {
        message = message.replace("cell = \"lstm\", units = 64", "cell = \"li\"");
    }
    // A struct by its Rust name, as in `expected struct TrainingConfig`, is a section.
    if let Some((before, rest)) = message.split_once("expected struct ") {
        let after = rest.trim_start_matches(|letter: char| letter.is_alphanumeric());
        let section = wrong.path.join(".");
        // A list is tried as the struct's fields in turn, which says nothing to those who write tables.
        message = match before.starts_with("invalid length") {
            true => format!("must be a table: a section [{section}] with its keys"),
            false => format!("{before}expected a table: a section [{section}] with its keys{after}"),
        };
    }
    match message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: ")) {
        Some(rest) => typed(rest, wrong),
        None => message,
    }
}

/// `string "many", expected a whole number` as `must be a whole number, and is text`.
fn typed(rest: &str, wrong: &Wrong) -> String {
    let Some((found, expected)) = rest.split_once(", expected ") else { return rest.to_owned() };
    let key = wrong.path.last().map(String::as_str).unwrap_or_default();
    let bare = wrong.value.as_deref().unwrap_or_default().trim_matches(['"', '\'']);
    let remedy = match found.split([' ', '`']).next().unwrap_or_default() {
        "string" if expected.contains("number") && bare.parse::<i128>().is_ok() && bare.parse::<i64>().is_err() => {
            return format!("must be {expected}, and smaller than 9223372036854775808");
        }
        "string" if expected.contains("number") && bare.parse::<f64>().is_ok_and(f64::is_finite) => {
            format!(": write {bare} without quotes")
        }
        "string" if expected.contains("true or false") && ["true", "false"].contains(&bare.to_lowercase().as_str()) => {
            format!(": write {} without quotes", bare.to_lowercase())
        }
        "floating" if expected.contains("whole") && bare.parse::<f64>().is_ok_and(|value| value.fract() == 0.0) => {
            format!(": write {} without a point", bare.parse::<f64>().unwrap_or_default())
        }
        "map" if expected.contains("list") && key == "layers" => ": write [[layers]] in two brackets, once a layer".into(),
        _ => String::new(),
    };
    let is = match found.split([' ', '`']).next().unwrap_or_default() {
        "string" => "text",
        "integer" => "a number",
        "floating" => "a number with a point",
        "boolean" => "true or false",
        "map" => "a table",
        "sequence" => "a list",
        "datetime" => "a date",
        other => other,
    };
    // Out of range, as -3 for a count, it is no other kind of thing.
    if is == "a number" && expected.contains("number") {
        return format!("must be {expected}{remedy}");
    }
    format!("must be {expected}, and is {is}{remedy}")
}
