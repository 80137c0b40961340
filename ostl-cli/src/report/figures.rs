//! The table of what differs between configurations, beside what they came to.

use maud::{Markup, html};

use crate::arguments::ComparedSplit;
use crate::compare::{Comparison, metrics, split};
use crate::runs::Group;

/// A key may go on in a new line behind each of its dots: else many settings are wider than a screen.
fn breakable(title: &str) -> Markup {
    html! {
        @for (index, part) in title.split('.').enumerate() {
            @if index > 0 { "." wbr; }
            (part)
        }
    }
}

pub(super) fn of_groups(groups: &[Group<'_>], differing: &[String]) -> Markup {
    let runs = || groups.iter().flat_map(|group| group.runs.iter().copied());
    let split = split(None, runs()).unwrap_or(ComparedSplit::Valid);
    let metrics = metrics(runs(), split);
    let comparison = Comparison { groups, differing, metrics: &metrics, split };
    let table = comparison.rows();
    html! {
        div.wide {
            table {
                thead { tr { @for title in &table.head { th { (breakable(title)) } } } }
                tbody {
                    @for row in &table.rows {
                        tr { @for cell in row { td.best[cell.is_best] { (cell.text) } } }
                    }
                }
            }
        }
        p.note { (comparison.legend("in bold:")) }
    }
}
