//! Measures of classes.

use serde::{Deserialize, Serialize};

use crate::moments::Sum;
use crate::prequential::naive::{Majority, Past};
use crate::prequential::views::Tally;

/// Probabilities below this count as this much, so that one sure mistake does not make the log loss infinite.
pub(crate) const LEAST_PROBABILITY: f64 = 1e-15;

/// Faded sums below this count as 0: of rows so long ago that the class was not seen, for this view.
const FORGOTTEN: f64 = 1e-12;

/// What is measured of classes, over the rows of one view. `None` where it is not defined, as before the first row.
///
/// All sums are weighted as the view weighs its rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassificationFigures {
    /// Σ of the rows' weights: their number, but for the fading view.
    pub rows: f64,
    /// Fraction of the rows with the right answer, 0 … 1.
    pub accuracy: Option<f64>,
    /// Mean, over the classes that were a target, of the fraction of their rows with the right answer, 0 … 1.
    pub balanced_accuracy: Option<f64>,
    /// κ = (p₀ − pₑ) / (1 − pₑ), at most 1; p₀ is the accuracy, and pₑ = Σ over classes of (share of the targets) · (share of the answers)
    /// that of chance with the same answers (Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    /// Measurement 20, 1960). `None` where pₑ is 1.
    pub kappa: Option<f64>,
    /// κ-temporal = (p₀ − p') / (1 − p'), at most 1; p' is the accuracy of answering what was right in the row before, and both are
    /// taken over the rows that have a row before. Negative where that is the better answer (Žliobaitė, Bifet, Read, Pfahringer and
    /// Holmes, "Evaluation methods and decision theory for classification of streaming data with temporal dependence", Machine Learning 98,
    /// 2015). `None` where p' is 1.
    pub kappa_temporal: Option<f64>,
    /// Mean of −ln p in nats; p is the probability that was given to the right class, clipped to 1e-15 … 1. Over the rows with one.
    pub log_loss: Option<f64>,
    /// Accuracy of answering the class that was a target most often in all rows before.
    pub majority_accuracy: Option<f64>,
    /// Accuracy of answering what was right in the row before.
    pub last_accuracy: Option<f64>,
    /// Accuracy of answering what was right `season` rows before. Each of these three over the rows where there is such an answer.
    pub season_accuracy: Option<f64>,
}

/// Class targets, and what can be guessed from those so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClassGuessers {
    majority: Majority,
    pub(super) past: Past<usize>,
}

impl ClassGuessers {
    /// How many classes they know.
    pub(crate) fn classes(&self) -> usize {
        self.majority.classes()
    }

    /// The row with what the guessers say of it; they know its target only afterwards.
    pub(crate) fn row(&mut self, target: usize, answer: usize, probability: Option<f64>, season: Option<usize>) -> ClassRow {
        let hit = |guess: Option<usize>| guess.map(|guess| guess == target);
        let row = ClassRow {
            target,
            answer,
            loss: probability.map(|p| 0.0 - p.clamp(LEAST_PROBABILITY, 1.0).ln()),
            majority: hit(self.majority.class()),
            last: hit(self.past.last()),
            season: hit(self.past.season(season)),
        };
        self.majority.observe(target);
        self.past.observe(target, season);
        row
    }
}

/// What is kept of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClassRow {
    target: usize,
    answer: usize,
    loss: Option<f64>,
    /// Whether the guessers were right, where they could answer.
    majority: Option<bool>,
    last: Option<bool>,
    season: Option<bool>,
}

impl ClassRow {
    /// How many classes there are at least.
    pub(crate) fn classes(&self) -> usize {
        self.target.max(self.answer).saturating_add(1)
    }
}

/// Sums over rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClassTally {
    rows: f64,
    hits: f64,
    classes: Vec<OfClass>,
    loss: Sum,
    loss_rows: f64,
    majority: OfGuesser,
    last: OfGuesser,
    season: OfGuesser,
}

/// Sums over the rows of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct OfClass {
    targets: f64,
    answers: f64,
    hits: f64,
}

/// Sums over the rows where a guesser could answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct OfGuesser {
    rows: f64,
    hits: f64,
    /// Rows where the answer that is judged was right.
    judged: f64,
}

impl OfGuesser {
    fn add(&mut self, hit: Option<bool>, judged: bool) {
        if let Some(hit) = hit {
            self.rows += 1.0;
            self.hits += f64::from(u8::from(hit));
            self.judged += f64::from(u8::from(judged));
        }
    }

    fn fade(&mut self, factor: f64) {
        self.rows *= factor;
        self.hits *= factor;
        self.judged *= factor;
    }

    fn accuracy(self) -> Option<f64> {
        ratio(self.hits, self.rows)
    }
}

impl ClassTally {
    /// How many classes it has sums of.
    pub(crate) fn classes(&self) -> usize {
        self.classes.len()
    }
}

impl Tally for ClassTally {
    type Row = ClassRow;
    type Figures = ClassificationFigures;

    fn add(&mut self, row: &ClassRow) {
        let most = row.target.max(row.answer);
        if most >= self.classes.len() {
            self.classes.resize(most + 1, OfClass::default());
        }
        let hit = row.target == row.answer;
        self.rows += 1.0;
        self.classes[row.target].targets += 1.0;
        self.classes[row.answer].answers += 1.0;
        if hit {
            self.hits += 1.0;
            self.classes[row.target].hits += 1.0;
        }
        if let Some(loss) = row.loss {
            self.loss.add(loss);
            self.loss_rows += 1.0;
        }
        self.majority.add(row.majority, hit);
        self.last.add(row.last, hit);
        self.season.add(row.season, hit);
    }

    fn fade(&mut self, factor: f64) {
        self.rows *= factor;
        self.hits *= factor;
        for class in &mut self.classes {
            for sum in [&mut class.targets, &mut class.answers, &mut class.hits] {
                *sum = if *sum * factor < FORGOTTEN { 0.0 } else { *sum * factor };
            }
        }
        self.loss.scale(factor);
        self.loss_rows *= factor;
        self.majority.fade(factor);
        self.last.fade(factor);
        self.season.fade(factor);
    }

    fn figures(&self) -> ClassificationFigures {
        let accuracy = ratio(self.hits, self.rows);
        let seen = self.classes.iter().filter(|class| class.targets > 0.0);
        let (recalls, classes) = seen.fold((0.0, 0.0), |(sum, n), class| (sum + class.hits / class.targets, n + 1.0));
        let chance = ratio(self.classes.iter().map(|class| class.targets * class.answers).sum(), self.rows * self.rows);
        ClassificationFigures {
            rows: self.rows,
            accuracy,
            balanced_accuracy: ratio(recalls, classes),
            kappa: beyond(accuracy, chance),
            kappa_temporal: beyond(ratio(self.last.judged, self.last.rows), self.last.accuracy()),
            log_loss: ratio(self.loss.value(), self.loss_rows),
            majority_accuracy: self.majority.accuracy(),
            last_accuracy: self.last.accuracy(),
            season_accuracy: self.season.accuracy(),
        }
    }
}

/// sum / weight, where there is any weight.
pub(crate) fn ratio(sum: f64, weight: f64) -> Option<f64> {
    (weight > 0.0).then(|| sum / weight)
}

/// (p − by chance) / (1 − by chance): which part of what chance leaves is reached.
fn beyond(accuracy: Option<f64>, chance: Option<f64>) -> Option<f64> {
    let (accuracy, chance) = (accuracy?, chance?);
    (1.0 - chance > 1e-12).then(|| (accuracy - chance) / (1.0 - chance))
}
