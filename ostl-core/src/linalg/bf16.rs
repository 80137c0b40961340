//! Traces in sixteen bits: the upper half of an `f32`, eight bits of exponent and eight significant bits ("bfloat16").
//!
//! Half the memory and half the traffic of a pass; every window rounds ε once, by at most 2⁻⁸ of its value. Arithmetic stays in the
//! scalar.

use crate::linalg::dispatch::Instructions;
use crate::linalg::real::Real;
use crate::linalg::stored::Stored;
use crate::linalg::tile::TILE;
use crate::linalg::vector::Lanes;

/// The upper sixteen bits of an `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bf16(u16);

impl Bf16 {
    /// The value of these bits.
    pub(crate) fn of_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits of this value.
    pub(crate) fn to_bits(self) -> u16 {
        self.0
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        // To the nearest, ties to even. What is not a number must not be rounded into one.
        let rounded = bits.wrapping_add(0x7FFF + ((bits >> 16) & 1)) >> 16;
        let quiet = bits >> 16 | 0x40;
        Self(if bits & 0x7FFF_FFFF > 0x7F80_0000 { quiet } else { rounded } as u16)
    }

    #[inline(always)]
    pub(crate) fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    /// The value, in a scalar.
    #[inline(always)]
    pub(crate) fn widen<T: Real>(self) -> T {
        T::from_f64(f64::from(self.to_f32()))
    }

    /// The nearest to a value.
    #[inline(always)]
    fn nearest<T: Real>(value: T) -> Self {
        Self::from_f32(value.to_f64() as f32)
    }
}

/// The values that these stand for.
pub(crate) fn widen<T: Real>(values: &[Bf16], to: &mut [T]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to = value.widen();
    }
}

/// The nearest of sixteen bits to each value.
pub(crate) fn round<T: Real>(values: &[T], to: &mut [Bf16]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to = Bf16::nearest(*value);
    }
}

impl<T: Real> Stored<T> for Bf16 {
    #[inline(always)]
    fn load<I: Instructions>(token: I, from: &[Self; TILE]) -> T::Lanes<I> {
        let mut values = [T::zero(); TILE];
        for i in 0..TILE {
            values[i] = from[i].widen();
        }
        Lanes::load(token, &values)
    }

    #[inline(always)]
    fn store<I: Instructions>(values: T::Lanes<I>, to: &mut [Self; TILE]) {
        let mut found = [T::zero(); TILE];
        values.store(&mut found);
        for i in 0..TILE {
            to[i] = Self::nearest(found[i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bf16;

    #[test]
    fn rounds_to_the_nearest() {
        let there_and_back = |value: f32| Bf16::from_f32(value).to_f32();
        for exact in [0.0, -0.0, 1.0, -1.5, 255.0, 0.007_812_5, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(there_and_back(exact).to_bits(), exact.to_bits());
        }
        // 1 + 2⁻⁸ lies half-way between 1 and 1 + 2⁻⁷, and 1 is even; 1 + 3·2⁻⁸ goes up.
        assert_eq!(there_and_back(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(there_and_back(1.0 + 3.0 / 256.0), 1.0 + 4.0 / 256.0);
        for i in 1..2000 {
            let value = 0.37_f32 * i as f32;
            assert!((there_and_back(value) - value).abs() <= value / 256.0);
        }
        assert!(there_and_back(f32::NAN).is_nan() && there_and_back(f32::from_bits(0x7F80_0001)).is_nan());
        assert_eq!(there_and_back(f32::MAX), f32::INFINITY);
    }
}
