//! Where the runs came from: commands, machines, versions.

use maud::{Markup, html};

use crate::date;
use crate::machine;
use crate::run_directory::RunDirectory;
use crate::runs::Run;

pub(super) fn described(runs: &[Run]) -> Markup {
    let sessions = |run: &Run| {
        let history = RunDirectory::open(&run.path).ok().and_then(|directory| directory.read_history());
        history.map_or_else(Vec::new, |history| history.sessions)
    };
    html! {
        div.wide {
            table.words {
                thead { tr { th { "run" } th { "began (UTC)" } th { "seconds" } th { "command" } th { "machine" } th { "version" } } }
                tbody {
                    @for run in runs {
                        @for session in sessions(run) {
                            tr {
                                td { code { (run.name()) } }
                                td { (session.started) }
                                td { (format!("{:.1}", session.seconds)) }
                                td { code { (session.command) } }
                                td { (session.machine) }
                                td { (session.version) }
                            }
                        }
                    }
                }
            }
        }
        p.note {
            "This page was made at " (date::utc(std::time::SystemTime::now())) " by ostl " (env!("CARGO_PKG_VERSION")) " on " (machine::described())
            ": " code { (machine::command()) }
        }
    }
}
