//! Alarms where a number is larger than it usually is.

use serde::{Deserialize, Serialize};

use crate::error::StreamError;
use crate::number::{SMALLEST, Settings, checked, count};
use crate::quantile::{Quantiles, QuantilesConfig};

/// Settings of an [`Alarm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmConfig {
    /// The quantile that a value has to exceed, above 0 and below 1: with 0.99 about one row in a hundred does, of a stream that does not
    /// change. Default: 0.99.
    pub quantile: f64,
    /// How many values it takes before there is any alarm. Default: 200.
    pub warm_up: u64,
    /// For how many rows after an alarm there is no other. Default: 0.
    pub refractory: u64,
    /// How the quantile is found, and how fast it forgets.
    pub quantiles: QuantilesConfig,
}

impl Default for AlarmConfig {
    fn default() -> Self {
        Self { quantile: 0.99, warm_up: 200, refractory: 0, quantiles: QuantilesConfig::default() }
    }
}

impl Settings for AlarmConfig {
    fn check(&self) -> Result<(), StreamError> {
        let within = self.quantile > 0.0 && self.quantile < 1.0;
        StreamError::unless(within, "quantile", self.quantile, "above 0 and below 1")?;
        self.quantiles.check()
    }
}

/// An alarm whose threshold is a running [quantile](Quantiles) of what it is shown: the loss of each row, say, or −ln p of what happened.
///
/// A value is compared with the threshold from before it, and then moves it, also where it raises an alarm or could not. The threshold is
/// rounded up by at most the accuracy of the quantiles, so that a stream of equal values never raises one.
///
/// +∞, and what lies above [`LARGEST`](crate::LARGEST), exceeds every threshold; it raises an alarm as other values do, but leaves the
/// quantiles alone. NaN, −∞ and what lies below −`LARGEST` are ignored. All of these are counted ([`ignored`](Self::ignored)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    #[serde(deserialize_with = "checked")]
    config: AlarmConfig,
    quantiles: Quantiles,
    /// Rows left in which there is no other alarm.
    quiet: u64,
    raised: u64,
    held_back: u64,
}

impl Alarm {
    /// One that was shown nothing.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(config: AlarmConfig) -> Result<Self, StreamError> {
        config.check()?;
        let quantiles = Quantiles::new(config.quantiles.clone())?;
        Ok(Self { config, quantiles, quiet: 0, raised: 0, held_back: 0 })
    }

    /// Takes the value of a row. Whether it raises an alarm.
    pub fn observe(&mut self, surprise: f64) -> bool {
        // The quantiles' bin of 0 holds these, too.
        let surprise = if surprise.abs() < SMALLEST { 0.0 } else { surprise };
        let exceeds = self.threshold().is_some_and(|threshold| surprise > threshold);
        self.quantiles.observe(surprise);
        let quiet = self.quiet > 0;
        self.quiet = self.quiet.saturating_sub(1);
        if exceeds && quiet {
            count(&mut self.held_back);
        } else if exceeds {
            count(&mut self.raised);
            self.quiet = self.config.refractory;
        }
        exceeds && !quiet
    }

    /// What the next value has to exceed, in its unit; `None` while warming up.
    pub fn threshold(&self) -> Option<f64> {
        if self.quantiles.rows() < self.config.warm_up { None } else { self.quantiles.quantile(self.config.quantile) }
    }

    /// The settings.
    pub fn config(&self) -> &AlarmConfig {
        &self.config
    }

    /// The quantiles of what it was shown.
    pub fn quantiles(&self) -> &Quantiles {
        &self.quantiles
    }

    /// How many alarms were raised.
    pub fn raised(&self) -> u64 {
        self.raised
    }

    /// How many values exceeded the threshold while there could be no other alarm.
    pub fn held_back(&self) -> u64 {
        self.held_back
    }

    /// How many values did not move the threshold, as they are not numbers within ±[`LARGEST`](crate::LARGEST).
    pub fn ignored(&self) -> u64 {
        self.quantiles.ignored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_refractory_and_what_is_no_number() {
        let config = AlarmConfig { quantile: 0.9, warm_up: 10, refractory: 3, ..Default::default() };
        let mut alarm = Alarm::new(config).unwrap();
        assert!(!alarm.observe(f64::INFINITY) && alarm.threshold().is_none());
        for value in [5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] {
            assert!(!alarm.observe(value));
        }
        let threshold = alarm.threshold().unwrap();
        assert!((1.0..=1.01 * (1.0 + 1e-12)).contains(&threshold), "{threshold}");
        assert!(![f64::NAN, f64::NEG_INFINITY, -1e101, 1.0, threshold].map(|value| alarm.observe(value)).contains(&true));
        let alarms = [9.0, 10.0, 0.0, 11.0, f64::INFINITY].map(|value| alarm.observe(value));
        assert_eq!(alarms, [true, false, false, false, true]);
        assert_eq!((alarm.raised(), alarm.held_back(), alarm.ignored()), (2, 2, 5));
        for wrong in [0.0, 1.0, f64::NAN] {
            assert!(Alarm::new(AlarmConfig { quantile: wrong, ..Default::default() }).is_err());
        }
    }

    #[test]
    fn equal_values_raise_none() {
        for value in [0.0, 1e-120, -3.7, 0.1, 7e99, -1e-99] {
            let mut alarm = Alarm::new(AlarmConfig { warm_up: 0, ..Default::default() }).unwrap();
            assert!((0..500).all(|_| !alarm.observe(value)), "{value}");
        }
    }
}
