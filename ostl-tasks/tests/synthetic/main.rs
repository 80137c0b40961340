//! The generators: their sequences, solvers that are right by construction, chance, and what their settings may be.

mod adding;
mod copy_memory;
mod evidence_accumulation;
mod lorenz;
mod mackey_glass;
mod pattern_generation;
mod reber;
mod store_recall;
mod support;
mod temporal_xor;
