//! The functions that element-wise recurrent units squash with.

use ostl_core::Real;
use serde::{Deserialize, Serialize};

use crate::output::unit_step;

/// ReLU or tanh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nonlinearity {
    /// `"relu"`: max(0, v), with the derivative 0 at 0.
    #[default]
    Relu,
    /// `"tanh"`.
    Tanh,
}

impl Nonlinearity {
    /// f(v).
    #[inline(always)]
    pub(crate) fn at<T: Real>(self, v: T) -> T {
        v.at_least(T::zero()).if_or(self == Self::Relu, v.tanh())
    }

    /// f'(v), computed from f(v).
    #[inline(always)]
    pub(crate) fn derivative<T: Real>(self, value: T) -> T {
        unit_step(value).if_or(self == Self::Relu, T::one() - value * value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let both = |v: f64| [Nonlinearity::Relu, Nonlinearity::Tanh].map(|f| (f.at(v), f.derivative(f.at(v))));
        assert_eq!(both(-2.0)[0], (0.0, 0.0));
        assert_eq!(both(2.0)[0], (2.0, 1.0));
        // tanh(ln 2) = 0.6, with the slope 1 − 0.36.
        let (value, slope) = both(2_f64.ln())[1];
        assert!((value - 0.6).abs() < 1e-15 && (slope - 0.64).abs() < 1e-15);
        assert!(both(f64::NAN).iter().all(|(value, slope)| value.is_nan() && slope.is_nan()));
    }
}
