//! What can be wrong with a cell's options.

/// A cell was given an option that it cannot work with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CellError {
    /// A number outside its range.
    #[error("{key} = {value} is out of range: it must be {allowed}")]
    OutOfRange {
        /// The option, as it is spelled in a configuration file.
        key: &'static str,
        /// What it was set to.
        value: f64,
        /// What would have been accepted.
        allowed: &'static str,
    },
    /// Two options that say the same thing in two ways.
    #[error("{} and {} exclude each other", keys[0], keys[1])]
    Exclusive {
        /// The options, as they are spelled in a configuration file.
        keys: [&'static str; 2],
    },
}

/// `value` if it is neither infinite nor NaN.
pub(crate) fn finite(key: &'static str, value: f64) -> Result<f64, CellError> {
    if value.is_finite() { Ok(value) } else { Err(CellError::OutOfRange { key, value, allowed: "a finite number" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_key_value_and_range() {
        let message = finite("forget_bias", f64::INFINITY).unwrap_err().to_string();
        assert_eq!(message, "forget_bias = inf is out of range: it must be a finite number");
        assert_eq!(finite("forget_bias", -2.0), Ok(-2.0));
    }
}
