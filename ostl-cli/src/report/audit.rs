//! How good the gradient is: block by block beside BPTT's, at the start and trained.

use anyhow::Result;
use maud::{Markup, html};

use crate::gradient_report;
use crate::runs::Subject;

pub(super) fn of_subject(subject: &Subject) -> Result<Markup> {
    let Subject { config, source, task, network } = subject;
    let audit = match gradient_report::of_learner(config, source, task.as_ref(), network)? {
        Ok(audit) => audit,
        Err(reason) => return Ok(html! { p.note { "The gradient was not audited: " (reason) "." } }),
    };
    let table = audit.table();
    Ok(html! {
        h3 { "The gradient beside BPTT's" }
        p { "Of " (table.method) "; " (table.conditions) "." }
        div.wide {
            table {
                thead { tr { @for title in &table.head { th { (title) } } } }
                tbody { @for row in &table.rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
        @for note in &table.notes { p.note { (note) } }
        p.note {
            "Exact: equal to BPTT's gradient up to rounding, at fixed weights. Approximate: something is left out, and the relative error says how \
             much, the cosine how far the direction is off."
        }
    })
}
