//! Generators: tasks that need no data, drawn from a seed.
//!
//! Sequence i of a split is drawn from (seed, split, i) when it is written, so none is held, and is the same on every machine: the draws are
//! whole numbers of a cipher, and what is computed from them takes additions, multiplications, divisions and square roots alone, which
//! IEEE 754 fixes to the last bit (a sine would not be).

pub mod adding;
pub mod copy_memory;
pub mod evidence_accumulation;
mod forecast;
pub mod lorenz;
pub mod mackey_glass;
pub mod pattern_generation;
pub mod reber;
mod settings;
mod sine;
pub mod store_recall;
pub mod temporal_xor;

pub use adding::{Adding, AddingConfig};
pub use copy_memory::{CopyMemory, CopyMemoryConfig, CopyTargets};
pub use evidence_accumulation::{EvidenceAccumulation, EvidenceAccumulationConfig};
pub use lorenz::{Lorenz, LorenzConfig};
pub use mackey_glass::{MackeyGlass, MackeyGlassConfig};
pub use pattern_generation::{PatternGeneration, PatternGenerationConfig, PatternInput};
pub use reber::{Reber, ReberConfig, ReberTargets};
pub use store_recall::{StoreRecall, StoreRecallConfig};
pub use temporal_xor::{TemporalXor, TemporalXorConfig};
