//! Where the configuration comes from: a file or the built-in default, with `--unset` and `--set` on top; and who is to blame for a key.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::blame::Fault;
use super::tree::{find, keys, remove, set, spelled_path};
use super::{Config, OutOfRange, blame, file, kinds, place, spelling, syntax, words};
use crate::arguments::{ConfigArguments, TaskKind};
use crate::failure::{UsageError, WrongSetting};
use crate::names::{did_you_mean, same};
use crate::output::tell;

/// What `ostl train` learns without a configuration file; `configs/default.toml` is a copy.
pub(super) const DEFAULT: &str = include_str!("../default.toml");

/// What `ostl stream` learns with without one, targets that are given and forecasts. What it does not use, a file need not have: then it is taken
/// from here.
const STREAM: &str = include_str!("../stream.toml");
const FORECAST: &str = include_str!("../forecast.toml");
const UNUSED_IN_STREAMS: [&str; 2] = ["task", "training"];

/// The places that settings come from.
#[derive(Debug)]
pub(crate) struct Source {
    file: Option<PathBuf>,
    text: String,
    /// `--set`: path, and the text as it was given.
    overrides: Vec<(Vec<String>, String)>,
    /// Keys that options of their own have set, and these options.
    options: Vec<(&'static str, &'static str)>,
    /// What of the file no longer holds because of them, in a line each.
    notes: Vec<String>,
}

/// Reads and checks the configuration that the command line names, and says what of the file does not hold any more.
pub(crate) fn load(arguments: &ConfigArguments, seed: Option<u64>) -> Result<(Config, Source), UsageError> {
    let (config, source) = load_unsaid(arguments, seed)?;
    source.say();
    Ok((config, source))
}

/// The same without saying anything: what there is to say is in the source's [notes](Source::notes).
pub(crate) fn load_unsaid(arguments: &ConfigArguments, seed: Option<u64>) -> Result<(Config, Source), UsageError> {
    let mut set = arguments.set.clone();
    set.extend(seed.map(|seed| format!("seed={seed}")));
    Source::new(arguments.config.as_deref(), &arguments.unset, &set)
}

/// Reads and checks the configuration of a network that learns from rows, which needs no task. `options` are the keys of `set` that an option of its own
/// has set, and that option.
pub(crate) fn load_for_stream(
    task: TaskKind,
    file: Option<&Path>,
    set: &[String],
    options: Vec<(&'static str, &'static str)>,
) -> Result<(Config, Source), UsageError> {
    let default = if task == TaskKind::Forecast { FORECAST } else { STREAM };
    let (config, source) = Source::from_default((default, &UNUSED_IN_STREAMS), file, &[], set, options)?;
    source.say();
    Ok((config, source))
}

/// Reads and checks the configuration of a run directory.
pub(crate) fn load_file(path: &Path) -> Result<(Config, Source), UsageError> {
    Source::new(Some(path), &[], &[])
}

/// The same, with a few settings changed by `--set` and `--unset`.
pub(crate) fn load_run(path: &Path, set: &[String], unset: &[String]) -> Result<(Config, Source), UsageError> {
    let given = set.iter().map(|text| ("--set", text)).chain(unset.iter().map(|key| ("--unset", key)));
    for (option, text) in given {
        let key = text.split('=').next().unwrap_or_default().trim();
        if !MAY_CHANGE.iter().any(|may| same(may, key)) {
            let problem = format!(
                "{option} {text}: a run that goes on keeps its settings; only {} may be set anew with --resume",
                MAY_CHANGE.join(", ")
            );
            return Err(UsageError::Other(problem));
        }
    }
    Source::new(Some(path), unset, set)
}

/// What a run that goes on may have changed: when it ends, and how large its steps are.
const MAY_CHANGE: [&str; 5] =
    ["training.epochs", "training.patience", "training.on_non_finite", "optimizer.learning_rate", "optimizer.clip_norm"];

impl Source {
    /// Reads a file or the default, takes away what is to be unset, and then sets what is set.
    pub(super) fn new(file: Option<&Path>, unset: &[String], set: &[String]) -> Result<(Config, Self), UsageError> {
        Self::from_default((DEFAULT, &[]), file, unset, set, Vec::new())
    }

    /// The same with another default; `filled` are the sections of it that a file may leave out.
    fn from_default(
        (default, filled): (&str, &[&str]),
        file: Option<&Path>,
        unset: &[String],
        set: &[String],
        options: Vec<(&'static str, &'static str)>,
    ) -> Result<(Config, Self), UsageError> {
        let overrides = set.iter().map(|text| override_of(text)).collect::<Result<_, _>>()?;
        let (file_name, text) = (file.map(Path::to_owned), default.to_owned());
        let mut source = Self { file: file_name, text, overrides, options, notes: Vec::new() };
        if let Some(path) = file {
            let text = file::text(path).map_err(|problem| UsageError::Other(format!("{}: {problem}", path.display())));
            source.text = text?;
        }
        let mut given: Table = source.text.parse().map_err(|error: toml::de::Error| {
            UsageError::Other(format!("{}: {}", source.file_name(), syntax::explained(&source.text, &error)))
        })?;
        if file.is_some() && !filled.is_empty() {
            let default: Table = default.parse().unwrap_or_default();
            let missing = default.into_iter().filter(|(key, _)| filled.contains(&key.as_str()) && !given.contains_key(key));
            let missing: Vec<_> = missing.collect();
            given.extend(missing);
        }
        let mut tree = Value::Table(given.clone());
        for key in unset {
            source.unset(&mut tree, key)?;
        }
        let config = source.read(tree, &given)?;
        Ok((config, source))
    }

    /// Takes a key away.
    fn unset(&self, tree: &mut Value, key: &str) -> Result<(), UsageError> {
        let refuse = |problem: String| Err(UsageError::Other(format!("--unset {key}: {problem}")));
        if key.contains('=') {
            return refuse("must be a key alone, such as --unset training.patience".into());
        }
        let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        let path = spelled_path(tree, &path);
        let Some((last, parents)) = path.split_last() else { return Ok(()) };
        if remove(tree, parents, last) {
            return Ok(());
        }
        let beside = find(tree, parents).map(keys).unwrap_or_default();
        let meant = did_you_mean(last, beside.iter().map(String::as_str));
        let there = match (meant.is_empty(), beside.is_empty()) {
            (false, _) => format!("; {meant}"),
            (true, false) => format!("; there are {}", beside.join(", ")),
            (true, true) => String::new(),
        };
        refuse(format!("{} has no such key{there}", self.file_name()))
    }

    /// Sets what is set, and makes a configuration of it. `given` is what the file says.
    fn read(&mut self, file: Value, given: &Table) -> Result<Config, UsageError> {
        let mut tree = file;
        let mut left = kinds::forget(&mut tree, &self.overrides);
        let Value::Table(mut tree) = tree else { unreachable!("a file is a table") };
        for (path, value) in &mut self.overrides {
            let root = Value::Table(tree.clone());
            *path = spelled_path(&root, path);
            set(&mut tree, path, parse(value))
                .map_err(|problem| UsageError::Other(format!("--set {}={value}: {problem}", path.join("."))))?;
        }
        loop {
            let (path, error) = match blame::read(&tree) {
                Ok(config) => match config.validate() {
                    Ok(()) => {
                        self.notes = left.in_words(&self.file_name());
                        return Ok(config);
                    }
                    Err(refused) if refused.allowed.starts_with("left out") => (refused.path(), self.refuse(refused)),
                    Err(refused) => return Err(self.refuse(refused)),
                },
                Err(wrong) => {
                    if spelling::corrected(&mut tree, &wrong) {
                        continue;
                    }
                    let error = self.wrong(&wrong.path, wrong.value.clone(), words::problem(&wrong));
                    match wrong.fault {
                        Fault::UnknownKey { .. } => (wrong.path, error),
                        _ => return Err(error),
                    }
                }
            };
            // What only the old kind of a thing had goes with it.
            if !left.take(&mut tree, &path, &self.overrides, given) {
                return Err(error);
            }
        }
    }

    /// Says what of the file does not hold any more.
    fn say(&self) {
        for note in &self.notes {
            tell(note);
        }
    }

    /// What of the file does not hold any more, a line each.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    fn file_name(&self) -> String {
        self.file.as_ref().map_or_else(|| "the built-in default".into(), |path| path.display().to_string())
    }

    /// Who set this key: the last `--set` of it, of something in it or of something around it; else the file, and where in it.
    fn origin(&self, path: &[String]) -> String {
        let touches = |set: &[String]| set.iter().zip(path).all(|(a, b)| same(a, b));
        if let Some((set, _)) = self.overrides.iter().rev().find(|(set, _)| touches(set)) {
            let key = set.join(".");
            return self.options.iter().find(|(of, _)| *of == key).map_or("--set", |(_, option)| option).into();
        }
        match (&self.file, place::line_of(&self.text, path)) {
            (Some(file), Some(line)) => format!("{}: line {line}", file.display()),
            _ => self.file_name(),
        }
    }

    fn wrong(&self, path: &[String], value: Option<String>, problem: String) -> UsageError {
        let key = if path.is_empty() { "configuration".into() } else { path.join(".") };
        UsageError::Setting(WrongSetting { origin: self.origin(path), key, value, problem })
    }

    fn refuse(&self, error: OutOfRange) -> UsageError {
        let value = Some(error.value.clone()).filter(|value| !value.is_empty());
        self.wrong(&error.path(), value, format!("must be {}", error.allowed))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_or_else_text() {
        assert_eq!(parse("1e-3"), Value::Float(1e-3));
        assert_eq!(parse("true"), Value::Boolean(true));
        assert_eq!(parse("sequence"), Value::String("sequence".into()));
        assert_eq!(parse("\"sequence\""), Value::String("sequence".into()));
        assert_eq!(parse("1\nb = 2"), Value::String("1\nb = 2".into()));
        assert_eq!(parse(""), Value::String(String::new()));
    }
}
