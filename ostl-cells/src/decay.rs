//! What is left of a state after a step: as a share of it, or as a time constant and the length of a step.

use crate::error::CellError;

/// `value` if it is a share.
pub(crate) fn share(key: &'static str, value: f64) -> Result<f64, CellError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(CellError::OutOfRange { key, value, allowed: "between 0 and 1" })
    }
}

/// `value` if the logistic function can take it, as what is learnt has to be.
pub(crate) fn learnable(key: &'static str, value: f64) -> Result<f64, CellError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(CellError::OutOfRange { key, value, allowed: "strictly between 0 and 1 where it is learnt" })
    }
}

/// `value` if it is positive and finite.
pub(crate) fn positive(key: &'static str, value: f64) -> Result<f64, CellError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(CellError::OutOfRange { key, value, allowed: "positive and finite" })
    }
}

/// e^{−step/τ}: what an exponential decay with the time constant τ leaves after a step. The two are in one unit, say milliseconds.
pub(crate) fn of_time_constant(key: &'static str, time_constant: f64, step: f64) -> Result<f64, CellError> {
    Ok((-positive("step", step)? / positive(key, time_constant)?).exp())
}

/// The logit of d, for which σ(logit d) = d.
pub(crate) fn logit(d: f64) -> f64 {
    (d / (1.0 - d)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // After one time constant 1/e is left, after a tenth of one e^{−0.1}.
        assert_eq!(of_time_constant("time_constant", 5.0, 5.0), Ok((-1.0_f64).exp()));
        assert_eq!(of_time_constant("time_constant", 20.0, 2.0), Ok((-0.1_f64).exp()));
        assert!((logit(0.75) - 3_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn the_message_names_key_value_and_range() {
        let error = of_time_constant("time_constant", 0.0, 1.0).unwrap_err().to_string();
        assert_eq!(error, "time_constant = 0 is out of range: it must be positive and finite");
        let error = of_time_constant("time_constant", 1.0, f64::NAN).unwrap_err().to_string();
        assert_eq!(error, "step = NaN is out of range: it must be positive and finite");
        assert!(share("decay", 1.0).is_ok() && share("decay", -0.1).is_err() && learnable("decay", 1.0).is_err());
    }
}
