//! What the final table says of a run that has learned nothing: that it is worse than chance, or never got better.

use ostl_tasks::measures::MOST_CLASSES;
use ostl_tasks::{ByClass, Metric, Task};

use crate::figures::{Figures, written};

/// Most classes that are named in one line.
const MOST_NAMES: usize = 10;

/// By how much of chance's own value a figure must differ from it, to count as better or worse than guessing.
const MARGIN: f64 = 0.01;

/// What a run came to.
pub(crate) struct Ended<'a> {
    /// On the test split, or on the validation split where there is no other.
    pub(crate) judged: &'a Figures,
    /// The figure that chose the best epoch, that epoch, and how many there were.
    pub(crate) by: Metric,
    pub(crate) best_epoch: u64,
    pub(crate) epochs: u64,
    /// What learning started with.
    pub(crate) learning_rate: f64,
}

/// A line for each reason to doubt that anything was learned.
pub(crate) fn lines(task: &dyn Task, ended: &Ended<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let rate = ended.learning_rate;
    if let Some((worse, figures)) = beside_chance(task, ended.judged) {
        let is = if worse { "WORSE THAN CHANCE" } else { "no better than chance" };
        let try_this = if worse {
            format!(
                "the weights have gone astray; try a smaller optimizer.learning_rate than {rate}, or optimizer.clip_norm"
            )
        } else {
            format!("nothing that carries over was learned; try another optimizer.learning_rate than {rate}, or more epochs")
        };
        lines.push(format!("{is}: {figures}; {try_this}"));
    }
    if ended.best_epoch <= 1 && ended.epochs > 1 {
        let (by, epochs) = (ended.by, ended.epochs);
        lines.push(format!(
            "never improved: in {epochs} epochs the validation {by} was never better than after the first; try another optimizer.learning_rate than {rate}"
        ));
    }
    lines
}

/// The classes that targets have and that the network never answers, or never rightly: a line for each of the two.
pub(crate) fn unanswered(task: &dyn Task, classes: &ByClass) -> Vec<String> {
    // Of a text's rarest words most are never answered, and are not expected to be.
    if task.vocabulary().is_some() || classes.classes() > MOST_CLASSES {
        return Vec::new();
    }
    let missed = |answered: bool| {
        let of = (0..classes.classes()).filter(move |&class| {
            classes.targets()[class] > 0 && classes.hits()[class] == 0 && (classes.answers()[class] > 0) == answered
        });
        let named = of.map(|class| format!("{} ({} targets)", task.class_name(class), classes.targets()[class]));
        let named: Vec<String> = named.collect();
        let more = named.len().saturating_sub(MOST_NAMES);
        let listed = named.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
        let listed = if more > 0 { format!("{listed} and {more} more") } else { listed };
        (!named.is_empty()).then_some(listed)
    };
    let never =
        missed(false).map(|listed| format!("never answered: class {listed}; task.class_weights = \"balanced\" may help"));
    never.into_iter().chain(missed(true).map(|listed| format!("never right: class {listed}"))).collect()
}

/// Whether a run is worse than chance (or only no better), and by which figures; nothing where one of them is better.
fn beside_chance(task: &dyn Task, judged: &Figures) -> Option<(bool, String)> {
    let chance = Figures::chance(task);
    let known: Vec<(Metric, f64, f64)> = Metric::ALL
        .into_iter()
        .filter_map(|metric| Some((metric, judged.get(metric).unwrap_or(f64::NAN), chance.get(metric)?)))
        .collect();
    let beyond = |metric: Metric, value: f64, other: f64| {
        metric.is_better(value, other) && (value - other).abs() > MARGIN * other.abs().max(value.abs())
    };
    if known.is_empty() || known.iter().any(|&(metric, value, chance)| beyond(metric, value, chance)) {
        return None;
    }
    let worse = known.iter().any(|&(metric, value, chance)| value.is_nan() || beyond(metric, chance, value));
    let told = known.iter().map(|&(metric, value, chance)| {
        format!("{metric} {} where guessing has {}", written(metric, value), written(metric, chance))
    });
    Some((worse, told.collect::<Vec<_>>().join(", ")))
}

#[cfg(test)]
mod tests {
    use ostl_core::{Observation, Target};
    use ostl_tasks::{Measures, StoreRecall, StoreRecallConfig};

    use super::*;
    use crate::figures::reported;

    /// Answers to ten targets of two classes, with this loss each; the first `right` of ten are right.
    fn lines_of(loss: f64, right: usize, best_epoch: u64, epochs: u64) -> Vec<String> {
        let task = StoreRecall::new(StoreRecallConfig::default()).unwrap();
        let mut measures = Measures::new(&task);
        for index in 0..10 {
            let outputs = if index < right { [0.0, 1.0] } else { [1.0, 0.0] };
            measures.observe(&Observation {
                stream: 0,
                step: 0,
                head: "",
                outputs: &outputs,
                target: Target::Class(1),
                loss,
            });
        }
        let judged = Figures::new(&measures, &reported(&task));
        lines(&task, &Ended { judged: &judged, by: Metric::Loss, best_epoch, epochs, learning_rate: 100.0 })
    }

    #[test]
    fn chance_is_the_measure() {
        let astray = lines_of(8.0, 5, 3, 5);
        assert_eq!(astray.len(), 1, "{astray:?}");
        assert!(
            astray[0].starts_with("WORSE THAN CHANCE: loss 8.0000 where guessing has 0.6931, accuracy 50.0 %"),
            "{astray:?}"
        );
        assert!(astray[0].contains("smaller optimizer.learning_rate than 100"), "{astray:?}");
        let idle = lines_of(0.694, 5, 3, 5);
        assert!(idle.len() == 1 && idle[0].starts_with("no better than chance"), "{idle:?}");
        assert_eq!(lines_of(0.1, 10, 3, 5), Vec::<String>::new());
        assert_eq!(lines_of(2.0, 8, 3, 5), Vec::<String>::new(), "sure of itself where it is wrong, but mostly right");
        assert!(lines_of(f64::NAN, 3, 3, 5)[0].starts_with("WORSE"));
    }

    #[test]
    fn classes_that_are_never_answered_are_named() {
        let task = StoreRecall::new(StoreRecallConfig::default()).unwrap();
        let lines = |pairs: &[(usize, usize)]| {
            let mut measures = Measures::new(&task);
            for &(class, said) in pairs {
                let outputs = if said == 1 { [0.0, 1.0] } else { [1.0, 0.0] };
                let target = Target::Class(class);
                measures.observe(&Observation { stream: 0, step: 0, head: "", outputs: &outputs, target, loss: 0.5 });
            }
            unanswered(&task, measures.by_class().unwrap())
        };
        let never = lines(&[(0, 0), (1, 0), (1, 0)]);
        assert!(
            never.len() == 1 && never[0].starts_with("never answered: class 1 (2 targets); task.class_weights"),
            "{never:?}"
        );
        assert_eq!(
            lines(&[(0, 1), (1, 1)]),
            ["never answered: class 0 (1 targets); task.class_weights = \"balanced\" may help"]
        );
        assert_eq!(lines(&[(0, 1), (1, 0)]), ["never right: class 0 (1 targets), 1 (1 targets)"]);
        assert_eq!(lines(&[(0, 0), (1, 1)]), Vec::<String>::new());
        assert_eq!(lines(&[(0, 0)]), Vec::<String>::new(), "nothing asks for class 1");
    }

    #[test]
    fn an_epoch_that_was_never_bettered_is_told() {
        let lines = lines_of(0.1, 10, 1, 5);
        assert!(lines.len() == 1 && lines[0].starts_with("never improved: in 5 epochs the validation loss"), "{lines:?}");
        assert_eq!(lines_of(0.1, 10, 1, 1), Vec::<String>::new());
        assert_eq!(lines_of(8.0, 5, 1, 5).len(), 2);
    }
}
