//! `ostl bench`.

use std::io::Write;

use anyhow::Result;
use ostl_bench::cases::{Case, Units};
use ostl_bench::gradient::{self, Row};
use ostl_core::{Method, best_window};

use crate::arguments::BenchArguments;
use crate::failure::UsageError;
use crate::table::aligned;
use crate::train::in_pool;

pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    in_pool(arguments.threads, || bench(arguments))?
}

/// One row after another, each printed as soon as it is there.
fn bench(arguments: &BenchArguments) -> Result<()> {
    let method = Method { carry: arguments.carry, trace: arguments.trace, ..Method::bptt() };
    method.validate().map_err(|error| UsageError::Other(error.to_string()))?;
    let mut out = std::io::stdout().lock();
    let mut rows = vec![header()];
    for case in Case::all().iter().filter(|case| arguments.case.as_ref().is_none_or(|name| *name == case.name)) {
        for units in Units::ALL.into_iter().filter(|&units| is_wanted(units, arguments)) {
            let window = arguments
                .window
                .unwrap_or_else(|| best_window(&case.network(units), &method, case.batch, case.steps, usize::MAX).window());
            let row = gradient::time(case, units, Method { window, ..method }, arguments.runs as usize)?;
            if arguments.json {
                writeln!(out, "{}", serde_json::to_string(&row)?)?;
                out.flush()?;
            } else {
                rows.push(in_words(&row));
            }
        }
    }
    if !arguments.json {
        write!(out, "{}", aligned(&rows, &[0, 1, 4]))?;
    }
    Ok(out.flush()?)
}

fn is_wanted(units: Units, arguments: &BenchArguments) -> bool {
    match &arguments.cell {
        None => units != Units::Rnn && (units.is_recurrent() || !arguments.recurrent),
        Some(cell) if cell == "snu" => units == Units::Snu { recurrent: arguments.recurrent },
        Some(cell) => units.cell_name() == cell,
    }
}

fn header() -> Vec<String> {
    ["case", "cell", "window", "threads", "carry", "ms", "trace MiB", "peak MiB"].map(str::to_owned).to_vec()
}

fn in_words(row: &Row) -> Vec<String> {
    let mib = |bytes: f64| format!("{:.1}", bytes / f64::from(1 << 20));
    vec![
        row.case.clone(),
        if row.recurrent { format!("{} recurrent", row.cell) } else { row.cell.to_owned() },
        row.window.to_string(),
        row.threads.to_string(),
        row.carry.clone(),
        format!("{:.3}", row.ms),
        mib(row.trace_bytes as f64),
        row.peak_resident_kib.map_or_else(|| "-".into(), |kib| mib(kib as f64 * 1024.0)),
    ]
}
