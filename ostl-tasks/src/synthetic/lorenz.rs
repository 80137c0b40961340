//! Lorenz: forecast the state of a chaotic system.

use ostl_core::{ConfigError, Loss, SequenceBatch};
use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, LONGEST, SAMPLED, Scale};
use super::settings::{Source, within, within_real};
use crate::metric::Metric;
use crate::random::{Draws, Purpose};
use crate::split::Split;
use crate::task::{Goal, Task};

/// Longest step of integration.
const FINE: f64 = 0.005;
/// Units of time that are left out, at least; up to as many again are drawn.
const TRANSIENT: f64 = 20.0;

/// Settings of [`Lorenz`].
///
/// | name | default | meaning | range |
/// | --- | --- | --- | --- |
/// | `dt` | 0.02 | time of a step | 0.001 … 0.1 |
/// | `horizon` | 5 | how far ahead the forecast is, in steps | 1 … 10 000 |
/// | `observed` | 1 | how many of x, y and z the network sees, in this order | 1 … 3 |
/// | `length` | 250 | steps of a sequence | 1 … 100 000 |
/// | `washout` | 50 | steps at the beginning without a target | 0 … `length` − 1 |
/// | `train` | 64 | sequences to learn from | 1 … 10 000 000 |
/// | `valid` | 16 | sequences to choose settings on | 1 … 10 000 000 |
/// | `test` | 16 | sequences to report on | 1 … 10 000 000 |
/// | `seed` | 1 | what all sequences are drawn from | any |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LorenzConfig {
    /// Time of a step.
    pub dt: f64,
    /// How far ahead the forecast is, in steps.
    pub horizon: usize,
    /// How many of x, y and z the network sees.
    pub observed: usize,
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

impl Default for LorenzConfig {
    fn default() -> Self {
        Self { dt: 0.02, horizon: 5, observed: 1, length: 250, washout: 50, train: 64, valid: 16, test: 16, seed: 1 }
    }
}

/// Where will the system be in a while? dx/dt = 10 (y − x), dy/dt = x (28 − z) − y, dz/dt = x y − 8/3 z.
///
/// Of Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences 1963, with his constants.
///
/// - the inputs are x, or x and y, or all of x, y and z now; the outputs are all three `horizon` steps later; a target at every step from
///   `washout` on. From x alone, y and z can be found only by looking back;
/// - each sequence is a trajectory of its own: x and y are drawn evenly from −15 … 15 and z from 10 … 40, and 20 units of time, and up to 20
///   more, are left out;
/// - integrated by the fourth-order Runge–Kutta method, `dt` divided into as few equal steps as make them no longer than 0.005;
/// - mean and standard deviation of x, y and z in the first 64 sequences of the train split are brought to 0 and 1;
/// - the loss is the squared error, mean over the three: the variance, about 1, is what it costs to say 0.
#[derive(Clone, Debug)]
pub struct Lorenz {
    config: LorenzConfig,
    source: Source,
    scale: Scale<3>,
    chance: f64,
}

impl Lorenz {
    /// The task with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting is outside the range that [`LorenzConfig`] gives.
    pub fn new(config: LorenzConfig) -> Result<Self, ConfigError> {
        within_real("dt", config.dt, 0.001..=0.1)?;
        within("horizon", config.horizon, 1..=10_000, "")?;
        within("observed", config.observed, 1..=3, "")?;
        within("length", config.length, 1..=LONGEST, "")?;
        within("washout", config.washout, 0..=config.length - 1, ", less than the `length`")?;
        let source = Source::new(Purpose::Lorenz, config.seed, [config.train, config.valid, config.test])?;
        let forecast = forecast(&config);
        let dt = config.dt;
        let sample = |split| {
            let first = 0..source.sequences(split).min(SAMPLED);
            first.map(move |index| trajectory(&mut source.draws(split, index), dt, forecast.samples()))
        };
        let scale = Scale::of(sample(Split::Train));
        let chance = forecast.mean_square(sample(Split::Test), &scale);
        Ok(Self { config, source, scale, chance })
    }

    /// The settings.
    pub fn config(&self) -> &LorenzConfig {
        &self.config
    }
}

fn forecast(config: &LorenzConfig) -> Forecast {
    Forecast { length: config.length, horizon: config.horizon, washout: config.washout }
}

fn slope([x, y, z]: [f64; 3]) -> [f64; 3] {
    [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
}

/// A step of the fourth-order Runge–Kutta method.
fn advance(state: [f64; 3], h: f64) -> [f64; 3] {
    let moved = |along: [f64; 3], by: f64| -> [f64; 3] { std::array::from_fn(|i| state[i] + by * along[i]) };
    let k1 = slope(state);
    let k2 = slope(moved(k1, 0.5 * h));
    let k3 = slope(moved(k2, 0.5 * h));
    let k4 = slope(moved(k3, h));
    std::array::from_fn(|i| state[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
}

/// The state at `samples` times `dt` apart, after a drawn beginning.
fn trajectory(draws: &mut Draws, dt: f64, samples: usize) -> Vec<[f64; 3]> {
    let mut state = [draws.between(-15.0, 15.0), draws.between(-15.0, 15.0), draws.between(10.0, 40.0)];
    let parts = (dt / FINE).ceil().max(1.0);
    let h = dt / parts;
    let shortest = (TRANSIENT / h) as u64;
    for _ in 0..shortest + draws.below(shortest) {
        state = advance(state, h);
    }
    (0..samples)
        .map(|_| {
            let now = state;
            (0..parts as usize).for_each(|_| state = advance(state, h));
            now
        })
        .collect()
}

impl Task for Lorenz {
    fn name(&self) -> &str {
        "lorenz"
    }

    fn inputs(&self) -> usize {
        self.config.observed
    }

    fn outputs(&self) -> usize {
        3
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
        let trajectory = trajectory(&mut self.source.draws(split, index), self.config.dt, forecast.samples());
        forecast.write(&trajectory, &self.scale, self.config.observed, batch, stream);
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Nrmse, Metric::R2]
    }

    /// A fifth of the system's own deviation; nothing is left to chance.
    fn goal(&self) -> Option<Goal> {
        Some(Goal { metric: Metric::Nrmse, reach: 0.2, best: Some(0.0) })
    }

    /// What it costs always to say the train split's means, on the first 64 sequences of the test split.
    fn chance(&self) -> Option<f64> {
        Some(self.chance)
    }
}
