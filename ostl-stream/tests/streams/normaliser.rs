//! Running normalisation against sums over the whole history.

use crate::common::{Noise, close, same};
use ostl_stream::{Normaliser, NormaliserConfig};
use proptest::prelude::*;

/// Weighted mean and standard deviation of values, the newest last.
fn whole(values: &[f64], half_life: Option<f64>) -> (Option<f64>, Option<f64>) {
    let weights: Vec<f64> =
        (0..values.len()).rev().map(|age| half_life.map_or(1.0, |rows| 2f64.powf(-(age as f64) / rows))).collect();
    let sum = |of: &dyn Fn(f64, f64) -> f64| values.iter().zip(&weights).map(|(&x, &w)| of(x, w)).sum::<f64>();
    let total = sum(&|_, w| w);
    if values.is_empty() {
        return (None, None);
    }
    let mean = sum(&|x, w| w * x) / total;
    let degrees = total - sum(&|_, w| w * w) / total;
    let variance = if degrees > 1e-9 { sum(&|x, w| w * (x - mean) * (x - mean)) / degrees } else { 0.0 };
    (Some(mean), Some(variance.sqrt()))
}

#[test]
fn agrees_with_the_whole_history() {
    for half_life in [None, Some(1.0), Some(3.0), Some(50.0)] {
        let mut normaliser = Normaliser::new(2, NormaliserConfig { half_life, ..Default::default() }).unwrap();
        let mut noise = Noise::new(3);
        let mut history = [Vec::new(), Vec::new(), Vec::new()];
        for row in 0..400 {
            if row == 100 {
                normaliser.grow(3);
            }
            let values: Vec<f64> = (0..normaliser.features())
                .map(|i| if noise.below(5) == 0 { f64::NAN } else { 1000.0 * i as f64 + noise.normal() })
                .collect();
            normaliser.observe(&values).unwrap();
            for (history, &value) in history.iter_mut().zip(&values) {
                history.extend((!value.is_nan()).then_some(value));
            }
            let mut scaled = vec![0.0; values.len()];
            normaliser.normalise(&values, &mut scaled).unwrap();
            for i in 0..values.len() {
                let (mean, deviation) = whole(&history[i], half_life);
                assert!(same(normaliser.mean(i), mean), "{half_life:?} {row} {i}");
                assert!(same(normaliser.deviation(i), deviation), "{half_life:?} {row} {i}");
                if let (Some(mean), Some(deviation), false) = (mean, deviation, values[i].is_nan()) {
                    let z = if deviation > 0.0 { ((values[i] - mean) / deviation).clamp(-5.0, 5.0) } else { 0.0 };
                    assert!((scaled[i] - z).abs() < 1e-6, "{half_life:?} {row} {i}: {} {z}", scaled[i]);
                }
            }
        }
    }
}

#[test]
fn forgets() {
    let mut normaliser = Normaliser::new(1, NormaliserConfig { half_life: Some(20.0), ..Default::default() }).unwrap();
    (0..500).for_each(|_| normaliser.observe(&[1000.0]).unwrap());
    let mut noise = Noise::new(1);
    (0..2000).for_each(|_| normaliser.observe(&[noise.normal()]).unwrap());
    assert!(normaliser.mean(0).unwrap().abs() < 1.0 && (0.5..2.0).contains(&normaliser.deviation(0).unwrap()));
}

#[test]
fn far_from_zero_and_a_sum_that_is_not_exact() {
    let mut normaliser = Normaliser::new(2, NormaliserConfig::default()).unwrap();
    let mut noise = Noise::new(9);
    for row in 0..10_000 {
        // 0.1 + 0.2 and 0.3 differ by one rounding: that is no variance.
        normaliser.observe(&[1e9 + noise.normal(), if row % 2 == 0 { 0.3 } else { 0.1 + 0.2 }]).unwrap();
    }
    assert!((normaliser.deviation(0).unwrap() - 1.0).abs() < 0.02);
    assert_eq!(normaliser.deviation(1), Some(0.0));
}

fn any() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -10.0..10.0, 1 => prop::num::f64::ANY, 1 => Just(f64::NAN), 1 => Just(1e100), 1 => Just(-1e100)]
}

proptest! {
    #[test]
    fn whatever_comes_results_are_within_the_limit(
        rows in prop::collection::vec([any(), any()], 0..60),
        half_life in prop::option::of(1.0..100.0),
        limit in 0.1..20.0,
    ) {
        let mut normaliser = Normaliser::new(2, NormaliserConfig { half_life, limit }).unwrap();
        for row in rows {
            let mut scaled = [f64::NAN; 2];
            normaliser.normalise(&row, &mut scaled).unwrap();
            prop_assert!(scaled.iter().all(|z| z.abs() <= limit));
            normaliser.observe(&row).unwrap();
            normaliser.normalise(&row, &mut scaled).unwrap();
            prop_assert!(scaled.iter().all(|z| z.abs() <= limit));
            let mut back = [f64::NAN; 2];
            normaliser.denormalise(&scaled, &mut back).unwrap();
            for i in 0..2 {
                prop_assert!(back[i].is_finite() && normaliser.deviation(i).unwrap_or(0.0).is_finite());
                // What was not clipped comes back, where there is a deviation to come back by.
                let (mean, deviation) = (normaliser.mean(i).unwrap_or(0.0), normaliser.deviation(i).unwrap_or(0.0));
                if row[i].abs() <= 1e100 && deviation > 0.0 && scaled[i].abs() < limit {
                    prop_assert!((back[i] - row[i]).abs() <= 1e-9 * (mean.abs() + deviation + row[i].abs()), "{} {}", back[i], row[i]);
                }
            }
        }
    }
}

#[test]
fn first_rows_are_sane() {
    let mut normaliser = Normaliser::new(1, NormaliserConfig { half_life: Some(1e4), ..Default::default() }).unwrap();
    let mut scaled = [0.0];
    normaliser.observe(&[50.0]).unwrap();
    normaliser.observe(&[54.0]).unwrap();
    normaliser.normalise(&[54.0], &mut scaled).unwrap();
    assert!((scaled[0] - 0.5f64.sqrt()).abs() < 1e-3 && close(normaliser.mean(0).unwrap(), 52.0 + 2.0 * 3.466e-5));
}
