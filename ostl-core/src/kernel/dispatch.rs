//! Runs a piece of work compiled for the widest vectors the processor has.
//!
//! A [`Job`]'s body is inlined into one function for each instruction set, and the compiler vectorises it there. The body at
//! the baseline is its own plain twin. Results may differ between instruction sets by rounding, never between calls.
#![allow(unsafe_code, reason = "calls into functions compiled for instruction sets found at run time")]

use crate::kernel::processor::{Processor, processor};

/// A piece of work; mark `run` and all that it calls `#[inline(always)]`.
pub(crate) trait Job {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<J: Job>(job: J) -> J::Output {
    job.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
fn with_avx512<J: Job>(job: J) -> J::Output {
    job.run()
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
        _ => job.run(),
    }
}
