//! Measures against sums over the whole history, and numbers worked out by hand.

use crate::common::{Noise, same};
use ostl_stream::{ClassificationFigures, Outcome, Prequential, PrequentialConfig, RegressionFigures, StreamError};
use proptest::prelude::*;

type ClassRow = (usize, usize, Option<f64>);

fn class_weights(rows: usize, view: usize, config: &PrequentialConfig) -> Vec<f64> {
    let age = |i: usize| rows - 1 - i;
    let of = |i: usize| match view {
        0 => 1.0,
        1 => f64::from(u8::from(age(i) < config.window)),
        _ => config.fading.powi(age(i) as i32),
    };
    (0..rows).map(of).collect()
}

fn ratio(sum: f64, weight: f64) -> Option<f64> {
    (weight > 0.0).then(|| sum / weight)
}

/// Everything anew from all rows, by the definitions.
fn classes_by_definition(rows: &[ClassRow], weights: &[f64], season: usize) -> ClassificationFigures {
    let over = |of: &dyn Fn(usize) -> f64| (0..rows.len()).map(|i| weights[i] * of(i)).sum::<f64>();
    let yes = |b: bool| f64::from(u8::from(b));
    let (target, answer) = (|i: usize| rows[i].0, |i: usize| rows[i].1);
    let total = over(&|_| 1.0);
    let p0 = ratio(over(&|i| yes(target(i) == answer(i))), total);
    let recalls: Vec<f64> = (0..10)
        .filter_map(|c| ratio(over(&|i| yes(target(i) == c && answer(i) == c)), over(&|i| yes(target(i) == c))))
        .collect();
    let chance: f64 = (0..10).map(|c| over(&|i| yes(target(i) == c)) * over(&|i| yes(answer(i) == c))).sum();
    let majority = |i: usize| {
        let counts: Vec<usize> = (0..10).map(|c| rows[..i].iter().filter(|row| row.0 == c).count()).collect();
        counts.iter().position(|count| count == counts.iter().max().unwrap()).unwrap()
    };
    let guesser = |from: usize, guess: &dyn Fn(usize) -> usize| {
        ratio(over(&|i| yes(i >= from && guess(i) == target(i))), over(&|i| yes(i >= from)))
    };
    let last = guesser(1, &|i| target(i - 1));
    let after_first = ratio(over(&|i| yes(i > 0 && target(i) == answer(i))), over(&|i| yes(i > 0)));
    let kappa = |p: Option<f64>, chance: Option<f64>| {
        let (p, chance) = (p?, chance?);
        (1.0 - chance > 1e-12).then(|| (p - chance) / (1.0 - chance))
    };
    let mut figures = ClassificationFigures::default();
    figures.rows = total;
    figures.accuracy = p0;
    figures.balanced_accuracy = ratio(recalls.iter().sum(), recalls.len() as f64);
    figures.kappa = kappa(p0, ratio(chance, total * total));
    figures.kappa_temporal = kappa(after_first, last);
    figures.log_loss =
        ratio(over(&|i| rows[i].2.map_or(0.0, |p: f64| -p.clamp(1e-15, 1.0).ln())), over(&|i| yes(rows[i].2.is_some())));
    figures.majority_accuracy = guesser(1, &majority);
    figures.last_accuracy = last;
    figures.season_accuracy = guesser(season, &|i| target(i - season));
    figures
}

fn assert_classes(a: &ClassificationFigures, b: &ClassificationFigures, place: &str) {
    let numbers = |f: &ClassificationFigures| {
        [
            Some(f.rows),
            f.accuracy,
            f.balanced_accuracy,
            f.kappa,
            f.kappa_temporal,
            f.log_loss,
            f.majority_accuracy,
            f.last_accuracy,
            f.season_accuracy,
        ]
    };
    assert!(numbers(a).into_iter().zip(numbers(b)).all(|(a, b)| same(a, b)), "{place}\n{a:?}\n{b:?}");
}

#[test]
fn classes_agree_with_their_definitions() {
    let season = 5;
    let config = PrequentialConfig { window: 30, fading: 0.95, season: Some(season), most_classes: 10 };
    let mut measures = Prequential::classification(config.clone()).unwrap();
    let mut noise = Noise::new(11);
    let mut rows: Vec<ClassRow> = Vec::new();
    for row in 0..300 {
        // More classes as time goes by, which come in runs.
        let before = rows.last().map_or(0, |row| row.0);
        let target = if noise.below(3) == 0 { before } else { noise.below(2 + row / 50) };
        let answer = if noise.below(2) == 0 { target } else { noise.below(9) };
        let probability = (noise.below(4) > 0).then(|| noise.unit().powi(8));
        rows.push((target, answer, probability));
        measures.record(Outcome::Class { target, answer, probability }).unwrap();
        let figures = measures.figures();
        let views = figures.classification().unwrap();
        for (view, figures) in [&views.cumulative, &views.window, &views.fading].into_iter().enumerate() {
            let weights = class_weights(rows.len(), view, &config);
            let expected = classes_by_definition(&rows, &weights, season);
            assert_classes(figures, &expected, &format!("row {row}, view {view}"));
        }
    }
    assert_eq!((measures.rows(), measures.held()), (300, 30));
}

/// The guessers' errors by their definitions, and those of the answers.
fn values_by_definition(rows: &[(f64, f64)], weights: &[f64], season: usize) -> RegressionFigures {
    let over = |from: usize, of: &dyn Fn(usize) -> f64| {
        (from..rows.len()).filter(|&i| weights[i] > 0.0).map(|i| weights[i] * of(i)).sum::<f64>()
    };
    let errors = |from: usize, answer: &dyn Fn(usize) -> f64| {
        let total = over(from, &|_| 1.0);
        let mae = ratio(over(from, &|i| (rows[i].0 - answer(i)).abs()), total);
        (mae, ratio(over(from, &|i| (rows[i].0 - answer(i)).powi(2)), total).map(f64::sqrt))
    };
    let mut figures = RegressionFigures::default();
    figures.rows = over(0, &|_| 1.0);
    (figures.mae, figures.rmse) = errors(0, &|i| rows[i].1);
    let nonzero = |i: usize| f64::from(u8::from(rows[i].0 != 0.0));
    let relative = |i: usize| if rows[i].0 == 0.0 { 0.0 } else { ((rows[i].0 - rows[i].1) / rows[i].0).abs() };
    figures.mape = ratio(over(0, &relative), over(0, &nonzero));
    figures.zero_targets = over(0, &|i| 1.0 - nonzero(i));
    let mean = over(0, &|i| rows[i].0) / figures.rows;
    let spread = over(0, &|i| (rows[i].0 - mean).powi(2));
    figures.r2 =
        ratio(over(0, &|i| (rows[i].0 - rows[i].1).powi(2)), if spread > 1e-12 { spread } else { 0.0 }).map(|u| 1.0 - u);
    (figures.mean_mae, figures.mean_rmse) = errors(1, &|i| rows[..i].iter().map(|row| row.0).sum::<f64>() / i as f64);
    (figures.last_mae, figures.last_rmse) = errors(1, &|i| rows[i - 1].0);
    (figures.season_mae, figures.season_rmse) = errors(season, &|i| rows[i - season].0);
    figures
}

fn assert_values(a: &RegressionFigures, b: &RegressionFigures, place: &str) {
    let numbers = |f: &RegressionFigures| {
        let naive = [f.mean_mae, f.mean_rmse, f.last_mae, f.last_rmse, f.season_mae, f.season_rmse];
        ([Some(f.rows), f.mae, f.rmse, f.mape, Some(f.zero_targets), f.r2], naive)
    };
    let (a, b) = (numbers(a), numbers(b));
    let agree = |a: [Option<f64>; 6], b: [Option<f64>; 6]| a.into_iter().zip(b).all(|(a, b)| same(a, b));
    assert!(agree(a.0, b.0) && agree(a.1, b.1), "{place}\n{a:?}\n{b:?}");
}

#[test]
fn values_agree_with_their_definitions() {
    let season = 7;
    let config = PrequentialConfig { window: 25, fading: 0.9, season: Some(season), ..Default::default() };
    let mut measures = Prequential::regression(config.clone()).unwrap();
    let mut noise = Noise::new(12);
    let mut rows = Vec::new();
    for row in 0..300 {
        let target = if noise.below(6) == 0 { 0.0 } else { 30.0 + 10.0 * noise.normal() };
        rows.push((target, target + noise.normal()));
        measures.record(Outcome::Value { target, answer: rows[row].1 }).unwrap();
        let figures = measures.figures();
        let views = figures.regression().unwrap();
        for (view, figures) in [&views.cumulative, &views.window, &views.fading].into_iter().enumerate() {
            let weights = class_weights(rows.len(), view, &config);
            assert_values(figures, &values_by_definition(&rows, &weights, season), &format!("row {row}, view {view}"));
        }
    }
}

#[test]
fn kappa_by_hand() {
    // Two raters, fifty cases: yes-yes 20, yes-no 5, no-yes 10, no-no 15. They agree on 35 of 50, and by chance on
    // 25/50 · 30/50 + 25/50 · 20/50 = 1/2; κ = (0.7 − 0.5) / 0.5 = 0.4.
    let mut measures = Prequential::classification(PrequentialConfig::default()).unwrap();
    for (target, answer, cases) in [(1, 1, 20), (1, 0, 5), (0, 1, 10), (0, 0, 15)] {
        for _ in 0..cases {
            measures.record(Outcome::Class { target, answer, probability: None }).unwrap();
        }
    }
    let figures = measures.figures();
    let all = &figures.classification().unwrap().cumulative;
    assert!(same(all.kappa, Some(0.4)) && same(all.accuracy, Some(0.7)));
    assert!(same(all.balanced_accuracy, Some((20.0 / 25.0 + 15.0 / 25.0) / 2.0)));
    // The class changed once in 49 rows: p' = 48/49; of these rows 34 were right, all but the first of the 35.
    assert!(same(all.last_accuracy, Some(48.0 / 49.0)) && same(all.kappa_temporal, Some((34.0 - 48.0) / (49.0 - 48.0))));
    assert_eq!(all.log_loss, None);
}

#[test]
fn by_hand() {
    let mut measures = Prequential::classification(PrequentialConfig::default()).unwrap();
    let empty = measures.figures();
    assert_eq!(empty.classification().unwrap().cumulative, ClassificationFigures::default());
    // A sure mistake, an unknown class, a tie (the first of the largest is the answer).
    for (target, probabilities) in [(0, [0.0, 1.0]), (2, [0.5, 0.5]), (0, [0.5, 0.5])] {
        measures.record(Outcome::of_probabilities(target, &probabilities).unwrap()).unwrap();
    }
    let figures = measures.figures();
    let all = &figures.classification().unwrap().cumulative;
    assert!(same(all.log_loss, Some((2.0 * 1e15f64.ln() + 2f64.ln()) / 3.0)) && same(all.accuracy, Some(1.0 / 3.0)));
    // Always the same class, and always right: chance is right, too.
    let mut constant = Prequential::classification(PrequentialConfig::default()).unwrap();
    (0..5).for_each(|_| constant.record(Outcome::Class { target: 3, answer: 3, probability: None }).unwrap());
    let figures = constant.figures();
    let all = &figures.classification().unwrap().cumulative;
    assert_eq!((all.kappa, all.kappa_temporal, all.balanced_accuracy), (None, None, Some(1.0)));
    let mut constant = Prequential::regression(PrequentialConfig::default()).unwrap();
    (0..5).for_each(|_| constant.record(Outcome::Value { target: 0.3, answer: 0.0 }).unwrap());
    let figures = constant.figures();
    let all = &figures.regression().unwrap().cumulative;
    assert_eq!((all.r2, all.last_mae, all.season_mae), (None, Some(0.0), None));
    assert!(same(all.mape, Some(1.0)) && same(all.rmse, Some(0.3)));
}

#[test]
fn refused() {
    let config = PrequentialConfig { most_classes: 3, ..Default::default() };
    let mut classes = Prequential::classification(config.clone()).unwrap();
    let class = |target, answer, probability| Outcome::Class { target, answer, probability };
    assert_eq!(classes.record(class(0, 3, None)), Err(StreamError::TooManyClasses { class: 3, most: 3 }));
    assert!(matches!(classes.record(class(usize::MAX, 0, None)), Err(StreamError::TooManyClasses { .. })));
    assert!(matches!(classes.record(class(0, 0, Some(f64::NAN))), Err(StreamError::NotFinite { .. })));
    let value = Outcome::Value { target: 1.0, answer: f64::INFINITY };
    assert!(classes.record(value).unwrap_err().to_string().contains("a value was recorded where a class is measured"));
    assert_eq!((classes.rows(), classes.refused(), classes.figures().regression()), (0, 4, None));
    let mut values = Prequential::regression(config).unwrap();
    assert!(values.record(value).unwrap_err().to_string().contains("answer = inf"));
    assert!(values.record(class(0, 0, None)).is_err() && values.figures().classification().is_none());
    assert!(Outcome::of_probabilities(0, &[]).is_err() && Outcome::of_probabilities(0, &[0.1, f64::NAN]).is_err());
    for wrong in [
        PrequentialConfig { window: 0, ..Default::default() },
        PrequentialConfig { season: Some(0), ..Default::default() },
        PrequentialConfig { fading: 0.0, ..Default::default() },
        PrequentialConfig { fading: f64::NAN, ..Default::default() },
        PrequentialConfig { most_classes: 0, ..Default::default() },
    ] {
        assert!(Prequential::regression(wrong).is_err());
    }
}

#[test]
fn classes_of_long_ago_are_forgotten_by_the_fading_view() {
    let mut measures = Prequential::classification(PrequentialConfig { fading: 0.5, ..Default::default() }).unwrap();
    measures.record(Outcome::Class { target: 1, answer: 0, probability: None }).unwrap();
    (0..100).for_each(|_| measures.record(Outcome::Class { target: 0, answer: 0, probability: None }).unwrap());
    let figures = measures.figures();
    let views = figures.classification().unwrap();
    assert_eq!((views.fading.balanced_accuracy, views.cumulative.balanced_accuracy), (Some(1.0), Some(0.5)));
}

proptest! {
    #[test]
    fn figures_are_within_their_ranges(
        rows in prop::collection::vec((0usize..6, 0usize..6, prop::option::of(prop::num::f64::ANY)), 0..80),
        values in prop::collection::vec((prop::num::f64::ANY, prop::num::f64::ANY), 0..80),
        window in 1usize..20,
        fading in 0.01..=1.0,
        season in prop::option::of(1usize..9),
    ) {
        let config = PrequentialConfig { window, fading, season, most_classes: 5 };
        let mut classes = Prequential::classification(config.clone()).unwrap();
        for (target, answer, probability) in rows {
            let _ = classes.record(Outcome::Class { target, answer, probability });
            let figures = classes.figures();
            let views = figures.classification().unwrap();
            for view in [&views.cumulative, &views.window, &views.fading] {
                for share in
                    [view.accuracy, view.balanced_accuracy, view.majority_accuracy, view.last_accuracy, view.season_accuracy]
                {
                    prop_assert!(share.is_none_or(|share| (0.0..=1.0 + 1e-9).contains(&share)));
                }
                for kappa in [view.kappa, view.kappa_temporal] {
                    prop_assert!(kappa.is_none_or(|kappa| kappa <= 1.0 + 1e-9 && kappa.is_finite()));
                }
                prop_assert!(view.log_loss.is_none_or(|loss| (-1e-9..=34.6).contains(&loss)));
            }
            prop_assert!(classes.held() <= window);
        }
        let mut measures = Prequential::regression(config).unwrap();
        for (target, answer) in values {
            let _ = measures.record(Outcome::Value { target, answer });
            let figures = measures.figures();
            let views = figures.regression().unwrap();
            for view in [&views.cumulative, &views.window, &views.fading] {
                prop_assert!(view.mae.is_none_or(|mae| mae >= 0.0 && mae.is_finite()));
                prop_assert!(same(view.mae.map(|mae| mae.min(view.rmse.unwrap_or(0.0) * (1.0 + 1e-9))), view.mae));
                prop_assert!(view.r2.is_none_or(|r2| r2 <= 1.0 && !r2.is_nan()));
                prop_assert!(view.mape.is_none_or(f64::is_finite));
            }
        }
    }
}
