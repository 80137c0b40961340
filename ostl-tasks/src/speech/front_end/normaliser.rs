//! Values of mean 0 and variance 1.

use super::features::Features;

/// Mean and spread of each value of a frame, learned from some recordings and applied to all.
#[derive(Clone, Debug, PartialEq)]
pub struct Normaliser {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Normaliser {
    /// The mean and the standard deviation (of the population) over all frames of some recordings. A value that hardly varies (by
    /// less than a millionth) keeps its scale.
    ///
    /// # Panics
    /// If the recordings' frames have other widths than `width`.
    #[track_caller]
    pub fn learn<'f>(width: usize, recordings: impl IntoIterator<Item = &'f Features>) -> Self {
        let (mut means, mut squares) = (vec![0.0; width], vec![0.0; width]);
        let mut count = 0.0;
        for features in recordings {
            assert_eq!(features.width(), width, "values in a frame");
            for frame in features.frames() {
                count += 1.0;
                // Welford's recurrence: no difference of large sums.
                for ((mean, square), &value) in means.iter_mut().zip(&mut squares).zip(frame) {
                    let off = f64::from(value) - *mean;
                    *mean += off / count;
                    *square += off * (f64::from(value) - *mean);
                }
            }
        }
        let deviation = |square: f64| (square / count.max(1.0)).sqrt();
        let deviations = squares.into_iter().map(|square| if deviation(square) < 1e-6 { 1.0 } else { deviation(square) });
        Self { deviations: deviations.collect(), means }
    }

    /// The means.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The standard deviations.
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// (value − mean) / deviation, in place.
    ///
    /// # Panics
    /// If the frames have another width.
    #[track_caller]
    pub fn apply(&self, features: &mut Features) {
        assert_eq!(features.width(), self.means.len(), "values in a frame");
        for frame in features.frames_mut() {
            for ((value, mean), deviation) in frame.iter_mut().zip(&self.means).zip(&self.deviations) {
                *value = ((f64::from(*value) - mean) / deviation) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let (mut a, mut b) = (Features::with_capacity(2, 2), Features::with_capacity(2, 1));
        a.push([1.0, 5.0]);
        a.push([3.0, 5.0]);
        b.push([8.0, 5.0]);
        let normaliser = Normaliser::learn(2, [&a, &b]);
        // Mean 4; squares 9 + 1 + 16 = 26, a third of which is 8.667.
        let deviation = (26.0_f64 / 3.0).sqrt();
        assert!((normaliser.means()[0] - 4.0).abs() < 1e-12 && (normaliser.deviations()[0] - deviation).abs() < 1e-12);
        normaliser.apply(&mut b);
        assert_eq!(b.frame(0), [(4.0 / deviation) as f32, 0.0]);
    }
}
