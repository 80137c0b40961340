//! Settings within their ranges.

use ostl_core::ConfigError;

/// The value, if it is a number from `low` to `high`.
pub(crate) fn number(field: &str, value: f64, low: f64, high: f64) -> Result<f64, ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::OutOfRange {
        field: field.to_owned(),
        value: value.to_string(),
        allowed: format!("a number from {low} to {high}"),
    })
}

/// The value, if it is from `low` to `high`.
pub(crate) fn whole(field: &str, value: usize, low: usize, high: usize) -> Result<usize, ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::OutOfRange {
        field: field.to_owned(),
        value: value.to_string(),
        allowed: format!("a whole number from {low} to {high}"),
    })
}
