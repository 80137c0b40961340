//! From a tree of settings to a [`Config`], and when that fails, which key of the tree is to blame.
//!
//! `serde` says what is wrong but often not where: a table whose variant is chosen by one of its keys is read from a buffer that
//! has forgotten its keys. So the key is found by experiment: it is the one without which the error is another.

use serde::Deserialize;
use toml::{Table, Value};

use super::Config;

/// A key that could not be read.
#[derive(Debug, PartialEq)]
pub(super) struct Wrong {
    /// From the root; an array's elements by index.
    pub(super) path: Vec<String>,
    pub(super) value: Option<String>,
    pub(super) problem: String,
}

/// Reads a configuration, refusing whatever it does not know.
pub(super) fn read(tree: &Table) -> Result<Config, Wrong> {
    let config = attempt(tree).map_err(|error| explain(tree, &error))?;
    // Some of serde's enum representations skip keys that they do not know, even when told not to.
    let known = Value::try_from(&config).ok();
    match known.and_then(|known| ignored(&Value::Table(tree.clone()), &known)) {
        None => Ok(config),
        Some(path) => {
            let value = find(&Value::Table(tree.clone()), &path).map(shown);
            Err(Wrong { path, value, problem: "unknown key".into() })
        }
    }
}

fn attempt(tree: &Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(tree.clone())).map_err(|error| error.message().to_owned())
}

fn explain(tree: &Table, error: &str) -> Wrong {
    let root = Value::Table(tree.clone());
    if let Some(field) = error.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        let mut path = missing(&root, field, error).unwrap_or_default();
        path.push(field.to_owned());
        return Wrong { path, value: None, problem: "missing; it has no default".into() };
    }
    let mut path = Vec::new();
    let mut node = &root;
    loop {
        let suspects = keys(node).into_iter().filter(|key| {
            let mut without = root.clone();
            remove(&mut without, &path, key);
            fails_otherwise(&without, error)
        });
        let child = |key: &String| find(node, std::slice::from_ref(key));
        // A key that chooses the variant is always a suspect: without it, nothing can be read.
        let Some(key) = suspects.min_by_key(|key| child(key).map(|value| suspicion(key, value, error))) else { break };
        let Some(value) = child(&key) else { break };
        path.push(key);
        node = value;
    }
    let value = (!path.is_empty()).then(|| shown(node));
    let problem = tidy(&complete(error, &root, &path));
    Wrong { path, value, problem }
}

/// Keys of a layer that are read before the rest is left to the cell.
const OF_A_CELL: [&str; 5] = ["cell", "units", "activity", "density", "dropout"];

/// The error about an unknown key, with those keys in its list that were taken out before serde saw the table.
fn complete(error: &str, root: &Value, path: &[String]) -> String {
    let known: &[&str] = match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["layers", _, _] => match find(root, &path[..2]).and_then(|layer| layer.get("dense")) {
            Some(_) => &["units", "dropout"],
            None => &OF_A_CELL,
        },
        ["readout", _] => &["dropout", "tied", "cell"],
        ["task", _] => &["name"],
        _ => return error.to_owned(),
    };
    let Some((key, list)) = error.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, ")) else {
        return error.to_owned();
    };
    // One name, two with `or` between them, more after `one of`, or none at all: the names are what stands in quotes.
    let others = list.split('`').skip(1).step_by(2);
    let names: Vec<String> = known.iter().copied().chain(others).map(|name| format!("`{name}`")).collect();
    format!("unknown field `{key}`, expected one of {}", names.join(", "))
}

/// 0 for the key that the error is surely about, more for keys that it may be about.
fn suspicion(key: &str, value: &Value, error: &str) -> u8 {
    let is_named = error.starts_with(&format!("unknown field `{key}`"));
    let is_quoted = match value {
        Value::String(text) => error.contains(&format!("{text:?}")) || error.contains(&format!("`{text}`")),
        Value::Table(_) | Value::Array(_) => false,
        other => error.contains(&format!("`{other}`")),
    };
    match value {
        _ if is_named => 0,
        _ if is_quoted => 1,
        Value::Table(_) | Value::Array(_) => 2,
        _ => 3,
    }
}

/// Whether reading this tree gives another result than the error.
fn fails_otherwise(root: &Value, error: &str) -> bool {
    root.as_table().is_none_or(|tree| attempt(tree).err().as_deref() != Some(error))
}

/// The table that lacks a field: the one where giving the field something, anything, changes the error. Where the table may do without the
/// field, the error is there without the whole table, too.
fn missing(root: &Value, field: &str, error: &str) -> Option<Vec<String>> {
    let mut places = vec![Vec::new()];
    while let Some(path) = places.pop() {
        let node = find(root, &path)?;
        let is_to_blame = path.split_last().is_none_or(|(key, parents)| {
            let mut without = root.clone();
            remove(&mut without, parents, key);
            fails_otherwise(&without, error)
        });
        if is_to_blame && node.as_table().is_some_and(|table| !table.contains_key(field)) {
            let mut with = root.clone();
            if let Some(Value::Table(table)) = find_mut(&mut with, &path) {
                table.insert(field.to_owned(), Value::Boolean(true));
            }
            let still = with.as_table().and_then(|tree| attempt(tree).err()).unwrap_or_default();
            if still != error && !still.starts_with("unknown field") {
                return Some(path);
            }
        }
        places.extend(keys(node).into_iter().rev().map(|key| [path.clone(), vec![key]].concat()));
    }
    None
}

/// The first key that was given but did not arrive.
fn ignored(given: &Value, known: &Value) -> Option<Vec<String>> {
    keys(given).into_iter().find_map(|key| {
        let inside = |value| find(value, std::slice::from_ref(&key));
        match (inside(given), inside(known)) {
            (Some(given), Some(known)) => ignored(given, known).map(|path| [vec![key.clone()], path].concat()),
            _ => Some(vec![key]),
        }
    })
}

fn keys(node: &Value) -> Vec<String> {
    match node {
        Value::Table(table) => table.keys().cloned().collect(),
        Value::Array(elements) => (0..elements.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn find<'v>(root: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(root, |node, key| match node {
        Value::Table(table) => table.get(key),
        Value::Array(elements) => elements.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn find_mut<'v>(root: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(root, |node, key| match node {
        Value::Table(table) => table.get_mut(key),
        Value::Array(elements) => elements.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn remove(root: &mut Value, path: &[String], key: &str) {
    match find_mut(root, path) {
        Some(Value::Table(table)) => {
            table.remove(key);
        }
        Some(Value::Array(elements)) => {
            if let Some(index) = key.parse::<usize>().ok().filter(|&index| index < elements.len()) {
                elements.remove(index);
            }
        }
        _ => {}
    }
}

/// A value as it stands in a configuration, cut short.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// serde's message in words that stand in a configuration.
fn tidy(error: &str) -> String {
    let mut message = error.to_owned();
    if let Some(rest) = error.strip_prefix("unknown field `") {
        let known = rest.split_once("`, ").map(|(_, known)| known).unwrap_or_default();
        message = if known.starts_with("expected") { format!("unknown key, {known}") } else { "unknown key".into() };
    }
    for (rust, words) in [
        ("unknown variant", "unknown name"),
        ("there are no fields", "no key is known here"),
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("invalid type: unit variant, expected string only", "not a name in quotes"),
        ("expected variant identifier", "expected a name in quotes"),
        ("expected internally tagged enum TaskConfig", "expected a table such as { name = \"own\" }"),
        (
            "expected internally tagged enum Schedule",
            "expected a table such as { kind = \"cosine\", total = 60, minimum = 0.1 }",
        ),
    ] {
        message = message.replace(rust, words);
    }
    message
}
