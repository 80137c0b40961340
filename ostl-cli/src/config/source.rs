//! Where the configuration comes from: a file or the built-in default, with `--set` on top; and who is to blame for a key.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, OutOfRange, blame};
use crate::arguments::ConfigArguments;
use crate::failure::{UsageError, WrongSetting};

/// What `ostl train` learns without a configuration file; `configs/default.toml` is a copy.
pub(super) const DEFAULT: &str = include_str!("../default.toml");

/// The places that settings come from.
#[derive(Debug)]
pub(crate) struct Source {
    file: Option<PathBuf>,
    /// `--set`: path, and the text as it was given.
    overrides: Vec<(Vec<String>, String)>,
}

/// Reads and checks the configuration that the command line asks for.
pub(crate) fn load(arguments: &ConfigArguments, seed: Option<u64>) -> Result<(Config, Source), UsageError> {
    let mut set = arguments.set.clone();
    set.extend(seed.map(|seed| format!("seed={seed}")));
    Source::new(arguments.config.as_deref(), &set)?.read()
}

/// Reads and checks the configuration of a run directory.
pub(crate) fn load_file(path: &Path) -> Result<(Config, Source), UsageError> {
    Source::new(Some(path), &[])?.read()
}

/// The same, with a few settings changed by `--set`.
pub(crate) fn load_run(path: &Path, set: &[String]) -> Result<(Config, Source), UsageError> {
    let source = Source::new(Some(path), set)?;
    if let Some((key, value)) = source.overrides.iter().find(|(key, _)| !MAY_CHANGE.contains(&key.join(".").as_str())) {
        let problem = format!(
            "--set {}={value}: a run that goes on keeps its settings; only {} may be set anew with --resume",
            key.join("."),
            MAY_CHANGE.join(" and ")
        );
        return Err(UsageError::Other(problem));
    }
    source.read()
}

/// What a run that goes on may have changed: when it ends.
const MAY_CHANGE: [&str; 2] = ["training.epochs", "training.patience"];

impl Source {
    fn new(file: Option<&Path>, set: &[String]) -> Result<Self, UsageError> {
        let overrides = set.iter().map(|text| override_of(text)).collect::<Result<_, _>>()?;
        Ok(Self { file: file.map(Path::to_owned), overrides })
    }

    fn read(self) -> Result<(Config, Source), UsageError> {
        let tree = self.tree()?;
        let config = blame::read(&tree).map_err(|wrong| self.wrong(&wrong.path, wrong.value, wrong.problem))?;
        config.validate().map_err(|error| self.refuse(error))?;
        Ok((config, self))
    }

    /// The settings as they were given, not yet looked at.
    fn tree(&self) -> Result<Table, UsageError> {
        let text = match &self.file {
            None => DEFAULT.to_owned(),
            Some(path) => fs::read_to_string(path)
                .map_err(|error| UsageError::Other(format!("{}: cannot be read: {error}", path.display())))?,
        };
        let mut tree: Table = text.parse().map_err(|error: toml::de::Error| {
            let place = error.span().map_or_else(String::new, |span| position(&text, span.start));
            UsageError::Other(format!("{}{place}: {}", self.file_name(), error.message()))
        })?;
        if self.overrides.iter().any(|(path, _)| *path == ["method", "name"]) {
            forget_method(&mut tree);
        }
        for (path, value) in &self.overrides {
            set(&mut tree, path, parse(value))
                .map_err(|problem| UsageError::Other(format!("--set {}={value}: {problem}", path.join("."))))?;
        }
        Ok(tree)
    }

    fn file_name(&self) -> String {
        self.file.as_ref().map_or_else(|| "the built-in default".into(), |path| path.display().to_string())
    }

    /// Who set this key: the last `--set` of it, of something in it or of something around it; else the file.
    fn origin(&self, path: &[String]) -> String {
        let touches = |set: &[String]| set.iter().zip(path).all(|(a, b)| a == b);
        if self.overrides.iter().any(|(set, _)| touches(set)) { "--set".into() } else { self.file_name() }
    }

    fn wrong(&self, path: &[String], value: Option<String>, problem: String) -> UsageError {
        let key = if path.is_empty() { "configuration".into() } else { path.join(".") };
        UsageError::Setting(WrongSetting { origin: self.origin(path), key, value, problem })
    }

    fn refuse(&self, error: OutOfRange) -> UsageError {
        let path: Vec<String> = error.key.split('.').map(str::to_owned).collect();
        self.wrong(&path, Some(error.value), format!("must be {}", error.allowed))
    }

    /// A value that is not there and has to be, as an error that says where.
    pub(crate) fn missing(&self, key: &str, problem: &str) -> anyhow::Error {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        self.wrong(&path, None, problem.to_owned()).into()
    }

    /// A value that turned out to be out of range, as an error that says who set it.
    pub(crate) fn out_of_range(&self, error: OutOfRange) -> anyhow::Error {
        self.refuse(error).into()
    }
}

/// A `--set`: the path of a key, and the text of its value.
pub(super) fn override_of(text: &str) -> Result<(Vec<String>, String), UsageError> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| UsageError::Other(format!("--set {text}: must be KEY=VALUE, such as --set training.epochs=10")))?;
    let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(UsageError::Other(format!("--set {text}: `{key}` is no key; write it like layers.0.units")));
    }
    Ok((path, value.trim().to_owned()))
}

/// The value of a `--set`: TOML, or else the text itself, so that strings need no quotes.
pub(super) fn parse(text: &str) -> Value {
    text.parse().unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A method named on the command line is that method: what the file says of the parts that make a method's name does not change it.
/// When the weights change, the seed and the memory stay the file's.
fn forget_method(tree: &mut Table) {
    if let Some(Value::Table(method)) = tree.get_mut("method") {
        for part in ["window", "carry", "order", "feedback", "edge", "trace"] {
            method.remove(part);
        }
    }
}

/// Puts a value at a path, making tables on the way.
pub(super) fn set(tree: &mut Table, path: &[String], value: Value) -> Result<(), String> {
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
            element.ok_or_else(|| format!("{here} has {count} elements, counted from 0, and none is called `{key}`"))
        }
        other => Err(format!("{here} is a value ({}), not a table", other.type_str())),
    }
}

/// Line and column of a byte of a text, counted from 1.
fn position(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!(": line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, key: &str, value: &str) -> Result<Table, String> {
        let mut tree: Table = text.parse().unwrap();
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        set(&mut tree, &path, parse(value)).map(|()| tree)
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
    }

    #[test]
    fn values_are_toml_or_else_text() {
        assert_eq!(parse("1e-3"), Value::Float(1e-3));
        assert_eq!(parse("true"), Value::Boolean(true));
        assert_eq!(parse("sequence"), Value::String("sequence".into()));
        assert_eq!(parse("\"sequence\""), Value::String("sequence".into()));
        assert_eq!(parse("1\nb = 2"), Value::String("1\nb = 2".into()));
        assert_eq!(parse(""), Value::String(String::new()));
    }

    #[test]
    fn positions_count_from_one() {
        assert_eq!(position("ab\ncd", 4), ": line 2, column 2");
        assert_eq!(position("", 9), ": line 1, column 1");
    }
}
