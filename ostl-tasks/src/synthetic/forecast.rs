//! Series to be forecast: brought to mean 0 and variance 1, and written with their own future as targets.

use ostl_core::SequenceBatch;

/// Sequences of a split that statistics are taken of, at most: the first so many.
pub(super) const SAMPLED: usize = 64;

/// Mean and standard deviation of each of several quantities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale<const N: usize> {
    mean: [f64; N],
    deviation: [f64; N],
}

impl<const N: usize> Scale<N> {
    /// Of all values of some series.
    pub(super) fn of(series: &[Vec<[f64; N]>]) -> Self {
        let count = series.iter().map(Vec::len).sum::<usize>() as f64;
        let mean_of = |of: &dyn Fn(f64, usize) -> f64| -> [f64; N] {
            std::array::from_fn(|i| series.iter().flatten().map(|values| of(values[i], i)).sum::<f64>() / count)
        };
        let mean = mean_of(&|value, _| value);
        let variance = mean_of(&|value, i| (value - mean[i]) * (value - mean[i]));
        Self { mean, deviation: variance.map(f64::sqrt) }
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
    pub(super) fn mean_square<const N: usize>(&self, series: &[Vec<[f64; N]>], scale: &Scale<N>) -> f64 {
        let targets = series.iter().flat_map(|series| &series[self.washout + self.horizon..]);
        let squares: Vec<f64> =
            targets.flat_map(|&values| scale.normal(values)).map(|value| f64::from(value) * f64::from(value)).collect();
        squares.iter().sum::<f64>() / squares.len() as f64
    }
}
