#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ostl_fuzz::targets::checkpoint(bytes));

#[cfg(not(fuzzing))]
#[global_allocator]
static MEMORY: ostl_fuzz::memory::Counted = ostl_fuzz::memory::Counted;

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    ostl_fuzz::harness::main(&[ostl_fuzz::targets::named("checkpoint")])
}
