//! Running normalisation of the values of a row.

use serde::{Deserialize, Serialize};

use crate::decay::{Decay, check_half_life};
use crate::error::StreamError;
use crate::moments::Moments;
use crate::number::{Settings, checked, count, usable, used};

/// Settings of a [`Normaliser`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NormaliserConfig {
    /// After how many rows a value weighs half as much, 1 … 1e15; with `None` all rows weigh the same. Default: `None`.
    pub half_life: Option<f64>,
    /// Normalised values lie within ± this many standard deviations, above 0 and at most 1e100. Default: 5.
    pub limit: f64,
}

impl Default for NormaliserConfig {
    fn default() -> Self {
        Self { half_life: None, limit: 5.0 }
    }
}

impl Settings for NormaliserConfig {
    fn check(&self) -> Result<(), StreamError> {
        check_half_life(self.half_life)?;
        StreamError::unless(self.limit > 0.0 && usable(self.limit), "limit", self.limit, "above 0 and at most 1e100")
    }
}

/// Mean and standard deviation of each feature of a stream, and values brought to mean 0 and deviation 1 by them.
///
/// z = (x − μ) / σ, clipped to ±limit. With the weight wᵢ = 2^(−age / half-life) of a row, its age in rows that had this feature,
/// μ = Σ wᵢ xᵢ / Σ wᵢ and σ² = Σ wᵢ (xᵢ − μ)² / (Σ wᵢ − Σ wᵢ² / Σ wᵢ). Both are without bias from the first rows on: weights are divided by
/// what they sum to so far. The recursions are those of Welford (Technometrics 4(3), 1962) and West (Communications of the ACM 22(9),
/// 1979). One feature takes 32 bytes.
///
/// * **Missing values** are NaN. They leave that feature's statistics alone, and become 0, which is the mean.
/// * **Infinite values**, and those beyond ±[`LARGEST`](crate::LARGEST), count as missing, and are counted apart.
/// * **A feature that never varied** (or had one value, or none) becomes 0. A deviation of less than eight roundings of the mean
///   (8 · 2⁻⁵² · |μ|) counts as none.
///
/// Show it a row with [`observe`](Self::observe) before or after [`normalise`](Self::normalise), but always in the same order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normaliser {
    #[serde(deserialize_with = "checked")]
    config: NormaliserConfig,
    decay: Decay,
    features: Vec<Moments>,
    rows: u64,
    missing: u64,
    infinite: u64,
}

impl Normaliser {
    /// One for rows of so many features.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(features: usize, config: NormaliserConfig) -> Result<Self, StreamError> {
        config.check()?;
        let (decay, features) = (Decay::of(config.half_life), vec![Moments::default(); features]);
        Ok(Self { config, decay, features, rows: 0, missing: 0, infinite: 0 })
    }

    /// The settings.
    pub fn config(&self) -> &NormaliserConfig {
        &self.config
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.features.len()
    }

    /// Makes room for at least so many features. The new ones stand behind the others and know nothing yet.
    pub fn grow(&mut self, features: usize) {
        if features > self.features.len() {
            self.features.resize(features, Moments::default());
        }
    }

    /// Takes a row into the statistics.
    ///
    /// # Errors
    /// If it has another number of values than there are features.
    pub fn observe(&mut self, row: &[f64]) -> Result<(), StreamError> {
        self.check_width(row.len())?;
        for (feature, &value) in self.features.iter_mut().zip(row) {
            if usable(value) {
                feature.observe(value, self.decay.factor());
            } else {
                count(if value.is_nan() { &mut self.missing } else { &mut self.infinite });
            }
        }
        count(&mut self.rows);
        Ok(())
    }

    /// Writes the row's values, normalised, to `normalised`: all of them finite and within ±limit.
    ///
    /// # Errors
    /// If one of the two has another length than there are features.
    pub fn normalise(&self, row: &[f64], normalised: &mut [f64]) -> Result<(), StreamError> {
        self.check_width(row.len())?;
        self.check_width(normalised.len())?;
        for ((feature, &value), z) in self.features.iter().zip(row).zip(normalised) {
            *z = match (scale(feature), usable(value)) {
                (Some((mean, deviation)), true) if deviation > 0.0 => {
                    ((value - mean) / deviation).max(-self.config.limit).min(self.config.limit)
                }
                _ => 0.0,
            };
        }
        Ok(())
    }

    /// The inverse, x = μ + σ z, as for the answers of a network that learns normalised targets. A feature that never varied becomes its
    /// mean, one without values 0. Nothing is clipped.
    ///
    /// # Errors
    /// If one of the two has another length than there are features, or a value is not a number within ±[`LARGEST`](crate::LARGEST).
    pub fn denormalise(&self, normalised: &[f64], row: &mut [f64]) -> Result<(), StreamError> {
        self.check_width(normalised.len())?;
        self.check_width(row.len())?;
        for &z in normalised {
            used("normalised value", z)?;
        }
        for ((feature, &z), value) in self.features.iter().zip(normalised).zip(row) {
            *value = scale(feature).map_or(0.0, |(mean, deviation)| mean + deviation * z);
        }
        Ok(())
    }

    /// Mean of a feature; `None` where it had no value, or does not exist.
    pub fn mean(&self, feature: usize) -> Option<f64> {
        self.features.get(feature)?.mean()
    }

    /// Standard deviation of a feature; 0 where it did not vary, `None` where it had no value or does not exist.
    pub fn deviation(&self, feature: usize) -> Option<f64> {
        Some(scale(self.features.get(feature)?)?.1)
    }

    /// Number of rows that were observed.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many values of these were missing (NaN).
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// How many values of these were infinite, or beyond ±[`LARGEST`](crate::LARGEST).
    pub fn infinite(&self) -> u64 {
        self.infinite
    }

    fn check_width(&self, found: usize) -> Result<(), StreamError> {
        let expected = self.features.len();
        if found == expected { Ok(()) } else { Err(StreamError::Width { expected, found }) }
    }
}

/// Mean and standard deviation, where there is any value.
fn scale(feature: &Moments) -> Option<(f64, f64)> {
    let mean = feature.mean()?;
    let deviation = feature.variance().unwrap_or(0.0).sqrt();
    Some((mean, if deviation > 8.0 * f64::EPSILON * mean.abs() { deviation } else { 0.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_constant_and_clipped() {
        let mut normaliser = Normaliser::new(3, NormaliserConfig { limit: 2.0, ..Default::default() }).unwrap();
        let mut z = [9.0; 3];
        normaliser.normalise(&[1.0, 2.0, 3.0], &mut z).unwrap();
        assert_eq!((z, normaliser.mean(0), normaliser.deviation(0)), ([0.0; 3], None, None));
        for row in [[1.0, 7.0, f64::NAN], [3.0, 7.0, f64::INFINITY], [f64::NAN, 7.0, 1e101]] {
            normaliser.observe(&row).unwrap();
        }
        assert_eq!((normaliser.mean(0), normaliser.deviation(0)), (Some(2.0), Some(2f64.sqrt())));
        assert_eq!((normaliser.mean(1), normaliser.deviation(1)), (Some(7.0), Some(0.0)));
        assert_eq!((normaliser.mean(2), normaliser.mean(3), normaliser.deviation(3)), (None, None, None));
        assert_eq!((normaliser.rows(), normaliser.missing(), normaliser.infinite()), (3, 2, 2));
        normaliser.normalise(&[-1e90, 8.0, 1.0], &mut z).unwrap();
        assert_eq!(z, [-2.0, 0.0, 0.0]);
        normaliser.normalise(&[f64::INFINITY, f64::NAN, 1.0], &mut z).unwrap();
        assert_eq!(z, [0.0; 3]);
        let mut row = [0.0; 3];
        normaliser.denormalise(&[1.0, 1.0, 1.0], &mut row).unwrap();
        assert_eq!(row, [2.0 + 2f64.sqrt(), 7.0, 0.0]);
        assert!(matches!(normaliser.denormalise(&[0.0, f64::NAN, 0.0], &mut row), Err(StreamError::NotFinite { .. })));
    }

    #[test]
    fn grows_and_refuses() {
        let mut normaliser = Normaliser::new(1, NormaliserConfig::default()).unwrap();
        normaliser.observe(&[1.0]).unwrap();
        normaliser.grow(2);
        normaliser.grow(1);
        assert_eq!(normaliser.observe(&[1.0]), Err(StreamError::Width { expected: 2, found: 1 }));
        normaliser.observe(&[2.0, 5.0]).unwrap();
        assert_eq!((normaliser.features(), normaliser.mean(0), normaliser.mean(1)), (2, Some(1.5), Some(5.0)));
        for wrong in [0.5, -1.0, f64::NAN, f64::INFINITY] {
            let config = NormaliserConfig { half_life: Some(wrong), ..Default::default() };
            assert!(Normaliser::new(1, config).unwrap_err().to_string().contains("half_life = "));
        }
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let config = NormaliserConfig { limit: wrong, ..Default::default() };
            assert!(Normaliser::new(1, config).unwrap_err().to_string().contains("limit = "));
        }
    }
}
