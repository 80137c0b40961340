//! `ostl report`: runs as one page of HTML that needs nothing else: their curves, their figures, what happens inside them, and how good their gradient is.

mod audit;
mod confusion;
mod curves;
mod figures;
mod inside;
mod made_by;
mod page;
mod panel;
mod raster;

use std::io::Write;

use anyhow::Result;
use maud::{Markup, html};

use crate::arguments::ReportArguments;
use crate::failure::UsageError;
use crate::made_file;
use crate::output::{Out, tell};
use crate::plot;
use crate::runs::{Group, Subject, called, differing, finished, tasks};

pub(crate) fn run(arguments: &ReportArguments) -> Result<()> {
    made_file::check_free(&arguments.out, arguments.force)?;
    let runs = finished(&arguments.runs)?;
    let groups = Group::all(&runs);
    if groups.len() > plot::MOST {
        let problem = format!("a report has {} configurations at most, and these runs are of {}", plot::MOST, groups.len());
        return Err(UsageError::Other(problem).into());
    }
    let settings: Vec<_> = groups.iter().map(|group| &group.first().settings).collect();
    let differing = differing(&settings);
    let mut sections = vec![
        page::section("Figures", "figures", figures::of_groups(&groups, &differing)),
        page::section("Learning curves", "curves", curves::of_runs(&runs)?),
    ];
    for (index, group) in groups.iter().enumerate() {
        let name = called(&group.first().settings, &differing).unwrap_or_else(|| group.first().name());
        tell(&format!("looking into {name}"));
        let title = if groups.len() > 1 { format!("A closer look: {name}") } else { "A closer look".to_owned() };
        sections.push(page::section(&title, &format!("look-{index}"), closer_look(arguments, group)?));
    }
    sections.push(page::section("How this was made", "made", made_by::described(&runs)));
    let tasks = tasks(groups.iter().map(|group| group.first().task.as_str()));
    let page = page::page(&page::title(&tasks, runs.len()), &sections);
    made_file::write(&arguments.out, page.as_bytes(), arguments.force)?;
    let mut out = Out::new();
    writeln!(out, "{}", arguments.out.display())?;
    Ok(out.flush()?)
}

/// One configuration by its best run.
fn closer_look(arguments: &ReportArguments, group: &Group<'_>) -> Result<Markup> {
    let run = group.best();
    let confusion = confusion::of_run(run)?;
    let (inside, audit) = match Subject::open(&run.path, arguments.data.as_deref()) {
        Ok(subject) => {
            let audit = if arguments.no_audit {
                html! {}
            } else {
                audit::of_subject(&subject)?
            };
            (inside::of_subject(&subject, arguments.sequence)?, audit)
        }
        // Without its data a run can still be reported, but not be looked into.
        Err(error) if arguments.data.is_none() => {
            tell(&format!("{}: cannot be looked into: {error:#}", run.name()));
            let note = html! { p.note { "The network could not be looked into: " (format!("{error:#}")) } };
            (note, html! {})
        }
        Err(error) => return Err(error),
    };
    let which = if group.runs.len() > 1 { ", the run with the best validation figure" } else { "" };
    Ok(html! {
        p { "Of " code { (run.name()) } (which) ". " (run.network) "." }
        (inside)
        (confusion)
        (audit)
    })
}
