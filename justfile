# Shorthands for what CONTRIBUTING.md describes: `just` lists them.

default:
    @just --list

# Train the built-in example.
train *arguments:
    cargo run --release -- train {{arguments}}

# All tests.
test *arguments:
    cargo test --workspace {{arguments}}

# What every change must pass, and needs no data.
check:
    bash .ci/anyone

# All that CI runs; data must lie in ../shared/data.
ci:
    bash .ci/run

# Licences, bans, known faults of dependencies; spelling; dependencies that nothing uses.
audit:
    cargo deny check
    typos
    cargo machete

# The book, as a server that follows changes.
book:
    mdbook serve docs/book

# The documentation of the crates.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --open

# Benchmarks: every kernel, window, carry and reader.
bench *arguments:
    RUSTFLAGS="-C target-cpu=native" cargo bench {{arguments}}
