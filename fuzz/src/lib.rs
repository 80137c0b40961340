//! Every reader of ostl on arbitrary bytes: none may panic, take more memory than a file can need, or hand on what is not finite.
//!
//! With cargo-fuzz each program in `fuzz_targets` is one of its targets. Without it the same program changes the files of `corpus/` itself,
//! drawn from a seed, so that a stable toolchain is enough: see CONTRIBUTING.md at the repository's root.

pub mod harness;
pub mod memory;
mod mutation;
pub mod targets;
