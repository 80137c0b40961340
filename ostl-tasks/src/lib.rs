#![doc = include_str!("../README.md")]

pub mod batching;
pub mod config;
pub mod error;
mod files;
pub mod metric;
pub mod music;
mod random;
pub mod split;
pub mod synthetic;
pub mod task;
pub mod vocabulary;

pub use batching::Batches;
pub use config::{JsbConfig, TaskConfig};
pub use error::{At, DatasetError, Defect, Place, TaskError};
pub use metric::Metric;
pub use music::JsbChorales;
pub use split::{Split, UnknownSplit};
pub use synthetic::{
    Adding, AddingConfig, CopyMemory, CopyMemoryConfig, CopyTargets, EvidenceAccumulation, EvidenceAccumulationConfig,
    Lorenz, LorenzConfig, MackeyGlass, MackeyGlassConfig, PatternGeneration, PatternGenerationConfig, PatternInput, Reber,
    ReberConfig, ReberTargets, StoreRecall, StoreRecallConfig, TemporalXor, TemporalXorConfig,
};
pub use task::{Goal, Task};
pub use vocabulary::{Joint, Vocabulary};
