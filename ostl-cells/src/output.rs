//! Output functions h of the SNU: a step (it spikes) or the logistic function (it does not).

use ostl_core::Real;

use crate::config::OutputKind;
use crate::surrogate::{PseudoDerivative, PseudoDerivativeKind};

/// The output function h of a spiking neural unit and its derivative, or pseudo-derivative.
pub trait OutputFunction: Copy + Send + Sync + 'static {
    /// Name of the SNU that has this output: `"snu"` or `"ssnu"`.
    const CELL: &'static str;
    /// h is differentiable; otherwise [`derivative`](Self::derivative) is a pseudo-derivative.
    const IS_SMOOTH: bool;
    /// Where the bias b in h(s + b) starts unless set otherwise.
    const INITIAL_BIAS: f64;

    /// What a configuration calls it, and its pseudo-derivative; `None` for a custom one.
    fn kind(&self) -> Option<(OutputKind, PseudoDerivativeKind)> {
        None
    }

    /// h(v) at v = s + b.
    fn at<T: Real>(&self, v: T) -> T;

    /// h'(v) at the same v, given y = h(v).
    fn derivative<T: Real>(&self, v: T, y: T) -> T;
}

/// The step: 1 above the threshold, 0 at it and below, with a pseudo-derivative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step<P>(pub P);

impl<P: PseudoDerivative> OutputFunction for Step<P> {
    const CELL: &'static str = "snu";
    const IS_SMOOTH: bool = false;
    const INITIAL_BIAS: f64 = -0.5;

    fn kind(&self) -> Option<(OutputKind, PseudoDerivativeKind)> {
        Some((OutputKind::Step, self.0.kind()?))
    }

    #[inline(always)]
    fn at<T: Real>(&self, v: T) -> T {
        unit_step(v)
    }

    #[inline(always)]
    fn derivative<T: Real>(&self, v: T, _y: T) -> T {
        self.0.at(v)
    }
}

/// The logistic function: the soft SNU's output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sigmoid;

impl OutputFunction for Sigmoid {
    const CELL: &'static str = "ssnu";
    const IS_SMOOTH: bool = true;
    const INITIAL_BIAS: f64 = 0.0;

    fn kind(&self) -> Option<(OutputKind, PseudoDerivativeKind)> {
        Some((OutputKind::Sigmoid, PseudoDerivativeKind::default()))
    }

    #[inline(always)]
    fn at<T: Real>(&self, v: T) -> T {
        v.sigmoid()
    }

    #[inline(always)]
    fn derivative<T: Real>(&self, _v: T, y: T) -> T {
        y * (T::one() - y)
    }
}

/// 1 for v > 0 and 0 for v ≤ 0. NaN is neither and stays, so that a broken membrane potential cannot pass for silence.
#[inline(always)]
pub(crate) fn unit_step<T: Real>(v: T) -> T {
    T::one().if_or(v > T::zero(), T::zero().if_or(v <= T::zero(), v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surrogate::FastSigmoid;

    #[test]
    fn by_hand() {
        let step = Step(FastSigmoid);
        assert_eq!([-1e30, -0.1, 0.0, 0.1, 1e30].map(|v| step.at(v)), [0.0, 0.0, 0.0, 1.0, 1.0]);
        // The pseudo-derivative at v = 1: (1 + 1)⁻².
        assert_eq!(step.derivative(1.0, 1.0), 0.25);
        // σ(ln 3) = 3/4; ¾·¼ = 3/16.
        let v = 3_f64.ln();
        assert!((Sigmoid.at(v) - 0.75).abs() < 1e-15);
        assert!((Sigmoid.derivative(v, 0.75) - 0.1875).abs() < 1e-15);
    }

    #[test]
    fn infinities_saturate_and_nan_stays() {
        assert_eq!(unit_step(f32::INFINITY), 1.0);
        assert_eq!(unit_step(f32::NEG_INFINITY), 0.0);
        assert!(unit_step(f32::NAN).is_nan() && unit_step(f64::NAN).is_nan());
        assert!(Sigmoid.at(f32::NAN).is_nan());
    }
}
