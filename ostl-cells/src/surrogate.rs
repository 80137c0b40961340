//! Pseudo-derivatives: what stands in for the derivative of a spiking unit's step output.
//!
//! The derivative of a step is zero everywhere but at the threshold, so no gradient would pass it. All of these are
//! symmetric bumps around the threshold, with v the membrane potential minus the threshold.
//!
//! | type | value at v | peak | source |
//! | --- | --- | --- | --- |
//! | [`TanhDerivative`] | 1 − tanh²(v) | 1 | Bohnstingl et al. 2022 |
//! | [`FastSigmoid`] | 1/(1 + \|v\|)² | 1 | Zenke & Ganguli 2018 |
//! | [`Triangle`] | γ·max(0, 1 − \|v\|) | γ = 0.3 | Esser et al. 2016; Bellec et al. 2018 |
//! | [`Arctan`] | 1/(1 + (πv)²) | 1 | Fang et al. 2021 |
//! | [`SigmoidDerivative`] | σ(v)(1 − σ(v)) | ¼ | the logistic function's own slope |

use ostl_core::Number;
use serde::{Deserialize, Serialize};

use crate::error::CellError;

/// A stand-in for the derivative of the step function.
pub trait PseudoDerivative: Copy + Send + Sync + 'static {
    /// The pseudo-derivative ∂y/∂v at v = membrane potential − threshold: finite and not negative for every finite v; NaN
    /// stays NaN.
    fn at<N: Number>(&self, v: N) -> N;

    /// What a configuration calls it; `None` for a custom one.
    fn kind(&self) -> Option<PseudoDerivativeKind> {
        None
    }
}

/// 1 − tanh²(v): the choice of the OSTL paper (Bohnstingl et al. 2022, arXiv 2007.12723).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TanhDerivative;

impl PseudoDerivative for TanhDerivative {
    fn kind(&self) -> Option<PseudoDerivativeKind> {
        Some(PseudoDerivativeKind::Tanh)
    }

    /// As 4e/(1 + e)² with e = e^{−2|v|}: one exponential, no cancellation far from the threshold.
    #[inline(always)]
    fn at<N: Number>(&self, v: N) -> N {
        N::constant(4.0) * bell(N::constant(2.0) * v.abs())
    }
}

/// 1/(1 + |v|)²: SuperSpike (Zenke & Ganguli 2018, "SuperSpike: supervised learning in multilayer spiking neural networks",
/// arXiv 1705.11146). The argument is taken as it is, that is with their steepness β = 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FastSigmoid;

impl PseudoDerivative for FastSigmoid {
    fn kind(&self) -> Option<PseudoDerivativeKind> {
        Some(PseudoDerivativeKind::FastSigmoid)
    }

    #[inline(always)]
    fn at<N: Number>(&self, v: N) -> N {
        let root = N::constant(1.0) / (N::constant(1.0) + v.abs());
        root * root
    }
}

/// γ·max(0, 1 − |v|): with γ = 1 the derivative of Esser et al. 2016 ("Convolutional networks for fast, energy-efficient
/// neuromorphic computing", arXiv 1603.08270); Bellec et al. 2018 ("Long short-term memory and learning-to-learn in networks
/// of spiking neurons", arXiv 1803.09574) dampen it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triangle {
    scale: f64,
}

impl Triangle {
    /// The triangle with the peak `scale` (γ).
    ///
    /// # Errors
    /// If `scale` is not positive and finite.
    pub fn with_scale(scale: f64) -> Result<Self, CellError> {
        if scale > 0.0 && scale.is_finite() {
            Ok(Self { scale })
        } else {
            Err(CellError::OutOfRange { key: "scale", value: scale, allowed: "positive and finite" })
        }
    }
}

impl Default for Triangle {
    /// γ = 0.3 as in Bellec et al. 2018: with γ = 1 errors grow too easily on their way back through many recurrent steps.
    fn default() -> Self {
        Self { scale: 0.3 }
    }
}

impl PseudoDerivative for Triangle {
    fn kind(&self) -> Option<PseudoDerivativeKind> {
        (*self == Self::default()).then_some(PseudoDerivativeKind::Triangle)
    }

    #[inline(always)]
    fn at<N: Number>(&self, v: N) -> N {
        N::constant(self.scale) * (N::constant(1.0) - v.abs()).at_least(N::constant(0.0))
    }
}

/// 1/(1 + (πv)²): the slope, up to a factor, of an arctangent (Fang et al. 2021, "Incorporating learnable membrane time
/// constant to enhance learning of spiking neural networks", arXiv 2007.05785).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arctan;

impl PseudoDerivative for Arctan {
    fn kind(&self) -> Option<PseudoDerivativeKind> {
        Some(PseudoDerivativeKind::Arctan)
    }

    #[inline(always)]
    fn at<N: Number>(&self, v: N) -> N {
        let u = N::constant(std::f64::consts::PI) * v;
        // Where u² overflows the quotient is 0, as it should be.
        N::constant(1.0) / (N::constant(1.0) + u * u)
    }
}

/// σ(v)(1 − σ(v)), σ the logistic function.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SigmoidDerivative;

impl PseudoDerivative for SigmoidDerivative {
    fn kind(&self) -> Option<PseudoDerivativeKind> {
        Some(PseudoDerivativeKind::Sigmoid)
    }

    #[inline(always)]
    fn at<N: Number>(&self, v: N) -> N {
        bell(v.abs())
    }
}

/// One of them, chosen when a network is built and not when it is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PseudoDerivativeKind {
    /// `"tanh"`: [`TanhDerivative`].
    #[default]
    Tanh,
    /// `"fast-sigmoid"`: [`FastSigmoid`].
    FastSigmoid,
    /// `"triangle"`: [`Triangle`] with its default scale.
    Triangle,
    /// `"arctan"`: [`Arctan`].
    Arctan,
    /// `"sigmoid"`: [`SigmoidDerivative`].
    Sigmoid,
}

impl PseudoDerivative for PseudoDerivativeKind {
    fn kind(&self) -> Option<PseudoDerivativeKind> {
        Some(*self)
    }

    /// Each of them, and a choice: one exponential and some divisions, in a loop without branches.
    #[inline(always)]
    fn at<N: Number>(&self, v: N) -> N {
        let (is_tanh, one) = (*self == Self::Tanh, N::constant(1.0));
        let steepness = N::constant(2.0).if_or(is_tanh, one);
        let bell = N::constant(4.0).if_or(is_tanh, one) * bell(steepness * v.abs());
        let value = FastSigmoid.at(v).if_or(*self == Self::FastSigmoid, bell);
        let value = Triangle::default().at(v).if_or(*self == Self::Triangle, value);
        Arctan.at(v).if_or(*self == Self::Arctan, value)
    }
}

/// σ'(u) = e^{−u}/(1 + e^{−u})² for u ≥ 0, where nothing can overflow.
#[inline(always)]
fn bell<N: Number>(u: N) -> N {
    let e = (-u).exp();
    let q = N::constant(1.0) / (N::constant(1.0) + e);
    e * q * q
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Symmetric, finite and between 0 and 1 in both scalars.
    fn is_a_bump<P: PseudoDerivative>(p: P, v: f64) {
        let wide = p.at(v);
        assert!((0.0..=1.0).contains(&wide), "f64 at {v}: {wide}");
        assert_eq!(wide, p.at(-v));
        let narrow = p.at(v as f32);
        assert!((0.0..=1.0).contains(&narrow), "f32 at {v}: {narrow}");
        assert_eq!(narrow, p.at(-v as f32));
        assert!((f64::from(narrow) - wide).abs() < 1e-5, "at {v}: {narrow} {wide}");
    }

    fn every_one_is_a_bump(v: f64) {
        is_a_bump(TanhDerivative, v);
        is_a_bump(FastSigmoid, v);
        is_a_bump(Triangle::default(), v);
        is_a_bump(Arctan, v);
        is_a_bump(SigmoidDerivative, v);
    }

    fn close(found: f64, by_hand: f64) {
        assert!((found - by_hand).abs() < 1e-15, "{found} {by_hand}");
    }

    #[test]
    fn by_hand() {
        // Peaks.
        close(TanhDerivative.at(0.0), 1.0);
        close(FastSigmoid.at(0.0), 1.0);
        close(Triangle::default().at(0.0), 0.3);
        close(Arctan.at(0.0), 1.0);
        close(SigmoidDerivative.at(0.0), 0.25);
        // tanh(ln 2) = (2 − ½)/(2 + ½) = 0.6, and 1 − 0.36 = 0.64.
        close(TanhDerivative.at(2_f64.ln()), 0.64);
        // (1 + 3)⁻² = 1/16.
        close(FastSigmoid.at(-3.0), 0.0625);
        // 0.3·(1 − ½); with γ = 1 the ½ itself; 0 beyond ±1.
        close(Triangle::default().at(0.5), 0.15);
        close(Triangle::with_scale(1.0).unwrap().at(-0.5), 0.5);
        close(Triangle::default().at(1.5), 0.0);
        // π·(1/π) = 1, so ½.
        close(Arctan.at(-1.0 / std::f64::consts::PI), 0.5);
        // σ(ln 3) = 3/4, and 3/4·1/4 = 3/16.
        close(SigmoidDerivative.at(3_f64.ln()), 0.1875);
    }

    #[test]
    fn extremes_stay_finite_and_nan_stays() {
        for v in [1e30, 1e20, 1e3, 88.0, 1e-30] {
            every_one_is_a_bump(v);
        }
        fn keeps_nan<P: PseudoDerivative>(p: P) {
            assert!(p.at(f32::NAN).is_nan() && p.at(f64::NAN).is_nan());
        }
        keeps_nan(TanhDerivative);
        keeps_nan(FastSigmoid);
        keeps_nan(Triangle::default());
        keeps_nan(Arctan);
        keeps_nan(SigmoidDerivative);
    }

    #[test]
    fn chosen_late_they_have_the_same_bits() {
        use PseudoDerivativeKind as Kind;
        fn same<P: PseudoDerivative>(kind: Kind, p: P) {
            for i in -500..=500 {
                let v = f64::from(i) * 0.01;
                assert_eq!(kind.at(v).to_bits(), p.at(v).to_bits(), "{kind:?} at {v}");
                assert_eq!(kind.at(v as f32).to_bits(), p.at(v as f32).to_bits(), "{kind:?} at {v}");
            }
            assert!(kind.at(f64::NAN).is_nan());
        }
        same(Kind::Tanh, TanhDerivative);
        same(Kind::FastSigmoid, FastSigmoid);
        same(Kind::Triangle, Triangle::default());
        same(Kind::Arctan, Arctan);
        same(Kind::Sigmoid, SigmoidDerivative);
    }

    #[test]
    fn a_triangle_needs_a_positive_scale() {
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Triangle::with_scale(scale).is_err());
        }
    }

    proptest! {
        #[test]
        fn bumps(v in -20.0..20.0_f64) {
            every_one_is_a_bump(v);
        }
    }
}
