//! `ostl check --all`: the table of cells and methods as text, Markdown or JSON.

use std::fmt::Write;

use anyhow::Result;

use super::rules::{
    self, DEEP_LENGTHS, DEEP_STACKS, DEEP_WINDOWS, DRAWS, Entry, LENGTHS, Measured, Outcome, UNITS, WINDOWS,
};
use crate::table::aligned;

/// Cells side by side in a terminal.
const ABREAST: usize = 6;

/// The command that writes `docs/methods.md`.
const COMMAND: &str = "ostl check --all --markdown > docs/methods.md";

/// One JSON object an entry and line, then one for each R.
pub(super) fn json(measured: &Measured) -> Result<String> {
    let mut text = String::new();
    for entry in &measured.entries {
        writeln!(text, "{}", serde_json::to_string(entry)?)?;
    }
    for residual in &measured.residuals {
        writeln!(text, "{}", serde_json::to_string(residual)?)?;
    }
    Ok(text)
}

/// For a terminal: a few cells abreast, a block a window.
pub(super) fn text(measured: &Measured) -> Result<String> {
    let mut text = format!("{}\n\n", setting(measured));
    let legend: Vec<Vec<String>> = legend().into_iter().map(|(mark, meaning)| vec![mark, meaning]).collect();
    text += &aligned(&legend, &[0, 1]);
    text += &format!("\nThe same gradient while the weights stay fixed: {}\n", synonyms().join("; "));
    for window in WINDOWS {
        for cells in measured.cells.chunks(ABREAST) {
            writeln!(text, "\nK = {window}")?;
            text += &aligned(&by_rule(measured, cells, window), &[0]);
        }
    }
    if !measured.residuals.is_empty() {
        writeln!(text, "\n{}", about_residual())?;
        text += &aligned(&by_depth(measured), &[0]);
    }
    let verdict = if measured.broken() == 0 { "all do" } else { "NOT all do" };
    writeln!(text, "\nwhat is claimed exact must equal BPTT's gradient but for rounding (1e-10): {verdict}")?;
    Ok(text)
}

/// For a file: the same, with how it was made.
pub(super) fn markdown(measured: &Measured) -> Result<String> {
    let mut text = String::from("# Methods: what is exact, and how far off the rest is\n\n");
    writeln!(text, "Written by the program itself; to write it again:\n\n```text\n{COMMAND}\n```\n")?;
    writeln!(text, "{}\n", setting(measured))?;
    text += "A row is a named method (`name = \"…\"` in a configuration's `[method]`), a column a kind of cell, K the steps that its reverse\n\
             sweep sees at once: the length of its windows, or how far a rolling one looks back. A method without a number of steps\n\
             (`bptt`) is the same for every K.\n\n";
    text += &markdown_table(&[vec![vec!["entry".into(), "meaning".into()]], rows(legend())].concat());
    writeln!(text, "\nThe same gradient while the weights stay fixed, and so one row: {}.", synonyms().join("; "))?;
    for window in WINDOWS {
        writeln!(text, "\n## K = {window}\n")?;
        text += &markdown_table(&by_rule(measured, &measured.cells, window));
    }
    if !measured.residuals.is_empty() {
        writeln!(text, "\n## R: what deep stacks drop between layers\n\n{}\n", about_residual())?;
        text += &markdown_table(&by_depth(measured));
    }
    Ok(text)
}

fn rows(pairs: Vec<(String, String)>) -> Vec<Vec<String>> {
    pairs.into_iter().map(|(mark, meaning)| vec![mark, meaning]).collect()
}

/// What was measured, a few lines.
fn setting(measured: &Measured) -> String {
    let lengths = LENGTHS.map(|length| length.to_string()).join(", ");
    let rates = measured.rates.iter().map(|(cell, rate)| format!("{cell} {:.0} %", 100.0 * rate)).collect::<Vec<_>>();
    let spikes = match rates.as_slice() {
        [] => String::new(),
        rates => format!(" Units that fire at a step: {}.", rates.join(", ")),
    };
    format!(
        "Each stack is one hidden layer of {UNITS} units of the cell, with H where the cell can have one, and a stateless\n\
         readout; {} random sequences of {lengths} steps; weights held fixed, double precision. The gradient of all\n\
         parameters together, beside BPTT's.{spikes}",
        LENGTHS.len()
    )
}

/// What entries look like, and what they mean.
fn legend() -> Vec<(String, String)> {
    [
        ("exact", "claimed to be BPTT's gradient for every parameter, and measured so".to_owned()),
        ("0.998/6e-2", "approximate: cosine with BPTT's gradient / relative error ‖found − BPTT‖ / ‖BPTT‖".to_owned()),
        ("~2e0/3e-1", format!("random: relative error of one draw / of the mean of {DRAWS} draws")),
        ("–", "refused: the method makes no sense on this cell".to_owned()),
    ]
    .map(|(mark, meaning)| (mark.to_owned(), meaning))
    .to_vec()
}

fn synonyms() -> Vec<String> {
    rules::every().into_iter().filter(|rule| rule.names.len() > 1).map(|rule| rule.names.join(" = ")).collect()
}

fn about_residual() -> String {
    format!(
        "R = ‖BPTT − OSTL‖ / ‖BPTT‖ for stacks of 1 to 4 such layers: the influence between layers across windows that the\n\
         carry `layer` drops. The median of {DEEP_STACKS} random networks, sequences of {} steps and a little less.",
        DEEP_LENGTHS[0]
    )
}

/// A row a rule, a column a cell.
fn by_rule(measured: &Measured, cells: &[String], window: usize) -> Vec<Vec<String>> {
    let mut rows = vec![[vec![String::new()], cells.to_vec()].concat()];
    for rule in rules::every() {
        let of = |cell: &String| measured.entry(cell, rule.names[0], window).map(in_short).unwrap_or_default();
        rows.push([vec![rule.names[0].to_owned()], cells.iter().map(of).collect()].concat());
    }
    rows
}

/// One row per stack, one column per window.
fn by_depth(measured: &Measured) -> Vec<Vec<String>> {
    let windows = DEEP_WINDOWS.map(|window| format!("K = {window}"));
    let mut rows = vec![[vec![String::new()], windows.to_vec()].concat()];
    for stack in measured.residuals.chunks(DEEP_WINDOWS.len()) {
        let name = format!("{} × {}", stack[0].depth, stack[0].cell);
        let residuals =
            stack.iter().map(|at| if at.residual < 1e-12 { "0".to_owned() } else { format!("{:.1e}", at.residual) });
        rows.push([vec![name], residuals.collect()].concat());
    }
    rows
}

fn in_short(entry: &Entry) -> String {
    match &entry.outcome {
        Outcome::Exact { relative_error, .. } if entry.is_broken() => format!("NOT EXACT {relative_error:.0e}"),
        Outcome::Exact { .. } => "exact".into(),
        Outcome::Approximate { cosine, relative_error } => format!("{cosine:.3}/{relative_error:.0e}"),
        Outcome::Random { relative_error, mean_relative_error, .. } => {
            format!("~{relative_error:.0e}/{mean_relative_error:.0e}")
        }
        Outcome::Refused { .. } => "–".into(),
    }
}

pub(super) fn markdown_table(rows: &[Vec<String>]) -> String {
    let line = |row: &[String]| format!("| {} |\n", row.join(" | "));
    let mut lines = rows.iter().map(|row| line(row));
    let header = lines.next().unwrap_or_default();
    let rule = line(&vec!["---".to_owned(); rows.first().map_or(0, Vec::len)]);
    [vec![header, rule], lines.collect()].concat().concat()
}
