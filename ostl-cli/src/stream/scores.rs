//! How good the answers are, each given before its target was known.

use anyhow::Result;
use ostl_stream::{
    Alarm, AlarmConfig, DriftConfig, DriftDetector, Normaliser, NormaliserConfig, Outcome, PastTargets, Prequential,
    PrequentialConfig, Quantiles, QuantilesConfig,
};
use serde::{Deserialize, Serialize};

use super::labels::{Answer, Truth};
use super::settings::Settings;
use crate::arguments::TaskKind;

/// Errors of regressions are forgotten half in so many rows where their usual size is asked for.
const HALF_LIFE: f64 = 1000.0;
/// An error of so many usual ones is the largest that the drift detector sees: it wants losses within 0 … 1.
const LARGEST: f64 = 5.0;
/// Probabilities below this count as this much.
const LEAST_PROBABILITY: f64 = 1e-15;
/// 90 % of a normal distribution lie within so many deviations.
const NINETY_PERCENT: f64 = 1.64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scores {
    /// Of each target.
    figures: Vec<Prequential>,
    /// Of a forecast: the same for answering what each target was when it was made.
    held: Vec<Prequential>,
    /// target − answer of each target.
    errors: Normaliser,
    /// Where an interval is asked for: |target − answer| of each target, and how many of them it is to hold.
    sizes: Option<(f64, Vec<Quantiles>)>,
    alarm: Option<Alarm>,
    drift: DriftDetector,
}

/// What is said of one answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    /// −ln p, or the mean of |error|.
    pub(super) loss: Option<f64>,
    /// −ln p, or |error| in usual ones.
    pub(super) surprise: Option<f64>,
    pub(super) alarm: bool,
    pub(super) drift: bool,
}

impl Scores {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        let config = PrequentialConfig { season: settings.season, ..Default::default() };
        let figures = |config: &PrequentialConfig| match settings.task {
            TaskKind::Classify => Prequential::classification(config.clone()),
            TaskKind::Regress | TaskKind::Forecast => Prequential::regression(config.clone()),
        };
        let targets = settings.target.len();
        let all = (0..targets).map(|_| figures(&config)).collect::<Result<Vec<_>, _>>()?;
        let held = if settings.task == TaskKind::Forecast { all.clone() } else { Vec::new() };
        let alarm = settings
            .alarm
            .map(|quantile| Alarm::new(AlarmConfig { quantile, refractory: settings.refractory, ..Default::default() }));
        let sizes = settings.interval.map(|share| {
            // All errors weigh the same at first, and newer ones more later on.
            let quantiles = || Quantiles::new(QuantilesConfig { half_life: Some(HALF_LIFE), ..Default::default() });
            Ok::<_, anyhow::Error>((share, (0..targets).map(|_| quantiles()).collect::<Result<_, _>>()?))
        });
        let errors = NormaliserConfig { half_life: Some(HALF_LIFE), ..Default::default() };
        Ok(Self {
            figures: all,
            held,
            errors: Normaliser::new(targets, errors)?,
            sizes: sizes.transpose()?,
            alarm: alarm.transpose()?,
            drift: DriftDetector::new(DriftConfig::default())?,
        })
    }

    /// Figures of the rows to come alone. What errors are usual, and what was last, is still known.
    pub(super) fn begin_anew(&mut self, settings: &Settings) -> Result<()> {
        let new = Self::new(settings)?;
        let all = self.figures.iter_mut().chain(&mut self.held).zip(new.figures.into_iter().chain(new.held));
        for (figures, mut new) in all {
            let mut past = PastTargets::default();
            figures.exchange_past(&mut past);
            new.exchange_past(&mut past);
            *figures = new;
        }
        Ok(())
    }

    /// Takes an answer and what was right. `held` is what each target was when a forecast was made.
    pub(super) fn judge(&mut self, answer: Option<&Answer>, truth: &Truth, held: &[Option<f64>]) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        let miss = match (answer, truth) {
            (Some(answer @ Answer::Class { best, .. }), Truth::Class(class)) => {
                let probability = answer.probability(*class).unwrap_or(0.0);
                // The best of the classes that were known, which need not be the likeliest of all.
                let outcome = Outcome::Class { target: *class, answer: *best, probability: Some(probability) };
                self.figures.iter_mut().try_for_each(|figures| figures.record(outcome))?;
                // Not −0 where it was sure.
                let loss = 0.0 - probability.max(LEAST_PROBABILITY).ln();
                (verdict.loss, verdict.surprise) = (Some(loss), Some(loss));
                if best == class { 0.0 } else { 1.0 }
            }
            (Some(Answer::Numbers(values)), Truth::Numbers(targets)) => {
                for (figures, (&target, &answer)) in self.figures.iter_mut().zip(targets.iter().zip(values)) {
                    figures.record(Outcome::Value { target, answer })?;
                }
                for (figures, (&target, answer)) in self.held.iter_mut().zip(targets.iter().zip(held)) {
                    if let Some(answer) = *answer {
                        figures.record(Outcome::Value { target, answer })?;
                    }
                }
                let errors: Vec<f64> = targets.iter().zip(values).map(|(target, value)| target - value).collect();
                let count = errors.len() as f64;
                let usual = |(target, error): (usize, &f64)| {
                    let deviation = self.errors.deviation(target).filter(|deviation| *deviation > 0.0)?;
                    Some(error.abs() / deviation)
                };
                verdict.surprise = errors.iter().enumerate().map(usual).sum::<Option<f64>>().map(|sum| sum / count);
                verdict.loss = Some(errors.iter().map(|error| error.abs()).sum::<f64>() / count);
                self.errors.observe(&errors)?;
                if let Some((_, sizes)) = &mut self.sizes {
                    for (sizes, error) in sizes.iter_mut().zip(&errors) {
                        sizes.observe(error.abs());
                    }
                }
                let Some(surprise) = verdict.surprise else { return Ok(verdict) };
                surprise.min(LARGEST) / LARGEST
            }
            _ => return Ok(verdict),
        };
        verdict.drift = self.drift.observe(miss);
        if let (Some(alarm), Some(surprise)) = (&mut self.alarm, verdict.surprise) {
            verdict.alarm = alarm.observe(surprise);
        }
        Ok(verdict)
    }

    /// How far from the answer a target lies at most in the share of cases that was asked for; nine of ten, if errors are normal, where none was.
    pub(super) fn interval(&self, target: usize) -> Option<f64> {
        match &self.sizes {
            Some((share, sizes)) => sizes.get(target)?.quantile(*share),
            None => self.errors.deviation(target).map(|deviation| NINETY_PERCENT * deviation),
        }
    }

    /// Goes on with what the guessers know of another stream.
    pub(super) fn exchange_past(&mut self, past: &mut Vec<PastTargets>) {
        past.resize(self.figures.len() + self.held.len(), PastTargets::default());
        self.figures.iter_mut().chain(&mut self.held).zip(past).for_each(|(figures, past)| figures.exchange_past(past));
    }

    pub(super) fn figures(&self) -> &[Prequential] {
        &self.figures
    }

    pub(super) fn held(&self) -> &[Prequential] {
        &self.held
    }

    pub(super) fn alarms(&self) -> Option<u64> {
        self.alarm.as_ref().map(Alarm::raised)
    }

    pub(super) fn drifts(&self) -> u64 {
        self.drift.raised()
    }
}
