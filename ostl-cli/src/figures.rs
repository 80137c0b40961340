//! The figures of one split, and how each is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ostl_core::{Loss, TargetKind};
use ostl_tasks::measures::MOST_CLASSES;
use ostl_tasks::{Measures, Metric, Split, Task};
use serde::{Deserialize, Serialize};

use crate::table::loss;

/// The figures that are reported of a task: the loss, the accuracy where targets are classes, the task's own, that of its goal, and, of classes
/// that are no words or characters, those that a majority vote does not win and the recall of each (of up to [`MOST_CLASSES`]).
pub(crate) fn reported(task: &dyn Task) -> Vec<Metric> {
    let of_classes = task.loss().target_kind() == TargetKind::Classes;
    let accuracy = of_classes.then_some(Metric::Accuracy);
    let goal = task.goal().map(|goal| goal.metric);
    let all = [Metric::Loss].into_iter().chain(accuracy).chain(task.metrics().iter().copied()).chain(goal);
    let by_class = of_classes && task.vocabulary().is_none();
    let recalls = if by_class && task.outputs() <= MOST_CLASSES { task.outputs() as u32 } else { 0 };
    let means = [Metric::BalancedAccuracy, Metric::MacroF1].into_iter().filter(|_| by_class);
    let all = all.chain(means).chain((0..recalls).map(Metric::Recall));
    let mut reported = Vec::new();
    all.for_each(|metric| {
        if !reported.contains(&metric) {
            reported.push(metric);
        }
    });
    reported
}

/// Those of some figures that stand in tables that people read: all but the recall of each class, which has tables of its own.
pub(crate) fn in_tables(figures: &[Metric]) -> impl Iterator<Item = Metric> + '_ {
    figures.iter().copied().filter(|metric| !matches!(metric, Metric::Recall(_)))
}

/// The names of some figures, those of the recall of each class as the first and the last.
pub(crate) fn names(figures: &[Metric]) -> String {
    let recalls: Vec<Metric> = figures.iter().copied().filter(|metric| matches!(metric, Metric::Recall(_))).collect();
    let recalls = match recalls[..] {
        [first, .., last] => Some(format!("{first} … {last}")),
        [only] => Some(only.to_string()),
        [] => None,
    };
    in_tables(figures).map(|metric| metric.to_string()).chain(recalls).collect::<Vec<_>>().join(", ")
}

/// What was measured on one split: the figures that could be worked out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures(Vec<(Metric, f64)>);

impl Figures {
    pub(crate) fn new(measures: &Measures, reported: &[Metric]) -> Self {
        // A perplexity can be beyond all numbers where the loss is not, and no checkpoint holds what is not finite.
        let value = |metric| measures.value(metric).filter(|value| value.is_finite());
        Self(reported.iter().filter_map(|&metric| Some((metric, value(metric)?))).collect())
    }

    /// What guessing without looking at the input comes to, as far as anybody has worked it out.
    pub(crate) fn chance(task: &dyn Task) -> Self {
        let loss = task.chance();
        let of_classes = loss.filter(|_| task.loss() == Loss::SoftmaxCrossEntropy);
        let value = |metric| match metric {
            Metric::Loss => loss,
            Metric::Accuracy => task.chance_accuracy(),
            // Whoever always answers the same class hits all of its targets and none of the others. Of a single class nothing is guessed.
            Metric::BalancedAccuracy => task.class_counts(Split::Test).and_then(|counts| {
                let there = counts.iter().filter(|&&count| count > 0).count();
                (there > 1).then(|| 1.0 / there as f64)
            }),
            Metric::Perplexity => of_classes.map(f64::exp),
            Metric::BitsPerCharacter => of_classes.map(|loss| loss / std::f64::consts::LN_2),
            _ => None,
        };
        Self(reported(task).into_iter().filter_map(|metric| Some((metric, value(metric)?))).collect())
    }

    pub(crate) fn get(&self, metric: Metric) -> Option<f64> {
        self.0.iter().find(|(of, _)| *of == metric).map(|&(_, value)| value)
    }

    /// The mean loss; NaN where there were no targets.
    pub(crate) fn loss(&self) -> f64 {
        self.get(Metric::Loss).unwrap_or(f64::NAN)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All but the loss and the recall of single classes, in a line: `, 98.2 %, perplexity 97.1`.
    pub(crate) fn beside_the_loss(&self) -> String {
        let is_shown = |metric: &Metric| !matches!(metric, Metric::Loss | Metric::Recall(_));
        let shown = self.0.iter().filter(|(metric, _)| is_shown(metric)).map(|&(metric, value)| match metric {
            Metric::Accuracy => format!(", {}", written(metric, value)),
            _ => format!(", {metric} {}", written(metric, value)),
        });
        shown.collect()
    }

    /// As `summary.json` has them.
    pub(crate) fn in_summary(&self) -> InSummary {
        InSummary {
            loss: self.get(Metric::Loss),
            accuracy: self.get(Metric::Accuracy),
            metrics: self.0.iter().map(|&(metric, value)| (metric.name(), value)).collect(),
        }
    }
}

/// Figures in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct InSummary {
    /// Mean over the targets, in nats for the two cross-entropies.
    loss: Option<f64>,
    /// Fraction of the targets; where targets are classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// Every figure by its name, these two too.
    metrics: BTreeMap<Cow<'static, str>, f64>,
}

/// A figure as it stands in tables.
pub(crate) fn written(metric: Metric, value: f64) -> String {
    match metric {
        _ if metric.is_fraction() => format!("{:.1} %", 100.0 * value),
        Metric::Perplexity => format!("{value:.2}"),
        Metric::BitsPerCharacter => format!("{value:.3}"),
        _ => loss(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_they_are_used_to_be() {
        for (metric, value, text) in [
            (Metric::Accuracy, 0.9876, "98.8 %"),
            (Metric::SequenceAccuracy, 1.0, "100.0 %"),
            (Metric::BalancedAccuracy, 0.5, "50.0 %"),
            (Metric::Perplexity, 97.123, "97.12"),
            (Metric::BitsPerCharacter, 1.4567, "1.457"),
            (Metric::R2, -0.25, "-0.2500"),
            (Metric::Loss, 0.69, "0.6900"),
        ] {
            assert_eq!(written(metric, value), text);
        }
        let recall = (Metric::Recall(1), 0.25);
        let figures = Figures(vec![(Metric::Loss, 1.0), (Metric::Accuracy, 0.5), (Metric::Perplexity, 2.75), recall]);
        assert_eq!(figures.beside_the_loss(), ", 50.0 %, perplexity 2.75");
        assert_eq!((figures.loss(), figures.get(Metric::R2)), (1.0, None));
        let json = serde_json::to_value(figures.in_summary()).unwrap();
        assert_eq!((&json["metrics"]["perplexity"], &json["metrics"]["recall-1"]), (&2.75.into(), &0.25.into()));
        assert_eq!((&json["loss"], &json["accuracy"]), (&1.0.into(), &0.5.into()));
    }

    #[test]
    fn what_is_beyond_all_numbers_is_no_figure() {
        let mut measures = Measures::of(Loss::SoftmaxCrossEntropy, 2, &[]);
        let target = ostl_core::Target::Class(0);
        measures.observe(&ostl_core::Observation { stream: 0, step: 0, head: "", outputs: &[0.0, 1e3], target, loss: 1e3 });
        let figures = Figures::new(&measures, &[Metric::Loss, Metric::Perplexity]);
        assert_eq!((figures.get(Metric::Loss), figures.get(Metric::Perplexity)), (Some(1e3), None));
    }

    #[test]
    fn the_chance_of_a_bit() {
        let task = ostl_tasks::StoreRecall::new(ostl_tasks::StoreRecallConfig::default()).unwrap();
        let chance = Figures::chance(&task);
        assert_eq!((chance.loss(), chance.get(Metric::Accuracy)), (std::f64::consts::LN_2, Some(0.5)));
        let figures = reported(&task);
        assert!(figures.starts_with(&[Metric::Loss, Metric::Accuracy]));
        assert!(figures.ends_with(&[Metric::BalancedAccuracy, Metric::MacroF1, Metric::Recall(0), Metric::Recall(1)]));
        assert!(names(&figures).ends_with("balanced-accuracy, macro-f1, recall-0 … recall-1"));
        assert_eq!(in_tables(&figures).count(), figures.len() - 2);
    }
}
