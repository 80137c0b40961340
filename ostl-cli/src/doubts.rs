//! What the final table says of a run that has learned nothing: that it is worse than chance, or never got better.

use ostl_core::{Carry, Method, Window};
use ostl_tasks::measures::MOST_CLASSES;
use ostl_tasks::{ByClass, Metric, Split, Task, class_counts};

use crate::figures::{Figures, written};
use crate::names::{counted, counted_range, first_few};

/// Most classes that are named in one line.
const MOST_NAMES: usize = 10;

/// By how much of chance's own value a figure must differ from it, to count as better or worse than guessing.
const MARGIN: f64 = 0.01;

/// A mean over n targets lies apart from what it is a mean of by some of its own size over √n: so many of that count as worse than guessing.
const SPREADS: f64 = 3.0;

/// Classes that have so many times the targets of others are worth weights.
const UNEQUAL: u64 = 2;

/// What a run came to.
pub(crate) struct Ended<'a> {
    /// On the test split, or on the validation split where there is no other.
    pub(crate) judged: &'a Figures,
    /// The number of targets there.
    pub(crate) targets: u64,
    pub(crate) method: Method,
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
    let forgetful = forgetful(task, &ended.method);
    if let Some((worse, figures)) = beside_chance(task, ended) {
        let is = if worse { "WORSE THAN CHANCE" } else { "no better than chance" };
        let astray = "the weights have gone astray";
        let smaller = format!("try a smaller optimizer.learning_rate than {rate}, or optimizer.clip_norm");
        let try_this = match (&forgetful, worse) {
            (None, true) => format!("{astray}; {smaller}"),
            (Some(why), true) => format!("{why}; or {astray}: {smaller}"),
            (Some(why), false) => why.clone(),
            (None, false) => format!(
                "nothing that carries over was learned; try another optimizer.learning_rate than {rate}, or more epochs"
            ),
        };
        lines.push(format!("{is}: {figures}; {try_this}"));
    }
    if ended.best_epoch <= 1 && ended.epochs > 1 {
        let (by, epochs) = (ended.by, ended.epochs);
        let never = format!("never improved: in {epochs} epochs the validation {by} was never better than after the first");
        // What to try was said already where the run is no better than chance.
        lines.push(match (lines.is_empty(), forgetful) {
            (true, None) => format!("{never}; try another optimizer.learning_rate than {rate}"),
            (true, Some(why)) => format!("{never}; {why}"),
            (false, _) => never,
        });
    }
    lines
}

/// What a method cannot learn where sequences are longer than it looks back.
fn forgetful(task: &dyn Task, method: &Method) -> Option<String> {
    let lengths = || (0..task.sequences(Split::Train)).map(|index| task.steps(Split::Train, index));
    let (least, most) = (lengths().min()?, lengths().max()?);
    let sequences = counted_range(least, most, "step");
    match (method.window, method.carry) {
        (Window::Steps(steps), Carry::None) if most > steps => Some(format!(
            "nothing is carried beyond the window of {} (sequences have {sequences}); try method.carry = \"local\" or \"layer\", or a longer method.window",
            counted(steps, "step")
        )),
        (Window::Rolling { steps, .. }, Carry::None) if most > steps => Some(format!(
            "nothing from before the last {} is learned from (sequences have {sequences}); try a longer method.window, or a method that carries",
            counted(steps, "step")
        )),
        _ => None,
    }
}

/// The classes that targets have and that the network never answers, or never rightly: a line for each of the two.
/// `are_weighted` says that the classes have weights already.
pub(crate) fn unanswered(task: &dyn Task, classes: &ByClass, are_weighted: bool) -> Vec<String> {
    // Of a text's rarest words most are never answered, and are not expected to be.
    if task.vocabulary().is_some() || classes.classes() > MOST_CLASSES {
        return Vec::new();
    }
    let missed = |answered: bool| {
        let of = (0..classes.classes()).filter(move |&class| {
            classes.targets()[class] > 0 && classes.hits()[class] == 0 && (classes.answers()[class] > 0) == answered
        });
        let named = of.map(|class| {
            let targets = classes.targets()[class];
            format!("{} ({})", task.class_name(class), counted(targets, "target"))
        });
        let named: Vec<String> = named.collect();
        (!named.is_empty()).then(|| first_few(&named, MOST_NAMES))
    };
    let never = missed(false).map(|listed| {
        let weights = "; task.class_weights = \"balanced\" may help";
        let weights = if !are_weighted && are_unequal(&class_counts(task, Split::Train)) { weights } else { "" };
        format!("never answered: class {listed}{weights}")
    });
    never.into_iter().chain(missed(true).map(|listed| format!("never right: class {listed}"))).collect()
}

/// Whether classes with so many targets are learned from unlike often, those that have none aside.
fn are_unequal(counts: &[u64]) -> bool {
    let there = || counts.iter().copied().filter(|&count| count > 0);
    there().min().zip(there().max()).is_some_and(|(least, most)| most >= UNEQUAL * least)
}

/// Whether a run is worse than chance (or only no better), and by which figures; nothing where one of them is better.
fn beside_chance(task: &dyn Task, ended: &Ended<'_>) -> Option<(bool, String)> {
    let (judged, chance) = (ended.judged, Figures::chance(task));
    let known: Vec<(Metric, f64, f64)> = Metric::ALL
        .into_iter()
        .filter_map(|metric| Some((metric, judged.get(metric).unwrap_or(f64::NAN), chance.get(metric)?)))
        .collect();
    let better = |&(metric, value, chance): &(Metric, f64, f64)| {
        metric.is_better(value, chance) && (value - chance).abs() > MARGIN * chance.abs().max(value.abs())
    };
    if known.is_empty() || known.iter().any(better) {
        return None;
    }
    // Whoever answers always the same has another accuracy in each split, and is no worse than guessing: the loss says that.
    let spread = (SPREADS / (ended.targets.max(1) as f64).sqrt()).max(MARGIN);
    let of_loss = known.iter().find(|(metric, ..)| *metric == Metric::Loss);
    let worse = of_loss.is_some_and(|&(_, loss, chance)| loss.is_nan() || loss - chance > spread * chance.abs());
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
        lines_by(Method::ostl(), loss, right, best_epoch, epochs)
    }

    /// The same of a method.
    fn lines_by(method: Method, loss: f64, right: usize, best_epoch: u64, epochs: u64) -> Vec<String> {
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
        let ended =
            Ended { judged: &judged, targets: 10, method, by: Metric::Loss, best_epoch, epochs, learning_rate: 100.0 };
        lines(&task, &ended)
    }

    /// Whoever always answers the same is wrong more often in one split than in another, and no worse than guessing.
    #[test]
    fn a_small_split_is_given_its_spread() {
        let same = lines_of(0.9, 3, 3, 5);
        assert!(same.len() == 1 && same[0].starts_with("no better than chance: loss 0.9000"), "{same:?}");
        assert!(!same[0].contains("astray"), "{same:?}");
        assert!(lines_of(1.5, 3, 3, 5)[0].starts_with("WORSE THAN CHANCE"), "twice the loss is more than the spread");
    }

    /// What nothing is carried for cannot be learned, whatever the learning rate.
    #[test]
    fn a_method_that_forgets_is_told_so() {
        let idle = lines_by(Method::tbptt(5), 0.694, 5, 1, 5);
        assert!(idle[0].contains("nothing is carried beyond the window of 5 steps (sequences have "), "{idle:?}");
        assert!(idle[0].contains("try method.carry = \"local\"") && !idle[0].contains("learning_rate"), "{idle:?}");
        assert!(idle[1].starts_with("never improved") && !idle[1].contains("try"), "{idle:?}");
        let first = lines_by(Method::tbptt(1), 0.1, 10, 1, 5);
        assert!(first[0].starts_with("never improved") && first[0].contains("the window of 1 step ("), "{first:?}");
        let rolling = lines_by(Method::rolling_tbptt(3), 0.694, 5, 3, 5);
        assert!(rolling[0].contains("from before the last 3 steps") && !rolling[0].contains("carry ="), "{rolling:?}");
        let astray = lines_by(Method::tbptt(5), 8.0, 5, 3, 5);
        assert!(astray[0].contains("nothing is carried") && astray[0].contains("gone astray: try a smaller"), "{astray:?}");
        for method in [Method::tbptt(1000), Method::bptt(), Method::ostl_without_h()] {
            let others = lines_by(method, 0.694, 5, 3, 5);
            assert!(others[0].contains("another optimizer.learning_rate than 100"), "{others:?}");
        }
    }

    #[test]
    fn weights_of_classes_are_for_classes_that_are_unlike_often() {
        for counts in [&[129, 127][..], &[16, 16], &[99, 0], &[]] {
            assert!(!are_unequal(counts), "{counts:?}");
        }
        assert!(are_unequal(&[95, 5]) && are_unequal(&[20, 0, 10]));
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
            unanswered(&task, measures.by_class().unwrap(), false)
        };
        let never = lines(&[(0, 0), (1, 0), (1, 0)]);
        // Both are learned from about as often, so that weights would change nothing.
        assert_eq!(never, ["never answered: class 1 (2 targets)"]);
        assert_eq!(lines(&[(0, 1), (1, 1)]), ["never answered: class 0 (1 target)"]);
        assert_eq!(lines(&[(0, 1), (1, 0)]), ["never right: class 0 (1 target), 1 (1 target)"]);
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
