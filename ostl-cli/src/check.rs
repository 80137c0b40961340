//! `ostl check`.

mod deep;
mod methods;
mod random;
mod rules;
mod stacks;

use std::ffi::OsStr;
use std::io::Write;

use anyhow::Result;
use ostl_core::{Loss, Network};
use ostl_tasks::{DatasetError, TaskConfig, TaskError};

use crate::arguments::CheckArguments;
use crate::config::{self, Config};
use crate::failure::{NotExact, UsageError};
use crate::gradient_report::{self, Report};
use crate::made_file;
use crate::output::Out;
use crate::table::aligned;
use crate::train::in_pool;

/// Steps of the longest sequence of a task whose data are not there, for choosing a window.
const LONGEST: usize = 1000;

pub(crate) fn run(arguments: CheckArguments) -> Result<()> {
    let broken = match &arguments.config.config {
        _ if arguments.all => check_every_method(&arguments)?,
        _ if arguments.deep => return check_deep(&arguments),
        Some(_) => check_config(&arguments)?,
        None => check_fixed_set(&arguments)?,
    };
    if broken > 0 { Err(NotExact { blocks: broken }.into()) } else { Ok(()) }
}

/// Every kind of cell under every named method. Returns how many claims are broken.
fn check_every_method(arguments: &CheckArguments) -> Result<usize> {
    let measured = rules::Measured::new(&arguments.cells)?;
    let text = match (arguments.json, arguments.markdown) {
        (true, _) => methods::json(&measured)?,
        (_, true) => methods::markdown(&measured)?,
        _ => methods::text(&measured)?,
    };
    let mut out = Out::new();
    write!(out, "{text}")?;
    out.flush()?;
    Ok(measured.broken())
}

/// Ways of learning online in stacks: nothing is claimed of them here.
fn check_deep(arguments: &CheckArguments) -> Result<()> {
    if let Some(to) = &arguments.out {
        if to.extension() != Some(OsStr::new("svg")) {
            return Err(UsageError::Other(format!("--out {}: a picture's name must end in .svg", to.display())).into());
        }
        made_file::check_free(to, arguments.force)?;
    }
    let entries = deep::measure(&arguments.cells)?;
    if let Some(to) = &arguments.out {
        made_file::write(to, deep::svg(&entries)?.as_bytes(), arguments.force)?;
    }
    let text = match (arguments.json, arguments.markdown) {
        (true, _) => deep::json(&entries)?,
        (_, true) => deep::markdown(&entries)?,
        _ => deep::text(&entries)?,
    };
    let mut out = Out::new();
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

/// The user's own network, method and task. Returns how many claims are broken.
fn check_config(arguments: &CheckArguments) -> Result<usize> {
    let (mut config, source) = config::load(&arguments.config, None)?;
    let given = arguments.config.data.clone().or_else(|| config.data.clone());
    let data = given.as_deref();
    let report = in_pool(config.threads, || match config.task.of.open(data) {
        Err(TaskError::Dataset(DatasetError::NotGiven { .. })) => of_random_sequences(&mut config, &source),
        // Any other trouble is the same as when training: let it be said in the same words.
        _ => {
            let task = config.open_task(data, &source)?;
            config.choose_window(task.as_ref()).map_err(|error| source.out_of_range(error))?;
            config.resolve_objective(task.as_ref()).map_err(|error| source.out_of_range(error))?;
            let (shape, size) = ([task.inputs(), task.outputs()], gradient_report::audited_shape(&config.method()));
            config.check_audit::<f64>(shape, task.is_sparse(), size).map_err(|error| source.out_of_range(error))?;
            let mut network = config.network_for(task.as_ref()).map_err(|error| source.out_of_range(error))?;
            config.start(&mut network)?;
            gradient_report::of_task(&network, &config, &source, task.as_ref())
        }
    })??;
    let mut out = Out::new();
    if arguments.json {
        write!(out, "{}", report.json()?)?;
    } else {
        write!(out, "{}\n\n{report}", report.network)?;
    }
    out.flush()?;
    Ok(report.broken_claims())
}

/// The task's shape without its data.
fn of_random_sequences(config: &mut Config, source: &config::Source) -> Result<Report> {
    let (inputs, outputs, loss) = match &config.task.of {
        TaskConfig::Jsb(_) => (88, 88, Loss::BinaryCrossEntropy),
        other => return Err(UsageError::Other(format!("the task {} needs data: pass --data DIR", other.name())).into()),
    };
    config
        .choose_window_for(inputs, outputs, config.training.batch.unwrap_or(1), LONGEST)
        .map_err(|error| source.out_of_range(error))?;
    let steps = gradient_report::audited_steps(&config.method());
    config.check_audit::<f64>([inputs, outputs], false, [3, steps]).map_err(|error| source.out_of_range(error))?;
    let mut network: Network<f64> = config.network(inputs, outputs).map_err(|error| source.out_of_range(error))?;
    config.start(&mut network)?;
    let batch = random::batch(inputs, outputs, loss, &[steps, steps - 1, steps - 2], config.seed);
    let described = format!("3 random sequences of up to {steps} steps (no --data)");
    let objective = config.objective_for(loss, outputs).map_err(|error| source.out_of_range(error))?;
    Report::new(network.description(), &network, objective, &config.method(), &batch, described)
}

/// Small stacks of every cell, with every carry and several windows. Returns how many claims are broken.
fn check_fixed_set(arguments: &CheckArguments) -> Result<usize> {
    if !arguments.config.set.is_empty() || arguments.config.data.is_some() {
        let problem = "--set and --data change a CONFIG; without one a fixed set of networks is checked";
        return Err(UsageError::Other(problem.into()).into());
    }
    let mut out = Out::new();
    let mut rows = vec![Report::header()];
    let mut broken = 0;
    for case in stacks::all() {
        let report = case.audit()?;
        broken += report.broken_claims();
        if arguments.json {
            write!(out, "{}", report.json()?)?;
        } else {
            rows.push(report.row());
        }
    }
    if !arguments.json {
        let count = rows.len() - 1;
        write!(out, "{}", aligned(&rows, &[0, 1, 8]))?;
        let verdict = if broken == 0 { "all do" } else { "NOT all do" };
        writeln!(out, "\n{count} audits; blocks claimed exact must equal BPTT's but for rounding (1e-10): {verdict}")?;
    }
    out.flush()?;
    Ok(broken)
}
