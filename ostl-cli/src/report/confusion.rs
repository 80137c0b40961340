//! Which class was taken for which.

use std::fs;

use anyhow::{Context, Result};
use maud::{Markup, html};

use crate::run_directory::RunDirectory;
use crate::runs::Run;

/// More classes than these are no table that anybody reads.
const MOST: usize = 40;

/// The matrix of a run; nothing where it has none.
pub(super) fn of_run(run: &Run) -> Result<Markup> {
    let path = RunDirectory::open(&run.path)?.confusion_path();
    if !path.is_file() {
        return Ok(html! {});
    }
    let text = fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let mut table = csv::Reader::from_reader(text.as_slice());
    let shown = || path.display().to_string();
    let names: Vec<String> = table.headers().with_context(shown)?.iter().skip(1).map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in table.records() {
        let record = record.with_context(shown)?;
        let counts: Result<Vec<u64>, _> = record.iter().skip(1).map(str::parse).collect();
        rows.push(counts.with_context(|| format!("{}: a count is no number", path.display()))?);
    }
    if names.len() > MOST {
        return Ok(
            html! { p.note { "The confusion matrix of " (names.len()) " classes is in " code { (path.display()) } "." } },
        );
    }
    Ok(html! {
        h3 { "Which class was taken for which" }
        div.wide {
            table.confusion {
                thead { tr { th { "class \\ answer" } @for name in &names { th { (name) } } } }
                tbody {
                    @for (index, (row, name)) in rows.iter().zip(&names).enumerate() {
                        tr {
                            th { (name) }
                            @for (answer, (&count, share)) in row.iter().zip(shares(row)).enumerate() {
                                td.hit[answer == index] style=(format!("--share:{share:.3}")) { (count) }
                            }
                        }
                    }
                }
            }
        }
        p.note { "On the split that the final figures are of. Rows are the right classes; the darker a cell, the larger its share of the row." }
    })
}

/// Of each count in its row.
fn shares(row: &[u64]) -> impl Iterator<Item = f64> + '_ {
    let sum = row.iter().sum::<u64>().max(1) as f64;
    row.iter().map(move |&count| count as f64 / sum)
}
