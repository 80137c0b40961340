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
    pub(super) delay: usize,
    /// Column whose values labels name their rows by.
    pub(super) id: Option<String>,
    /// Rows that may wait for a label at a time.
    pub(super) max_waiting: usize,
    pub(super) feedback: bool,
    /// The classes there are; none where they come as they come.
    pub(super) classes: Vec<String>,
    pub(super) max_classes: usize,
    pub(super) ignore: Vec<String>,
    pub(super) time: Option<String>,
    pub(super) categorical: Vec<String>,
    pub(super) max_categories: usize,
    pub(super) reset_on: Option<String>,
    /// Column that says which stream a row is of.
    pub(super) stream_by: Option<String>,
    pub(super) max_streams: usize,
    /// The time since the row before is an input.
    pub(super) dt: bool,
    pub(super) missing: MissingPolicy,
    pub(super) half_life: Option<f64>,
    /// The share of targets that intervals are to hold.
    pub(super) interval: Option<f64>,
    pub(super) alarm: Option<f64>,
    /// After how many looks that were worse than guesses the network begins anew.
    pub(super) restart_dead: Option<u32>,
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
        let has_classes = (!given.classes.is_empty()).then_some(TaskKind::Classify);
        let named = given.task.or(given.horizon.map(|_| TaskKind::Forecast)).or(has_classes);
        let task = match (named, was) {
            (None, None) => task()?,
            (named, was) => agreed("task", named, was.map(|was| &was.task), TaskKind::Regress)?,
        };
        let horizon = given.horizon.map(|horizon| horizon as usize);
        let named = (!given.classes.is_empty()).then_some(given.classes.len());
        let most_classes = named.or(given.max_classes.map(|n| n as usize));
        let settings = Self {
            task,
            target: agreed("target", list(&given.target), was.map(|was| &was.target), Vec::new())?,
            horizon: agreed("horizon", horizon, was.map(|was| &was.horizon), 0)?,
            delay: agreed("delay", given.delay.map(|delay| delay as usize), was.map(|was| &was.delay), 0)?,
            id: agreed("id", given.id.clone().map(Some), was.map(|was| &was.id), None)?,
            max_waiting: agreed(
                "max-waiting",
                given.max_waiting.map(|n| n as usize),
                was.map(|was| &was.max_waiting),
                10_000,
            )?,
            feedback: agreed("feedback", given.feedback.then_some(true), was.map(|was| &was.feedback), false)?,
            classes: agreed("classes", list(&given.classes), was.map(|was| &was.classes), Vec::new())?,
            max_classes: agreed("max-classes", most_classes, was.map(|was| &was.max_classes), 16)?,
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
            stream_by: agreed("stream-by", given.stream_by.clone().map(Some), was.map(|was| &was.stream_by), None)?,
            max_streams: agreed("max-streams", given.max_streams.map(|n| n as usize), was.map(|was| &was.max_streams), 256)?,
            dt: agreed("dt", given.dt.then_some(true), was.map(|was| &was.dt), false)?,
            missing: agreed("missing", given.missing, was.map(|was| &was.missing), MissingPolicy::Last)?,
            half_life: agreed("half-life", given.half_life.map(Some), was.map(|was| &was.half_life), None)?,
            interval: agreed("interval", given.interval.map(Some), was.map(|was| &was.interval), None)?,
            alarm: agreed("alarm", given.alarm.map(Some), was.map(|was| &was.alarm), None)?,
            restart_dead: agreed("restart-dead", given.restart_dead.map(Some), was.map(|was| &was.restart_dead), None)?,
            refractory: agreed("refractory", given.refractory, was.map(|was| &was.refractory), 0)?,
            season: agreed("season", given.season.map(|n| Some(n as usize)), was.map(|was| &was.season), None)?,
        };
        settings.checked()
    }

    /// Rows from a prediction to its target, where that is a fixed number.
    pub(super) fn lag(&self) -> usize {
        self.horizon.max(self.delay)
    }

    /// Whether targets come later than their rows.
    pub(super) fn is_late(&self) -> bool {
        self.lag() > 0 || self.id.is_some()
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
            TaskKind::Forecast if self.id.is_some() => {
                refuse("--id: the targets of a forecast are columns of later rows, not labels that come by themselves")
            }
            _ if self.id.is_some() && self.delay > 0 => {
                refuse("--delay and --id: labels come a fixed number of rows late, or with the id of their row")
            }
            _ if self.dt && self.time.is_none() => refuse("--dt needs the column with the time: --time COLUMN"),
            TaskKind::Regress | TaskKind::Forecast if !self.classes.is_empty() => refuse("--classes is for --task classify"),
            _ if self.classes.len() == 1 => refuse("--classes: one class alone leaves nothing to be learned"),
            _ if (1..self.classes.len()).any(|at| self.classes[..at].contains(&self.classes[at])) => {
                refuse("--classes: a class is named twice")
            }
            _ if self.interval.is_some_and(|share| !(share > 0.0 && share < 1.0)) => {
                refuse("--interval: must be above 0 and below 1, such as 0.9: the share of targets that lie within")
            }
            TaskKind::Classify if self.interval.is_some() => refuse("--interval is for numbers: a class has a probability"),
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
    task: TaskKind,
    arguments: &StreamArguments,
    file: Option<&Path>,
    was: Option<&Config>,
) -> Result<(Config, config::Source)> {
    let text = |count: Option<usize>| count.map(|count| count.to_string());
    let options = [
        ("layers.0.cell", "--cell", arguments.cell.clone()),
        ("layers.0.units", "--units", text(arguments.units)),
        ("method.carry", "--carry", arguments.carry.clone()),
        ("method.window", "--window", arguments.window.map(|window| window.to_string())),
        ("seed", "--seed", arguments.seed.map(|seed| seed.to_string())),
    ];
    let mut set: Vec<String> =
        options.iter().filter_map(|(key, _, value)| Some(format!("{key}={}", value.as_ref()?))).collect();
    let mut options: Vec<_> =
        options.iter().filter(|(_, _, value)| value.is_some()).map(|&(key, option, _)| (key, option)).collect();
    // What is set once more by its key is that option's no longer.
    options.retain(|(key, _)| !arguments.set.iter().any(|set| set.split('=').next().is_some_and(|set| set.trim() == *key)));
    set.extend(arguments.set.iter().cloned());
    let says_nothing = set.is_empty() && file.is_none();
    if let Some(was) = was.filter(|_| says_nothing) {
        let (_, source) = config::load_for_stream(task, None, &[], Vec::new())?;
        return Ok((was.clone(), source));
    }
    if let Some(rate) = arguments.learning_rate {
        set.push(format!("optimizer.learning_rate={rate:e}"));
        options.push(("optimizer.learning_rate", "--learning-rate"));
    }
    let (config, source) = config::load_for_stream(task, file, &set, options)?;
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

#[cfg(test)]
pub(super) use tests::of;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        stream: StreamArguments,
    }

    /// The settings that a command line stands for.
    pub(in crate::stream) fn of(line: &str) -> Settings {
        let line = Line::parse_from(["ostl"].into_iter().chain(line.split_whitespace()));
        Settings::new(&line.stream, None, || Ok(TaskKind::Classify)).unwrap()
    }

    #[test]
    fn what_was_is_kept_and_not_changed() {
        let was = of("--target y --task regress --id name --dt --time at --interval 0.5");
        assert!(was.is_late() && was.lag() == 0 && was.max_waiting == 10_000);
        let again = |line: &str| {
            let line = Line::parse_from(["ostl"].into_iter().chain(line.split_whitespace()));
            Settings::new(&line.stream, Some(&was), || Ok(TaskKind::Classify)).map_err(|error| error.to_string())
        };
        assert_eq!(again("").unwrap(), was);
        assert_eq!(again("--id name --interval 0.5").unwrap(), was);
        for (line, option) in [("--id other", "--id"), ("--interval 0.6", "--interval"), ("--stream-by at", "--stream-by")] {
            let error = again(line).unwrap_err();
            assert!(error.contains(option) && error.contains("without -i"), "{error}");
        }
    }
}
