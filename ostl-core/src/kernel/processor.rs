//! Which vector instructions this processor has, found once at run time.

use std::sync::OnceLock;

/// The widest instruction set that the kernels are compiled for and the processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Processor {
    /// Whatever the target's baseline is; no fused multiply–add.
    Plain,
    /// AVX2 and FMA: 256-bit vectors.
    Avx2,
    /// AVX-512 F, DQ, VL and BW: 512-bit vectors.
    Avx512,
}

/// What this processor has. The environment variable `OSTL_PROCESSOR` (`plain`, `avx2`) can only lower the answer, for tests.
pub(crate) fn processor() -> Processor {
    static FOUND: OnceLock<Processor> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let wanted = match std::env::var("OSTL_PROCESSOR").as_deref() {
            Ok("plain") => Processor::Plain,
            Ok("avx2") => Processor::Avx2,
            _ => Processor::Avx512,
        };
        wanted.min(detect())
    })
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Processor {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw");
    match (avx2, avx512) {
        (true, true) => Processor::Avx512,
        (true, false) => Processor::Avx2,
        _ => Processor::Plain,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Processor {
    Processor::Plain
}
