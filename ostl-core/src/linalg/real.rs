//! The scalar: `f32` trains, `f64` checks.
//!
//! The `f32` functions are branch-free polynomials, so that a loop over units vectorises; they stay within a few units in the
//! last place of the true value (see the tests). The `f64` functions are the standard library's: `f64` is the scalar of
//! oracles, where accuracy counts and speed does not.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use num_traits::{One, Zero};
use serde::{Serialize, de::DeserializeOwned};

use crate::linalg::product::Product;

/// A real scalar that cells, losses and kernels are generic over: `f32` or `f64`.
pub trait Real:
    nalgebra::Scalar
    + Copy
    + Default
    + Display
    + Debug
    + PartialOrd
    + Send
    + Sync
    + Zero
    + One
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Serialize
    + DeserializeOwned
    + Product
{
    /// The type's name as it stands in checkpoints: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The largest finite value.
    const LARGEST: f64;
    /// The smallest positive value that is held to full precision.
    const SMALLEST_NORMAL: f64;
    /// The distance of 1 from the next larger value.
    const EPSILON: f64;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The same value in double precision.
    fn to_f64(self) -> f64;
    /// eˣ. In `f32` the argument saturates at ±87, so that the result is always finite and positive; NaN stays NaN.
    fn exp(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Logistic function 1/(1 + e⁻ˣ), without overflow at either end.
    fn sigmoid(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Sine. In `f32` it is meant for angles within some thousands of turns.
    fn sin(self) -> Self;
    /// Cosine; see [`sin`](Self::sin).
    fn cos(self) -> Self;
    /// The largest whole number that is not larger.
    fn floor(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Fused multiply–add `self·factor + summand`; only fast where the hardware has it, so only kernels that checked call it.
    fn fused(self, factor: Self, summand: Self) -> Self;

    /// Appends the bytes of values, lowest first.
    fn to_bytes(values: &[Self], bytes: &mut Vec<u8>);
    /// The values that have these bytes, lowest first; what is left over after the last whole value is left out.
    fn of_bytes(bytes: &[u8]) -> Vec<Self>;

    /// `self` where `condition` holds, else `other`; compiles to a select, not to a branch.
    #[inline(always)]
    fn if_or(self, condition: bool, other: Self) -> Self {
        if condition { self } else { other }
    }

    /// The larger of two values; NaN in `self` stays NaN (unlike [`f64::max`]), so that a broken value cannot hide.
    #[inline(always)]
    fn at_least(self, bound: Self) -> Self {
        if self < bound { bound } else { self }
    }

    /// The smaller of two values; NaN in `self` stays NaN.
    #[inline(always)]
    fn at_most(self, bound: Self) -> Self {
        if self > bound { bound } else { self }
    }
}

/// Whether none of these is infinite or NaN.
pub(crate) fn all_finite<T: Real>(values: &[T]) -> bool {
    // Some at a time without a branch: one value after the other would not vectorise.
    values.chunks(64).all(|values| values.iter().fold(true, |finite, value| finite & value.is_finite()))
}

impl Real for f64 {
    const NAME: &'static str = "f64";
    const LARGEST: f64 = f64::MAX;
    const SMALLEST_NORMAL: f64 = f64::MIN_POSITIVE;
    const EPSILON: f64 = f64::EPSILON;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        // e^-|x| never overflows; the two branches agree at 0.
        let e = f64::exp(-f64::abs(self));
        (1.0 / (1.0 + e)).if_or(self >= 0.0, e / (1.0 + e))
    }
    #[inline(always)]
    fn ln(self) -> Self {
        f64::ln(self)
    }
    #[inline(always)]
    fn sin(self) -> Self {
        f64::sin(self)
    }
    #[inline(always)]
    fn cos(self) -> Self {
        f64::cos(self)
    }
    #[inline(always)]
    fn floor(self) -> Self {
        f64::floor(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f64::abs(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
    #[inline(always)]
    fn fused(self, factor: Self, summand: Self) -> Self {
        f64::mul_add(self, factor, summand)
    }
    fn to_bytes(values: &[Self], bytes: &mut Vec<u8>) {
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    fn of_bytes(bytes: &[u8]) -> Vec<Self> {
        bytes.as_chunks().0.iter().map(|&value| f64::from_le_bytes(value)).collect()
    }
}

impl Real for f32 {
    const NAME: &'static str = "f32";
    const LARGEST: f64 = f32::MAX as f64;
    const SMALLEST_NORMAL: f64 = f32::MIN_POSITIVE as f64;
    const EPSILON: f64 = f32::EPSILON as f64;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    /// e^x = 2^k·e^r with k = round(x/ln 2) and |r| ≤ ln 2 / 2. The Taylor series of e^r to r⁷ is wrong by less than
    /// 0.35⁸/8! = 5·10⁻⁹, a tenth of a unit in the last place. k is rounded by adding 1.5·2²³, which leaves it in the low
    /// mantissa bits, from where it moves straight into the exponent field.
    #[inline(always)]
    fn exp(self) -> Self {
        const ROUND: f32 = 12_582_912.0;
        // ln 2 in two parts: the first has trailing zeros, so that k·LN_2_HIGH is exact.
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        let x = self.at_most(87.0).at_least(-87.0);
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let k = shifted - ROUND;
        let r = x - k * LN_2_HIGH - k * LN_2_LOW;
        let series = 1.0 / 5040.0;
        let series = series * r + 1.0 / 720.0;
        let series = series * r + 1.0 / 120.0;
        let series = series * r + 1.0 / 24.0;
        let series = series * r + 1.0 / 6.0;
        let series = series * r + 0.5;
        let series = (series * r + 1.0) * r + 1.0;
        let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32).wrapping_add(127);
        series * f32::from_bits((exponent as u32) << 23)
    }

    /// Near zero the odd Taylor series to x⁹ (next term 10⁻⁸ of the value at ¼), elsewhere (1 − e^{−2|x|})/(1 + e^{−2|x|}).
    #[inline(always)]
    fn tanh(self) -> Self {
        let square = self * self;
        let series = 62.0 / 2835.0;
        let series = series * square - 17.0 / 315.0;
        let series = series * square + 2.0 / 15.0;
        let series = series * square - 1.0 / 3.0;
        let small = self * (1.0 + square * series);
        let magnitude = f32::abs(self);
        let e = Real::exp(-2.0 * magnitude);
        let large = ((1.0 - e) / (1.0 + e)).copysign(self);
        small.if_or(magnitude < 0.25, large)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        1.0 / (1.0 + Real::exp(-self))
    }
    #[inline(always)]
    fn ln(self) -> Self {
        f32::ln(self)
    }
    #[inline(always)]
    fn sin(self) -> Self {
        sine_of_quarters(self, 0)
    }
    #[inline(always)]
    fn cos(self) -> Self {
        sine_of_quarters(self, 1)
    }
    #[inline(always)]
    fn floor(self) -> Self {
        f32::floor(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f32::abs(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
    #[inline(always)]
    fn fused(self, factor: Self, summand: Self) -> Self {
        f32::mul_add(self, factor, summand)
    }
    fn to_bytes(values: &[Self], bytes: &mut Vec<u8>) {
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    fn of_bytes(bytes: &[u8]) -> Vec<Self> {
        bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
    }
}

/// sin(x + quarters·π/2): x = k·π/2 + r with |r| ≤ π/4, and by k + quarters the sine or the cosine of r, with either sign, from their
/// Taylor series (next terms below 10⁻⁸ of the value). k is rounded as in the exponential function.
#[inline(always)]
fn sine_of_quarters(x: f32, quarters: u32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    // π/2 in three parts; the first two have trailing zeros, so that k times them is exact.
    const HALF_PI: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];
    let shifted = x * std::f32::consts::FRAC_2_PI + ROUND;
    let k = shifted - ROUND;
    let r = x - k * HALF_PI[0] - k * HALF_PI[1] - k * HALF_PI[2];
    let square = r * r;
    let sine = 1.0 / 362_880.0;
    let sine = sine * square - 1.0 / 5040.0;
    let sine = sine * square + 1.0 / 120.0;
    let sine = sine * square - 1.0 / 6.0;
    let sine = r + r * square * sine;
    let cosine = -1.0 / 3_628_800.0;
    let cosine = cosine * square + 1.0 / 40_320.0;
    let cosine = cosine * square - 1.0 / 720.0;
    let cosine = cosine * square + 1.0 / 24.0;
    let cosine = 1.0 - square * (0.5 - square * cosine);
    let quadrant = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(quarters);
    let magnitude = cosine.if_or(quadrant & 1 == 1, sine);
    (-magnitude).if_or(quadrant & 2 == 2, magnitude)
}

#[cfg(test)]
mod tests {
    use super::Real;

    /// Distance from the true value in units of the last place of the rounded true value.
    fn ulps(found: f32, truth: f64) -> f64 {
        let rounded = truth as f32;
        let unit = f64::from(f32::from_bits(rounded.abs().to_bits() + 1)) - f64::from(rounded.abs());
        (f64::from(found) - truth).abs() / unit
    }

    fn worst(low: f64, high: f64, fast: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64) -> f64 {
        (0..=200_000)
            .map(|i| (low + (high - low) * f64::from(i) / 200_000.0) as f32)
            .map(|x| ulps(fast(x), truth(f64::from(x))))
            .fold(0.0, f64::max)
    }

    #[test]
    fn single_precision_functions_stay_within_units_in_the_last_place() {
        assert!(worst(-86.9, 86.9, Real::exp, f64::exp) < 2.0);
        assert!(worst(-10.0, 10.0, Real::tanh, f64::tanh) < 4.0);
        assert!(worst(-0.3, 0.3, Real::tanh, f64::tanh) < 4.0);
        assert!(worst(-80.0, 80.0, Real::sigmoid, |x| 1.0 / (1.0 + (-x).exp())) < 4.0);
    }

    #[test]
    fn single_precision_waves_stay_within_a_unit_in_the_last_place_of_one() {
        for i in 0..=400_000 {
            let x = (f64::from(i - 200_000) * 0.005) as f32;
            assert!((f64::from(Real::sin(x)) - f64::from(x).sin()).abs() < 1.2e-7, "{x}");
            assert!((f64::from(Real::cos(x)) - f64::from(x).cos()).abs() < 1.2e-7, "{x}");
        }
        assert_eq!([Real::sin(0.0_f32), Real::cos(0.0_f32)], [0.0, 1.0]);
        assert!(Real::sin(f32::NAN).is_nan() && Real::cos(f32::INFINITY).is_nan());
    }

    #[test]
    fn extremes_saturate_and_nan_stays() {
        assert_eq!(Real::sigmoid(1e30_f32), 1.0);
        assert!(Real::sigmoid(-1e30_f32) < 1e-37 && Real::sigmoid(-1e30_f32) >= 0.0);
        assert_eq!(Real::tanh(f32::INFINITY), 1.0);
        assert_eq!(Real::tanh(f32::NEG_INFINITY), -1.0);
        assert_eq!(Real::tanh(-0.0_f32).to_bits(), (-0.0_f32).to_bits());
        assert!(Real::exp(1e30_f32).is_finite());
        assert_eq!(Real::sigmoid(-1e300_f64), 0.0);
        assert_eq!(Real::sigmoid(1e300_f64), 1.0);
        for f in [Real::exp, Real::tanh, Real::sigmoid] as [fn(f32) -> f32; 3] {
            assert!(f(f32::NAN).is_nan());
        }
        assert!(f64::NAN.at_least(0.0).is_nan() && f64::NAN.at_most(0.0).is_nan());
    }
}
