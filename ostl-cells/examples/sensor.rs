//! A stream with everything that belongs to one: a sensor is corrected by laboratory values that come ten rows late, while its sensitivity changes once
//! and it sticks now and then. Normaliser, learner, its twin ahead, delay line, test-then-learn figures, alarm and drift.

use ostl_cells::prelude::*;
use ostl_core::{Predictor, Publisher};
use ostl_stream::{
    Alarm, AlarmConfig, DelayLine, DriftConfig, DriftDetector, Normaliser, NormaliserConfig, Outcome, Prequential,
    PrequentialConfig,
};

const LATE: usize = 10;
const ROWS: usize = 12_000;

/// What is measured and what is right, row by row: the reading drags behind and depends on the temperature.
fn rows() -> impl Iterator<Item = ([f64; 2], f64)> {
    let (mut slow, mut seed) = (0.0, 1_u32);
    (0..ROWS).map(move |row| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 8) / f64::from(1_u32 << 24) - 0.5;
        let truth = 50.0 + 10.0 * (row as f64 / 37.0).sin() + 5.0 * (row as f64 / 11.0).sin();
        let warmth = 20.0 + 5.0 * (row as f64 / 500.0).cos();
        slow += 0.5 * (truth - slow);
        let sensitivity = if row < ROWS / 2 { 1.0 } else { 0.6 };
        let reading = if row % 3000 == 2000 { 0.0 } else { sensitivity * slow + 0.4 * (warmth - 20.0) + 0.1 * noise };
        ([reading, warmth], truth)
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f32>::builder(2).seed(1).recurrent(Lru::new(), 24).readout(1)?;
    let mut publisher = Publisher::new(&network);
    let latest = publisher.latest();
    // It answers for the newest row; the learner takes each row when its label is there, with the state of that row.
    let mut ahead = Predictor::new(latest.get(), 1)?;
    let optimizer = OptimizerSettings { clip_norm: Some(1.0), ..OptimizerSettings::adam(0.003) };
    let method = Method::ostl().with_update(Update::Window);
    let mut learner = Learner::new(network, Loss::MeanSquaredError, method, optimizer, 1)?;
    let config = NormaliserConfig { half_life: Some(3000.0), ..Default::default() };
    let (mut inputs, mut targets) = (Normaliser::new(2, config.clone())?, Normaliser::new(1, config)?);
    let mut waiting = DelayLine::new(LATE);
    let mut figures = Prequential::regression(PrequentialConfig::default())?;
    let mut alarm = Alarm::new(AlarmConfig { quantile: 0.999, refractory: 50, ..Default::default() })?;
    let mut drift = DriftDetector::new(DriftConfig::default())?;
    let mut drifted = None;
    for (row, (measured, truth)) in rows().enumerate() {
        let mut x = [0.0; 2];
        inputs.observe(&measured)?;
        inputs.normalise(&measured, &mut x)?;
        let x = x.map(|value| value as f32);
        ahead.set_network(latest.get())?;
        let mut answer = [0.0];
        targets.denormalise(&[f64::from(ahead.predict(&x)?[0])], &mut answer)?;
        // The label of ten rows ago is here. Test, then learn.
        let Some((x, answer, truth)) = waiting.push((x, answer[0], truth)) else { continue };
        figures.record(Outcome::Value { target: truth, answer })?;
        let error = (truth - answer).abs();
        if alarm.observe(error) {
            println!("row {row:>5}: {answer:.1} where {truth:.1} was right");
        }
        if drift.observe((error / 20.0).min(1.0)) {
            drifted = drifted.or(Some(row).filter(|row| *row > ROWS / 2));
            println!("row {row:>5}: the errors have become larger");
        }
        let mut y = [0.0];
        targets.observe(&[truth])?;
        targets.normalise(&[truth], &mut y)?;
        learner.predict(&x)?;
        learner.learn(&[Some(Target::Values(&[y[0] as f32]))])?;
        publisher.publish(learner.network());
    }
    let figures = figures.figures();
    let all = figures.regression().ok_or("figures of values")?;
    let (late, mean) = (all.window.mae.unwrap_or(f64::NAN), all.window.mean_mae.unwrap_or(f64::NAN));
    println!(
        "mean |error| of the last rows {late:.2}, of the mean {mean:.2}; drift seen at {drifted:?}, {} alarms",
        alarm.raised()
    );
    if late < 0.5 * mean && drifted.is_some() { Ok(()) } else { Err("it did not learn, or saw no drift".into()) }
}
