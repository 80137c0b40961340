//! Quantiles of a stream that forgets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decay::{Decay, check_half_life};
use crate::error::StreamError;
use crate::number::{SMALLEST, Settings, checked, count, usable};

/// Settings of [`Quantiles`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuantilesConfig {
    /// After how many rows a value weighs half as much, 1 … 1e15; with `None` all rows weigh the same. Default: 1000.
    pub half_life: Option<f64>,
    /// How far above the right value a quantile may be, as a fraction of its size, 0.0001 … 0.5. Default: 0.01.
    pub accuracy: f64,
    /// How many bins there may be, at least 16; one takes some 30 bytes. 2048 of accuracy 0.01 reach over a factor of 7 · 10⁸. Default: 2048.
    pub bins: usize,
}

impl Default for QuantilesConfig {
    fn default() -> Self {
        Self { half_life: Some(1000.0), accuracy: 0.01, bins: 2048 }
    }
}

impl Settings for QuantilesConfig {
    fn check(&self) -> Result<(), StreamError> {
        check_half_life(self.half_life)?;
        let accuracy = self.accuracy;
        StreamError::unless((0.0001..=0.5).contains(&accuracy), "accuracy", accuracy, "between 0.0001 and 0.5")?;
        StreamError::unless(self.bins >= 16, "bins", self.bins as f64, "at least 16")
    }
}

/// All quantiles of the values of a stream, newer ones weighing more, in constant memory.
///
/// A histogram whose bins grow in proportion to the value, as that of DDSketch (Masson, Rim and Lee, PVLDB 12(12), 2019): bin i of positive
/// values is (γⁱ⁻¹, γⁱ] with γ = 1 + accuracy, those of negative values mirror them, and one bin is for 0. In place of a count each has a
/// weight, Σ 2^(−age / half-life). A quantile is the upper edge of the first bin up to which there is the share q of the weight: **never below
/// the right value v, and above it by at most accuracy · |v|**, where right is the least value with the share q of the weight up to it.
///
/// Why not the P² algorithm (Jain and Chlamtac, Communications of the ACM 28(10), 1985)? It has five markers only, but it never forgets, so
/// that after a change it keeps the threshold of another time, and it has no bound on its error. Steps of stochastic approximation forget,
/// but need a step size in the unit of the values, and rarely see the tail they are to find.
///
/// Where more bins are needed than there may be, the two with the lowest values become one, again and again: high quantiles, which alarms ask
/// for, keep their accuracy, and low ones become too high. Values below 1e-100 in size count as 0. NaN, and what lies beyond ±[`LARGEST`](crate::LARGEST), is
/// ignored and counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    #[serde(deserialize_with = "checked")]
    config: QuantilesConfig,
    decay: Decay,
    /// Weights by the bin's number, which is in the order of values.
    bins: BTreeMap<i64, f64>,
    /// What the next value weighs: it grows, which saves making all others lighter.
    weight: f64,
    total: f64,
    rows: u64,
    ignored: u64,
}

/// Weights are brought back to 1 before they exceed this.
const HEAVIEST: f64 = 1e15;

/// What is added to the number of a bin, so that bins of positive values have positive numbers: ln 1e-100 / ln 1.0001 = −2.3 · 10⁶.
const OFFSET: i64 = 1 << 22;

impl Quantiles {
    /// Of no values.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(config: QuantilesConfig) -> Result<Self, StreamError> {
        config.check()?;
        let (decay, bins) = (Decay::of(config.half_life), BTreeMap::new());
        Ok(Self { config, decay, bins, weight: 1.0, total: 0.0, rows: 0, ignored: 0 })
    }

    /// Takes a value. Whether it was taken: not if it is ignored.
    pub fn observe(&mut self, value: f64) -> bool {
        if !usable(value) {
            count(&mut self.ignored);
            return false;
        }
        count(&mut self.rows);
        self.weight /= self.decay.factor();
        if self.weight > HEAVIEST {
            self.lighten();
        }
        *self.bins.entry(self.bin(value)).or_default() += self.weight;
        self.total += self.weight;
        while self.bins.len() > self.config.bins {
            let lowest = self.bins.pop_first();
            if let (Some((_, weight)), Some(mut next)) = (lowest, self.bins.first_entry()) {
                *next.get_mut() += weight;
            }
        }
        true
    }

    /// The quantile q: the share q of the weight of all values is that of values up to it. In the unit of the values. `None` where there are
    /// no values, or q is not within 0 … 1.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if !(0.0..=1.0).contains(&q) {
            return None;
        }
        let mut above = 0.0;
        let mut found = None;
        for (&bin, &weight) in self.bins.iter().rev() {
            if found.is_some() && self.total - above < q * self.total {
                break;
            }
            found = Some(bin);
            above += weight;
        }
        found.map(|bin| self.upper_edge(bin))
    }

    /// The settings.
    pub fn config(&self) -> &QuantilesConfig {
        &self.config
    }

    /// How many values were taken.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many values were ignored.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// How many bins there are at the moment.
    pub fn bins(&self) -> usize {
        self.bins.len()
    }

    /// Makes the next value weigh 1, and forgets bins that weigh next to nothing then.
    fn lighten(&mut self) {
        for weight in self.bins.values_mut() {
            *weight /= self.weight;
        }
        self.bins.retain(|_, weight| *weight > 1.0 / HEAVIEST);
        self.total = self.bins.values().sum();
        self.weight = 1.0;
    }

    /// γⁱ.
    fn edge(&self, i: i64) -> f64 {
        (i as f64 * self.config.accuracy.ln_1p()).exp()
    }

    /// The bin of a value. Logarithms are rounded: what decides is [`edge`](Self::edge).
    fn bin(&self, value: f64) -> i64 {
        let size = value.abs();
        if size < SMALLEST {
            return 0;
        }
        let place = size.ln() / self.config.accuracy.ln_1p();
        if value > 0.0 {
            let i = place.ceil() as i64;
            let i = if self.edge(i) < size { i + 1 } else { i };
            OFFSET + if self.edge(i - 1) >= size { i - 1 } else { i }
        } else {
            let i = place.floor() as i64;
            let i = if self.edge(i) > size { i - 1 } else { i };
            -OFFSET - if self.edge(i + 1) <= size { i + 1 } else { i }
        }
    }

    /// The largest value of a bin.
    fn upper_edge(&self, bin: i64) -> f64 {
        match bin.signum() {
            0 => 0.0,
            1 => self.edge(bin.saturating_sub(OFFSET)),
            _ => -self.edge(bin.saturating_add(OFFSET).saturating_neg()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_hold_their_values() {
        for accuracy in [0.0001, 0.01, 0.5] {
            let quantiles = Quantiles::new(QuantilesConfig { accuracy, ..Default::default() }).unwrap();
            let mut before = i64::MIN;
            for power in (-99..=100).rev() {
                let value = -10f64.powi(power);
                assert!(quantiles.bin(value) >= before);
                before = quantiles.bin(value);
            }
            for power in -99..=100 {
                let value = 10f64.powi(power);
                for value in [value, -value, value * 1.37, -value * 1.37].into_iter().filter(|value| usable(*value)) {
                    let upper = quantiles.upper_edge(quantiles.bin(value));
                    let most = value + accuracy * value.abs() * (1.0 + 1e-12);
                    assert!(upper >= value && upper <= most, "{accuracy} {value}: {upper}");
                }
                assert!(quantiles.bin(value) > before);
                before = quantiles.bin(value);
            }
            assert_eq!((quantiles.bin(0.0), quantiles.bin(-1e-101), quantiles.upper_edge(0)), (0, 0, 0.0));
        }
    }

    #[test]
    fn refused_and_ignored() {
        for (config, name) in [
            (QuantilesConfig { accuracy: 0.0, ..Default::default() }, "accuracy = 0"),
            (QuantilesConfig { accuracy: f64::NAN, ..Default::default() }, "accuracy = NaN"),
            (QuantilesConfig { half_life: Some(0.0), ..Default::default() }, "half_life = 0"),
            (QuantilesConfig { bins: 3, ..Default::default() }, "bins = 3"),
        ] {
            assert!(Quantiles::new(config).unwrap_err().to_string().contains(name));
        }
        let mut quantiles = Quantiles::new(QuantilesConfig::default()).unwrap();
        assert_eq!(quantiles.quantile(0.5), None);
        assert!(![f64::NAN, f64::INFINITY, -1e101].map(|value| quantiles.observe(value)).contains(&true));
        assert!(quantiles.observe(-2.0));
        assert_eq!((quantiles.rows(), quantiles.ignored(), quantiles.quantile(1.1)), (1, 3, None));
        assert_eq!(quantiles.quantile(f64::NAN), None);
    }
}
