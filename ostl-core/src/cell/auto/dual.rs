//! Numbers that carry their derivatives by everything a unit's step starts from: forward-mode differentiation.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Number;
use crate::linalg::real::Real;

/// A value and its derivatives by the `S` states, the output and the `G` gates of one unit.
#[derive(Clone, Copy, Debug)]
pub struct Dual<T, const S: usize, const G: usize> {
    /// The value.
    pub value: T,
    /// Derivatives by the states.
    pub by_state: [T; S],
    /// Derivative by the previous output.
    pub by_output: T,
    /// Derivatives by the gates.
    pub by_gate: [T; G],
}

impl<T: Real, const S: usize, const G: usize> Dual<T, S, G> {
    /// A constant: all derivatives are zero.
    #[inline(always)]
    pub fn new(value: T) -> Self {
        Self { value, by_state: [T::zero(); S], by_output: T::zero(), by_gate: [T::zero(); G] }
    }

    /// State variable number `index`.
    #[inline(always)]
    pub(super) fn state(value: T, index: usize) -> Self {
        let mut dual = Self::new(value);
        dual.by_state[index] = T::one();
        dual
    }

    /// The previous output.
    #[inline(always)]
    pub(super) fn output(value: T) -> Self {
        Self { by_output: T::one(), ..Self::new(value) }
    }

    /// Gate number `index`.
    #[inline(always)]
    pub(super) fn gate(value: T, index: usize) -> Self {
        let mut dual = Self::new(value);
        dual.by_gate[index] = T::one();
        dual
    }

    /// `value`, whose derivatives are these times `slope`: the chain rule for a function of one number.
    #[inline(always)]
    fn chain(self, value: T, slope: T) -> Self {
        let mut result = self;
        result.value = value;
        for d in &mut result.by_state {
            *d *= slope;
        }
        result.by_output *= slope;
        for d in &mut result.by_gate {
            *d *= slope;
        }
        result
    }

    /// `value`, whose derivatives are these times `slope` and those of `other` times `other_slope`.
    #[inline(always)]
    fn chain_two(self, slope: T, other: Self, other_slope: T, value: T) -> Self {
        let (mut result, other) = (self.chain(value, slope), other.chain(value, other_slope));
        for (d, by) in result.by_state.iter_mut().zip(other.by_state) {
            *d += by;
        }
        result.by_output += other.by_output;
        for (d, by) in result.by_gate.iter_mut().zip(other.by_gate) {
            *d += by;
        }
        result
    }
}

/// By the value alone.
impl<T: Real, const S: usize, const G: usize> PartialEq for Dual<T, S, G> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// By the value alone.
impl<T: Real, const S: usize, const G: usize> PartialOrd for Dual<T, S, G> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Real, const S: usize, const G: usize> Add for Dual<T, S, G> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.chain_two(T::one(), other, T::one(), self.value + other.value)
    }
}

impl<T: Real, const S: usize, const G: usize> Sub for Dual<T, S, G> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.chain_two(T::one(), other, -T::one(), self.value - other.value)
    }
}

impl<T: Real, const S: usize, const G: usize> Mul for Dual<T, S, G> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.chain_two(other.value, other, self.value, self.value * other.value)
    }
}

impl<T: Real, const S: usize, const G: usize> Div for Dual<T, S, G> {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let (value, inverse) = (self.value / other.value, T::one() / other.value);
        self.chain_two(inverse, other, -(value * inverse), value)
    }
}

impl<T: Real, const S: usize, const G: usize> Neg for Dual<T, S, G> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self.chain(-self.value, -T::one())
    }
}

impl<T: Real, const S: usize, const G: usize> Number for Dual<T, S, G> {
    #[inline(always)]
    fn constant(value: f64) -> Self {
        Self::new(T::from_f64(value))
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.chain(value, T::one() - value * value)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let value = self.value.sigmoid();
        self.chain(value, value * (T::one() - value))
    }
    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(self.value.ln(), T::one() / self.value)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        self.chain(value, T::from_f64(0.5) / value)
    }
    #[inline(always)]
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    #[inline(always)]
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    #[inline(always)]
    fn detached(self) -> Self {
        Self::new(self.value)
    }
    #[inline(always)]
    fn stand_in(self, value: Self, slope: Self) -> Self {
        self.chain(value.value, slope.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Two = Dual<f64, 1, 1>;

    /// x = 0.7 as a state and z = 1.3 as a gate through some function: value, ∂/∂x, ∂/∂z.
    fn at(f: impl Fn(Two, Two) -> Two) -> [f64; 3] {
        let found = f(Two::state(0.7, 0), Two::gate(1.3, 0));
        assert_eq!(found.by_output, 0.0);
        [found.value, found.by_state[0], found.by_gate[0]]
    }

    #[track_caller]
    fn close(found: [f64; 3], by_hand: [f64; 3]) {
        let close = found.iter().zip(by_hand).all(|(found, hand)| (found - hand).abs() < 1e-15);
        assert!(close, "{found:?}, by hand {by_hand:?}");
    }

    #[test]
    fn arithmetic_by_hand() {
        close(at(|x, z| x + z), [2.0, 1.0, 1.0]);
        close(at(|x, z| x - z), [-0.6, 1.0, -1.0]);
        close(at(|x, z| x * z), [0.91, 1.3, 0.7]);
        // ∂(x/z)/∂z = −0.7/1.69.
        close(at(|x, z| x / z), [0.7 / 1.3, 1.0 / 1.3, -0.7 / 1.69]);
        // x² + 3z·x: 2x + 3z and 3x.
        close(at(|x, z| x * x + Two::constant(3.0) * z * x), [0.49 + 2.73, 1.4 + 3.9, 2.1]);
        close(at(|x, _| -x), [-0.7, -1.0, 0.0]);
    }

    #[test]
    fn functions_have_the_slope_of_central_differences() {
        type Pair = (fn(Two) -> Two, fn(f64) -> f64);
        let functions: [Pair; 8] = [
            (Number::exp, f64::exp),
            (Number::tanh, f64::tanh),
            (Number::sigmoid, Real::sigmoid),
            (Number::ln, f64::ln),
            (Number::sqrt, f64::sqrt),
            (Number::abs, f64::abs),
            (Number::sin, f64::sin),
            (Number::cos, f64::cos),
        ];
        for (at, (dual, plain)) in functions.into_iter().enumerate() {
            let found = dual(Two::state(0.7, 0));
            let slope = (plain(0.7 + 1e-5) - plain(0.7 - 1e-5)) / 2e-5;
            assert_eq!(found.value, plain(0.7));
            assert!(
                (found.by_state[0] - slope).abs() < 1e-9 && found.by_gate[0] == 0.0,
                "function {at}: {found:?}, {slope}"
            );
        }
        assert_eq!(Number::abs(Two::state(-0.7, 0)).by_state, [-1.0]);
    }

    #[test]
    fn selections_take_the_derivatives_along() {
        let (zero, one) = (Two::constant(0.0), Two::constant(1.0));
        close(at(|x, _| x.at_least(zero)), [0.7, 1.0, 0.0]);
        close(at(|x, _| (-x).at_least(zero)), [0.0, 0.0, 0.0]);
        close(at(|x, z| x.at_most(z * z)), [0.7, 1.0, 0.0]);
        close(at(|x, z| z.at_most(x)), [0.7, 1.0, 0.0]);
        close(at(|x, z| (x * z).detached()), [0.91, 0.0, 0.0]);
        // A spike with the slope ½ at x + z: the value of a step, half the derivatives of x + z.
        close(at(|x, z| (x + z).spike(Two::constant(0.5))), [1.0, 0.5, 0.5]);
        close(at(|x, z| (x - z).spike(one)), [0.0, 1.0, -1.0]);
        assert!(Two::constant(f64::NAN).spike(one).value.is_nan());
    }
}
