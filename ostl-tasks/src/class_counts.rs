//! How often each class is a target.

use ostl_core::{SequenceBatch, Target, TargetKind};

use crate::split::Split;
use crate::stretches::Stretches;
use crate::task::Task;

/// Targets of each class in a split; nothing where targets are no classes. Goes through the whole split unless the task
/// [knows](Task::class_counts).
pub fn class_counts(task: &dyn Task, split: Split) -> Vec<u64> {
    if task.loss().target_kind() != TargetKind::Classes {
        return Vec::new();
    }
    if let Some(counts) = task.class_counts(split) {
        return counts;
    }
    let mut counts = vec![0; task.outputs()];
    match task.stretch() {
        None => (0..task.sequences(split)).for_each(|index| add(&task.batch(split, &[index]), &mut counts)),
        Some(steps) => {
            let stretches = Stretches::new(task, split, steps.max(1));
            (0..stretches.len()).for_each(|index| add(&stretches.build(index), &mut counts));
        }
    }
    counts
}

fn add(batch: &SequenceBatch<f32>, counts: &mut [u64]) {
    for (stream, &length) in batch.lengths().iter().enumerate() {
        for step in 0..length {
            if let Some(Target::Class(class)) = batch.target(stream, step) {
                counts[class] += 1;
            }
        }
    }
}

/// What is odd about the classes of a data set, in sentences: those that no target has, and those that the training split lacks. `counts`
/// are targets of each class in the train, valid and test split.
pub fn odd_classes(task: &dyn Task, counts: &[Vec<u64>; 3]) -> Vec<String> {
    let [train, valid, test] = counts;
    let classes = train.len();
    let name = |class: usize| match task.class_name(class) {
        name if name == class.to_string() => name.into_owned(),
        name => format!("{class} (`{name}`)"),
    };
    let list = |classes: &[usize]| {
        let shown: Vec<String> = classes.iter().take(MOST_NAMED).map(|&class| name(class)).collect();
        let more = classes.len().saturating_sub(MOST_NAMED);
        let noun = if classes.len() == 1 { "class" } else { "classes" };
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (format!("{noun} {}{more}", shown.join(", ")), if classes.len() == 1 { "has" } else { "have" })
    };
    let of = |counts: &[u64], class: usize| counts.get(class).is_some_and(|&count| count > 0);
    let elsewhere = |class| of(valid, class) || of(test, class);
    let mut sentences = Vec::new();
    let mut nowhere: Vec<usize> = (0..classes).filter(|&class| !of(train, class) && !elsewhere(class)).collect();
    if nowhere.first() == Some(&0) && nowhere.len() < classes {
        sentences.push(format!(
            "class {} has no target in any split: do the labels count from 1? Classes count from 0, and this one has an output that nothing asks for",
            name(0)
        ));
        nowhere.remove(0);
    }
    if !nowhere.is_empty() {
        let (classes, have) = list(&nowhere);
        sentences.push(format!("{classes} {have} no target in any split"));
    }
    let unseen: Vec<usize> = (0..classes).filter(|&class| !of(train, class) && elsewhere(class)).collect();
    if !unseen.is_empty() {
        let (classes, have) = list(&unseen);
        sentences.push(format!("{classes} {have} targets to be judged by, but none in the train split to learn from"));
    }
    sentences
}

/// Most classes that are named one by one.
const MOST_NAMED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Characters, CharactersConfig, StoreRecall, StoreRecallConfig};

    #[test]
    fn counted_by_a_pass_over_whole_sequences_or_stretches() {
        let task = StoreRecall::new(StoreRecallConfig { train: 40, ..Default::default() }).unwrap();
        let counts = class_counts(&task, Split::Train);
        assert!(counts.len() == 2 && counts.iter().sum::<u64>() == 40 && counts.iter().all(|&count| count > 0));
        let config = CharactersConfig { valid: 0.1, streams: 2, stretch: 3, ..Default::default() };
        let text = Characters::from_slice(b"abababababababababab", std::path::Path::new("x"), &config).unwrap();
        // 18 characters to learn from, the first of which is not predicted.
        assert_eq!(class_counts(&text, Split::Train)[..2], [8, 9]);
    }

    #[test]
    fn odd_classes_in_sentences() {
        let task = StoreRecall::new(StoreRecallConfig::default()).unwrap();
        let says = |train: &[u64], valid: &[u64]| odd_classes(&task, &[train.to_vec(), valid.to_vec(), valid.to_vec()]);
        assert!(says(&[1, 1], &[0, 0]).is_empty());
        let from_one = says(&[0, 3, 4, 0], &[0, 1, 1, 0]);
        assert!(from_one[0].starts_with("class 0 has no target in any split") && from_one[0].contains("count from 1"));
        assert_eq!(from_one[1..], ["class 3 has no target in any split"]);
        let unseen = says(&[5, 0, 0], &[1, 1, 1]);
        assert_eq!(unseen, ["classes 1, 2 have targets to be judged by, but none in the train split to learn from"]);
        let many = says(&[vec![1], vec![0; 20]].concat(), &[0; 21]);
        assert_eq!(many, ["classes 1, 2, 3, 4, 5, 6, 7, 8 and 12 more have no target in any split"]);
    }
}
