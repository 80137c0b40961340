//! Runs a piece of work compiled for the widest vectors the processor has.
//!
//! A `Job`'s body is inlined into one function for each instruction set, and the compiler vectorises it there. The body at
//! the baseline is its own plain twin. Results may differ between instruction sets by rounding, never between calls.
#![allow(unsafe_code, reason = "calls into functions compiled for instruction sets found at run time")]

#[cfg(target_arch = "x86_64")]
use crate::linalg::processor::{Avx2, Avx512};
use crate::linalg::processor::{Baseline, Processor, processor};
use crate::linalg::real::Real;
use crate::linalg::vector::{self, LANES, Lanes};

/// What a body may count on in the instruction set it is compiled for, of which a value is the token that the processor has it.
pub trait Instructions: Copy {
    /// Fused multiply–adds are one instruction.
    const FUSED: bool;
    /// Vector registers.
    const REGISTERS: usize;
    /// Sixteen `f32`.
    type Single: Lanes<f32, Self>;
    /// Sixteen `f64`.
    type Double: Lanes<f64, Self>;
}

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
    fn run<I: Instructions>(self, token: I) -> Self::Output;
}

/// x·y + z, rounded once where that is one instruction. Without it the fused form would be a library call, thirty times slower.
#[inline(always)]
pub(crate) fn multiply_add<T: Real, I: Instructions>(x: T, y: T, z: T) -> T {
    if I::FUSED { x.fused(y, z) } else { x * y + z }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<J: Job>(token: Avx2, job: J) -> J::Output {
    job.run(token)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
fn with_avx512<J: Job>(token: Avx512, job: J) -> J::Output {
    job.run(token)
}

/// Runs the job with the widest instructions there are.
#[inline]
pub(crate) fn dispatch<J: Job>(job: J) -> J::Output {
    match processor() {
        // SAFETY: the token says that the processor has every feature the function was compiled for.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx512(token) => unsafe { with_avx512(token, job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Processor::Avx2(token) => unsafe { with_avx2(token, job) },
        Processor::Plain => job.run(Baseline),
    }
}
