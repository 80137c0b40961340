//! Targets as the network learns them, and its outputs as answers.

use anyhow::Result;
use ostl_core::Target as Lesson;
use ostl_stream::{Categories, Normaliser, NormaliserConfig};
use serde::{Deserialize, Serialize};

use super::columns::Target;
use super::settings::Settings;
use crate::arguments::TaskKind;

/// What is known of the targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Labels {
    Classes { known: Categories, last: Option<usize> },
    Numbers { scale: Normaliser, last: Vec<Option<f64>> },
}

/// What the network says, in the words and units of the targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The likeliest of the known classes, and what each class is given.
    Class {
        best: usize,
        probabilities: Vec<f64>,
    },
    Numbers(Vec<f64>),
}

/// What was right.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Truth {
    Class(usize),
    Numbers(Vec<f64>),
}

/// What is learned.
pub(super) enum Taught {
    Class(usize),
    Numbers(Vec<f32>),
}

impl Answer {
    /// What it comes to where it says how far the targets move from these.
    pub(super) fn starting_at(self, held: &[Option<f64>]) -> Option<Self> {
        match self {
            Self::Numbers(moves) => {
                let ends = moves.iter().zip(held).map(|(by, from)| from.map(|from| from + by));
                ends.collect::<Option<_>>().map(Self::Numbers)
            }
            Self::Class { .. } => None,
        }
    }
}

impl Truth {
    /// How far the targets have moved from these.
    pub(super) fn since(&self, held: &[Option<f64>]) -> Option<Self> {
        match self {
            Self::Numbers(ends) => {
                let moves = ends.iter().zip(held).map(|(end, from)| from.map(|from| end - from));
                moves.collect::<Option<_>>().map(Self::Numbers)
            }
            Self::Class(_) => None,
        }
    }
}

impl Taught {
    pub(super) fn lesson(&self) -> Lesson<'_, f32> {
        match self {
            Self::Class(class) => Lesson::Class(*class),
            Self::Numbers(values) => Lesson::Values(values),
        }
    }
}

impl Labels {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        Ok(match settings.task {
            TaskKind::Classify => Self::Classes { known: Categories::new(settings.max_classes), last: None },
            TaskKind::Regress | TaskKind::Forecast => {
                let config = NormaliserConfig { half_life: settings.half_life, ..Default::default() };
                let targets = settings.target.len();
                Self::Numbers { scale: Normaliser::new(targets, config)?, last: vec![None; targets] }
            }
        })
    }

    /// Number of the network's outputs.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Classes { known, .. } => known.limit(),
            Self::Numbers { last, .. } => last.len(),
        }
    }

    /// The name of a class.
    pub(super) fn class(&self, number: usize) -> &str {
        match self {
            Self::Classes { known, .. } => known.value(number).unwrap_or_default(),
            Self::Numbers { .. } => "",
        }
    }

    /// How many rows had a class beyond those that there may be.
    pub(super) fn beyond(&self) -> u64 {
        if let Self::Classes { known, .. } = self { known.beyond() } else { 0 }
    }

    /// The last known target as inputs.
    pub(super) fn write_last(&self, inputs: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Classes { known, last } => {
                inputs.extend((0..known.limit()).map(|place| if Some(place) == *last { 1.0_f32 } else { 0.0 }));
            }
            Self::Numbers { scale, last } => {
                let last: Vec<f64> = last.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
                let mut normalised = vec![0.0; last.len()];
                scale.normalise(&last, &mut normalised)?;
                inputs.extend(normalised.into_iter().map(|value| value as f32));
            }
        }
        Ok(())
    }

    /// The answer that outputs stand for; none before there was any target.
    pub(super) fn answer(&self, outputs: &[f32]) -> Result<Option<Answer>> {
        Ok(match self {
            Self::Classes { known, .. } => {
                let most = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let weights: Vec<f64> = outputs.iter().map(|&output| f64::from(output - most).exp()).collect();
                let sum: f64 = weights.iter().sum();
                let probabilities: Vec<f64> = weights.into_iter().map(|weight| weight / sum).collect();
                let better =
                    |best: usize, class: usize| if probabilities[class] > probabilities[best] { class } else { best };
                (0..known.len()).reduce(better).map(|best| Answer::Class { best, probabilities })
            }
            Self::Numbers { scale, last } => {
                if (0..last.len()).any(|target| scale.mean(target).is_none()) {
                    return Ok(None);
                }
                let normalised: Vec<f64> = outputs.iter().map(|&output| f64::from(output)).collect();
                let mut values = vec![0.0; normalised.len()];
                scale.denormalise(&normalised, &mut values)?;
                Some(Answer::Numbers(values))
            }
        })
    }

    /// What was right, where that is known. A class gets its number here, and a class beyond those that there may be is not known.
    pub(super) fn truth(&mut self, target: &Target<'_>, learns: bool) -> Option<Truth> {
        match (self, target) {
            (Self::Classes { known, .. }, Target::Class(Some(class))) => {
                let number = if learns { known.number(class) } else { known.get(class) };
                number.map(Truth::Class)
            }
            (Self::Numbers { .. }, Target::Numbers(values)) => {
                values.iter().copied().collect::<Option<Vec<f64>>>().map(Truth::Numbers)
            }
            _ => None,
        }
    }

    /// Takes what was right into what is known, and gives what is to be learned from it.
    pub(super) fn teach(&mut self, truth: &Truth, learns: bool) -> Result<Option<Taught>> {
        match (self, truth) {
            (Self::Classes { last, .. }, Truth::Class(class)) => {
                *last = Some(*class);
                Ok(Some(Taught::Class(*class)))
            }
            (Self::Numbers { scale, last }, Truth::Numbers(values)) => {
                if learns {
                    scale.observe(values)?;
                }
                *last = values.iter().copied().map(Some).collect();
                let mut normalised = vec![0.0; values.len()];
                scale.normalise(values, &mut normalised)?;
                Ok(Some(Taught::Numbers(normalised.into_iter().map(|value| value as f32).collect())))
            }
            _ => Ok(None),
        }
    }

    /// A new sequence begins: there is no last target.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Classes { last, .. } => *last = None,
            Self::Numbers { last, .. } => last.fill(None),
        }
    }
}
