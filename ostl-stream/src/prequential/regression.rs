//! Measures of values.

use serde::{Deserialize, Serialize};

use crate::moments::{Moments, Sum};
use crate::number::SMALLEST;
use crate::prequential::classification::ratio;
use crate::prequential::naive::Past;
use crate::prequential::views::Tally;

/// What is measured of values, over the rows of one view. `None` where it is not defined, as before the first row.
///
/// All sums are weighted as the view weighs its rows. e = target − answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RegressionFigures {
    /// Σ of the rows' weights: their number, but for the fading view.
    pub rows: f64,
    /// Mean of |e|, in the unit of the targets.
    pub mae: Option<f64>,
    /// √(mean of e²), in the unit of the targets.
    pub rmse: Option<f64>,
    /// Mean of |e / target|, as a fraction (0.1 is 10 %), over the rows whose target is not 0.
    pub mape: Option<f64>,
    /// Σ of the weights of the rows whose target is 0 (below 1e-100 in size), which the MAPE leaves out.
    pub zero_targets: f64,
    /// R² = 1 − Σ e² / Σ (target − mean of the view's targets)², at most 1. `None` where the targets did not vary.
    pub r2: Option<f64>,
    /// MAE of answering the mean of the targets of all rows before.
    pub mean_mae: Option<f64>,
    /// RMSE of the same.
    pub mean_rmse: Option<f64>,
    /// MAE of answering the target of the row before.
    pub last_mae: Option<f64>,
    /// RMSE of the same.
    pub last_rmse: Option<f64>,
    /// MAE of answering the target `season` rows before.
    pub season_mae: Option<f64>,
    /// RMSE of the same. Each guesser's over the rows where it can answer.
    pub season_rmse: Option<f64>,
}

/// Targets, and what can be guessed from those so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValueGuessers {
    targets: Moments,
    pub(super) past: Past<f64>,
}

impl ValueGuessers {
    /// The row with what the guessers say of it; they know its target only afterwards.
    pub(crate) fn row(&mut self, target: f64, answer: f64, season: Option<usize>) -> ValueRow {
        let row = ValueRow {
            target,
            error: target - answer,
            mean: self.targets.mean().map(|guess| target - guess),
            last: self.past.last().map(|guess| target - guess),
            season: self.past.season(season).map(|guess| target - guess),
        };
        self.targets.observe(target, 1.0);
        self.past.observe(target, season);
        row
    }
}

/// What is kept of a row: its target, and target − answer of the one that is judged and of the guessers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValueRow {
    target: f64,
    error: f64,
    mean: Option<f64>,
    last: Option<f64>,
    season: Option<f64>,
}

/// Sums over rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValueTally {
    errors: Errors,
    relative: Sum,
    relative_rows: f64,
    zero_targets: f64,
    targets: Moments,
    /// What [`targets`](Self::targets) are multiplied by before the next row.
    faded: Option<f64>,
    mean: Errors,
    last: Errors,
    season: Errors,
}

/// Sums of errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Errors {
    rows: f64,
    absolute: Sum,
    squared: Sum,
}

impl Errors {
    fn add(&mut self, error: f64) {
        self.rows += 1.0;
        self.absolute.add(error.abs());
        self.squared.add(error * error);
    }

    fn fade(&mut self, factor: f64) {
        self.rows *= factor;
        self.absolute.scale(factor);
        self.squared.scale(factor);
    }

    fn mae(&self) -> Option<f64> {
        ratio(self.absolute.value(), self.rows)
    }

    fn rmse(&self) -> Option<f64> {
        ratio(self.squared.value(), self.rows).map(f64::sqrt)
    }
}

impl Tally for ValueTally {
    type Row = ValueRow;
    type Figures = RegressionFigures;

    fn add(&mut self, row: &ValueRow) {
        self.errors.add(row.error);
        if row.target.abs() < SMALLEST {
            self.zero_targets += 1.0;
        } else {
            self.relative.add((row.error / row.target).abs());
            self.relative_rows += 1.0;
        }
        self.targets.observe(row.target, self.faded.take().unwrap_or(1.0));
        for (errors, error) in [(&mut self.mean, row.mean), (&mut self.last, row.last), (&mut self.season, row.season)] {
            if let Some(error) = error {
                errors.add(error);
            }
        }
    }

    fn fade(&mut self, factor: f64) {
        self.relative.scale(factor);
        self.relative_rows *= factor;
        self.zero_targets *= factor;
        self.faded = Some(factor * self.faded.unwrap_or(1.0));
        for errors in [&mut self.errors, &mut self.mean, &mut self.last, &mut self.season] {
            errors.fade(factor);
        }
    }

    fn figures(&self) -> RegressionFigures {
        RegressionFigures {
            rows: self.errors.rows,
            mae: self.errors.mae(),
            rmse: self.errors.rmse(),
            mape: ratio(self.relative.value(), self.relative_rows),
            zero_targets: self.zero_targets,
            r2: ratio(self.errors.squared.value(), self.targets.spread())
                .map(|unexplained| 1.0 - unexplained)
                .filter(|r2| r2.is_finite()),
            mean_mae: self.mean.mae(),
            mean_rmse: self.mean.rmse(),
            last_mae: self.last.mae(),
            last_rmse: self.last.rmse(),
            season_mae: self.season.mae(),
            season_rmse: self.season.rmse(),
        }
    }
}
