//! Data of one's own: arrays of NumPy or JSON Lines, one documented format in two encodings. See "Your own data" in the README.

mod arrays;
mod config;
mod guess;
mod json_lines;
mod json_parts;
mod npy;
mod npz;
mod numbers;
mod part;
mod task;
mod write;
mod write_json;
mod write_npz;

pub use config::OwnConfig;
pub use task::{Encoding, Own, Source};
pub use write::{Format, WriteError, write};
