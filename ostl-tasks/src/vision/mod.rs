//! Pictures as sequences.

mod config;
pub mod idx;
pub mod mnist;
mod rate;

pub use config::{MnistConfig, MnistForm};
pub use idx::Idx;
pub use mnist::Mnist;
