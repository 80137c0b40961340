//! Parts that are saved and read back go on with the same bits.

use crate::common::{Noise, saved_goes_on, text};
use ostl_stream::*;

/// Numbers of all sizes, and some that are none.
fn wild(row: usize) -> f64 {
    let mut noise = Noise::new(row as u64 + 1);
    match noise.below(20) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => -f64::MAX,
        3 => LARGEST,
        4 => -LARGEST,
        5 => f64::MIN_POSITIVE / 8.0,
        6 => -0.0,
        7 => noise.normal() * 1e-90,
        8 => noise.normal() * 1e80,
        _ => noise.normal(),
    }
}

#[test]
fn normaliser() {
    for half_life in [None, Some(1.0), Some(37.5)] {
        let config = NormaliserConfig { half_life, ..Default::default() };
        saved_goes_on(Normaliser::new(2, config).unwrap(), 2000, |normaliser, row| {
            let values = [wild(row), if row < 900 { 0.1 } else { wild(2 * row) / 3.0 }];
            let (mut scaled, mut back) = ([0.0; 2], [0.0; 2]);
            normaliser.observe(&values).unwrap();
            normaliser.normalise(&values, &mut scaled).unwrap();
            normaliser.denormalise(&scaled, &mut back).unwrap();
            (scaled, back)
        });
    }
}

#[test]
fn delays() {
    saved_goes_on(DelayLine::new(5), 300, |line: &mut DelayLine<Vec<f64>>, row| line.push(vec![row as f64 / 3.0]));
    saved_goes_on(DelayById::new(7).unwrap(), 2000, |line: &mut DelayById<f64>, row| {
        let mut noise = Noise::new(row as u64);
        let given_up = line.push(noise.below(20).to_string(), row as f64 / 3.0);
        (given_up, line.take(&noise.below(20).to_string()), line.len(), line.given_up(), line.unknown())
    });
}

#[test]
fn measures() {
    let config = PrequentialConfig { window: 40, fading: 0.9, season: Some(6), most_classes: 5 };
    saved_goes_on(Prequential::classification(config.clone()).unwrap(), 2000, |measures, row| {
        let mut noise = Noise::new(row as u64);
        let (target, answer) = (noise.below(6), noise.below(1 + row / 300));
        let probability = (row % 3 > 0).then_some(wild(row).abs());
        let recorded = measures.record(Outcome::Class { target, answer, probability });
        (recorded.map_err(|error| error.to_string()), measures.figures())
    });
    saved_goes_on(Prequential::regression(config).unwrap(), 2000, |measures, row| {
        let recorded = measures.record(Outcome::Value { target: wild(row), answer: wild(7 * row + 1) });
        (recorded.map_err(|error| error.to_string()), measures.figures())
    });
}

#[test]
fn quantiles_and_alarm() {
    for half_life in [None, Some(1.0), Some(60.0)] {
        let quantiles = QuantilesConfig { half_life, bins: 64, ..Default::default() };
        saved_goes_on(Quantiles::new(quantiles.clone()).unwrap(), 3000, |quantiles, row| {
            (quantiles.observe(wild(row)), [0.0, 0.5, 0.9, 1.0].map(|q| quantiles.quantile(q)))
        });
        let config = AlarmConfig { quantile: 0.9, warm_up: 20, refractory: 4, quantiles };
        saved_goes_on(Alarm::new(config).unwrap(), 3000, |alarm, row| (alarm.observe(wild(row)), alarm.threshold()));
    }
}

#[test]
fn drift() {
    for direction in [Direction::Rise, Direction::Both] {
        let adwin = AdwinConfig { every: 5, direction, ..Default::default() };
        let page_hinkley = PageHinkleyConfig { threshold: 5.0, direction, ..Default::default() };
        for config in [DriftConfig::Adwin(adwin), DriftConfig::PageHinkley(page_hinkley)] {
            saved_goes_on(DriftDetector::new(config.clone()).unwrap(), 3000, |detector, row| {
                (detector.observe(Noise::new(row as u64).unit() + (row / 500 % 2) as f64), detector.mean(), detector.rows())
            });
            saved_goes_on(DriftDetector::new(config).unwrap(), 3000, |detector, row| {
                (detector.observe(wild(row)), detector.mean(), detector.rows())
            });
        }
    }
}

#[test]
fn tables() {
    saved_goes_on(Slots::new(6).unwrap(), 3000, |slots, row| {
        let mut noise = Noise::new(row as u64);
        let slot = slots.slot(&noise.below(9).to_string());
        let released = (noise.below(4) == 0).then(|| slots.release(&noise.below(9).to_string()));
        (slot, released, slots.given_up())
    });
    saved_goes_on(Categories::new(6), 300, |categories, row| {
        categories.number(&Noise::new(row as u64).below(9).to_string())
    });
}

#[test]
fn settings_of_saved_states_are_checked() {
    fn refused<S: serde::Serialize + serde::de::DeserializeOwned>(state: &S, changes: &[(&str, &str, &str)]) {
        let text = text(state);
        for (from, to, named) in changes {
            let wrong = text.replace(from, to);
            assert_ne!(wrong, text, "{from}");
            let error = serde_json::from_str::<S>(&wrong).err().unwrap().to_string();
            assert!(error.contains(named), "{to}: {error}");
        }
    }
    let config = NormaliserConfig { half_life: Some(4.0), ..Default::default() };
    refused(
        &Normaliser::new(2, config).unwrap(),
        &[
            ("\"limit\":5.0", "\"limit\":-5.0", "limit = -5"),
            ("4.0", "0.0", "half_life = 0"),
            ("\"decay\":0", "\"decay\":7", "decay = 7"),
        ],
    );
    let measures = Prequential::classification(PrequentialConfig::default()).unwrap();
    refused(&measures, &[("\"window\":1000", "\"window\":0", "window = 0"), ("0.999", "1.5", "fading = 1.5")]);
    let config = PrequentialConfig { most_classes: 3, window: 2, ..Default::default() };
    let mut measures = Prequential::classification(config).unwrap();
    for _ in 0..2 {
        measures.record(Outcome::Class { target: 1, answer: 2, probability: None }).unwrap();
    }
    let huge = format!("\"answer\":{}", usize::MAX);
    refused(
        &measures,
        &[
            ("\"answer\":2", &huge, "classes of at most 3"),
            ("\"most_classes\":3", "\"most_classes\":2", "3 classes of at most 2"),
            ("\"window\":2", "\"window\":1", "2 rows in a window of 1"),
            ("\"most_classes\":3", "\"most_classes\":99999999", "most_classes = 99999999"),
        ],
    );
    refused(&Alarm::new(AlarmConfig::default()).unwrap(), &[("0.99", "99.0", "quantile = 99"), ("2048", "2", "bins = 2")]);
    let detector = DriftDetector::new(DriftConfig::default()).unwrap();
    refused(&detector, &[("0.002", "2.0", "confidence = 2"), ("\"every\":32", "\"every\":0", "every = 0")]);
    let page_hinkley = PageHinkley::new(PageHinkleyConfig::default()).unwrap();
    refused(&page_hinkley, &[("50.0", "-50.0", "threshold = -50"), ("0.005", "-1.0", "tolerance = -1")]);
}

#[test]
fn settings_in_files() {
    let config: DriftConfig =
        serde_json::from_str(r#"{"method": "page-hinkley", "threshold": 7.5, "direction": "both"}"#).unwrap();
    let expected = PageHinkleyConfig { threshold: 7.5, direction: Direction::Both, ..Default::default() };
    assert_eq!(config, DriftConfig::PageHinkley(expected));
    assert_eq!(serde_json::from_str::<DriftConfig>(r#"{"method": "adwin"}"#).unwrap(), DriftConfig::default());
    assert!(serde_json::from_str::<DriftConfig>(r#"{"method": "adwin", "treshold": 7.5}"#).is_err());
    assert_eq!(serde_json::from_str::<AlarmConfig>("{}").unwrap(), AlarmConfig::default());
    assert_eq!(serde_json::from_str::<PrequentialConfig>("{}").unwrap(), PrequentialConfig::default());
    assert_eq!(serde_json::from_str::<NormaliserConfig>("{}").unwrap(), NormaliserConfig::default());
}
