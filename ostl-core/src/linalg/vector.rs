//! Sixteen lanes at once, as the instruction set at hand has them: one 512-bit register of `f32`, or several narrower ones.
//!
//! Loops over arrays usually vectorise by themselves, and cells rely on it. Where several vectors must stay in registers across a
//! loop (a product's tile, a trace's) the compiler is not to be trusted with it, and the kernel says what it means with these.
//! The plain twin is the array `[T; 16]`, which implements the same trait and is what the baseline uses.
#![allow(unsafe_code, reason = "vector intrinsics")]

use crate::linalg::processor::Baseline;
use crate::linalg::real::Real;

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;

/// Sixteen values. There are none without a token of the instruction set `I`, which only a processor that has it gives out
/// ([`processor`](super::processor)): where there is a value the instructions can be executed.
pub trait Lanes<T, I>: Copy {
    /// The same value in every lane.
    fn splat(token: I, value: T) -> Self;
    /// Reads sixteen values.
    fn load(token: I, values: &[T; LANES]) -> Self;
    /// Writes them.
    fn store(self, to: &mut [T; LANES]);
    /// self · factor + summand, rounded once where the processor can.
    fn multiply_add(self, factor: Self, summand: Self) -> Self;
    /// self · factor.
    fn multiply(self, factor: Self) -> Self;
    /// self + other.
    fn add(self, other: Self) -> Self;
    /// √self of values that are not negative; of `f32` in AVX-512 within two units in the last place, which takes a quarter of the time.
    fn root(self) -> Self;
    /// self / divisor, of positive divisors neither huge nor tiny; of `f32` in AVX-512 within two units in the last place.
    fn over(self, divisor: Self) -> Self;
}

impl<T: Real> Lanes<T, Baseline> for [T; LANES] {
    #[inline(always)]
    fn splat(_: Baseline, value: T) -> Self {
        [value; LANES]
    }
    #[inline(always)]
    fn load(_: Baseline, values: &[T; LANES]) -> Self {
        *values
    }
    #[inline(always)]
    fn store(self, to: &mut [T; LANES]) {
        *to = self;
    }
    #[inline(always)]
    fn multiply_add(mut self, factor: Self, summand: Self) -> Self {
        for i in 0..LANES {
            self[i] = self[i] * factor[i] + summand[i];
        }
        self
    }
    #[inline(always)]
    fn multiply(mut self, factor: Self) -> Self {
        for i in 0..LANES {
            self[i] *= factor[i];
        }
        self
    }
    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for i in 0..LANES {
            self[i] += other[i];
        }
        self
    }
    #[inline(always)]
    fn root(self) -> Self {
        self.map(T::sqrt)
    }
    #[inline(always)]
    fn over(mut self, divisor: Self) -> Self {
        for i in 0..LANES {
            self[i] /= divisor[i];
        }
        self
    }
}

/// Prefetches the cache line of a place, which may lie anywhere: nothing is read.
#[inline(always)]
pub(crate) fn prefetch_place<V>(place: *const V) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has this instruction, and it faults at no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Double256, Double512, Single256, Single512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes};
    use crate::linalg::processor::{Avx2, Avx512};

    /// √x from an estimate and a step of Newton's; 0 where x is.
    ///
    /// # Safety
    /// The processor must have AVX-512.
    #[inline(always)]
    unsafe fn root_of_single(x: __m512) -> __m512 {
        // SAFETY: the caller vouches for the instructions.
        unsafe {
            // Of 0 the estimate would be infinite.
            let y = _mm512_rsqrt14_ps(_mm512_max_ps(x, _mm512_set1_ps(f32::MIN_POSITIVE)));
            let root = _mm512_mul_ps(x, y);
            // √x ← √x + y/2 · (x − √x²).
            let rest = _mm512_fnmadd_ps(root, root, x);
            _mm512_fmadd_ps(rest, _mm512_mul_ps(y, _mm512_set1_ps(0.5)), root)
        }
    }

    /// x / y from an estimate of 1/y and a step of Newton's.
    ///
    /// # Safety
    /// The processor must have AVX-512.
    #[inline(always)]
    unsafe fn quotient_of_single(x: __m512, y: __m512) -> __m512 {
        // SAFETY: the caller vouches for the instructions.
        unsafe {
            let estimate = _mm512_rcp14_ps(y);
            let quotient = _mm512_mul_ps(x, estimate);
            // q ← q + 1/y · (x − q y).
            let rest = _mm512_fnmadd_ps(quotient, y, x);
            _mm512_fmadd_ps(rest, estimate, quotient)
        }
    }

    /// `$count` registers of `$width` lanes each.
    macro_rules! lanes {
        (
            $(#[$doc:meta])* $name:ident, $scalar:ty, $token:ty, $register:ty, $count:literal of $width:literal,
            $splat:ident, $load:ident, $store:ident, $fused:ident, $multiply:ident, $add:ident, $root:ident, $over:ident
        ) => {
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub(crate) struct $name([$register; $count]);

            impl Lanes<$scalar, $token> for $name {
                #[inline(always)]
                fn splat(_: $token, value: $scalar) -> Self {
                    // SAFETY: the token says that the processor has these instructions.
                    Self([unsafe { $splat(value) }; $count])
                }
                #[inline(always)]
                fn load(_: $token, values: &[$scalar; LANES]) -> Self {
                    // SAFETY: as above, and every register reads its own part of the sixteen values.
                    unsafe {
                        let mut registers = [$splat(0.0); $count];
                        for (r, register) in registers.iter_mut().enumerate() {
                            *register = $load(values.as_ptr().add(r * $width));
                        }
                        Self(registers)
                    }
                }
                #[inline(always)]
                fn store(self, to: &mut [$scalar; LANES]) {
                    for r in 0..$count {
                        // SAFETY: there is a value, so there was a token; every register writes its own part of the sixteen values.
                        unsafe { $store(to.as_mut_ptr().add(r * $width), self.0[r]) };
                    }
                }
                #[inline(always)]
                fn multiply_add(mut self, factor: Self, summand: Self) -> Self {
                    for r in 0..$count {
                        // SAFETY: as above.
                        self.0[r] = unsafe { $fused(self.0[r], factor.0[r], summand.0[r]) };
                    }
                    self
                }
                #[inline(always)]
                fn multiply(mut self, factor: Self) -> Self {
                    for r in 0..$count {
                        // SAFETY: as above.
                        self.0[r] = unsafe { $multiply(self.0[r], factor.0[r]) };
                    }
                    self
                }
                #[inline(always)]
                fn add(mut self, other: Self) -> Self {
                    for r in 0..$count {
                        // SAFETY: as above.
                        self.0[r] = unsafe { $add(self.0[r], other.0[r]) };
                    }
                    self
                }
                #[inline(always)]
                fn root(mut self) -> Self {
                    for r in 0..$count {
                        // SAFETY: as above.
                        self.0[r] = unsafe { $root(self.0[r]) };
                    }
                    self
                }
                #[inline(always)]
                fn over(mut self, divisor: Self) -> Self {
                    for r in 0..$count {
                        // SAFETY: as above.
                        self.0[r] = unsafe { $over(self.0[r], divisor.0[r]) };
                    }
                    self
                }
            }
        };
    }

    lanes! {
        /// `f32` in AVX-512.
        Single512, f32, Avx512, __m512, 1 of 16,
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_add_ps,
        root_of_single, quotient_of_single
    }
    lanes! {
        /// `f64` in AVX-512.
        Double512, f64, Avx512, __m512d, 2 of 8,
        _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd, _mm512_mul_pd, _mm512_add_pd,
        _mm512_sqrt_pd, _mm512_div_pd
    }
    lanes! {
        /// `f32` in AVX2.
        Single256, f32, Avx2, __m256, 2 of 8,
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_mul_ps, _mm256_add_ps,
        _mm256_sqrt_ps, _mm256_div_ps
    }
    lanes! {
        /// `f64` in AVX2.
        Double256, f64, Avx2, __m256d, 4 of 4,
        _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd, _mm256_mul_pd, _mm256_add_pd,
        _mm256_sqrt_pd, _mm256_div_pd
    }
}

#[cfg(test)]
mod tests {
    use super::{LANES, Lanes};
    use crate::linalg::dispatch::{Instructions, Job, dispatch};
    use crate::linalg::processor::Baseline;
    use crate::linalg::real::Real;

    struct Arithmetic<T>([[T; LANES]; 3]);

    impl<T: Real> Job for Arithmetic<T> {
        type Output = [[T; LANES]; 4];

        #[inline(always)]
        fn run<I: Instructions>(self, token: I) -> Self::Output {
            let [x, y, z] = self.0.map(|values| T::Lanes::<I>::load(token, &values));
            let mut results = [[T::zero(); LANES]; 4];
            x.multiply_add(y, z).store(&mut results[0]);
            x.multiply(y).store(&mut results[1]);
            x.add(y).store(&mut results[2]);
            T::Lanes::<I>::splat(token, self.0[0][3]).store(&mut results[3]);
            results
        }
    }

    fn agrees<T: Real>(tolerance: f64) {
        let values = |seed: usize| std::array::from_fn(|i| T::from_f64(((i * 7 + seed * 13) % 23) as f64 / 7.0 - 1.3));
        let [x, y, z] = [values(1), values(2), values(3)];
        let found = dispatch(Arithmetic([x, y, z]));
        let lanes = |values: &[T; LANES]| <[T; LANES] as Lanes<T, Baseline>>::load(Baseline, values);
        let [x, y, z] = [lanes(&x), lanes(&y), lanes(&z)];
        let plain = Lanes::<T, Baseline>::multiply_add;
        let truth = [plain(x, y, z), Lanes::<T, Baseline>::multiply(x, y), Lanes::<T, Baseline>::add(x, y), [x[3]; LANES]];
        for (found, truth) in found.as_flattened().iter().zip(truth.as_flattened()) {
            assert!((found.to_f64() - truth.to_f64()).abs() <= tolerance * (1.0 + truth.to_f64().abs()));
        }
    }

    struct RootAndQuotient<T>([[T; LANES]; 2]);

    impl<T: Real> Job for RootAndQuotient<T> {
        type Output = [[T; LANES]; 2];

        #[inline(always)]
        fn run<I: Instructions>(self, token: I) -> Self::Output {
            let [x, y] = self.0.map(|values| T::Lanes::<I>::load(token, &values));
            let mut results = [[T::zero(); LANES]; 2];
            x.root().store(&mut results[0]);
            x.over(y).store(&mut results[1]);
            results
        }
    }

    /// From the smallest values to nearly the largest, and of 0.
    fn has_roots_and_quotients<T: Real>(tolerance: f64, exponents: std::ops::Range<i32>) {
        let power = |exponent: i32, i: usize| T::from_f64(10.0_f64.powi(exponent) * (1.0 + i as f64 / 15.7));
        for exponent in exponents {
            let mut x: [T; LANES] = std::array::from_fn(|i| power(exponent, i));
            x[3] = T::zero();
            let y = std::array::from_fn(|i| power(exponent / 3, (i * 7) % 16));
            let [roots, quotients] = dispatch(RootAndQuotient([x, y]));
            for i in 0..LANES {
                let truth = [x[i].to_f64().sqrt(), x[i].to_f64() / y[i].to_f64()];
                for (found, truth) in [roots[i], quotients[i]].into_iter().zip(truth) {
                    assert!((found.to_f64() - truth).abs() <= tolerance * truth, "{found} for {truth} at 1e{exponent}");
                }
            }
        }
    }

    #[test]
    fn roots_and_quotients_are_those_of_scalars() {
        has_roots_and_quotients::<f32>(2.5e-7, -37..37);
        has_roots_and_quotients::<f64>(3e-16, -290..290);
    }

    #[test]
    fn every_width_computes_what_arrays_do() {
        agrees::<f32>(1e-6);
        agrees::<f64>(1e-15);
    }
}
