//! Which vector instructions this processor has, found once at run time, and the tokens that say so.
//!
//! The environment variable `OSTL_PROCESSOR` lowers the answer: `plain`, `avx2`, `avx512`. What the processor lacks is not used, whatever it
//! says, and what it says that is none of these is an error of whoever builds a network or a learner.

use std::ffi::OsStr;
use std::sync::OnceLock;

use crate::refusal::ConfigError;

/// The variable.
const VARIABLE: &str = "OSTL_PROCESSOR";

/// Whatever the target's baseline has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline;

/// 256-bit vectors and fused multiply–adds. There is one only where this file found them.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "never found elsewhere"))]
pub(crate) struct Avx2(());

/// AVX-512 F, DQ, VL and BW: 512-bit vectors. There is one only where this file found them.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "never found elsewhere"))]
pub(crate) struct Avx512(());

/// The widest instruction set that the kernels are compiled for and the processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Processor {
    /// Whatever the target's baseline is; no fused multiply–add.
    Plain,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// How wide it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Plain,
    Avx2,
    Avx512,
}

struct Found {
    processor: Processor,
    /// What the variable says, where that is nothing that is known.
    unknown: Option<String>,
}

fn found() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| {
        let wanted = width(std::env::var_os(VARIABLE).as_deref());
        Found { processor: detect(wanted.as_ref().copied().unwrap_or(Width::Plain)), unknown: wanted.err() }
    })
}

/// What this processor has, and the environment allows.
#[inline]
pub(crate) fn processor() -> Processor {
    found().processor
}

/// Which vector instructions are used: `"plain"`, `"avx2"` or `"avx512"`, the widest that the processor has unless the environment variable
/// `OSTL_PROCESSOR` says one of these that is narrower. Results differ between them in the last bits, and between nothing else.
///
/// # Errors
/// If the variable says something else. Networks and learners refuse to be built then.
pub fn instructions() -> Result<&'static str, ConfigError> {
    match (&found().unknown, processor()) {
        (Some(unknown), _) => Err(ConfigError::out_of_range(VARIABLE, unknown, "`plain`, `avx2`, `avx512`, or not set")),
        (None, Processor::Plain) => Ok("plain"),
        #[cfg(target_arch = "x86_64")]
        (None, Processor::Avx2(_)) => Ok("avx2"),
        #[cfg(target_arch = "x86_64")]
        (None, Processor::Avx512(_)) => Ok("avx512"),
    }
}

/// The width that the variable allows; the text where that is none.
fn width(variable: Option<&OsStr>) -> Result<Width, String> {
    match variable.map(|text| text.to_str().unwrap_or("\u{fffd}")) {
        None | Some("" | "avx512") => Ok(Width::Avx512),
        Some("avx2") => Ok(Width::Avx2),
        Some("plain") => Ok(Width::Plain),
        Some(_) => Err(variable.unwrap_or_default().to_string_lossy().into_owned()),
    }
}

#[cfg(target_arch = "x86_64")]
fn detect(at_most: Width) -> Processor {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw");
    match at_most {
        Width::Avx512 if avx2 && avx512 => Processor::Avx512(Avx512(())),
        Width::Avx512 | Width::Avx2 if avx2 => Processor::Avx2(Avx2(())),
        _ => Processor::Plain,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect(_: Width) -> Processor {
    Processor::Plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_one_of_three_words() {
        for (text, found) in [
            (None, Ok(Width::Avx512)),
            (Some(""), Ok(Width::Avx512)),
            (Some("avx512"), Ok(Width::Avx512)),
            (Some("avx2"), Ok(Width::Avx2)),
            (Some("plain"), Ok(Width::Plain)),
            (Some("AVX2"), Err("AVX2".to_owned())),
            (Some("sse9"), Err("sse9".to_owned())),
        ] {
            assert_eq!(width(text.map(OsStr::new)), found);
        }
    }
}
