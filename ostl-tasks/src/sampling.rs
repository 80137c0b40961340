//! Drawing the next token of a text from a network's outputs.

use ostl_core::ConfigError;

use crate::random::{Draws, Purpose};

/// Draws classes from logits, the same ones from the same seed.
#[derive(Clone, Debug)]
pub struct Sampler {
    draws: Draws,
    temperature: f64,
    top_k: usize,
}

impl Sampler {
    /// Draws class c with a chance in proportion to exp(logit of c / `temperature`), among the `top_k` largest logits if that is given:
    /// 1 is what the network learned, less is more cautious, 0 always takes the largest.
    ///
    /// # Errors
    /// If the temperature is negative or not finite, or `top_k` is 0.
    pub fn new(seed: u64, temperature: f64, top_k: Option<usize>) -> Result<Self, ConfigError> {
        let refuse = |field: &str, value: String, allowed: &str| {
            Err(ConfigError::OutOfRange { field: field.to_owned(), value, allowed: allowed.to_owned() })
        };
        if !(temperature >= 0.0 && temperature.is_finite()) {
            return refuse("temperature", temperature.to_string(), "a number, 0 or more");
        }
        if top_k == Some(0) {
            return refuse("top_k", "0".into(), "at least 1");
        }
        Ok(Self { draws: Draws::new(seed, Purpose::Sample, [0, 0]), temperature, top_k: top_k.unwrap_or(usize::MAX) })
    }

    /// The next class.
    ///
    /// # Panics
    /// If there are no logits.
    #[track_caller]
    pub fn draw(&mut self, logits: &[f32]) -> usize {
        assert!(!logits.is_empty(), "there is nothing to draw from");
        let mut order: Vec<usize> = (0..logits.len()).collect();
        // Equals keep their order, so that the first of them counts as the largest.
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        order.truncate(self.top_k);
        let highest = f64::from(logits[order[0]]);
        if self.temperature == 0.0 {
            return order[0];
        }
        let weight = |&class: &usize| ((f64::from(logits[class]) - highest) / self.temperature).exp();
        let weights: Vec<f64> = order.iter().map(weight).collect();
        // A number from 0 to just below the sum: 53 bits fill a double's fraction.
        let unit = self.draws.below(1 << 53) as f64 / (1_u64 << 53) as f64;
        let mut rest = unit * weights.iter().sum::<f64>();
        for (&class, weight) in order.iter().zip(&weights) {
            if rest < *weight {
                return class;
            }
            rest -= weight;
        }
        // Rounding may leave a little after the last one.
        order[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of three classes is drawn, of 20,000.
    fn counts(temperature: f64, top_k: Option<usize>) -> [u32; 3] {
        let mut sampler = Sampler::new(3, temperature, top_k).unwrap();
        let mut counts = [0; 3];
        // Chances 1/2, 1/6 and 1/3.
        let logits = [3.0_f32.ln(), 0.0, 2.0_f32.ln()];
        (0..20_000).for_each(|_| counts[sampler.draw(&logits)] += 1);
        counts
    }

    #[test]
    fn classes_come_as_often_as_they_should() {
        // The standard deviation of a count is at most √(20000/4) = 71.
        let near = |found: [u32; 3], chances: [f64; 3]| {
            for (count, chance) in found.into_iter().zip(chances) {
                assert!((f64::from(count) - 20_000.0 * chance).abs() < 350.0, "{found:?} {chances:?}");
            }
        };
        near(counts(1.0, None), [3.0 / 6.0, 1.0 / 6.0, 2.0 / 6.0]);
        // At half the temperature the chances are squared: 9, 1 and 4 of 14.
        near(counts(0.5, None), [9.0 / 14.0, 1.0 / 14.0, 4.0 / 14.0]);
        near(counts(1.0, Some(2)), [3.0 / 5.0, 0.0, 2.0 / 5.0]);
        near(counts(1e9, None), [1.0 / 3.0; 3]);
        assert_eq!(counts(1.0, Some(1)), [20_000, 0, 0]);
        assert_eq!(counts(0.0, None), [20_000, 0, 0]);
        assert_eq!(counts(1e-300, None), [20_000, 0, 0]);
    }

    #[test]
    fn a_seed_gives_the_same_draws() {
        let draw = |seed| {
            let mut sampler = Sampler::new(seed, 1.0, None).unwrap();
            (0..30).map(|_| sampler.draw(&[0.0; 10])).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(Sampler::new(1, 0.0, None).unwrap().draw(&[1.0, 5.0, 5.0]), 1, "the first of equals");
    }

    #[test]
    fn settings_out_of_range_are_named() {
        for temperature in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(Sampler::new(1, temperature, None).unwrap_err().to_string().contains("temperature"));
        }
        assert!(Sampler::new(1, 1.0, Some(0)).unwrap_err().to_string().contains("top_k"));
    }
}
