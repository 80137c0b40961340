//! Learning curves of all runs, over steps and over seconds.

use std::path::PathBuf;

use anyhow::Result;
use maud::{Markup, PreEscaped, html};
use ostl_tasks::Metric;

use crate::arguments::Over;
use crate::plot;
use crate::runs::Run;

/// The validation loss, and the figure that chose the best epoch where that is another.
pub(super) fn of_runs(runs: &[Run]) -> Result<Markup> {
    let mut figures = vec![Metric::Loss];
    figures.extend(runs.iter().filter_map(|run| run.best_by).find(|&by| by != Metric::Loss));
    let paths: Vec<PathBuf> = runs.iter().map(|run| run.path.clone()).collect();
    let mut charts = Vec::new();
    for figure in figures {
        let column = format!("valid_{}", figure.name().replace('-', "_"));
        for (over, words) in [(Over::Steps, "steps learned from"), (Over::Seconds, "seconds of training")] {
            let chart = plot::chart(&paths, &column, over, false)?;
            charts.push((format!("{figure} on the validation split, over {words}"), plot::svg(&chart)?));
        }
    }
    Ok(html! {
        div.charts {
            @for (caption, svg) in &charts {
                figure {
                    figcaption { (caption) }
                    div.wide.chart { (PreEscaped(svg)) }
                }
            }
        }
        p.note { "Runs of one configuration and several seeds are a line, their mean, and a band from the lowest to the highest." }
    })
}
