//! `ostl data list`.

use std::io::Write;

use anyhow::Result;
use ostl_tasks::TaskConfig;
use ostl_tasks::catalogue::{DATA_SETS, Origin};

use super::size;
use crate::output::Out;
use crate::table::aligned;

/// What the tasks are about that are in no catalogue: generated ones, and those that read one's own files.
const TASKS: &[(&str, &str)] = &[
    ("store-recall", "hold a bit until it is asked for, among distractors"),
    ("copy-memory", "repeat ten symbols after a long pause"),
    ("adding", "add the two marked values of a long sequence"),
    ("temporal-xor", "the exclusive or of two bits shown far apart"),
    ("evidence-accumulation", "on which side more cues were seen, after a delay"),
    ("pattern-generation", "draw a sum of sines from memory"),
    ("reber", "the next symbol of the embedded Reber grammar"),
    ("mackey-glass", "forecast the Mackey-Glass series"),
    ("lorenz", "forecast the Lorenz attractor"),
    ("nottingham", "folk tunes, for the next chord"),
    ("muse-data", "orchestral and piano music, for the next chord"),
    ("piano-midi", "classical piano music, for the next chord"),
    ("event-list", "your own events, from CSV files"),
    ("timit", "phones of your licensed copy of TIMIT"),
    ("own", "your own sequences, from NumPy, JSON Lines or .ts files"),
];

pub(super) fn run() -> Result<()> {
    let mut out = Out::new();
    write!(out, "Data sets (ostl data fetch NAME --out DIR)\n{}", aligned(&data_sets(), &[0, 1, 2, 4, 5]))?;
    write!(
        out,
        "\nOther tasks: generated, or from your own files (ostl data info NAME)\n{}",
        aligned(&tasks(), &[0, 1, 2])
    )?;
    Ok(out.flush()?)
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

fn data_sets() -> Vec<Vec<String>> {
    let mut rows = vec![row(&["name", "task", "what", "size", "in > out", "licence"])];
    rows.extend(DATA_SETS.iter().map(|set| {
        let bytes = match set.origin {
            Origin::Files { .. } => size(set.bytes),
            Origin::ByHand { .. } => "by hand".into(),
        };
        row(&[set.name, &set.tasks.join(", "), set.what, &bytes, set.shape, set.licence])
    }));
    rows
}

fn tasks() -> Vec<Vec<String>> {
    let mut rows = vec![row(&["name", "what", "in > out"])];
    for name in TaskConfig::names() {
        if DATA_SETS.iter().any(|set| set.tasks.contains(&name)) {
            continue;
        }
        let what = TASKS.iter().find(|(known, _)| *known == name).map_or("", |(_, what)| what);
        // A generated task says itself how large it is.
        let shape = crate::config::task(name, &[]).ok().and_then(|config| config.open(None).ok());
        let shape = shape.map_or_else(|| "by the files".into(), |task| format!("{} > {}", task.inputs(), task.outputs()));
        rows.push(row(&[name, what, &shape]));
    }
    rows
}
