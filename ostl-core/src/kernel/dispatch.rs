//! Runs a piece of work compiled for the widest vectors the processor has.
//!
//! A `Job`'s body is inlined into one function for each instruction set, and the compiler vectorises it there. The body at
//! the baseline is its own plain twin. Results may differ between instruction sets by rounding, never between calls.
#![allow(unsafe_code, reason = "calls into functions compiled for instruction sets found at run time")]

use crate::kernel::processor::{Processor, processor};
use crate::kernel::vector::{self, LANES, Lanes};
use crate::real::Real;

/// What a body may count on in the instruction set it is compiled for.
#[doc(hidden)]
pub trait Instructions {
    /// Fused multiply–adds are one instruction.
    const FUSED: bool;
    /// Vector registers.
    const REGISTERS: usize;
    /// Sixteen `f32`.
    type Single: Lanes<f32>;
    /// Sixteen `f64`.
    type Double: Lanes<f64>;
}

/// Whatever the target's baseline has.
pub(crate) struct Baseline;
#[cfg(target_arch = "x86_64")]
/// 256-bit vectors.
pub(crate) struct Avx2;
#[cfg(target_arch = "x86_64")]
/// 512-bit vectors.
pub(crate) struct Avx512;

impl Instructions for Baseline {
    const FUSED: bool = false;
    const REGISTERS: usize = 16;
    type Single = [f32; LANES];
    type Double = [f64; LANES];
}

#[cfg(target_arch = "x86_64")]
impl Instructions for Avx2 {
    const FUSED: bool = true;
    const REGISTERS: usize = 16;
    type Single = vector::Single256;
    type Double = vector::Double256;
}

#[cfg(target_arch = "x86_64")]
impl Instructions for Avx512 {
    const FUSED: bool = true;
    const REGISTERS: usize = 32;
    type Single = vector::Single512;
    type Double = vector::Double512;
}

/// A piece of work; mark `run` and all that it calls `#[inline(always)]`.
pub(crate) trait Job {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<I: Instructions>(self) -> Self::Output;
}

/// x·y + z, rounded once where that is one instruction. Without it the fused form would be a library call, thirty times slower.
#[inline(always)]
pub(crate) fn multiply_add<T: Real, I: Instructions>(x: T, y: T, z: T) -> T {
    if I::FUSED { x.fused(y, z) } else { x * y + z }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<J: Job>(job: J) -> J::Output {
    job.run::<Avx2>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
fn with_avx512<J: Job>(job: J) -> J::Output {
    job.run::<Avx512>()
}

/// Runs the job with the widest instructions there are.
#[inline]
pub(crate) fn dispatch<J: Job>(job: J) -> J::Output {
    match processor() {
        // SAFETY: the processor was found to have every feature the function was compiled for.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx512 => unsafe { with_avx512(job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx2 => unsafe { with_avx2(job) },
        _ => job.run::<Baseline>(),
    }
}
