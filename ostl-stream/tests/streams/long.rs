//! A million rows: memory stays what it was, and sums stay right.

use crate::common::{Noise, close, text};
use ostl_stream::*;

const ROWS: usize = 1_000_000;

/// Shows a part a million rows, and holds the size of what it keeps at the end to that after a tenth of them.
fn stays<S: serde::Serialize>(state: &mut S, mut step: impl FnMut(&mut S, usize, &mut Noise)) {
    let mut noise = Noise::new(77);
    let mut early = 0;
    for row in 0..ROWS {
        step(state, row, &mut noise);
        if row == ROWS / 10 {
            early = text(state).len();
        }
    }
    let late = text(state).len();
    assert!(late as f64 <= 1.25 * early as f64 + 200.0, "{early} bytes, then {late}");
}

#[test]
fn normaliser() {
    let mut normaliser = Normaliser::new(3, NormaliserConfig::default()).unwrap();
    stays(&mut normaliser, |normaliser, _, noise| {
        normaliser.observe(&[noise.unit(), 1e6 + noise.unit(), 4.0]).unwrap();
    });
    for (i, mean) in [0.5, 1e6 + 0.5].into_iter().enumerate() {
        assert!((normaliser.mean(i).unwrap() - mean).abs() < 1e-3);
        assert!((normaliser.deviation(i).unwrap() - (1f64 / 12.0).sqrt()).abs() < 1e-3);
    }
    assert_eq!((normaliser.mean(2), normaliser.deviation(2)), (Some(4.0), Some(0.0)));
}

#[test]
fn measures() {
    let config = PrequentialConfig { season: Some(24), ..Default::default() };
    stays(&mut Prequential::classification(config.clone()).unwrap(), |measures, _, noise| {
        let (target, answer, probability) = (noise.below(7), noise.below(7), Some(noise.unit()));
        measures.record(Outcome::Class { target, answer, probability }).unwrap();
    });
    let mut values = Prequential::regression(config).unwrap();
    let mut last = Vec::new();
    stays(&mut values, |measures, row, noise| {
        // Very large errors first: nothing of them is left in the window.
        let size = if row < 1000 { 1e12 } else { 1.0 };
        let (target, answer) = (size * noise.unit(), size * noise.unit());
        measures.record(Outcome::Value { target, answer }).unwrap();
        if row >= ROWS - 1000 {
            last.push((target - answer).abs());
        }
    });
    let figures = values.figures();
    let window = &figures.regression().unwrap().window;
    assert!(close(window.mae.unwrap(), last.iter().sum::<f64>() / 1000.0));
    assert_eq!(values.held(), 1000);
}

#[test]
fn alarm_and_quantiles() {
    let mut alarm = Alarm::new(AlarmConfig::default()).unwrap();
    stays(&mut alarm, |alarm, row, noise| {
        // A scale that wanders over many orders of magnitude.
        alarm.observe(noise.unit() * 10f64.powi((row / 10_000 % 8) as i32 - 4));
        assert!(alarm.quantiles().bins() <= 2048);
    });
    let config = QuantilesConfig { half_life: None, bins: 256, ..Default::default() };
    stays(&mut Quantiles::new(config).unwrap(), |quantiles, _, noise| {
        quantiles.observe(-(1.0 - noise.unit()).ln());
    });
}

#[test]
fn drift() {
    let mut adwin = Adwin::new(AdwinConfig::default()).unwrap();
    let mut noise = Noise::new(3);
    for _ in 0..ROWS {
        adwin.observe(noise.unit());
        assert!(adwin.buckets() <= 5 * 20);
    }
    // Not a row was given up.
    assert!(adwin.raised() == 0 && adwin.rows() == ROWS as u64 && (adwin.mean().unwrap() - 0.5).abs() < 1e-3);
    stays(&mut PageHinkley::new(PageHinkleyConfig::default()).unwrap(), |detector, _, noise| {
        detector.observe(noise.unit());
    });
}

#[test]
fn tables_and_delays() {
    stays(&mut Slots::new(50).unwrap(), |slots, _, noise| {
        slots.slot(&noise.below(80).to_string());
    });
    stays(&mut DelayById::new(50).unwrap(), |line, row, noise| {
        line.push((row % 1000).to_string(), row);
        line.take(&(noise.below(1000)).to_string());
        assert!(line.len() <= 50);
    });
    stays(&mut DelayLine::new(50), |line: &mut DelayLine<usize>, row, _| {
        line.push(row);
    });
    stays(&mut Categories::new(50), |categories, _, noise| {
        categories.number(&noise.below(80).to_string());
    });
}
