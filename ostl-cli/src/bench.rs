//! `ostl bench`.

mod online;
mod ranks;

use std::io::Write;

use anyhow::Result;
use ostl_bench::cases::{Case, Units};
use ostl_bench::gradient::{self, Row};
use ostl_core::{Carry, Method, OptimizerSettings, Update, Window, best_window};
use serde::Serialize;

use crate::arguments::BenchArguments;
use crate::config::{BlockSetting, MethodName, WindowSetting};
use crate::failure::UsageError;
use crate::output::Out;
use crate::ranks::Group;
use crate::table::aligned;
use crate::train::in_pool;

/// A row as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    row: &'a Row,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<MethodName>,
}

pub(crate) fn run(arguments: &BenchArguments, group: &Group) -> Result<()> {
    if arguments.ranks {
        return in_pool(arguments.threads.unwrap_or(1), || ranks::bench(arguments, group))?;
    }
    if group.count() > 1 {
        return Err(UsageError::Other("on several processes: ostl bench --ranks".into()).into());
    }
    if arguments.online {
        return in_pool(arguments.threads.unwrap_or(1), || online::bench(arguments))?;
    }
    in_pool(arguments.threads.unwrap_or(0), || bench(arguments))?
}

/// One row after another, each printed as soon as it is there.
fn bench(arguments: &BenchArguments) -> Result<()> {
    let (method, window) = asked(arguments);
    method.validate().map_err(|error| UsageError::Other(error.to_string()))?;
    let mut out = Out::new();
    let mut rows = vec![header()];
    for case in Case::all().iter().filter(|case| arguments.case.as_ref().is_none_or(|name| *name == case.name)) {
        for units in Units::OF_GRADIENTS.into_iter().filter(|&units| is_wanted(units, arguments)) {
            let network = case.network(units);
            method.validate_for(&network).map_err(|error| UsageError::Other(format!("{}: {error}", units.cell_name())))?;
            let window = match window {
                WindowSetting::Given(window) => window,
                WindowSetting::Auto => best_window(&network, &method, case.batch, case.steps, usize::MAX).window(),
            };
            // What the machine cannot hold is refused before it is allocated.
            let run = Method { window, ..method }.for_sequences_of(case.steps);
            let checked = network.check_memory(&run, &OptimizerSettings::sgd(1e-3), [case.batch, case.steps], 0, None);
            checked.map_err(|error| UsageError::Other(format!("--{error}")))?;
            drop(network);
            let row = gradient::time(case, units, Method { window, ..method }, arguments.runs as usize)?;
            if arguments.json {
                writeln!(out, "{}", serde_json::to_string(&Line { row: &row, method: arguments.method })?)?;
                out.flush()?;
            } else {
                rows.push(in_words(&row, window));
            }
        }
    }
    if !arguments.json {
        write!(out, "{}", aligned(&rows, &[0, 1, 5]))?;
    }
    Ok(out.flush()?)
}

/// The method, and its window where that is not to be chosen for each case.
fn asked(arguments: &BenchArguments) -> (Method, WindowSetting) {
    let default = Method::tbptt(20).with_carry(Carry::Local).with_update(Update::Sequence);
    let named = arguments.method.map_or(default, MethodName::method);
    let setting = match (arguments.window, named.window) {
        (None, window) => WindowSetting::Given(window),
        (Some(WindowSetting::Given(Window::Steps(steps))), rolling @ Window::Rolling { .. }) => {
            WindowSetting::Given(rolling.with_steps(steps))
        }
        (Some(setting), _) => setting,
    };
    let window = if let WindowSetting::Given(window) = setting { window } else { Window::Steps(1) };
    let method = Method {
        window,
        carry: arguments.carry.unwrap_or(named.carry),
        trace: arguments.trace.unwrap_or(named.trace),
        block: arguments.block.and_then(BlockSetting::steps),
        ..named
    };
    (method, setting)
}

fn is_wanted(units: Units, arguments: &BenchArguments) -> bool {
    match &arguments.cell {
        None => units != Units::Rnn && (units.is_recurrent() || !arguments.recurrent),
        Some(cell) if cell == "snu" => units == Units::Snu { recurrent: arguments.recurrent },
        Some(cell) => units.cell_name() == cell,
    }
}

fn header() -> Vec<String> {
    ["case", "cell", "window", "block", "threads", "carry", "ms", "trace MiB", "peak MiB"].map(str::to_owned).to_vec()
}

fn in_words(row: &Row, window: Window) -> Vec<String> {
    let mib = |bytes: f64| format!("{:.1}", bytes / f64::from(1 << 20));
    vec![
        row.case.clone(),
        if row.recurrent { format!("{} recurrent", row.cell) } else { row.cell.to_owned() },
        match window {
            rolling @ Window::Rolling { .. } => rolling.with_steps(row.window).to_string(),
            _ => row.window.to_string(),
        },
        row.block.to_string(),
        row.threads.to_string(),
        row.carry.clone(),
        format!("{:.3}", row.ms),
        mib(row.trace_bytes as f64),
        row.peak_resident_kib.map_or_else(|| "-".into(), |kib| mib(kib as f64 * 1024.0)),
    ]
}
