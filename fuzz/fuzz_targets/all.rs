//! Every target in turn, by the harness that needs no other tool.

#[global_allocator]
static MEMORY: ostl_fuzz::memory::Counted = ostl_fuzz::memory::Counted;

fn main() -> std::process::ExitCode {
    ostl_fuzz::harness::main(ostl_fuzz::targets::ALL)
}
