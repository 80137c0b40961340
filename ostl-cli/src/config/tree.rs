//! A tree of settings: what lies at a path, and how it is put there, taken away or given another name.

use toml::{Table, Value};

use crate::names::same;

/// Most keys of a path.
const DEEPEST: usize = 16;

/// The keys of a table, or the numbers of an array's elements.
pub(super) fn keys(node: &Value) -> Vec<String> {
    match node {
        Value::Table(table) => table.keys().cloned().collect(),
        Value::Array(elements) => (0..elements.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// What lies at a path.
pub(super) fn find<'v>(root: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(root, |node, key| match node {
        Value::Table(table) => table.get(key),
        Value::Array(elements) => elements.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The same, to be changed.
pub(super) fn find_mut<'v>(root: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(root, |node, key| match node {
        Value::Table(table) => table.get_mut(key),
        Value::Array(elements) => elements.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Takes a key out of the table at a path, or an element out of the array there; says whether there was one.
pub(super) fn remove(root: &mut Value, path: &[String], key: &str) -> bool {
    match find_mut(root, path) {
        Some(Value::Table(table)) => table.remove(key).is_some(),
        Some(Value::Array(elements)) => match key.parse::<usize>().ok().filter(|&index| index < elements.len()) {
            Some(index) => {
                elements.remove(index);
                true
            }
            None => false,
        },
        _ => false,
    }
}

/// The same tree with a key in the table at a path.
pub(super) fn with_key(root: &Value, path: &[String], key: &str, value: Value) -> Value {
    let mut with = root.clone();
    if let Some(Value::Table(table)) = find_mut(&mut with, path) {
        table.insert(key.to_owned(), value);
    }
    with
}

/// A path as the tree spells it: each key under the name that is there, where it is the same name.
pub(super) fn spelled_path(root: &Value, path: &[String]) -> Vec<String> {
    let mut node = Some(root);
    let mut spelled = Vec::with_capacity(path.len());
    for key in path {
        let there = match node {
            Some(Value::Table(table)) if !table.contains_key(key) => table.keys().find(|known| same(known, key)),
            _ => None,
        };
        let key = there.unwrap_or(key).clone();
        node = node.and_then(|node| find(node, std::slice::from_ref(&key)));
        spelled.push(key);
    }
    spelled
}

/// Puts a value at a path, making tables on the way.
pub(super) fn set(tree: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    if path.len() > DEEPEST {
        return Err(format!("{} keys one in another, where a configuration has at most a few", path.len()));
    }
    let Some((last, parents)) = path.split_last() else { return Ok(()) };
    let Some((first, rest)) = parents.split_first() else {
        tree.insert(last.clone(), value);
        return Ok(());
    };
    let mut node = tree.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
    for (depth, key) in rest.iter().enumerate() {
        node = child(node, &path[..=depth], key)?;
    }
    match node {
        Value::Table(table) => {
            table.insert(last.clone(), value);
        }
        other => *child(other, parents, last)? = value,
    }
    Ok(())
}

/// The entry of a table, made if it is not there, or the element of an array.
fn child<'v>(node: &'v mut Value, path: &[String], key: &str) -> Result<&'v mut Value, String> {
    let here = path.join(".");
    match node {
        Value::Table(table) => Ok(table.entry(key).or_insert_with(|| Value::Table(Table::new()))),
        Value::Array(elements) => {
            let count = elements.len();
            let element = key.parse::<usize>().ok().and_then(|index| elements.get_mut(index));
            element.ok_or_else(|| {
                let s = if count == 1 { "" } else { "s" };
                format!("{here} has {count} element{s}, counted from 0, and none is called `{key}`")
            })
        }
        other => Err(format!("{here} is a value ({}), not a table", other.type_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::parse;
    use super::*;

    fn path(key: &str) -> Vec<String> {
        key.split('.').map(str::to_owned).collect()
    }

    fn changed(text: &str, key: &str, value: &str) -> Result<Table, String> {
        let mut tree: Table = text.parse().unwrap();
        set(&mut tree, &path(key), parse(value)).map(|()| tree)
    }

    #[test]
    fn set_reaches_tables_arrays_and_new_keys() {
        let text = "a = 1\n[[b]]\nc = 2\n[[b]]\nc = 3\n[d.e]\nf = 4";
        let becomes = |key: &str, value: &str, expected: &str| {
            assert_eq!(changed(text, key, value).unwrap(), expected.parse::<Table>().unwrap(), "{key}");
        };
        becomes("a", "5", "a = 5\n[[b]]\nc = 2\n[[b]]\nc = 3\n[d.e]\nf = 4");
        becomes("b.1.c", "5", "a = 1\n[[b]]\nc = 2\n[[b]]\nc = 5\n[d.e]\nf = 4");
        becomes("b.0", "5", "a = 1\nb = [5, { c = 3 }]\n[d.e]\nf = 4");
        becomes("d.e.f", "x = y", "a = 1\n[[b]]\nc = 2\n[[b]]\nc = 3\n[d.e]\nf = 'x = y'");
        becomes("d.g.h", "[1, 2]", "a = 1\n[[b]]\nc = 2\n[[b]]\nc = 3\n[d]\ne.f = 4\ng.h = [1, 2]");
        assert!(changed(text, "b.2.c", "5").unwrap_err().contains("b has 2 elements"));
        assert!(changed(text, "b.c", "5").unwrap_err().contains("`c`"));
        assert!(changed(text, "a.x.y", "5").unwrap_err().contains("a is a value (integer)"));
        assert!(changed(text, "a.x", "5").unwrap_err().contains("a is a value (integer)"));
        assert!(changed(text, &["d"; 20].join("."), "5").unwrap_err().contains("20 keys"));
    }

    #[test]
    fn paths_are_spelled_as_they_stand_in_the_tree() {
        let root = Value::Table("[opt-imizer]\nlearning_rate = 1\n[[Layers]]\nunits = 3".parse().unwrap());
        for (given, spelled) in [
            ("opt_imizer.Learning-Rate", "opt-imizer.learning_rate"),
            ("layers.0.UNITS", "Layers.0.units"),
            ("layers.1.units", "Layers.1.units"),
            ("new.learning-rate", "new.learning-rate"),
        ] {
            assert_eq!(spelled_path(&root, &path(given)), path(spelled), "{given}");
        }
    }

    #[test]
    fn keys_and_elements_are_taken_out() {
        let mut root = Value::Table("a = 1\nb = [1, 2, 3]\n[c]\nd = 1".parse().unwrap());
        assert!(remove(&mut root, &path("c"), "d") && remove(&mut root, &path("b"), "1"));
        assert!(!remove(&mut root, &path("b"), "2") && !remove(&mut root, &path("a"), "x") && !remove(&mut root, &[], "z"));
        assert_eq!(root, Value::Table("a = 1\nb = [1, 3]\n[c]".parse().unwrap()));
    }
}
