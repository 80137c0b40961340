//! Generators: tasks that need no data, drawn from a seed.

pub mod store_recall;

pub use store_recall::{StoreRecall, StoreRecallConfig};
