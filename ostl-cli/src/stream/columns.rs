//! What each column is, and the values of a row by that.

use serde::{Deserialize, Serialize};

use super::rows::Row;
use super::settings::Settings;
use crate::arguments::TaskKind;
use crate::failure::UsageError;
use crate::names::or_known;

/// Most bytes of a class or of another word.
const LONGEST_WORD: usize = 1000;

/// The columns by their places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) targets: Vec<usize>,
    /// Inputs that are numbers.
    pub(super) numbers: Vec<usize>,
    /// Inputs that are words.
    pub(super) words: Vec<usize>,
    time: Option<usize>,
    reset_on: Option<usize>,
    classify: bool,
}

/// The values of a row.
#[derive(Debug)]
pub(super) struct Values<'r> {
    pub(super) numbers: Vec<Option<f64>>,
    pub(super) words: Vec<Option<&'r str>>,
    pub(super) target: Target<'r>,
    pub(super) time: Option<&'r str>,
    pub(super) reset_on: Option<&'r str>,
}

/// What was to be predicted, where it is known.
#[derive(Debug)]
pub(super) enum Target<'r> {
    Class(Option<&'r str>),
    Numbers(Vec<Option<f64>>),
}

/// The value, unless it is missing.
pub(super) fn present(text: &str) -> Option<&str> {
    let missing =
        matches!(text, "" | "?") || ["nan", "na", "n/a", "null"].iter().any(|none| text.eq_ignore_ascii_case(none));
    (!missing).then_some(text)
}

/// What kind of thing a target is, by the first one.
pub(super) fn kind_of(text: &str) -> Option<TaskKind> {
    let text = present(text)?;
    let is_class = text.parse::<f64>().is_err() || text.parse::<i64>().is_ok();
    Some(if is_class { TaskKind::Classify } else { TaskKind::Regress })
}

/// The place of a column that an option names.
pub(super) fn place(option: &str, name: &str, names: &[String]) -> Result<usize, UsageError> {
    names
        .iter()
        .position(|known| known == name)
        .ok_or_else(|| UsageError::Other(format!("--{option} {name}: there is no such column{}", or_known(name, names))))
}

impl Columns {
    /// By the options and the first row. With the names of those that hold text there, which count as words.
    pub(super) fn new(names: Vec<String>, settings: &Settings, first: &Row) -> Result<(Self, Vec<String>), UsageError> {
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(UsageError::Other(format!("two columns are called `{}`: give each a name of its own", twice.1)));
        }
        let all = |option: &str, given: &[String]| {
            given.iter().map(|name| place(option, name, &names)).collect::<Result<Vec<_>, _>>()
        };
        let one = |option: &str, given: &Option<String>| given.as_ref().map(|name| place(option, name, &names)).transpose();
        let targets = all("target", &settings.target)?;
        let ignored = all("ignore", &settings.ignore)?;
        let words = all("categorical", &settings.categorical)?;
        let time = one("time", &settings.time)?;
        let reset_on = one("reset-on", &settings.reset_on)?;
        let is_input = |at: &usize| {
            let target = targets.contains(at) && settings.task != TaskKind::Forecast;
            !target && !ignored.contains(at) && time != Some(*at) && reset_on != Some(*at)
        };
        let is_text = |at: &usize| present(&first.fields[*at]).is_some_and(|text| text.parse::<f64>().is_err());
        let (mut said, mut known) = (Vec::new(), (Vec::new(), Vec::new()));
        for at in (0..names.len()).filter(is_input) {
            if words.contains(&at) {
                known.1.push(at);
            } else if is_text(&at) && !targets.contains(&at) {
                said.push(names[at].clone());
                known.1.push(at);
            } else {
                known.0.push(at);
            }
        }
        let (numbers, words) = known;
        if numbers.is_empty() && words.is_empty() && !settings.feedback {
            let problem = "no column is left to predict from: leave out --ignore, or give --feedback";
            return Err(UsageError::Other(problem.into()));
        }
        let classify = settings.task == TaskKind::Classify;
        Ok((Self { names, targets, numbers, words, time, reset_on, classify }, said))
    }

    /// The values of a row, or what is wrong with it.
    pub(super) fn values<'r>(&self, row: &'r Row) -> Result<Values<'r>, String> {
        let number = |&at: &usize| {
            let Some(text) = row.fields.get(at).and_then(|text| present(text)) else { return Ok(None) };
            match text.parse::<f64>() {
                Ok(value) if value.abs() <= ostl_stream::LARGEST => Ok(Some(value)),
                Ok(_) => Err(format!("`{}` is {text}, which is too large", self.names[at])),
                Err(_) => Err(format!("`{}` is {}, which is no number", self.names[at], shown(text))),
            }
        };
        let word = |&at: &usize| match row.fields.get(at).and_then(|text| present(text)) {
            Some(text) if text.len() > LONGEST_WORD => {
                Err(format!("`{}` has more than {LONGEST_WORD} bytes, which is no category", self.names[at]))
            }
            text => Ok(text),
        };
        let target = match &self.targets[..] {
            [at] if self.classify => Target::Class(word(at)?),
            targets => Target::Numbers(targets.iter().map(number).collect::<Result<_, _>>()?),
        };
        let text = |at: Option<usize>| at.and_then(|at| row.fields.get(at)).map(String::as_str);
        Ok(Values {
            numbers: self.numbers.iter().map(number).collect::<Result<_, _>>()?,
            words: self.words.iter().map(word).collect::<Result<_, _>>()?,
            target,
            time: text(self.time),
            reset_on: self.reset_on.as_ref().map(word).transpose()?.map(|word| word.unwrap_or("")),
        })
    }
}

/// A value in quotes, not all of it where it is long.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}
