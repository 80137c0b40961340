//! Quantiles and alarms against sorted values.

use crate::common::Noise;
use ostl_stream::{Alarm, AlarmConfig, Quantiles, QuantilesConfig};
use proptest::prelude::*;

/// The least value up to which there is the share q of the weight; the newest value is the last.
fn sorted(values: &[f64], half_life: Option<f64>, q: f64) -> f64 {
    let last = values.len() - 1;
    let weight = |i: usize| half_life.map_or(1.0, |rows: f64| (-((last - i) as f64) / rows).exp2());
    let mut pairs: Vec<(f64, f64)> = values.iter().enumerate().map(|(i, &value)| (value, weight(i))).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = pairs.iter().map(|pair| pair.1).sum();
    let mut up_to = 0.0;
    for &(value, weight) in &pairs {
        up_to += weight;
        if up_to >= q * total {
            return value;
        }
    }
    pairs[last].0
}

/// Whether `found` is the quantile, rounded up by at most `accuracy`; q may be off by rounding.
fn right(found: f64, values: &[f64], half_life: Option<f64>, q: f64, accuracy: f64) -> bool {
    let (low, high) = (sorted(values, half_life, (q - 1e-9).max(0.0)), sorted(values, half_life, (q + 1e-9).min(1.0)));
    found >= low && found <= high + accuracy * high.abs() * (1.0 + 1e-9)
}

#[test]
fn as_sorted() {
    for (half_life, accuracy) in [(None, 0.01), (Some(1.0), 0.01), (Some(30.0), 0.001), (Some(500.0), 0.05)] {
        let mut quantiles = Quantiles::new(QuantilesConfig { half_life, accuracy, bins: 100_000 }).unwrap();
        let mut noise = Noise::new(5);
        let mut values = Vec::new();
        for row in 0..2000 {
            // Of both signs and many sizes, with a jump on the way.
            let value = noise.normal() * 10f64.powf(3.0 * noise.unit()) + if row > 1200 { 500.0 } else { 0.0 };
            values.push(value);
            quantiles.observe(value);
            if row % 37 == 0 || row < 20 {
                for q in [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
                    let found = quantiles.quantile(q).unwrap();
                    // What is all but forgotten may have been dropped.
                    if q > 0.0 || half_life.is_none() {
                        assert!(right(found, &values, half_life, q, accuracy), "{half_life:?} {row} {q}: {found}");
                    }
                }
            }
        }
    }
}

#[test]
fn too_few_bins_spoil_low_quantiles_only() {
    let mut quantiles = Quantiles::new(QuantilesConfig { half_life: None, bins: 100, ..Default::default() }).unwrap();
    let mut noise = Noise::new(6);
    let mut values = Vec::new();
    for _ in 0..5000 {
        values.push(10f64.powf(4.0 * noise.unit()));
        quantiles.observe(values[values.len() - 1]);
        assert!(quantiles.bins() <= 100);
    }
    for q in [0.9, 0.95, 0.99, 1.0] {
        assert!(right(quantiles.quantile(q).unwrap(), &values, None, q, 0.01), "{q}");
    }
    assert!(quantiles.quantile(0.1).unwrap() > sorted(&values, None, 0.1));
}

#[test]
fn a_threshold_follows_a_change() {
    let mut quantiles = Quantiles::new(QuantilesConfig { half_life: Some(100.0), ..Default::default() }).unwrap();
    let mut noise = Noise::new(8);
    (0..5000).for_each(|_| assert!(quantiles.observe(100.0 + noise.unit())));
    (0..1000).for_each(|_| assert!(quantiles.observe(noise.unit())));
    assert!(quantiles.quantile(0.95).unwrap() < 1.02);
}

#[test]
fn alarms_are_as_rare_as_was_asked() {
    for quantile in [0.9, 0.99, 0.999] {
        let quantiles = QuantilesConfig { half_life: Some(10_000.0), ..Default::default() };
        let mut alarm = Alarm::new(AlarmConfig { quantile, warm_up: 1000, quantiles, ..Default::default() }).unwrap();
        let mut noise = Noise::new(21);
        let rows = 200_000;
        (0..rows).for_each(|_| {
            // −ln of a uniform number: no bound above.
            alarm.observe(-(1.0 - noise.unit()).ln());
        });
        let (share, asked) = (alarm.raised() as f64 / f64::from(rows), 1.0 - quantile);
        assert!((0.75 * asked..=1.15 * asked).contains(&share), "{quantile}: {share}");
    }
}

#[test]
fn the_threshold_is_that_from_before() {
    let config = AlarmConfig { quantile: 0.95, warm_up: 50, refractory: 0, ..Default::default() };
    let mut alarm = Alarm::new(config).unwrap();
    let mut noise = Noise::new(4);
    for row in 0..3000 {
        let (value, before) = (noise.normal(), alarm.threshold());
        assert_eq!(before.is_some(), row >= 50);
        assert_eq!(alarm.observe(value), before.is_some_and(|before| value > before));
    }
}

#[test]
fn refractory_rows_are_counted_from_the_alarm() {
    let config = AlarmConfig { quantile: 0.5, warm_up: 5, refractory: 4, ..Default::default() };
    let mut alarm = Alarm::new(config).unwrap();
    let alarms: Vec<usize> = (0..40).filter(|&row| alarm.observe(2f64.powi(row as i32))).collect();
    assert_eq!(alarms, [5, 10, 15, 20, 25, 30, 35]);
    assert_eq!((alarm.raised(), alarm.held_back()), (7, 28));
}

proptest! {
    #[test]
    fn whatever_comes(
        values in prop::collection::vec(prop_oneof![prop::num::f64::ANY, -3.0..3.0], 1..200),
        half_life in prop::option::of(1.0..1000.0),
        accuracy in 0.0001..0.5,
        bins in 16usize..200,
        q in 0.0..=1.0,
    ) {
        let mut quantiles = Quantiles::new(QuantilesConfig { half_life, accuracy, bins }).unwrap();
        let mut taken = Vec::new();
        for value in values {
            if quantiles.observe(value) {
                taken.push(value);
            }
            prop_assert!(quantiles.bins() <= bins);
            let found = quantiles.quantile(q);
            prop_assert_eq!(found.is_some(), !taken.is_empty());
            if let Some(found) = found {
                // Never too low, but for values so small that they count as 0.
                prop_assert!(found >= sorted(&taken, half_life, (q - 1e-9).max(0.0)) - 1e-100 || half_life.is_some());
                prop_assert!(quantiles.quantile(1.0).unwrap() >= found);
            }
        }
        prop_assert_eq!(quantiles.rows(), taken.len() as u64);
    }
}
