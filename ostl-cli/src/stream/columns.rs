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
    /// The stream that a row is of.
    stream: Option<usize>,
    /// What labels name their rows by.
    id: Option<usize>,
    classify: bool,
    /// The classes that there are, where they were named.
    classes: Vec<String>,
}

/// The values of a row.
#[derive(Debug)]
pub(super) struct Values<'r> {
    pub(super) numbers: Vec<Option<f64>>,
    pub(super) words: Vec<Option<&'r str>>,
    pub(super) target: Target<'r>,
    pub(super) time: Option<&'r str>,
    pub(super) reset_on: Option<&'r str>,
    pub(super) stream: Option<&'r str>,
    pub(super) id: Option<&'r str>,
}

impl Values<'_> {
    /// Whether there could be inputs, and none is there.
    pub(super) fn are_missing(&self) -> bool {
        let could_be = !self.numbers.is_empty() || !self.words.is_empty();
        could_be && self.numbers.iter().all(Option::is_none) && self.words.iter().all(Option::is_none)
    }
}

/// What was to be predicted, where it is known.
#[derive(Debug)]
pub(super) enum Target<'r> {
    Class(Option<&'r str>),
    Numbers(Vec<Option<f64>>),
}

impl Target<'_> {
    /// Whether anything of it is known.
    pub(super) fn is_given(&self) -> bool {
        match self {
            Self::Class(class) => class.is_some(),
            Self::Numbers(values) => values.iter().any(Option::is_some),
        }
    }
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
        let stream = one("stream-by", &settings.stream_by)?;
        let id = one("id", &settings.id)?;
        let is_input = |at: &usize| {
            let target = targets.contains(at) && settings.task != TaskKind::Forecast;
            !target && !ignored.contains(at) && ![time, reset_on, stream, id].contains(&Some(*at))
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
        if numbers.is_empty() && words.is_empty() && !settings.feedback && !settings.dt {
            let problem = "no column is left to predict from: leave out --ignore, or give --feedback";
            return Err(UsageError::Other(problem.into()));
        }
        let classify = settings.task == TaskKind::Classify;
        let classes = settings.classes.clone();
        Ok((Self { names, targets, numbers, words, time, reset_on, stream, id, classify, classes }, said))
    }

    /// The places of the targets that these columns lack, where they are otherwise the same. A target that is an input, too, cannot be missing.
    pub(super) fn without_targets(&self, names: &[String]) -> Option<Vec<usize>> {
        let is_absent = |at: &usize| self.targets.contains(at) && !names.contains(&self.names[*at]);
        let absent: Vec<usize> = (0..self.names.len()).filter(is_absent).collect();
        let rest = (0..self.names.len()).filter(|at| !absent.contains(at)).map(|at| &self.names[at]);
        let are_inputs = absent.iter().any(|at| self.numbers.contains(at));
        (!absent.is_empty() && !are_inputs && rest.eq(names)).then_some(absent)
    }

    fn number(&self, row: &Row, at: usize) -> Result<Option<f64>, String> {
        let Some(text) = row.fields.get(at).and_then(|text| present(text)) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(value) if value.abs() <= ostl_stream::LARGEST => Ok(Some(value)),
            Ok(_) => Err(format!("`{}` is {text}, which is too large", self.names[at])),
            Err(_) => Err(format!("`{}` is {}, which is no number", self.names[at], shown(text))),
        }
    }

    fn word<'r>(&self, row: &'r Row, at: usize) -> Result<Option<&'r str>, String> {
        match row.fields.get(at).and_then(|text| present(text)) {
            Some(text) if text.len() > LONGEST_WORD => {
                Err(format!("`{}` has more than {LONGEST_WORD} bytes, which is no category", self.names[at]))
            }
            text => Ok(text),
        }
    }

    /// The target of a row.
    pub(super) fn target<'r>(&self, row: &'r Row) -> Result<Target<'r>, String> {
        let &[at] = &self.targets[..] else { return self.target_numbers(row) };
        if !self.classify {
            return self.target_numbers(row);
        }
        let class = self.word(row, at)?;
        match class {
            Some(class) if !self.classes.is_empty() && !self.classes.iter().any(|known| known == class) => {
                let known = self.classes.join(", ");
                Err(format!("`{}` is {}, which is none of --classes {known}", self.names[at], shown(class)))
            }
            class => Ok(Target::Class(class)),
        }
    }

    fn target_numbers<'r>(&self, row: &'r Row) -> Result<Target<'r>, String> {
        Ok(Target::Numbers(self.targets.iter().map(|&at| self.number(row, at)).collect::<Result<_, _>>()?))
    }

    /// What labels name the row by, if there is a column for that.
    pub(super) fn id<'r>(&self, row: &'r Row) -> Result<Option<&'r str>, String> {
        self.id.map_or(Ok(None), |at| self.word(row, at))
    }

    /// What is wrong with a row that does not say which stream it is of.
    pub(super) fn of_no_stream(&self, values: &Values<'_>) -> Option<String> {
        let at = self.stream.filter(|_| values.stream.is_none())?;
        Some(format!("`{}` is missing: nothing says which stream the row is of", self.names[at]))
    }

    /// The values of a row that is a label, of which nothing else counts.
    pub(super) fn of_label<'r>(&self, row: &'r Row, target: Target<'r>, id: &'r str) -> Values<'r> {
        let text = |at: Option<usize>| at.and_then(|at| row.fields.get(at)).map(String::as_str);
        let (numbers, words) = (Vec::new(), Vec::new());
        Values { numbers, words, target, time: text(self.time), reset_on: None, stream: text(self.stream), id: Some(id) }
    }

    /// The values of a row, or what is wrong with it.
    pub(super) fn values<'r>(&self, row: &'r Row) -> Result<Values<'r>, String> {
        let text = |at: Option<usize>| at.and_then(|at| row.fields.get(at)).map(String::as_str);
        let word = |at: usize| self.word(row, at);
        Ok(Values {
            numbers: self.numbers.iter().map(|&at| self.number(row, at)).collect::<Result<_, _>>()?,
            words: self.words.iter().map(|&at| word(at)).collect::<Result<_, _>>()?,
            target: self.target(row)?,
            time: text(self.time),
            reset_on: self.reset_on.map(word).transpose()?.map(|word| word.unwrap_or("")),
            stream: self.stream.map(word).transpose()?.flatten(),
            id: self.id(row)?,
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
