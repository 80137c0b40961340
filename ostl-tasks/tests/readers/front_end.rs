//! The front end against librosa: `golden/mfcc_librosa.py` wrote `tests/golden/front_end.json`.

use std::f64::consts::TAU;

use ostl_tasks::speech::front_end::{LogMel, MelConfig, MelScale, Mfcc, MfccConfig, Window};
use serde::Deserialize;

/// What the script printed: settings, and some frames of what librosa made with them.
#[derive(Deserialize)]
struct Case {
    rate: u32,
    samples: usize,
    frame_ms: f64,
    hop_ms: f64,
    window: Window,
    pre_emphasis: f64,
    bands: usize,
    scale: MelScale,
    low_hz: f64,
    high_hz: f64,
    coefficients: usize,
    delta_reach: usize,
    count: usize,
    frames: Vec<usize>,
    log_mel: Vec<Vec<f64>>,
    mfcc: Vec<Vec<f64>>,
}

/// The script's signal.
fn signal(rate: u32, samples: usize) -> Vec<f32> {
    let value = |i: usize| {
        let t = i as f64 / f64::from(rate);
        let chirp = 0.4 * (TAU * (200.0 * t + 1500.0 * t * t)).sin();
        let tone = 0.2 * (TAU * 970.0 * t).sin() * (TAU * 3.0 * t).sin().powi(2);
        (chirp + tone + if i.is_multiple_of(1000) { 0.3 } else { 0.0 }) as f32
    };
    (0..samples).map(value).collect()
}

/// The largest difference, as a share of the largest value.
fn off(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let difference = |(found, expected): (&f32, &f64)| (f64::from(*found) - expected).abs();
    found.iter().zip(expected).map(difference).fold(0.0, f64::max) / largest
}

#[test]
fn as_librosa_has_it() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../golden/front_end.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let mel = MelConfig {
            frame_ms: case.frame_ms,
            hop_ms: Some(case.hop_ms),
            window: case.window,
            pre_emphasis: case.pre_emphasis,
            bands: Some(case.bands),
            scale: case.scale,
            low_hz: case.low_hz,
            high_hz: Some(case.high_hz),
        };
        let mfcc = MfccConfig { coefficients: case.coefficients, deltas: 2, delta_reach: case.delta_reach };
        let samples = signal(case.rate, case.samples);
        let log_mel = LogMel::new(&mel, case.rate).unwrap().extract(&samples);
        let all = Mfcc::new(&mel, &mfcc, case.rate).unwrap().extract(&samples);
        assert_eq!((log_mel.len(), all.len(), all.width()), (case.count, case.count, 3 * case.coefficients));
        for (at, &frame) in case.frames.iter().enumerate() {
            assert!(off(log_mel.frame(frame), &case.log_mel[at]) < 1e-5, "{frame}");
            // Coefficients, slopes and slopes of slopes each on their own scale.
            for (found, expected) in all.frame(frame).chunks(case.coefficients).zip(case.mfcc[at].chunks(case.coefficients))
            {
                assert!(off(found, expected) < 1e-4, "{frame}: {found:?} {expected:?}");
            }
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let default = MelConfig::default;
    for (config, words) in [
        (MelConfig { frame_ms: 0.5, ..default() }, "mel.frame_ms = 0.5: must be a number from 1 to 1000"),
        (MelConfig { hop_ms: Some(f64::NAN), ..default() }, "mel.hop_ms = NaN"),
        (MelConfig { pre_emphasis: 1.5, ..default() }, "mel.pre_emphasis = 1.5"),
        (MelConfig { bands: Some(0), ..default() }, "mel.bands = 0: must be a whole number from 1 to 256"),
        (MelConfig { bands: Some(256), ..default() }, "mel.bands = 256: must be fewer"),
        (MelConfig { high_hz: Some(4001.0), ..default() }, "mel.high_hz = 4001: must be a number from 0 to 4000"),
        (MelConfig { low_hz: 3000.0, high_hz: Some(2000.0), ..default() }, "mel.low_hz = 3000"),
    ] {
        let error = LogMel::new(&config, 8000).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
    for (config, words) in [
        (
            MfccConfig { coefficients: 41, ..Default::default() },
            "mfcc.coefficients = 41: must be a whole number from 1 to 40",
        ),
        (MfccConfig { deltas: 3, ..Default::default() }, "mfcc.deltas = 3"),
        (MfccConfig { delta_reach: 0, ..Default::default() }, "mfcc.delta_reach = 0"),
    ] {
        let error = Mfcc::new(&default(), &config, 8000).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn silence_and_the_shortest_recordings_are_finite() {
    let mut mfcc = Mfcc::new(&MelConfig::default(), &MfccConfig::default(), 8000).unwrap();
    for samples in [vec![0.0; 1000], vec![1.0], vec![-1.0; 200], vec![1e6; 400]] {
        let features = mfcc.extract(&samples);
        assert_eq!(features.len(), 1 + samples.len().saturating_sub(200) / 80);
        assert!(features.frames().flatten().all(|value| value.is_finite()));
    }
}
