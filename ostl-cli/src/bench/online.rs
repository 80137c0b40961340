//! `ostl bench --online`.

use std::io::Write;

use anyhow::Result;
use ostl_bench::cases::Units;
use ostl_bench::online::{Effort, Plan, Row, Size, Timed, Work};
use ostl_core::Carry;

use crate::arguments::BenchArguments;
use crate::output::{Out, tell};
use crate::table::aligned;

/// The columns of every window.
const CARRIES: [Carry; 3] = [Carry::None, Carry::Local, Carry::Layer];

const TIMES: &str = "µs a step (steps a second)";
const BYTES: &str = "K = 1: MiB that every step must touch (weights, Adam's moments, traces), and a plain pass's time as a share of the step's";

/// One row after another: as JSON each as soon as it is there, as text two tables at the end.
pub(super) fn bench(arguments: &BenchArguments) -> Result<()> {
    let (plan, mut out) = (Plan::whole(), Out::new());
    let (mut times, mut bytes) = (vec![headings(&plan.windows)], vec![headings(&[1])]);
    for units in Units::OF_STREAMS.into_iter().filter(|units| is_wanted(units.cell_name(), &arguments.cells)) {
        for size in plan.sizes.iter().filter(|size| is_wanted(&size.name, &arguments.sizes)) {
            for &streams in &plan.streams {
                let (mut of_times, mut of_bytes) = (name(units, size, streams), name(units, size, streams));
                for &window in &plan.windows {
                    for carry in CARRIES {
                        let row = timed(&plan, Work { size, units, streams, window, carry }, arguments, &mut out)?;
                        of_times.push(row.as_ref().map_or_else(|| "–".into(), time));
                        if window == 1 {
                            of_bytes.push(row.as_ref().and_then(touched).unwrap_or_else(|| "–".into()));
                        }
                    }
                }
                times.push(of_times);
                bytes.push(of_bytes);
            }
        }
    }
    if !arguments.json {
        write!(out, "{TIMES}\n\n{}\n{BYTES}\n\n{}", aligned(&times, &[0, 1]), aligned(&bytes, &[0, 1]))?;
    }
    Ok(out.flush()?)
}

/// The row, printed if it is to be JSON; none where there is no such carry, or where it is left out, which is reported with the reason.
fn timed(plan: &Plan, work: Work<'_>, arguments: &BenchArguments, out: &mut Out) -> Result<Option<Row>> {
    if !Plan::carries(work.size, work.units).contains(&work.carry) {
        return Ok(None);
    }
    match plan.time(work, if arguments.quick { Effort::QUICK } else { Effort::FULL })? {
        Timed::Took(row) => {
            if arguments.json {
                writeln!(out, "{}", serde_json::to_string(&row)?)?;
                out.flush()?;
            }
            Ok(Some(row))
        }
        Timed::LeftOut(why) => {
            let Work { size, units, streams, window, carry } = work;
            let name = format!("{} {}, B = {streams}, K = {window}, {}", units.cell_name(), size.name, carry.name());
            tell(&format!("{name}: left out: {why}"));
            Ok(None)
        }
    }
}

/// Whether a name is among those requested; all are if none was given.
fn is_wanted(name: &str, requested: &[String]) -> bool {
    requested.is_empty() || requested.iter().any(|requested| requested == name)
}

fn headings(windows: &[usize]) -> Vec<String> {
    let columns = windows.iter().flat_map(|window| CARRIES.map(|carry| format!("K={window} {}", carry.name())));
    ["cell", "size", "B"].map(str::to_owned).into_iter().chain(columns).collect()
}

fn name(units: Units, size: &Size, streams: usize) -> Vec<String> {
    vec![units.cell_name().into(), size.name.clone(), streams.to_string()]
}

/// `12.3 (81.3k)`.
fn time(row: &Row) -> String {
    let rate = row.steps_per_second;
    let rate = match rate {
        ..10.0 => format!("{rate:.1}"),
        ..1e4 => format!("{rate:.0}"),
        _ => format!("{:.0}k", rate / 1e3),
    };
    format!("{:.1} ({rate})", row.us)
}

/// `0.35, 41 %`.
fn touched(row: &Row) -> Option<String> {
    let (bytes, of_pass) = (row.bytes?, row.of_pass?);
    Some(format!("{:.2}, {:.0} %", bytes as f64 / f64::from(1 << 20), 100.0 * of_pass))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_short_and_headings_as_many() {
        let mut row = Row {
            peer: "ostl",
            size: "small".into(),
            cell: "lstm",
            streams: 1,
            window: 1,
            carry: "none".into(),
            threads: 1,
            us: 12.345,
            steps_per_second: 81_004.0,
            bytes: Some(3 << 19),
            of_pass: Some(0.4149),
        };
        assert_eq!((time(&row), touched(&row)), ("12.3 (81k)".into(), Some("1.50, 41 %".into())));
        (row.us, row.steps_per_second, row.bytes) = (1234.0, 810.4, None);
        assert_eq!((time(&row), touched(&row)), ("1234.0 (810)".into(), None));
        (row.us, row.steps_per_second) = (3e6, 1.0 / 3.0);
        assert_eq!(time(&row), "3000000.0 (0.3)");
        assert_eq!(headings(&[1, 20])[2..6], ["B", "K=1 none", "K=1 local", "K=1 layer"]);
    }
}
