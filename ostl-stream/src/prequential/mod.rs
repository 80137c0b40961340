//! Measures of a learner that is tested on each row before it learns from it.

mod classification;
mod naive;
mod regression;
mod views;

pub use classification::ClassificationFigures;
pub use regression::RegressionFigures;
pub use views::Views;

use serde::{Deserialize, Serialize};

use self::classification::{ClassGuessers, ClassRow, ClassTally};
use self::naive::Past;
use self::regression::{ValueGuessers, ValueTally};
use self::views::Sums;
use crate::error::StreamError;
use crate::number::{Settings, count, used};

/// Settings of [`Prequential`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrequentialConfig {
    /// How many rows the window holds, at least 1; it takes at most 64 bytes a row. Default: 1000.
    pub window: usize,
    /// α of the fading view, above 0 and at most 1: it looks back 1 / (1 − α) rows, about. Default: 0.999.
    pub fading: f64,
    /// After how many rows targets are said to come again, at least 1, for the guesser that answers what was there then: 24 for hours of a
    /// day. So many targets are held. Default: `None`.
    pub season: Option<usize>,
    /// How many classes there may be, 1 … 2²⁴. Classes need no announcement; this bounds the memory. Default: 4096.
    pub most_classes: usize,
}

impl Default for PrequentialConfig {
    fn default() -> Self {
        Self { window: 1000, fading: 0.999, season: None, most_classes: 4096 }
    }
}

impl Settings for PrequentialConfig {
    fn check(&self) -> Result<(), StreamError> {
        let at_least_one = |name, value: usize| StreamError::unless(value > 0, name, value as f64, "at least 1");
        at_least_one("window", self.window)?;
        at_least_one("season", self.season.unwrap_or(1))?;
        let most = self.most_classes;
        StreamError::unless((1..=1 << 24).contains(&most), "most_classes", most as f64, "between 1 and 16777216")?;
        StreamError::unless(self.fading > 0.0 && self.fading <= 1.0, "fading", self.fading, "above 0 and at most 1")
    }
}

/// What came of a row: the answer that was given before the target was known, and the target.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Of classes, which count from 0.
    Class {
        /// The right class.
        target: usize,
        /// The class that was answered.
        answer: usize,
        /// The probability that was given to the right class, where the learner gives any. What lies outside 1e-15 … 1 is clipped.
        probability: Option<f64>,
    },
    /// Of values.
    Value {
        /// The right value.
        target: f64,
        /// The value that was answered.
        answer: f64,
    },
}

impl Outcome {
    /// Of probabilities of the classes: the answer is the class with the largest, of equal ones the first. A target that has no probability
    /// among them, as a class that the learner does not know yet, has probability 0.
    ///
    /// # Errors
    /// If there are none, or one is not a number.
    pub fn of_probabilities(target: usize, probabilities: &[f64]) -> Result<Self, StreamError> {
        let Some(&first) = probabilities.first() else {
            return Err(StreamError::Width { expected: 1, found: 0 });
        };
        let mut best = (0, first);
        for (class, &probability) in probabilities.iter().enumerate() {
            if used("probability", probability)? > best.1 {
                best = (class, probability);
            }
        }
        let probability = probabilities.get(target).copied().unwrap_or(0.0);
        Ok(Self::Class { target, answer: best.0, probability: Some(probability) })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Class { .. } => CLASS,
            Self::Value { .. } => VALUE,
        }
    }
}

const CLASS: &str = "class";
const VALUE: &str = "value";

/// The figures of a stream so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Figures {
    /// Of classes.
    Classification(Views<ClassificationFigures>),
    /// Of values.
    Regression(Views<RegressionFigures>),
}

impl Figures {
    /// Those of classes, if that is what they are of.
    pub fn classification(&self) -> Option<&Views<ClassificationFigures>> {
        if let Self::Classification(views) = self { Some(views) } else { None }
    }

    /// Those of values, if that is what they are of.
    pub fn regression(&self) -> Option<&Views<RegressionFigures>> {
        if let Self::Regression(views) = self { Some(views) } else { None }
    }
}

/// How good the answers to the rows of a stream are, each given before its target was known: test, then learn (Dawid, "Statistical theory: the
/// prequential approach", Journal of the Royal Statistical Society A 147(2), 1984; Gama, Sebastião and Rodrigues, Machine Learning 90, 2013).
///
/// Beside the answers it judges guessers that never look at the inputs: the most frequent class or the mean so far, what was right the row
/// before, and what was right a season ago. A learner that is no better than these has learned nothing of use.
///
/// [`record`](Self::record) takes a time that grows with the number of classes, [`figures`](Self::figures) one that grows with the window
/// too: ask for them where they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Prequential {
    config: PrequentialConfig,
    measured: Measured,
    rows: u64,
    refused: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Measured {
    Classes { guessers: ClassGuessers, sums: Sums<ClassTally> },
    Values { guessers: ValueGuessers, sums: Sums<ValueTally> },
}

impl Prequential {
    /// Measures of classes.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn classification(config: PrequentialConfig) -> Result<Self, StreamError> {
        Self::new(config, Measured::Classes { guessers: ClassGuessers::default(), sums: Sums::default() })
    }

    /// Measures of values.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn regression(config: PrequentialConfig) -> Result<Self, StreamError> {
        Self::new(config, Measured::Values { guessers: ValueGuessers::default(), sums: Sums::default() })
    }

    fn new(config: PrequentialConfig, measured: Measured) -> Result<Self, StreamError> {
        config.check()?;
        Ok(Self { config, measured, rows: 0, refused: 0 })
    }

    /// Takes what came of a row.
    ///
    /// # Errors
    /// If it is not of the kind that is measured, a class is beyond the most there may be, or a value is not a number within
    /// ±[`LARGEST`](crate::LARGEST). Then the row is only counted as refused.
    pub fn record(&mut self, outcome: Outcome) -> Result<(), StreamError> {
        let recorded = self.try_record(outcome);
        count(if recorded.is_ok() { &mut self.rows } else { &mut self.refused });
        recorded
    }

    fn try_record(&mut self, outcome: Outcome) -> Result<(), StreamError> {
        let &PrequentialConfig { window, fading, season, most_classes: most } = &self.config;
        match (&mut self.measured, outcome) {
            (Measured::Classes { guessers, sums }, Outcome::Class { target, answer, probability }) => {
                let class = target.max(answer);
                if class >= most {
                    return Err(StreamError::TooManyClasses { class, most });
                }
                let probability = probability.map(|p| used("probability", p)).transpose()?;
                sums.add(guessers.row(target, answer, probability, season), window, fading);
            }
            (Measured::Values { guessers, sums }, Outcome::Value { target, answer }) => {
                let (target, answer) = (used("target", target)?, used("answer", answer)?);
                sums.add(guessers.row(target, answer, season), window, fading);
            }
            (Measured::Classes { .. }, found) => {
                return Err(StreamError::WrongKind { expected: CLASS, found: found.kind() });
            }
            (Measured::Values { .. }, found) => {
                return Err(StreamError::WrongKind { expected: VALUE, found: found.kind() });
            }
        }
        Ok(())
    }

    /// Goes on with what the guessers "same as last" and "same as a season ago" know of another stream, and puts what they knew in its place: of
    /// streams that take turns each is compared with its own past. What is known of classes is nothing to measures of values, and the other way round.
    pub fn exchange_past(&mut self, past: &mut PastTargets) {
        *past = PastTargets(match (&mut self.measured, std::mem::take(&mut past.0)) {
            (Measured::Classes { guessers, .. }, Known::Classes(other)) => {
                Known::Classes(std::mem::replace(&mut guessers.past, other))
            }
            (Measured::Classes { guessers, .. }, _) => Known::Classes(std::mem::take(&mut guessers.past)),
            (Measured::Values { guessers, .. }, Known::Values(other)) => {
                Known::Values(std::mem::replace(&mut guessers.past, other))
            }
            (Measured::Values { guessers, .. }, _) => Known::Values(std::mem::take(&mut guessers.past)),
        });
    }

    /// The figures so far.
    pub fn figures(&self) -> Figures {
        match &self.measured {
            Measured::Classes { sums, .. } => Figures::Classification(sums.figures()),
            Measured::Values { sums, .. } => Figures::Regression(sums.figures()),
        }
    }

    /// The settings.
    pub fn config(&self) -> &PrequentialConfig {
        &self.config
    }

    /// How many rows were taken.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How many rows the window holds at the moment.
    pub fn held(&self) -> usize {
        match &self.measured {
            Measured::Classes { sums, .. } => sums.held(),
            Measured::Values { sums, .. } => sums.held(),
        }
    }
}

/// The last targets of a stream, to be [exchanged](Prequential::exchange_past) for those of another; none at first. It holds as many as the season has
/// rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PastTargets(Known);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Known {
    #[default]
    Nothing,
    Classes(Past<usize>),
    Values(Past<f64>),
}

/// How a [`Prequential`] is read back: what it says of classes is not believed.
#[derive(Deserialize)]
struct Saved {
    config: PrequentialConfig,
    measured: Measured,
    rows: u64,
    refused: u64,
}

impl TryFrom<Saved> for Prequential {
    type Error = StreamError;

    fn try_from(Saved { config, measured, rows, refused }: Saved) -> Result<Self, StreamError> {
        config.check()?;
        let (most, held) = (config.most_classes, config.window);
        let (classes, window) = match &measured {
            Measured::Classes { guessers, sums } => {
                let of_sums = sums.tallies().map(ClassTally::classes);
                let classes = sums.rows().map(ClassRow::classes).chain(of_sums).fold(guessers.classes(), usize::max);
                (classes, sums.held())
            }
            Measured::Values { sums, .. } => (0, sums.held()),
        };
        if classes > most || window > held {
            let reason = format!("{classes} classes of at most {most}, {window} rows in a window of {held}");
            return Err(StreamError::Saved { reason });
        }
        Ok(Self { config, measured, rows, refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_take_turns_are_compared_with_their_own_past() {
        let config = PrequentialConfig { season: Some(2), ..Default::default() };
        let mut figures = Prequential::classification(config.clone()).unwrap();
        let mut aside = PastTargets::default();
        // One stream is always 3, the other goes 0, 1, 0, 1, …
        for row in 0..20 {
            for target in [3, row % 2] {
                figures.record(Outcome::Class { target, answer: 0, probability: None }).unwrap();
                figures.exchange_past(&mut aside);
                let text = serde_json::to_string(&aside).unwrap();
                aside = serde_json::from_str(&text).unwrap();
            }
        }
        let Figures::Classification(views) = figures.figures() else { panic!() };
        assert_eq!((views.cumulative.last_accuracy, views.cumulative.season_accuracy), (Some(0.5), Some(1.0)));
        // What is known of classes is nothing to values.
        let mut values = Prequential::regression(config).unwrap();
        values.exchange_past(&mut aside);
        values.record(Outcome::Value { target: 1.0, answer: 1.0 }).unwrap();
        let Figures::Regression(views) = values.figures() else { panic!() };
        assert_eq!(views.cumulative.last_mae, None);
    }
}
