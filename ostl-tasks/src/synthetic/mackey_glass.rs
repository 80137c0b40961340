//! Mackey–Glass: forecast a chaotic series with a delay.

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, LONGEST, SAMPLED, Scale};
use super::settings::{Source, within};
use crate::metric::Metric;
use crate::random::{Draws, Purpose};
use crate::split::Split;
use crate::task::{Goal, Task};

/// Steps of integration in a unit of time.
const FINE: usize = 10;
/// Units of time that are left out, at least; up to as many again are drawn.
const TRANSIENT: usize = 500;

/// Settings of [`MackeyGlass`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `tau` | 17 | delay τ of the equation, in units of time | 1 … 1 000 |
/// | `horizon` | 6 | how far ahead the forecast is, in steps (units of time) | 1 … 10 000 |
/// | `length` | 300 | steps of a sequence | 1 … 100 000 |
/// | `washout` | 50 | steps at the beginning without a target | 0 … `length` − 1 |
/// | `train` | 64 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 16 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 16 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MackeyGlassConfig {
    /// Delay of the equation, in units of time.
    pub tau: usize,
    /// How far ahead the forecast is, in steps.
    pub horizon: usize,
    /// Steps of a sequence.
    pub length: usize,
    /// Steps at the beginning without a target.
    pub washout: usize,
    /// Number of sequences of the train split.
    pub train: usize,
    /// Number of sequences of the valid split.
    pub valid: usize,
    /// Number of sequences of the test split.
    pub test: usize,
    /// What all sequences are drawn from.
    pub seed: u64,
}

impl Default for MackeyGlassConfig {
    fn default() -> Self {
        Self { tau: 17, horizon: 6, length: 300, washout: 50, train: 64, valid: 16, test: 16, seed: 1 }
    }
}

/// Where will the series be in a while? dx/dt = 0.2 x(t − τ) / (1 + x(t − τ)¹⁰) − 0.1 x(t), at one step a unit of time.
///
/// Of Mackey and Glass, "Oscillation and chaos in physiological control systems", Science 1977; chaotic for τ ≥ 17, the value that forecasts
/// are mostly reported for, 1, 6 or 84 steps ahead.
///
/// - one input, x now; one output, x `horizon` steps later; a target at every step from `washout` on, for one value alone says little;
/// - each sequence is a stretch of its own: x is constant until time 0, at a value drawn evenly from 0.5 … 1.5, and 500 units of time,
///   and up to 499 more, are left out;
/// - integrated by the fourth-order Runge–Kutta method in steps of 0.1, with cubic interpolation (Hermite's) between them for x(t − τ);
/// - mean and standard deviation of the first 64 sequences of the train split are brought to 0 and 1;
/// - the loss is the squared error: the variance, about 1, is what it costs to say 0.
#[derive(Clone, Debug)]
pub struct MackeyGlass {
    config: MackeyGlassConfig,
    source: Source,
    scale: Scale<1>,
    chance: f64,
}

impl MackeyGlass {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`MackeyGlassConfig`] gives.
    pub fn new(config: MackeyGlassConfig) -> Result<Self, ConfigError> {
        within("tau", config.tau, 1..=1_000, "")?;
        within("horizon", config.horizon, 1..=10_000, "")?;
        within("length", config.length, 1..=LONGEST, "")?;
        within("washout", config.washout, 0..=config.length - 1, ", less than the `length`")?;
        let source = Source::new(Purpose::MackeyGlass, config.seed, [config.train, config.valid, config.test])?;
        let forecast = forecast(&config);
        let tau = config.tau;
        let sample = |split| {
            let first = 0..source.sequences(split).min(SAMPLED);
            first.map(move |index| series(&mut source.draws(split, index), tau, forecast.samples()))
        };
        let scale = Scale::of(sample(Split::Train));
        let chance = forecast.mean_square(sample(Split::Test), &scale);
        Ok(Self { config, source, scale, chance })
    }

    /// The settings.
    pub fn config(&self) -> &MackeyGlassConfig {
        &self.config
    }
}

fn forecast(config: &MackeyGlassConfig) -> Forecast {
    Forecast { length: config.length, horizon: config.horizon, washout: config.washout }
}

/// dx/dt, from x now and x a delay ago.
fn slope(now: f64, delayed: f64) -> f64 {
    // The tenth power by multiplication alone, so that it is the same everywhere.
    let square = delayed * delayed;
    let fourth = square * square;
    let tenth = fourth * fourth * square;
    0.2 * delayed / (1.0 + tenth) - 0.1 * now
}

/// x at `samples` whole times, after a drawn beginning.
fn series(draws: &mut Draws, tau: usize, samples: usize) -> Vec<[f64; 1]> {
    let h = 1.0 / FINE as f64;
    let start = draws.between(0.5, 1.5);
    let transient = TRANSIENT + draws.below(TRANSIENT as u64) as usize;
    // x and dx/dt at the last τ · FINE points of time; the oldest stands where the next is written.
    let mut past = vec![(start, 0.0); tau * FINE];
    let mut now = start;
    let mut series = Vec::with_capacity(samples);
    for step in 0..(transient + samples) * FINE {
        if step % FINE == 0 && step / FINE >= transient {
            series.push([now]);
        }
        let oldest = step % past.len();
        let (from, slope_from) = past[oldest];
        let k1 = slope(now, from);
        past[oldest] = (now, k1);
        // With a delay of one point of time this would be the one just written; there are ten at least.
        let (to, slope_to) = past[(step + 1) % past.len()];
        let middle = 0.5 * (from + to) + 0.125 * h * (slope_from - slope_to);
        let k2 = slope(now + 0.5 * h * k1, middle);
        let k3 = slope(now + 0.5 * h * k2, middle);
        let k4 = slope(now + h * k3, to);
        now += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    series
}

impl Task for MackeyGlass {
    fn name(&self) -> &str {
        "mackey-glass"
    }

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self) -> usize {
        1
    }

    fn loss(&self) -> Loss {
        Loss::MeanSquaredError
    }

    fn sequences(&self, split: Split) -> usize {
        self.source.sequences(split)
    }

    #[track_caller]
    fn steps(&self, split: Split, index: usize) -> usize {
        self.source.draws(split, index);
        self.config.length
    }

    #[track_caller]
    fn write(&self, split: Split, index: usize, batch: &mut SequenceBatch<f32>, stream: usize) {
        let forecast = forecast(&self.config);
        let series = series(&mut self.source.draws(split, index), self.config.tau, forecast.samples());
        forecast.write(&series, &self.scale, 1, batch, stream);
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Nrmse, Metric::R2]
    }

    /// A tenth of the series' own deviation; nothing is left to chance.
    fn goal(&self) -> Option<Goal> {
        Some(Goal { metric: Metric::Nrmse, reach: 0.1, best: Some(0.0) })
    }

    /// What it costs always to say the train split's mean, on the first 64 sequences of the test split.
    fn chance(&self) -> Option<f64> {
        Some(self.chance)
    }
}
