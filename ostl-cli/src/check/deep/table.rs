//! The table of ways, stacks and windows, as text, Markdown or JSON.

use std::fmt::Write;

use anyhow::Result;

use super::{DEPTHS, Entry, LENGTHS, STACKS, WINDOWS};
use crate::check::methods::markdown_table;
use crate::check::rules::UNITS;
use crate::table::aligned;

/// The command that writes `docs/deep.md`.
const COMMAND: &str = "ostl check --deep --markdown > docs/deep.md";

/// One JSON object an entry and line.
pub(in crate::check) fn json(entries: &[Entry]) -> Result<String> {
    let mut text = String::new();
    for entry in entries {
        writeln!(text, "{}", serde_json::to_string(entry)?)?;
    }
    Ok(text)
}

pub(in crate::check) fn text(entries: &[Entry]) -> Result<String> {
    let mut text = format!("{}\n", setting());
    for of_cell in entries.chunk_by(|a, b| a.cell == b.cell) {
        writeln!(text, "\n{}", of_cell[0].cell)?;
        text += &aligned(&rows(of_cell), &[0]);
    }
    Ok(text)
}

pub(in crate::check) fn markdown(entries: &[Entry]) -> Result<String> {
    let mut text = String::from("# Deep stacks: what each way of learning online leaves out\n\n");
    writeln!(text, "Written by the program itself; to write it again:\n\n```text\n{COMMAND}\n```\n\n{}", setting())?;
    for of_cell in entries.chunk_by(|a, b| a.cell == b.cell) {
        writeln!(text, "\n## {}\n", of_cell[0].cell)?;
        text += &markdown_table(&rows(of_cell));
    }
    Ok(text)
}

fn setting() -> String {
    format!(
        "An entry is ‖found − BPTT‖ / ‖BPTT‖ over all parameters, L the steps of a window or those that a rolling window goes back\n\
         from every step; 0 is exact but for rounding (below 1e-10). Stacks of 1 to {} layers of {UNITS} units and a stateless readout,\n\
         sequences of {} steps and a little less, a target at two steps of three, the median of {STACKS} random networks, weights held\n\
         fixed, double precision. `~` is one draw of an estimate that is right on average.",
        DEPTHS[DEPTHS.len() - 1],
        LENGTHS[0]
    )
}

/// A row a stack and way, a column a window.
fn rows(entries: &[Entry]) -> Vec<Vec<String>> {
    let windows = WINDOWS.map(|window| format!("L = {window}"));
    let mut rows = vec![[vec![String::from("layers, way")], windows.to_vec()].concat()];
    for of_way in entries.chunks(WINDOWS.len()) {
        let name = format!("{} {}", of_way[0].depth, of_way[0].way);
        rows.push([vec![name], of_way.iter().map(in_short).collect()].concat());
    }
    rows
}

fn in_short(entry: &Entry) -> String {
    match entry.error {
        error if error < 1e-10 => "0".into(),
        error if entry.random => format!("~{error:.2}"),
        error => format!("{error:.3}"),
    }
}
