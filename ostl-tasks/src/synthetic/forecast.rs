//! Series to be forecast: brought to mean 0 and variance 1, and written with their own future as targets.

use ostl_core::SequenceBatch;

/// Longest sequence that is accepted, in steps: statistics of this many take a few seconds.
pub(super) const LONGEST: usize = 100_000;

/// Sequences of a split that statistics are taken of, at most: the first ones.
pub(super) const SAMPLED: usize = 64;

/// Mean and standard deviation of each of several quantities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale<const N: usize> {
    mean: [f64; N],
    deviation: [f64; N],
}

impl<const N: usize> Scale<N> {
    /// Of all values of some series, of which no more than one is held.
    pub(super) fn of(series: impl Iterator<Item = Vec<[f64; N]>>) -> Self {
        let (mut count, mut sums, mut squares) = (0.0, [0.0; N], [0.0; N]);
        for values in series.flatten() {
            count += 1.0;
            for i in 0..N {
                sums[i] += values[i];
                squares[i] += values[i] * values[i];
            }
        }
        let mean = sums.map(|sum| sum / count);
        Self { mean, deviation: std::array::from_fn(|i| (squares[i] / count - mean[i] * mean[i]).sqrt()) }
    }

    /// Less the mean, by the deviation.
    pub(super) fn normal(&self, values: [f64; N]) -> [f32; N] {
        std::array::from_fn(|i| ((values[i] - self.mean[i]) / self.deviation[i]) as f32)
    }
}

/// How a series becomes steps: its values are the inputs, and from `washout` on the values `horizon` later are the targets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forecast {
    pub(super) length: usize,
    pub(super) horizon: usize,
    pub(super) washout: usize,
}

impl Forecast {
    /// Values that a sequence takes.
    pub(super) fn samples(&self) -> usize {
        self.length + self.horizon
    }

    /// Fills a stream with a series, of whose values the first `shown` are inputs and all are targets.
    #[track_caller]
    pub(super) fn write<const N: usize>(
        &self,
        series: &[[f64; N]],
        scale: &Scale<N>,
        shown: usize,
        batch: &mut SequenceBatch<f32>,
        stream: usize,
    ) {
        for step in 0..self.length {
            batch.input_mut(stream, step).copy_from_slice(&scale.normal(series[step])[..shown]);
            if step >= self.washout {
                batch.values_mut(stream, step).copy_from_slice(&scale.normal(series[step + self.horizon]));
            }
        }
    }

    /// Mean over all targets of some series, and over their values, of the square: what it costs always to say 0.
    pub(super) fn mean_square<const N: usize>(&self, series: impl Iterator<Item = Vec<[f64; N]>>, scale: &Scale<N>) -> f64 {
        let (mut count, mut sum) = (0.0, 0.0);
        for series in series {
            for value in series[self.washout + self.horizon..].iter().flat_map(|&values| scale.normal(values)) {
                count += 1.0;
                sum += f64::from(value) * f64::from(value);
            }
        }
        sum / count
    }
}
