#![doc = include_str!("../README.md")]

pub mod batching;
pub mod catalogue;
pub mod config;
pub mod error;
mod files;
pub mod measures;
pub mod metric;
pub mod music;
mod names;
mod random;
pub mod sampling;
pub mod split;
pub mod stretches;
pub mod synthetic;
pub mod task;
pub mod vocabulary;

pub use batching::Batches;
pub use config::{JsbConfig, TaskConfig};
pub use error::{At, DatasetError, Defect, Place, TaskError};
pub use measures::{Confusion, Measures};
pub use metric::Metric;
pub use music::JsbChorales;
pub use sampling::Sampler;
pub use split::{Split, UnknownSplit};
pub use stretches::Stretches;
pub use synthetic::{StoreRecall, StoreRecallConfig};
pub use task::{Goal, Task};
pub use vocabulary::{Joint, Vocabulary};
