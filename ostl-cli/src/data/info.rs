//! `ostl data info`.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use ostl_core::TargetKind;
use ostl_tasks::catalogue::{DataSet, Origin, Verdict};
use ostl_tasks::{Metric, Split, Task, odd_classes};

use super::statistics::Statistics;
use super::{Asked, data_set, size, task_name};
use crate::arguments::InfoArguments;
use crate::config::expect_at;
use crate::figures::{Figures, in_tables, reported, written};
use crate::names::counted;
use crate::output::Out;
use crate::table::aligned;

/// Most classes that are listed one by one.
const MOST_CLASSES: usize = 40;

pub(super) fn run(arguments: &InfoArguments) -> Result<()> {
    let InfoArguments { name, config, set, data } = arguments;
    let (name, config, data) = (name.as_deref(), config.as_deref(), data.as_deref());
    expect_at(data)?;
    let of_a_set = name.and_then(data_set);
    // A setting that is wrong is said before a long look at files; that no task reads a data set, after it.
    let chosen = Asked { command: "ostl data info", name, config, set, data }.choose();
    let of_no_task = of_a_set.is_some() && name.is_some_and(|name| task_name(name).is_err());
    let chosen = if of_no_task { Err(chosen.err()) } else { Ok(chosen?) };
    let of_a_set = of_a_set.or_else(|| chosen.as_ref().ok().and_then(|chosen| data_set(chosen.config.name())));
    let mut out = Out::new();
    if let Some(set) = of_a_set {
        write!(out, "{}", published(set, data)?)?;
    }
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(problem) => return problem.map_or(Ok(()), |problem| Err(problem.into())),
    };
    let start = Instant::now();
    let task = chosen.open()?;
    let seconds = start.elapsed().as_secs_f64();
    write!(out, "{}", described(task.as_ref(), seconds))?;
    Ok(out.flush()?)
}

/// What is known of a published data set, and whether a copy of it is the right one. Of other data in its format it is not said.
fn published(set: &DataSet, folder: Option<&Path>) -> Result<String> {
    if let Some(place) = folder.filter(|place| is_another(set, place)) {
        return Ok(format!(
            "{}: other data than the published ones ({}), whose licence and source are not theirs: {}\n\n",
            set.name,
            set.what,
            place.display()
        ));
    }
    let (Origin::Files { base: address, .. } | Origin::ByHand { address, .. }) = set.origin;
    let mut text =
        format!("{}: {}\nlicence: {}\nsource: {}\naddress: {address}\n", set.name, set.what, set.licence, set.citation);
    if let Some(folder) = folder {
        text += &checked(set, folder)?;
    }
    Ok(text + "\n")
}

/// Whether this is a file, and none of those that were published, where it is known what these are.
fn is_another(set: &DataSet, place: &Path) -> bool {
    let files = set.files();
    place.is_file() && !files.is_empty() && files.iter().all(|file| !matches!(file.check(place), Ok(Verdict::Right)))
}

/// Whether each file is the one that was published.
fn checked(set: &DataSet, folder: &Path) -> Result<String> {
    let files = set.files();
    if files.is_empty() {
        return Ok("files: cannot be checked, since their sums are not known\n".into());
    }
    if folder.is_file() {
        return Ok(format!("files: 1 ok, {}\n", folder.display()));
    }
    let Some(folder) = set.found_in(folder)? else {
        return Ok(format!("files: none of the catalogue's at {}\n", folder.display()));
    };
    let (mut right, mut text) = (0, String::new());
    for file in &files {
        match file.check(&folder.join(&*file.name))? {
            Verdict::Right => right += 1,
            Verdict::Differs(what) => text += &format!("  {}: differs: {what}\n", file.name),
            Verdict::Missing => text += &format!("  {}: missing\n", file.name),
        }
    }
    if right == files.len() && !set.is_whole(&folder)? {
        text += "  taken together, the files are not those that were published\n";
    }
    Ok(format!("files: {right} of {} ok in {} ({} in all)\n{text}", files.len(), folder.display(), size(set.bytes)))
}

fn described(task: &dyn Task, seconds: f64) -> String {
    let kind = match task.loss().target_kind() {
        TargetKind::Classes if task.outputs() == 1 => "1 class".to_owned(),
        TargetKind::Classes => format!("{} classes", task.outputs()),
        TargetKind::Values => counted(task.outputs(), "value"),
    };
    let sparse = if task.is_sparse() { " as events" } else { "" };
    let loss = serde_json::to_value(task.loss()).ok().and_then(|loss| loss.as_str().map(str::to_owned)).unwrap_or_default();
    let mut text = format!(
        "{}: {}{sparse}, {kind}, loss {loss}; opened in {seconds:.2} s\n",
        task.name(),
        counted(task.inputs(), "input")
    );
    if let Some(steps) = task.stretch() {
        text += &format!("the sequences of a split run side by side, {steps} steps at a time\n");
    }
    let splits = Split::ALL.map(|split| (split, Statistics::new(task, split)));
    text += &format!("\n{}", aligned(&counts(&splits), &[0]));
    if !task.has_test() {
        text += "there is no test split of its own: test is the valid split once more\n";
    }
    for remark in task.remarks() {
        text += &format!("note: {remark}\n");
    }
    text += &classes(task, &splits);
    // A word or character that a split lacks is nothing odd.
    if task.vocabulary().is_none() && task.loss().target_kind() == TargetKind::Classes {
        let counts = splits.each_ref().map(|(_, counts)| counts.classes.clone());
        text.extend(odd_classes(task, &counts).iter().map(|sentence| format!("note: {sentence}\n")));
    }
    let chance = Figures::chance(task);
    if !chance.is_empty() {
        let known = |metric: Metric| chance.get(metric).map(|value| format!("{metric} {}", written(metric, value)));
        let figures: Vec<String> = in_tables(&reported(task)).filter_map(known).collect();
        text += &format!("\nchance: {}\n", figures.join(", "));
    }
    if let Some(goal) = task.goal() {
        let bound = if goal.metric.larger_is_better() { "at least" } else { "at most" };
        let best =
            goal.best.map_or_else(String::new, |best| format!("; the best possible is {}", written(goal.metric, best)));
        text += &format!("goal: {} {bound} {}{best}\n", goal.metric, written(goal.metric, goal.reach));
    }
    text
}

/// A row a split.
fn counts(splits: &[(Split, Statistics)]) -> Vec<Vec<String>> {
    let header = ["", "sequences", "steps", "shortest", "median", "longest", "targets", "inputs not 0"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (split, counts) in splits {
        let lengths = match counts.shortest_median_longest() {
            Some(lengths) => lengths.map(|length| length.to_string()),
            None => ["-", "-", "-"].map(str::to_owned),
        };
        let mut row = vec![split.to_string(), counts.sequences().to_string(), counts.steps().to_string()];
        row.extend(lengths);
        row.push(counts.targets.to_string());
        row.push(counts.density().map_or_else(|| "-".into(), |density| format!("{:.3} %", 100.0 * density)));
        rows.push(row);
    }
    rows
}

/// How often each class occurs; of very many classes, only the most frequent ones of the train split.
fn classes(task: &dyn Task, splits: &[(Split, Statistics)]) -> String {
    let mut shown: Vec<usize> = (0..splits[0].1.classes.len()).collect();
    if shown.is_empty() {
        return String::new();
    }
    let met = splits[0].1.classes.iter().filter(|&&count| count > 0).count();
    let all = shown.len();
    if all > MOST_CLASSES {
        shown.sort_by_key(|&class| std::cmp::Reverse(splits[0].1.classes[class]));
        shown.truncate(MOST_CLASSES / 2);
    }
    let mut rows =
        vec![std::iter::once("class".to_owned()).chain(splits.iter().map(|(split, _)| split.to_string())).collect()];
    rows.extend(shown.iter().map(|&class| {
        let counts = splits.iter().map(|(_, counts)| counts.classes[class].to_string());
        std::iter::once(task.class_name(class).into_owned()).chain(counts).collect::<Vec<_>>()
    }));
    let of = if shown.len() < all { format!("the {} most frequent of {all} classes, ", shown.len()) } else { String::new() };
    format!("\n{}({of}{met} of {all} occur in train)\n", aligned(&rows, &[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters::Letters;

    #[test]
    fn a_task_in_words() {
        let text = described(&Letters::new(4), 0.5);
        for words in
            ["letters: 3 inputs as events, 3 classes", "4 steps at a time", "0.50 s", "33.333 %", "(3 of 3 occur in train)"]
        {
            assert!(text.contains(words), "no {words} in {text}");
        }
        let train = text.lines().find(|line| line.starts_with("train")).unwrap();
        assert_eq!(train.split_whitespace().collect::<Vec<_>>()[..7], ["train", "3", "57", "17", "20", "20", "57"]);
    }
}
