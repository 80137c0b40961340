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
    Classes { known: Categories },
    Numbers { scale: Normaliser, targets: usize },
}

/// What the network says, in the words and units of the targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The likeliest of the classes that were known, which are the first ones, and what all outputs together give each.
    Class {
        best: usize,
        known: usize,
        shares: Vec<f64>,
    },
    Numbers(Vec<f64>),
}

/// What was right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The probability of a class: among those that were known, or, of one that was not, what its output was given beside all others.
    pub(super) fn probability(&self, class: usize) -> Option<f64> {
        let Self::Class { known, shares, .. } = self else { return None };
        let share = shares.get(class).copied()?;
        let of_known: f64 = shares[..*known].iter().sum();
        Some(if class < *known && of_known > 0.0 { share / of_known } else { share })
    }

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
            TaskKind::Classify => {
                let mut known = Categories::new(settings.max_classes);
                for class in &settings.classes {
                    known.number(class);
                }
                Self::Classes { known }
            }
            TaskKind::Regress | TaskKind::Forecast => {
                let config = NormaliserConfig { half_life: settings.half_life, ..Default::default() };
                let targets = settings.target.len();
                Self::Numbers { scale: Normaliser::new(targets, config)?, targets }
            }
        })
    }

    /// Number of the network's outputs.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Classes { known } => known.limit(),
            Self::Numbers { targets, .. } => *targets,
        }
    }

    /// The name of a class.
    pub(super) fn class(&self, number: usize) -> &str {
        match self {
            Self::Classes { known } => known.value(number).unwrap_or_default(),
            Self::Numbers { .. } => "",
        }
    }

    /// How many rows had a class beyond those that there may be.
    pub(super) fn beyond(&self) -> u64 {
        if let Self::Classes { known } = self { known.beyond() } else { 0 }
    }

    /// The last known target of a stream as inputs.
    pub(super) fn write_last(&self, last: Option<&Truth>, inputs: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Classes { known } => {
                let is_last = |class| last == Some(&Truth::Class(class));
                inputs.extend((0..known.limit()).map(|class| if is_last(class) { 1.0_f32 } else { 0.0 }));
            }
            Self::Numbers { scale, targets } => {
                let last = match last {
                    Some(Truth::Numbers(values)) => values.clone(),
                    _ => vec![f64::NAN; *targets],
                };
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
            Self::Classes { known } => {
                let most = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let weights: Vec<f64> = outputs.iter().map(|&output| f64::from(output - most).exp()).collect();
                let sum: f64 = weights.iter().sum();
                let shares: Vec<f64> = weights.into_iter().map(|weight| weight / sum).collect();
                let better = |best: usize, class: usize| if shares[class] > shares[best] { class } else { best };
                let known = known.len();
                (0..known).reduce(better).map(|best| Answer::Class { best, known, shares })
            }
            Self::Numbers { scale, targets } => {
                if (0..*targets).any(|target| scale.mean(target).is_none()) {
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
            (Self::Classes { known }, Target::Class(Some(class))) => {
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
            (Self::Classes { .. }, Truth::Class(class)) => Ok(Some(Taught::Class(*class))),
            (Self::Numbers { scale, .. }, Truth::Numbers(values)) => {
                if learns {
                    scale.observe(values)?;
                }
                let mut normalised = vec![0.0; values.len()];
                scale.normalise(values, &mut normalised)?;
                Ok(Some(Taught::Numbers(normalised.into_iter().map(|value| value as f32).collect())))
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings;
    use super::*;

    fn probabilities(labels: &Labels, outputs: &[f32]) -> Option<(String, Vec<f64>)> {
        let answer = labels.answer(outputs).unwrap()?;
        let Answer::Class { best, .. } = answer else { panic!("{answer:?}") };
        Some((labels.class(best).to_owned(), (0..outputs.len()).map(|class| answer.probability(class).unwrap()).collect()))
    }

    #[test]
    fn probabilities_are_among_the_classes_that_are_known() {
        let mut labels = Labels::new(&settings::of("--target y --max-classes 3")).unwrap();
        let outputs = [0.0, 3.0_f32.ln(), 9.0];
        assert_eq!(probabilities(&labels, &outputs), None);
        assert_eq!(labels.truth(&Target::Class(Some("a")), true), Some(Truth::Class(0)));
        assert_eq!(probabilities(&labels, &outputs).unwrap().1[0], 1.0);
        labels.truth(&Target::Class(Some("b")), true);
        let (best, found) = probabilities(&labels, &outputs).unwrap();
        assert_eq!(best, "b");
        assert!((found[0] - 0.25).abs() < 1e-6 && (found[1] - 0.75).abs() < 1e-6, "{found:?}");
        // What is not known yet has its output's share of all.
        assert!((found[2] - 9.0_f64.exp() / (4.0 + 9.0_f64.exp())).abs() < 1e-6, "{found:?}");
        // A class beyond the most there may be is not known, and counted.
        labels.truth(&Target::Class(Some("c")), true);
        assert_eq!(labels.truth(&Target::Class(Some("d")), true), None);
        assert_eq!(labels.beyond(), 1);
        // Outputs that are far apart leave no NaN.
        let found = probabilities(&labels, &[-3e38, 3e38, -3e38]).unwrap().1;
        assert_eq!(found, [0.0, 1.0, 0.0]);
    }

    #[test]
    fn named_classes_are_there_from_the_first_row_on() {
        let mut labels = Labels::new(&settings::of("--target y --classes no,yes")).unwrap();
        assert_eq!(probabilities(&labels, &[0.0, 0.0]), Some(("no".to_owned(), vec![0.5, 0.5])));
        assert_eq!(labels.truth(&Target::Class(Some("yes")), false), Some(Truth::Class(1)));
        let mut inputs = Vec::new();
        labels.write_last(Some(&Truth::Class(1)), &mut inputs).unwrap();
        labels.write_last(None, &mut inputs).unwrap();
        assert_eq!(inputs, [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn numbers_have_no_answer_before_there_was_any_target() {
        let mut labels = Labels::new(&settings::of("--target y,z --task regress")).unwrap();
        assert!(labels.answer(&[0.0, 0.0]).unwrap().is_none());
        // A row with one target of two teaches nothing.
        assert_eq!(labels.truth(&Target::Numbers(vec![Some(1.0), None]), true), None);
        for value in [1.0, 3.0] {
            let truth = labels.truth(&Target::Numbers(vec![Some(value), Some(-value)]), true).unwrap();
            assert!(labels.teach(&truth, true).unwrap().is_some());
        }
        assert_eq!(labels.answer(&[0.0, 0.0]).unwrap(), Some(Answer::Numbers(vec![2.0, -2.0])));
        let mut inputs = Vec::new();
        labels.write_last(None, &mut inputs).unwrap();
        assert_eq!(inputs, [0.0, 0.0]);
    }
}
