#![doc = include_str!("../README.md")]

pub mod batching;
pub mod config;
pub mod error;
pub mod music;
mod random;
pub mod split;
pub mod synthetic;
pub mod task;

pub use batching::Batches;
pub use config::{JsbConfig, TaskConfig};
pub use error::{DatasetError, Defect, Place, TaskError};
pub use music::JsbChorales;
pub use split::{Split, UnknownSplit};
pub use synthetic::{StoreRecall, StoreRecallConfig};
pub use task::Task;
