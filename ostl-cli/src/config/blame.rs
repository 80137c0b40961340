//! From a tree of settings to a [`Config`], and when that fails, which key of the tree is to blame.
//!
//! `serde` says what is wrong but often not where: a table whose variant is chosen by one of its keys is read from a buffer that
//! has forgotten its keys. So the key is found by experiment: it is the one without which the error is another.

use serde::Deserialize;
use toml::{Table, Value};

use super::tree::{find, keys, remove, with_key};
use super::{Config, words};
use crate::names::{listed, nearest, same};

/// A key that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wrong {
    /// From the root; an array's elements by index.
    pub(super) path: Vec<String>,
    /// As it stands in the tree, cut short.
    pub(super) value: Option<String>,
    pub(super) fault: Fault,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// There is no such key here, but these.
    UnknownKey { known: Vec<String> },
    /// There is no such name, but these. It is the value, or a key of the table that is the value.
    UnknownName { name: String, known: Vec<String> },
    /// It is not there, and has no default.
    Missing,
    /// Anything else, in serde's words.
    Other(String),
}

/// Reads a configuration, refusing whatever it does not know.
pub(super) fn read(tree: &Table) -> Result<Config, Wrong> {
    let config = attempt(tree).map_err(|error| explain(tree, &error))?;
    // Some of serde's enum representations skip keys that they do not know, even when set not to.
    let (given, known) = (Value::Table(tree.clone()), Value::try_from(&config).unwrap_or(Value::Boolean(false)));
    match ignored(&given, &known) {
        None => Ok(config),
        Some(path) => {
            let siblings = path.split_last().and_then(|(_, table)| find(&known, table)).map(keys).unwrap_or_default();
            let value = find(&given, &path).map(shown);
            Err(Wrong { path, value, fault: Fault::UnknownKey { known: siblings } })
        }
    }
}

fn attempt(tree: &Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(tree.clone())).map_err(|error| error.message().to_owned())
}

fn explain(tree: &Table, error: &str) -> Wrong {
    let root = Value::Table(tree.clone());
    if let Some(field) = error.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return explain_missing(&root, field, error);
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
    Wrong { fault: fault(error, &root, &path), path, value }
}

/// A key that is missing is perhaps there under a name that is misspelt.
fn explain_missing(root: &Value, field: &str, error: &str) -> Wrong {
    let mut path = missing(root, field, error).unwrap_or_default();
    let siblings = find(root, &path).map(keys).unwrap_or_default();
    let meant = siblings.iter().find(|key| same(key, field)).or_else(|| {
        let near = nearest(field, siblings.iter().map(String::as_str));
        // What is known without the missing key is no misspelling of it.
        siblings.iter().find(|key| Some(key.as_str()) == near && unknown_beside(root, &path, key, field))
    });
    match meant.cloned() {
        Some(key) => {
            path.push(key);
            let value = find(root, &path).map(shown);
            let known = words::and_taken_out(vec![field.to_owned()], root, &path);
            Wrong { path, value, fault: Fault::UnknownKey { known } }
        }
        None => {
            path.push(field.to_owned());
            Wrong { path, value: None, fault: Fault::Missing }
        }
    }
}

/// Whether a key is one that the table does not know, once the missing field has the key's value.
fn unknown_beside(root: &Value, path: &[String], key: &str, field: &str) -> bool {
    let value = find(root, path).and_then(|table| table.get(key)).cloned();
    let Some(with) = value.map(|value| with_key(root, path, field, value)) else { return false };
    let error = with.as_table().and_then(|tree| attempt(tree).err()).unwrap_or_default();
    error.starts_with(&format!("unknown field `{key}`"))
}

fn fault(error: &str, root: &Value, path: &[String]) -> Fault {
    if let Some((_, list)) = error.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        let known = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        return Fault::UnknownKey { known: words::and_taken_out(known, root, path) };
    }
    match listed(error) {
        Some((name, known)) => {
            let known = known.into_iter().map(str::to_owned).collect();
            // The variant of an enum may be a key.
            let is_key =
                path.last().is_some_and(|key| key == name) && find(root, path).and_then(Value::as_str) != Some(name);
            if is_key { Fault::UnknownKey { known } } else { Fault::UnknownName { name: name.to_owned(), known } }
        }
        None => Fault::Other(error.to_owned()),
    }
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
            let with = with_key(root, &path, field, Value::Boolean(true));
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

/// A value as it stands in a configuration, cut short.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}
