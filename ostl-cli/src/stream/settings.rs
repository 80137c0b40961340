//! What was said of a stream and its network: by options, by a state that is gone on from, or by default.

use std::fmt::Debug;
use std::path::Path;

use anyhow::Result;
use ostl_core::{Method, Update, Window};
use serde::{Deserialize, Serialize};

use crate::arguments::{MissingPolicy, StreamArguments, TaskKind};
use crate::config::{self, Config};
use crate::failure::UsageError;

/// What decides what is learned. A state that is gone on from has the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) task: TaskKind,
    pub(super) target: Vec<String>,
    /// 0, unless it is a forecast.
    pub(super) horizon: usize,
    /// Rows that targets are late.
    #[serde(default)]
    pub(super) delay: usize,
    pub(super) feedback: bool,
    pub(super) max_classes: usize,
    pub(super) ignore: Vec<String>,
    pub(super) time: Option<String>,
    pub(super) categorical: Vec<String>,
    pub(super) max_categories: usize,
    pub(super) reset_on: Option<String>,
    pub(super) missing: MissingPolicy,
    pub(super) half_life: Option<f64>,
    pub(super) alarm: Option<f64>,
    pub(super) refractory: u64,
    pub(super) season: Option<usize>,
}

/// The value of an option: as it is given, else as it was, else the default. What was is not changed.
fn agreed<V: Clone + PartialEq + Debug>(
    option: &str,
    given: Option<V>,
    was: Option<&V>,
    default: V,
) -> Result<V, UsageError> {
    match (given, was) {
        (Some(given), Some(was)) if given != *was => Err(UsageError::Other(format!(
            "--{option} {given:?}: what was saved learned with {was:?}: leave the option out, or start anew without -i"
        ))),
        (_, Some(was)) => Ok(was.clone()),
        (Some(given), None) => Ok(given),
        (None, None) => Ok(default),
    }
}

fn list(given: &[String]) -> Option<Vec<String>> {
    (!given.is_empty()).then(|| given.to_vec())
}

impl Settings {
    /// With the task that the first target stands for, where none is named.
    pub(super) fn new(
        arguments: &StreamArguments,
        was: Option<&Self>,
        task: impl FnOnce() -> Result<TaskKind, UsageError>,
    ) -> Result<Self, UsageError> {
        let given = arguments;
        let named = given.task.or(given.horizon.map(|_| TaskKind::Forecast));
        let task = match (named, was) {
            (None, None) => task()?,
            (named, was) => agreed("task", named, was.map(|was| &was.task), TaskKind::Regress)?,
        };
        let horizon = given.horizon.map(|horizon| horizon as usize);
        let settings = Self {
            task,
            target: agreed("target", list(&given.target), was.map(|was| &was.target), Vec::new())?,
            horizon: agreed("horizon", horizon, was.map(|was| &was.horizon), 0)?,
            delay: agreed("delay", given.delay.map(|delay| delay as usize), was.map(|was| &was.delay), 0)?,
            feedback: agreed("feedback", given.feedback.then_some(true), was.map(|was| &was.feedback), false)?,
            max_classes: agreed("max-classes", given.max_classes.map(|n| n as usize), was.map(|was| &was.max_classes), 16)?,
            ignore: agreed("ignore", list(&given.ignore), was.map(|was| &was.ignore), Vec::new())?,
            time: agreed("time", given.time.clone().map(Some), was.map(|was| &was.time), None)?,
            categorical: agreed("categorical", list(&given.categorical), was.map(|was| &was.categorical), Vec::new())?,
            max_categories: agreed(
                "max-categories",
                given.max_categories.map(|n| n as usize),
                was.map(|was| &was.max_categories),
                16,
            )?,
            reset_on: agreed("reset-on", given.reset_on.clone().map(Some), was.map(|was| &was.reset_on), None)?,
            missing: agreed("missing", given.missing, was.map(|was| &was.missing), MissingPolicy::Last)?,
            half_life: agreed("half-life", given.half_life.map(Some), was.map(|was| &was.half_life), None)?,
            alarm: agreed("alarm", given.alarm.map(Some), was.map(|was| &was.alarm), None)?,
            refractory: agreed("refractory", given.refractory, was.map(|was| &was.refractory), 0)?,
            season: agreed("season", given.season.map(|n| Some(n as usize)), was.map(|was| &was.season), None)?,
        };
        settings.checked()
    }

    /// Rows from a prediction to its target.
    pub(super) fn lag(&self) -> usize {
        self.horizon.max(self.delay)
    }

    fn checked(self) -> Result<Self, UsageError> {
        let refuse = |problem: &str| Err(UsageError::Other(problem.to_owned()));
        match self.task {
            _ if self.target.is_empty() => refuse("what is to be predicted? Name its column: --target COLUMN"),
            TaskKind::Classify if self.target.len() > 1 => {
                refuse("--target: one column of classes can be learned at a time; several need --task regress")
            }
            TaskKind::Forecast if self.horizon == 0 => refuse("--task forecast needs --horizon ROWS: how far ahead?"),
            TaskKind::Forecast if self.delay > 0 => {
                refuse("--delay: the targets of a forecast are as late as --horizon says")
            }
            TaskKind::Forecast if self.feedback => refuse("--feedback: the targets of a forecast are inputs already"),
            TaskKind::Classify | TaskKind::Regress if self.horizon > 0 => {
                refuse("--horizon is for --task forecast: what is asked for now has no rows to wait for")
            }
            _ => Ok(self),
        }
    }
}

/// The network's configuration, given or that of what was saved.
pub(super) fn network(
    arguments: &StreamArguments,
    file: Option<&Path>,
    was: Option<&Config>,
) -> Result<(Config, config::Source)> {
    let mut set = Vec::new();
    let words = [("layers.0.cell", &arguments.cell), ("method.carry", &arguments.carry)];
    set.extend(words.into_iter().filter_map(|(key, word)| Some(format!("{key}={}", word.as_ref()?))));
    let counts = [("layers.0.units", arguments.units), ("method.window", arguments.window)];
    set.extend(counts.into_iter().filter_map(|(key, count)| Some(format!("{key}={}", count?))));
    set.extend(arguments.seed.map(|seed| format!("seed={seed}")));
    set.extend(arguments.set.iter().cloned());
    let says_nothing = set.is_empty() && file.is_none();
    if let Some(was) = was.filter(|_| says_nothing) {
        let (_, source) = config::load_for_stream(None, &[])?;
        return Ok((was.clone(), source));
    }
    set.extend(arguments.learning_rate.map(|rate| format!("optimizer.learning_rate={rate:e}")));
    let (config, source) = config::load_for_stream(file, &set)?;
    if let Some(difference) = was.and_then(|was| difference(was, &config)) {
        let problem = format!("{difference}: leave CONFIG and its options out, or start anew without -i");
        return Err(UsageError::Other(problem).into());
    }
    let window = config.method().window;
    if window == Window::Sequence {
        let problem = "method.window = \"sequence\": a stream has no end to wait for; give a number of rows: --window 16";
        return Err(UsageError::Other(problem.into()).into());
    }
    Ok((config, source))
}

/// The method, whose updates come with every window: a stream has no end to wait for.
pub(super) fn method(config: &Config) -> Method {
    config.method().with_update(Update::Window)
}

/// Where two networks differ, but for their learning rates and what streams do not use.
fn difference(was: &Config, given: &Config) -> Option<String> {
    let flat = |config: &Config| {
        let mut places = Vec::new();
        if let Ok(value) = serde_json::to_value(config) {
            flatten("", &value, &mut places);
        }
        places.retain(|(key, _)| {
            let unused = ["task.", "training.", "data", "threads"].iter().any(|unused| key.starts_with(unused));
            !unused && key != "optimizer.learning_rate"
        });
        places
    };
    let (was, given) = (flat(was), flat(given));
    let other =
        given.iter().find(|place| !was.contains(place)).or_else(|| was.iter().find(|place| !given.contains(place)))?;
    let value = |places: &[(String, String)]| {
        places.iter().find(|(key, _)| *key == other.0).map_or("nothing".to_owned(), |(_, value)| value.clone())
    };
    Some(format!("{} is {}, and what was saved learned with {}", other.0, value(&given), value(&was)))
}

fn flatten(key: &str, value: &serde_json::Value, places: &mut Vec<(String, String)>) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| flatten(&below(name), value, places)),
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| flatten(&below(&at.to_string()), value, places));
        }
        other => places.push((key.to_owned(), other.to_string())),
    }
}
