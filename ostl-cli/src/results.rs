//! The table of what was learned, at the end of a run.

use ostl_tasks::{ByClass, Metric, Task};

use crate::figures::{Figures, in_tables, written};
use crate::summary::reaches;
use crate::table::aligned;

/// A row a split, chance and goal below them, a column a figure.
pub(crate) fn table(task: &dyn Task, reported: &[Metric], valid: Option<&Figures>, test: Option<&Figures>) -> String {
    let chance = Figures::chance(task);
    let reported: Vec<Metric> = in_tables(reported).collect();
    let mut rows = vec![std::iter::once(String::new()).chain(reported.iter().map(|metric| metric.to_string())).collect()];
    let measured = [("valid", valid), ("test", test), ("chance", Some(&chance).filter(|chance| !chance.is_empty()))];
    for (name, figures) in measured.into_iter().filter_map(|(name, figures)| Some((name, figures?))) {
        let cell = |&metric: &Metric| figures.get(metric).map_or_else(String::new, |value| written(metric, value));
        rows.push(std::iter::once(name.to_owned()).chain(reported.iter().map(cell)).collect::<Vec<_>>());
    }
    let Some(goal) = task.goal() else { return aligned(&rows, &[0]) };
    let cell = |&metric: &Metric| if metric == goal.metric { written(metric, goal.reach) } else { String::new() };
    rows.push(std::iter::once("goal".to_owned()).chain(reported.iter().map(cell)).collect());
    let verdict = match test.or(valid).and_then(|figures| reaches(&goal, figures)) {
        Some(true) => "reached",
        Some(false) => "not reached",
        None => "not measured",
    };
    let best = goal.best.map_or_else(String::new, |best| format!(" (the best possible is {})", written(goal.metric, best)));
    format!("{}goal {verdict}{best}\n", aligned(&rows, &[0]))
}

/// Most classes that have a row each.
const MOST_ROWS: usize = 40;

/// How well each class is distinguished from the others, one row per class; of very many, those with the lowest recall.
pub(crate) fn by_class(task: &dyn Task, classes: &ByClass) -> String {
    let all = classes.classes();
    let mut shown: Vec<usize> = (0..all).collect();
    if all > MOST_ROWS {
        shown.retain(|&class| classes.targets()[class] > 0);
        shown.sort_by(|&a, &b| classes.recall(a).unwrap_or(1.0).total_cmp(&classes.recall(b).unwrap_or(1.0)));
        shown.truncate(MOST_ROWS);
    }
    let mut rows = vec![["class", "targets", "answers", "recall", "precision", "f1"].map(str::to_owned).to_vec()];
    rows.extend(shown.iter().map(|&class| {
        let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        let counts = [classes.targets()[class].to_string(), classes.answers()[class].to_string()];
        let shares = [classes.recall(class), classes.precision(class), classes.f1(class)].map(share);
        std::iter::once(task.class_name(class).into_owned()).chain(counts).chain(shares).collect()
    }));
    let of = if shown.len() < all {
        format!("(the {} of {all} classes with the lowest recall)\n", shown.len())
    } else {
        String::new()
    };
    format!("{}{of}", aligned(&rows, &[0]))
}

#[cfg(test)]
mod tests {
    use ostl_core::{Loss, Observation, SequenceBatch, Target};
    use ostl_tasks::{Goal, Measures, Split};

    use super::*;

    struct Words;

    impl Task for Words {
        fn name(&self) -> &str {
            "words"
        }
        fn inputs(&self) -> usize {
            2
        }
        fn outputs(&self) -> usize {
            2
        }
        fn loss(&self) -> Loss {
            Loss::SoftmaxCrossEntropy
        }
        fn sequences(&self, _: Split) -> usize {
            1
        }
        fn steps(&self, _: Split, _: usize) -> usize {
            1
        }
        fn write(&self, _: Split, _: usize, _: &mut SequenceBatch<f32>, _: usize) {}
        fn metrics(&self) -> &[Metric] {
            &[Metric::Perplexity, Metric::Accuracy]
        }
        fn chance(&self) -> Option<f64> {
            Some(2_f64.ln())
        }
        fn goal(&self) -> Option<Goal> {
            Some(Goal { metric: Metric::Perplexity, reach: 1.5, best: Some(1.25) })
        }
    }

    #[test]
    fn figures_chance_and_goal_side_by_side() {
        let mut measures = Measures::new(&Words);
        measures.observe(&Observation {
            stream: 0,
            step: 0,
            head: "",
            outputs: &[0.0, 1.0],
            target: Target::Class(1),
            loss: 1.6_f64.ln(),
        });
        let reported = crate::figures::reported(&Words);
        let figures = Figures::new(&measures, &reported);
        let lines = |valid, test| table(&Words, &reported, valid, test).lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lines(Some(&figures), None),
            [
                "          loss  accuracy  perplexity  balanced-accuracy  macro-f1",
                "valid   0.4700   100.0 %        1.60            100.0 %   100.0 %",
                "chance  0.6931                  2.00",
                "goal                            1.50",
                "goal not reached (the best possible is 1.25)",
            ]
        );
        assert_eq!(lines(Some(&figures), Some(&figures)).len(), 6);
    }
}
