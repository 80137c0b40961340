//! `ostl bench --ranks`: what several processes gain, and what the sums between them cost.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use ostl_bench::cases::{Case, Units};
use ostl_bench::ranks::{Row, Scaling, time};
use ostl_core::ranks::Alone;
use ostl_core::{Update, Window};
use serde::Serialize;

use super::{asked, is_wanted};
use crate::arguments::BenchArguments;
use crate::config::WindowSetting;
use crate::failure::UsageError;
use crate::output::Out;
use crate::ranks::Group;
use crate::table::aligned;

/// A row as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    row: &'a Row,
    /// Bytes that the first rank sends for a batch.
    sent: u64,
    /// Time alone over time in company, for as much work a rank.
    efficiency: Option<f64>,
}

pub(super) fn bench(arguments: &BenchArguments, group: &Group) -> Result<()> {
    let (method, window) = asked(arguments);
    let WindowSetting::Given(window) = window else {
        return Err(UsageError::Other("--window auto: not with --ranks; give the window".into()).into());
    };
    let method = ostl_core::Method { window, ..method };
    method.validate().map_err(|error| UsageError::Other(error.to_string()))?;
    let (mut out, mut rows) = (Out::new(), vec![header()]);
    for case in Case::all().iter().filter(|case| arguments.case.as_ref().is_none_or(|name| *name == case.name)) {
        for units in Units::OF_GRADIENTS.into_iter().filter(|&units| is_wanted(units, arguments)) {
            let mut alone = None;
            let all = [Scaling::Alone, Scaling::Strong, Scaling::Weak].map(|scaling| [(scaling, false), (scaling, true)]);
            let is_of_use = |&(scaling, late): &(Scaling, bool)| match scaling {
                Scaling::Alone => !late,
                Scaling::Strong if case.batch < group.count() => false,
                _ => group.count() > 1 && (!late || method.update == Update::Window),
            };
            for (scaling, late) in all.into_iter().flatten().filter(is_of_use) {
                let sent = group.sent();
                let runs = arguments.runs as usize;
                let row = match scaling {
                    Scaling::Alone if !group.is_first() => None,
                    Scaling::Alone => Some(time(case, units, method, (scaling, late), Arc::new(Alone), runs)?),
                    _ => Some(time(case, units, method, (scaling, late), group.ranks(), runs)?),
                };
                group.ranks().barrier()?;
                let Some(row) = row.filter(|_| group.is_first()) else { continue };
                let by_itself = *alone.get_or_insert(row.ms);
                let work = if scaling == Scaling::Strong { by_itself / row.ranks as f64 } else { by_itself };
                let efficiency = (scaling != Scaling::Alone).then(|| work / row.ms);
                // One run more than those that count, to warm up.
                let line = Line { row: &row, sent: (group.sent() - sent) / (runs as u64 + 1), efficiency };
                if arguments.json {
                    writeln!(out, "{}", serde_json::to_string(&line)?)?;
                    out.flush()?;
                } else {
                    rows.push(in_words(&line, window));
                }
            }
        }
    }
    if group.is_first() && !arguments.json {
        write!(out, "{}", aligned(&rows, &[0, 1, 3]))?;
        if group.count() == 1 {
            writeln!(out, "one process by itself; several: mpirun -np 2 ostl bench --ranks (built with --features mpi)")?;
        }
    }
    Ok(out.flush()?)
}

fn header() -> Vec<String> {
    [
        "case",
        "cell",
        "window",
        "scaling",
        "ranks",
        "threads",
        "streams",
        "updates",
        "ms",
        "in sums",
        "KiB sent",
        "efficiency",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn in_words(line: &Line<'_>, window: Window) -> Vec<String> {
    let Line { row, sent, efficiency } = line;
    let scaling = match (row.scaling, row.late) {
        (Scaling::Alone, _) => "alone",
        (Scaling::Strong, false) => "strong",
        (Scaling::Weak, false) => "weak",
        (Scaling::Strong, true) => "strong, late",
        (Scaling::Weak, true) => "weak, late",
    };
    vec![
        row.case.clone(),
        if row.recurrent { format!("{} recurrent", row.cell) } else { row.cell.to_owned() },
        window.to_string(),
        scaling.to_owned(),
        row.ranks.to_string(),
        row.threads.to_string(),
        row.streams.to_string(),
        row.updates.to_string(),
        format!("{:.3}", row.ms),
        format!("{:.3}", row.ms_in_sums),
        format!("{:.0}", *sent as f64 / 1024.0),
        efficiency.map_or_else(|| "-".into(), |share| format!("{:.0} %", 100.0 * share)),
    ]
}
