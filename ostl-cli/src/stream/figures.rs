//! Figures by their names, for tables and files.

use ostl_stream::{Figures, Prequential};

use super::session::Memory;
use crate::table;

/// How a figure is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shown {
    Percent,
    Number,
}

/// A figure of all rows, of the last ones, and fading.
#[derive(Debug)]
pub(super) struct Figure {
    /// As a column is called.
    pub(super) name: String,
    /// As a line of a table is.
    pub(super) title: String,
    shown: Shown,
    pub(super) views: [Option<f64>; 3],
}

impl Figure {
    /// The value of a view as text.
    pub(super) fn text(&self, view: usize) -> String {
        match (self.views.get(view).copied().flatten(), self.shown) {
            (None, _) => "–".to_owned(),
            (Some(value), Shown::Percent) => format!("{:.2} %", 100.0 * value),
            (Some(value), Shown::Number) => table::loss(value),
        }
    }
}

/// All figures of one target; the first is the main one.
fn of_target(prequential: &Prequential, held: Option<&Prequential>, season: Option<usize>) -> Vec<Figure> {
    let mut all = Vec::new();
    let mut put = |name: &str, title: &str, shown, views: [Option<f64>; 3]| {
        all.push(Figure { name: name.to_owned(), title: title.to_owned(), shown, views });
    };
    let of_season = season.map(|season| format!("same as {season} rows before"));
    match prequential.figures() {
        Figures::Classification(views) => {
            let views = [&views.cumulative, &views.window, &views.fading];
            put("accuracy", "accuracy", Shown::Percent, views.map(|view| view.accuracy));
            put("balanced_accuracy", "balanced accuracy", Shown::Percent, views.map(|view| view.balanced_accuracy));
            put("kappa", "κ", Shown::Number, views.map(|view| view.kappa));
            put("kappa_temporal", "κ-temporal", Shown::Number, views.map(|view| view.kappa_temporal));
            put("log_loss", "log loss", Shown::Number, views.map(|view| view.log_loss));
            put("majority_accuracy", "the most frequent class", Shown::Percent, views.map(|view| view.majority_accuracy));
            put("last_accuracy", "same as last", Shown::Percent, views.map(|view| view.last_accuracy));
            if let Some(title) = of_season {
                put("season_accuracy", &title, Shown::Percent, views.map(|view| view.season_accuracy));
            }
        }
        Figures::Regression(views) => {
            let views = [&views.cumulative, &views.window, &views.fading];
            put("mae", "mean |error|", Shown::Number, views.map(|view| view.mae));
            put("rmse", "root mean square", Shown::Number, views.map(|view| view.rmse));
            put("r2", "R²", Shown::Number, views.map(|view| view.r2));
            put("mape", "mean |error| / |target|", Shown::Percent, views.map(|view| view.mape));
            put("mean_mae", "the mean: |error|", Shown::Number, views.map(|view| view.mean_mae));
            match held.map(Prequential::figures) {
                Some(Figures::Regression(held)) => {
                    let held = [&held.cumulative, &held.window, &held.fading];
                    put("held_mae", "same as when forecast: |error|", Shown::Number, held.map(|view| view.mae));
                    put("held_rmse", "same as when forecast: root", Shown::Number, held.map(|view| view.rmse));
                }
                _ => {
                    put("last_mae", "same as last: |error|", Shown::Number, views.map(|view| view.last_mae));
                    put("last_rmse", "same as last: root", Shown::Number, views.map(|view| view.last_rmse));
                }
            }
            if let Some(title) = of_season {
                put("season_mae", &format!("{title}: |error|"), Shown::Number, views.map(|view| view.season_mae));
            }
        }
        _ => {}
    }
    all
}

/// All figures, each with its target.
pub(super) fn by_target(memory: &Memory) -> Vec<(String, Figure)> {
    let scores = &memory.scores;
    let targets = scores.figures().iter().zip(&memory.settings.target).enumerate();
    let of = |(at, (figures, target)): (usize, (&Prequential, &String))| {
        let target = target.clone();
        let all = of_target(figures, scores.held().get(at), memory.settings.season);
        all.into_iter().map(move |figure| (target.clone(), figure))
    };
    targets.flat_map(of).collect()
}

/// All figures; of several targets each with its target's name.
pub(super) fn all(memory: &Memory) -> Vec<Figure> {
    let several = memory.settings.target.len() > 1;
    let named = |(target, mut figure): (String, Figure)| {
        if several {
            figure.name = format!("{target}.{}", figure.name);
            figure.title = format!("{target}: {}", figure.title);
        }
        figure
    };
    by_target(memory).into_iter().map(named).collect()
}
